#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use sea_orm::EntityTrait;

use super::password::{DUMMY, current, weak_hash_for_tests};
use super::*;
use crate::sessions::{Owner, Sessions};
use crate::testing::{self, TestDb};

const NOW: i64 = 1_790_000_000_000;
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));
const GOOD: &str = "correct horse battery staple ";

struct House {
    accounts: Accounts,
    clock: Clock,
    db: TestDb,
}

async fn house() -> House {
    let db = testing::db().await;
    let clock = Clock::fixed(NOW);
    House {
        accounts: Accounts::new(db.db.clone(), clock.clone(), KeyRing::for_tests()),
        clock,
        db,
    }
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn mail(db: &Db, clock: &Clock) -> crate::mail::Mail {
    crate::mail::Mail::new(
        db.clone(),
        clock.clone(),
        KeyRing::for_tests(),
        texts::Texts::embedded(),
        crate::mail::MailConfig::default(),
    )
}

impl House {
    async fn ann(&self) -> AccountView {
        self.accounts
            .create(&email("Ann@Example.com"), Some(secret(GOOD)), false)
            .await
            .unwrap()
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<AccountView, SignInError> {
        self.sign_in_from(email, password, HOME).await
    }

    async fn sign_in_from(
        &self,
        email: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<AccountView, SignInError> {
        let mail = mail(&self.db, &self.clock);
        self.accounts
            .sign_in(&mail, email, secret(password), from, None, "")
            .await
            .map(|signed_in| signed_in.account)
    }

    async fn stored_hash(&self, account: AccountId) -> Option<String> {
        table::account::Entity::find_by_id(account.to_string())
            .one(self.db.read())
            .await
            .unwrap()
            .unwrap()
            .password_hash
    }

    async fn count(&self, sql: &str) -> i64 {
        crate::db::one(self.db.read(), sql, [])
            .await
            .unwrap()
            .unwrap()
            .try_get_by_index(0)
            .unwrap()
    }
}

#[tokio::test]
async fn an_account_comes_with_a_workspace_and_a_wallet() {
    let house = house().await;
    assert!(!house.accounts.any().await.unwrap());
    let ann = house.ann().await;
    assert!(house.accounts.any().await.unwrap());
    assert_eq!(ann.email, "Ann@Example.com", "shown as typed");
    assert_eq!(
        house
            .accounts
            .by_email(&email(" ann@example.COM "))
            .await
            .unwrap(),
        Some(ann.clone())
    );
    assert_eq!(
        house.accounts.by_id(ann.id).await.unwrap(),
        Some(ann.clone())
    );
    assert_eq!(house.accounts.by_id(AccountId::new()).await.unwrap(), None);
    let wallets = format!(
        "SELECT count(*) FROM book WHERE kind = 'wallet' AND workspace_id = '{}'",
        ann.workspace
    );
    assert_eq!(house.count(&wallets).await, 1);
}

#[tokio::test]
async fn a_taken_email_leaves_nothing_behind() {
    let house = house().await;
    house.ann().await;
    let again = house
        .accounts
        .create(&email("ANN@example.com"), None, true)
        .await;
    assert_eq!(again, Err(AccountError::EmailTaken));
    assert_eq!(house.count("SELECT count(*) FROM workspace").await, 1);
    assert_eq!(
        house
            .count("SELECT count(*) FROM book WHERE kind = 'wallet'")
            .await,
        1
    );
}

#[tokio::test]
async fn the_database_holds_an_argon2id_string_of_the_settled_strength() {
    let house = house().await;
    let ann = house.ann().await;
    let stored = house.stored_hash(ann.id).await.unwrap();
    assert!(
        stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{stored}"
    );
    assert!(!stored.contains("horse"));
}

#[tokio::test]
async fn the_right_password_signs_in_verbatim() {
    let house = house().await;
    let ann = house.ann().await;
    assert_eq!(house.sign_in(" aNN@example.com", GOOD).await, Ok(ann));
    assert_eq!(
        house.sign_in("ann@example.com", GOOD.trim()).await,
        Err(SignInError::Wrong),
        "the trailing space counts"
    );
}

#[tokio::test]
async fn wrong_password_unknown_email_and_no_password_are_one_answer() {
    let house = house().await;
    house.ann().await;
    house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let long = "x".repeat(5_000);
    for (email, password) in [
        ("ann@example.com", "wrong password"),
        ("nobody@example.com", GOOD),
        (Email::PLACEHOLDER, ""),
        ("not an address\0", GOOD),
        ("ann@example.com", &long),
    ] {
        assert_eq!(
            house.sign_in(email, password).await,
            Err(SignInError::Wrong),
            "{email}"
        );
    }
}

#[test]
fn the_dummy_hash_costs_what_a_real_one_costs() {
    assert!(current(&argon2::PasswordHash::new(DUMMY).unwrap()));
    assert!(!current(
        &argon2::PasswordHash::new(&weak_hash_for_tests("x")).unwrap()
    ));
}

#[tokio::test]
async fn an_outdated_hash_is_renewed_by_signing_in() {
    let house = house().await;
    let ann = house.ann().await;
    let weak = weak_hash_for_tests(GOOD);
    crate::db::exec(
        house.db.write(),
        "UPDATE account SET password_hash = $1",
        [weak.into()],
    )
    .await
    .unwrap();
    assert_eq!(
        house.sign_in("ann@example.com", "wrong password").await,
        Err(SignInError::Wrong)
    );
    assert!(
        house.stored_hash(ann.id).await.unwrap().contains("m=8,"),
        "a wrong password renews nothing"
    );
    house.sign_in("ann@example.com", GOOD).await.unwrap();
    assert!(
        house
            .stored_hash(ann.id)
            .await
            .unwrap()
            .contains("m=19456,")
    );
    house.sign_in("ann@example.com", GOOD).await.unwrap();
}

#[tokio::test]
async fn the_sixth_failure_in_a_row_has_to_wait_and_each_one_longer() {
    let house = house().await;
    house.ann().await;
    for _ in 0..5 {
        assert_eq!(
            house.sign_in("ann@example.com", "wrong password").await,
            Err(SignInError::Wrong)
        );
    }
    for seconds in [2, 4] {
        let told = Err(SignInError::TooMany {
            retry_after: Duration::from_secs(seconds),
        });
        assert_eq!(
            house.sign_in("Ann@example.com", GOOD).await,
            told,
            "even the right password, however spelled"
        );
        house
            .clock
            .advance(i64::try_from(seconds).unwrap() * 1_000 - 1);
        assert_eq!(
            house.sign_in("ann@example.com", GOOD).await,
            Err(SignInError::TooMany {
                retry_after: Duration::from_secs(1)
            }),
            "never less than a second"
        );
        house.clock.advance(1);
        assert_eq!(
            house.sign_in("ann@example.com", "wrong password").await,
            Err(SignInError::Wrong)
        );
    }
    assert_eq!(
        house.sign_in("bob@example.com", "wrong password").await,
        Err(SignInError::Wrong),
        "others do not wait"
    );
}

#[tokio::test]
async fn a_success_wipes_the_slate() {
    let house = house().await;
    let ann = house.ann().await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(
                house.sign_in("ann@example.com", "wrong password").await,
                Err(SignInError::Wrong)
            );
        }
        assert_eq!(
            house.sign_in("ann@example.com", GOOD).await,
            Ok(ann.clone())
        );
    }
    assert_eq!(house.count("SELECT count(*) FROM sign_in_delay").await, 0);
}

#[tokio::test]
async fn delays_survive_a_restart_end_within_a_quarter_of_an_hour_and_are_forgotten_in_a_day() {
    let house = house().await;
    let mail = mail(&house.db, &house.clock);
    let subject = delay::subject(&KeyRing::for_tests(), "ann@example.com");
    let mut now = NOW;
    for _ in 0..40 {
        if let Err(wait) = delay::count(&house.db, &subject, now).await.unwrap() {
            assert!(wait <= Duration::from_secs(15 * 60));
            now += i64::try_from(wait.as_millis()).unwrap();
        }
    }
    let wait = delay::count(&house.db, &subject, now).await.unwrap();
    assert!(wait.is_ok() || wait == Err(Duration::from_secs(15 * 60)));
    assert!(
        !format!(
            "{:?}",
            table::sign_in_delay::Entity::find()
                .all(house.db.read())
                .await
                .unwrap()
        )
        .contains("ann")
    );
    house.clock.advance(now - NOW);
    let fresh = Accounts::new(
        house.db.db.clone(),
        house.clock.clone(),
        KeyRing::for_tests(),
    );
    let refused = fresh
        .sign_in(
            &mail,
            "ann@example.com",
            secret("wrong password"),
            HOME,
            None,
            "",
        )
        .await;
    assert!(
        matches!(refused, Err(SignInError::TooMany { .. })),
        "{refused:?}"
    );
    house.clock.advance(25 * 60 * 60 * 1_000);
    assert_eq!(
        fresh
            .sign_in(
                &mail,
                "ann@example.com",
                secret("wrong password"),
                HOME,
                None,
                ""
            )
            .await,
        Err(SignInError::Wrong)
    );
    assert_eq!(house.count("SELECT failures FROM sign_in_delay").await, 1);
}

#[test]
fn delays_double_from_two_seconds_to_a_quarter_of_an_hour() {
    let seconds = |failures| delay::delay_ms(failures).map(|ms| ms / 1_000);
    assert_eq!(
        [1, 4, 5, 6, 7, 13, 14, 70, i64::MAX].map(seconds),
        [
            None,
            None,
            Some(2),
            Some(4),
            Some(8),
            Some(512),
            Some(900),
            Some(900),
            None
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_the_same_moment_do_not_slip_through() {
    let house = house().await;
    let mail = mail(&house.db, &house.clock);
    house.ann().await;
    let tries = (0..30).map(|host| {
        let (accounts, mail) = (house.accounts.clone(), mail.clone());
        tokio::spawn(async move {
            accounts
                .sign_in(
                    &mail,
                    "ann@example.com",
                    secret("wrong password"),
                    IpAddr::from([198, 51, host, 1]),
                    None,
                    "",
                )
                .await
        })
    });
    let mut checked = 0;
    for tried in futures::future::join_all(tries).await {
        match tried.unwrap() {
            Err(SignInError::Wrong) => checked += 1,
            other => assert!(
                matches!(other, Err(SignInError::TooMany { .. })),
                "{other:?}"
            ),
        }
    }
    assert_eq!(checked, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_sign_ins_is_turned_away_instead_of_queued() {
    let house = house().await;
    let mail = mail(&house.db, &house.clock);
    let room = std::thread::available_parallelism().unwrap().get() + 64;
    let tries = (0..room + 100).map(|guest| {
        let (accounts, mail) = (house.accounts.clone(), mail.clone());
        let [network, subnet] = u16::try_from(guest).unwrap().to_be_bytes();
        let from = IpAddr::from([198, network, subnet, 1]);
        tokio::spawn(async move {
            accounts
                .sign_in(
                    &mail,
                    &format!("guest{guest}@example.com"),
                    secret("wrong password"),
                    from,
                    None,
                    "",
                )
                .await
        })
    });
    let outcomes: Vec<_> = futures::future::join_all(tries)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let busy = outcomes
        .iter()
        .filter(|outcome| **outcome == Err(SignInError::Busy))
        .count();
    let wrong = outcomes
        .iter()
        .filter(|outcome| **outcome == Err(SignInError::Wrong))
        .count();
    assert_eq!(busy + wrong, room + 100);
    assert!(busy > 0 && wrong >= room, "{busy} busy, {wrong} checked");
    assert_eq!(
        house.count("SELECT count(*) FROM sign_in_delay").await,
        i64::try_from(wrong).unwrap(),
        "busy is no failure"
    );
}

#[tokio::test]
async fn one_network_that_guesses_at_many_accounts_is_slowed_down() {
    let house = house().await;
    let mail = mail(&house.db, &house.clock);
    let ann = house.ann().await;
    for guest in 0..30 {
        assert_eq!(
            house
                .sign_in(&format!("guest{guest}@example.com"), "Summer2026")
                .await,
            Err(SignInError::Wrong)
        );
    }
    let told = Err(SignInError::TooMany {
        retry_after: Duration::from_secs(2),
    });
    assert_eq!(house.sign_in("ann@example.com", GOOD).await, told);
    let elsewhere = house
        .accounts
        .sign_in(
            &mail,
            "ann@example.com",
            secret(GOOD),
            IpAddr::from([192, 0, 2, 1]),
            None,
            "",
        )
        .await;
    assert_eq!(
        elsewhere.map(|signed_in| signed_in.account),
        Ok(ann),
        "others are not slowed down"
    );
}

#[tokio::test]
async fn bad_passwords_are_refused_when_set() {
    let house = house().await;
    let set = async |password: &str| {
        house
            .accounts
            .create(
                &email("Marguerite@example.com"),
                Some(secret(password)),
                false,
            )
            .await
    };
    let refused = |error| Err(AccountError::Password(error));
    assert_eq!(set("seven77").await, refused(PasswordError::TooShort));
    assert_eq!(
        set("ключ🗝️").await,
        refused(PasswordError::TooShort),
        "characters are counted, not bytes"
    );
    assert_eq!(set(&"é".repeat(513)).await, refused(PasswordError::TooLong));
    assert_eq!(set("Password1!").await, refused(PasswordError::Common));
    assert_eq!(set("zzzzzzzzzzzz").await, refused(PasswordError::Common));
    assert_eq!(
        set("marguerite@EXAMPLE.com").await,
        refused(PasswordError::IsEmail)
    );
    assert_eq!(set("marguerite").await, refused(PasswordError::IsEmail));
    assert_eq!(
        set(&"пароль 🗝️ ".repeat(40))
            .await
            .map(|account| account.admin),
        Ok(false),
        "long, of any script"
    );
}

#[test]
fn the_list_of_common_passwords_is_usable() {
    assert!(common::COMMON.len() >= 200);
    for word in common::COMMON {
        assert!(
            word.chars().count() >= SHORTEST_PASSWORD && *word == word.to_lowercase(),
            "{word}"
        );
    }
    assert_eq!(
        common::COMMON.iter().collect::<BTreeSet<_>>().len(),
        common::COMMON.len()
    );
}

#[test]
fn addresses_are_told_from_other_text() {
    for good in [
        "a@b",
        "Ann.O'Neil+tag@пример.рф",
        " owner@localhost ",
        &format!("{}@b.example", "a".repeat(244)),
    ] {
        assert!(Email::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "@",
        "a@",
        "@b",
        "a b@c",
        "a@b@c",
        "a@b\nc",
        "a\u{200b}@b",
        "a\0@b",
        "ann",
        &format!("{}@b.example", "a".repeat(245)),
    ] {
        assert!(Email::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(email("a@b\n").as_str(), "a@b", "trimmed");
    assert_eq!(email("ÄNN@Example.COM").key(), "änn@example.com");
    assert_eq!(format!("{:?}", email("ann@example.com")), "Email(***)");
}

#[tokio::test]
async fn a_setup_link_hands_the_account_over_once() {
    let house = house().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    assert_eq!(
        house.accounts.unclaimed_admin().await.unwrap(),
        Some(seeded.clone())
    );
    let token = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    assert!(house.accounts.claim_open(&token).await.unwrap());
    assert!(
        house.accounts.claim_open(&token).await.unwrap(),
        "looking does not use it up"
    );
    assert!(!house.accounts.claim_open("guess").await.unwrap());

    let claimed = house
        .accounts
        .claim(&token, &email("Boss@example.com"), secret(GOOD))
        .await
        .unwrap();
    assert_eq!(
        claimed,
        AccountView {
            email: "Boss@example.com".into(),
            ..seeded
        }
    );
    assert_eq!(house.sign_in("boss@example.com", GOOD).await, Ok(claimed));
    assert_eq!(
        house.sign_in(Email::PLACEHOLDER, GOOD).await,
        Err(SignInError::Wrong)
    );
    assert_eq!(house.accounts.unclaimed_admin().await.unwrap(), None);
    assert!(!house.accounts.claim_open(&token).await.unwrap());
    let again = house
        .accounts
        .claim(&token, &email("thief@example.com"), secret(GOOD))
        .await;
    assert_eq!(again, Err(ClaimError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_claims_at_once_one_wins() {
    let house = house().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let token = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    let claims = (0..20).map(|number| {
        let (accounts, token) = (house.accounts.clone(), token.clone());
        tokio::spawn(async move {
            accounts
                .claim(
                    &token,
                    &email(&format!("boss{number}@example.com")),
                    secret(GOOD),
                )
                .await
        })
    });
    let outcomes: Vec<_> = futures::future::join_all(claims)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let winners: Vec<_> = outcomes.iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Err(ClaimError::Closed))
            .count(),
        19
    );
    assert_eq!(
        house.accounts.by_id(seeded.id).await.unwrap().as_ref(),
        Some(winners[0])
    );
}

#[tokio::test]
async fn a_claim_that_fails_for_another_reason_can_be_tried_again() {
    let house = house().await;
    house.ann().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let token = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    let claim = async |address: &str, password: &str| {
        house
            .accounts
            .claim(&token, &email(address), secret(password))
            .await
    };
    assert_eq!(
        claim("ann@example.com", GOOD).await,
        Err(ClaimError::EmailTaken)
    );
    assert_eq!(
        claim("boss@example.com", "12345678").await,
        Err(ClaimError::Password(PasswordError::Common))
    );
    assert!(claim("boss@example.com", GOOD).await.is_ok());
}

#[tokio::test]
async fn a_link_ends_after_a_day_and_when_a_newer_one_is_made() {
    let house = house().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let old = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    let new = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    assert!(!house.accounts.claim_open(&old).await.unwrap());
    assert_eq!(
        house
            .accounts
            .claim(&old, &email("boss@example.com"), secret(GOOD))
            .await,
        Err(ClaimError::Closed)
    );
    house.clock.advance(SETUP_LIFETIME_MS - 1);
    assert!(house.accounts.claim_open(&new).await.unwrap());
    house.clock.advance(1);
    assert!(!house.accounts.claim_open(&new).await.unwrap());
    assert_eq!(
        house
            .accounts
            .claim(&new, &email("boss@example.com"), secret(GOOD))
            .await,
        Err(ClaimError::Closed)
    );
    assert_eq!(
        house.accounts.setup_link(AccountId::new()).await.err(),
        Some(AccountError::NotFound)
    );
}

#[tokio::test]
async fn a_token_is_neither_stored_nor_printed() {
    let house = house().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let token = house.accounts.setup_link(seeded.id).await.unwrap();
    assert_eq!(format!("{token:?}"), "SetupToken(***)");
    let row = table::setup_token::Entity::find()
        .one(house.db.read())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.token_hash.len(), 64);
    assert!(!row.token_hash.contains(&token.to_string()));
}

#[tokio::test]
async fn a_claim_ends_the_sessions_of_whoever_was_signed_in() {
    let house = house().await;
    let ann = house.ann().await;
    let sessions = Sessions::new(house.db.db.clone(), house.clock.clone());
    sessions
        .create(
            "cookie",
            Some(Owner {
                account: ann.id,
                admin: false,
            }),
            "{}",
            &crate::sessions::Seen::default(),
        )
        .await
        .unwrap();
    let token = house.accounts.setup_link(ann.id).await.unwrap().to_string();
    house
        .accounts
        .claim(
            &token,
            &email("ann@example.com"),
            secret("a wholly new password"),
        )
        .await
        .unwrap();
    assert_eq!(sessions.load("cookie").await.unwrap(), None);
}
