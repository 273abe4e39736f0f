//! Authenticator apps and recovery codes.

use super::*;

/// What an app shows, by the otpauth address alone.
fn app(otpauth: &str, at_ms: i64) -> String {
    let totp = totp_rs::Totp::from_url(otpauth).unwrap();
    totp.generate(at_ms.unsigned_abs() / 1_000).to_string()
}

impl House {
    fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    async fn check(&self, account: AccountId, code: &str) -> Result<(), SecondFactorError> {
        self.accounts
            .check_second_factor(&self.mail, account, code)
            .await
    }

    /// With a second factor in force: the app's address, and the recovery codes.
    async fn enrolled(&self, account: AccountId) -> (String, Vec<String>) {
        let begun = self
            .accounts
            .begin_second_factor(account, "Pay: Example")
            .await
            .unwrap();
        let code = app(&begun.otpauth, self.now());
        let (codes, _) = self
            .accounts
            .finish_second_factor(&self.mail, account, &code)
            .await
            .unwrap();
        (begun.otpauth, codes)
    }
}

#[tokio::test]
async fn an_app_is_in_force_once_a_first_code_proved_it() {
    let house = house().await;
    let ann = house.ann().await;
    let begun = house
        .accounts
        .begin_second_factor(ann.id, "Pay: Example")
        .await
        .unwrap();
    let again = house
        .accounts
        .begin_second_factor(ann.id, "Pay: Example")
        .await
        .unwrap();
    assert_eq!(begun.otpauth, again.otpauth, "the same until it is proved");
    assert!(
        begun.otpauth.starts_with("otpauth://totp/") && begun.otpauth.contains("Ann%40Example.com"),
        "{}",
        begun.otpauth
    );
    assert_eq!(begun.secret_base32.len(), 32, "160 bits");
    let signed_in = house
        .accounts
        .sign_in(&house.mail, "ann@example.com", secret(GOOD), HOME, None, "")
        .await;
    assert!(!signed_in.unwrap().second_factor, "not in force");
    let early = house.check(ann.id, &app(&begun.otpauth, NOW)).await;
    assert_eq!(early, Err(SecondFactorError::NotBegun));

    let finish = async |code: String| {
        house
            .accounts
            .finish_second_factor(&house.mail, ann.id, &code)
            .await
    };
    assert_eq!(
        finish("000000".to_owned()).await,
        Err(SecondFactorError::Wrong)
    );
    house.session("from before", ann.id).await;
    let (codes, epoch) = finish(app(&begun.otpauth, NOW)).await.unwrap();
    assert!(!house.alive("from before").await, "it never gave a code");
    let now = house.accounts.by_id(ann.id).await.unwrap().unwrap();
    assert_eq!((ann.epoch, now.epoch), (epoch - 1, epoch));
    assert_eq!(codes.len(), 10);
    let view = house.accounts.second_factor(ann.id).await.unwrap();
    assert_eq!(
        view,
        SecondFactorView {
            on: true,
            recovery_left: 10
        }
    );
    assert_eq!(
        finish(app(&begun.otpauth, NOW)).await,
        Err(SecondFactorError::AlreadyOn)
    );
    let begin = house.accounts.begin_second_factor(ann.id, "x").await;
    assert_eq!(begin.err(), Some(SecondFactorError::AlreadyOn));
    let signed_in = house
        .accounts
        .sign_in(&house.mail, "ann@example.com", secret(GOOD), HOME, None, "")
        .await;
    assert!(signed_in.unwrap().second_factor);
    let kept = "SELECT count(*) FROM second_factor, recovery_code WHERE length(code_hash) = 64 AND length(sealed) > 80";
    assert_eq!(house.count(kept).await, 10, "sealed and hashed");

    house
        .accounts
        .end_second_factor(&house.mail, ann.id, Actor::Account(ann.id))
        .await
        .unwrap();
    house
        .accounts
        .end_second_factor(&house.mail, ann.id, Actor::Account(ann.id))
        .await
        .unwrap();
    assert_eq!(
        house.kinds().await,
        ["second_factor_on", "new_device", "second_factor_off"]
    );
    let view = house.accounts.second_factor(ann.id).await.unwrap();
    assert_eq!(
        view,
        SecondFactorView {
            on: false,
            recovery_left: 0
        }
    );
}

#[tokio::test]
async fn a_code_works_once_and_one_step_early_or_late() {
    let house = house().await;
    let ann = house.quick("ann@example.com").await;
    let (url, _) = house.enrolled(ann.id).await;
    assert_eq!(
        house.check(ann.id, &app(&url, house.now())).await,
        Err(SecondFactorError::Wrong),
        "used to enrol"
    );
    let steps = |number: i64| house.now() + number * 30_000;
    house.clock.advance(300_000);
    for (offset, outcome) in [
        (-2, Err(SecondFactorError::Wrong)),
        (2, Err(SecondFactorError::Wrong)),
        (-1, Ok(())),
        (-1, Err(SecondFactorError::Wrong)),
        (1, Ok(())),
        (1, Err(SecondFactorError::Wrong)),
        (0, Err(SecondFactorError::Wrong)),
    ] {
        assert_eq!(
            house.check(ann.id, &app(&url, steps(offset))).await,
            outcome,
            "{offset}"
        );
    }
    house.clock.advance(60_000);
    let spaced = app(&url, house.now());
    let spaced = format!(" {} {} ", &spaced[..3], &spaced[3..]);
    assert_eq!(
        house.check(ann.id, &spaced).await,
        Ok(()),
        "as apps show it"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_same_code_at_the_same_moment_one_wins() {
    let house = house().await;
    let ann = house.quick("ann@example.com").await;
    let (url, _) = house.enrolled(ann.id).await;
    house.clock.advance(60_000);
    let code = app(&url, house.now());
    let tries = (0..4).map(|_| {
        let (accounts, mail, code) = (house.accounts.clone(), house.mail.clone(), code.clone());
        tokio::spawn(async move { accounts.check_second_factor(&mail, ann.id, &code).await })
    });
    let tried = futures::future::join_all(tries).await;
    assert_eq!(
        tried
            .into_iter()
            .filter(|one| *one.as_ref().unwrap() == Ok(()))
            .count(),
        1
    );
}

#[tokio::test]
async fn recovery_codes_work_once_each_and_only_for_their_account() {
    let house = house().await;
    let (ann, bob) = (
        house.quick("ann@example.com").await,
        house.quick("bob@example.com").await,
    );
    let (_, anns) = house.enrolled(ann.id).await;
    let (_, bobs) = house.enrolled(bob.id).await;
    assert_eq!(
        house.check(ann.id, &bobs[0]).await,
        Err(SecondFactorError::Wrong)
    );
    assert_eq!(
        house
            .check(ann.id, &anns[0].to_uppercase().replace('-', " "))
            .await,
        Ok(())
    );
    assert_eq!(house.kinds().await.last().unwrap(), "recovery_code_used");
    assert_eq!(
        house.check(ann.id, &anns[0]).await,
        Err(SecondFactorError::Wrong)
    );
    assert_eq!(
        house
            .accounts
            .second_factor(ann.id)
            .await
            .unwrap()
            .recovery_left,
        9
    );
    let fresh = house.accounts.new_recovery_codes(&house.mail, ann.id);
    let fresh = fresh.await.unwrap();
    assert_eq!(
        house.kinds().await.last().unwrap(),
        "recovery_codes_renewed"
    );
    assert_eq!(
        house.check(ann.id, &anns[1]).await,
        Err(SecondFactorError::Wrong)
    );
    assert_eq!(house.check(ann.id, &fresh[1]).await, Ok(()));
    house
        .accounts
        .end_second_factor(&house.mail, bob.id, Actor::Operator)
        .await
        .unwrap();
    assert_eq!(
        house.accounts.new_recovery_codes(&house.mail, bob.id).await,
        Err(SecondFactorError::NotBegun)
    );
}

#[tokio::test]
async fn the_sixth_wrong_code_has_to_wait() {
    let house = house().await;
    let ann = house.quick("ann@example.com").await;
    let (url, codes) = house.enrolled(ann.id).await;
    house.clock.advance(60_000);
    for _ in 0..5 {
        assert_eq!(
            house.check(ann.id, "000000").await,
            Err(SecondFactorError::Wrong)
        );
    }
    let told = Err(SecondFactorError::TooMany {
        retry_after: Duration::from_secs(2),
    });
    assert_eq!(house.check(ann.id, &app(&url, house.now())).await, told);
    assert_eq!(house.check(ann.id, &codes[0]).await, told);
    house.clock.advance(2_000);
    assert_eq!(house.check(ann.id, &app(&url, house.now())).await, Ok(()));
    let stolen = "UPDATE second_factor SET account_id = account_id || 'x'";
    assert!(
        crate::db::exec(house.db.write(), stolen, []).await.is_err(),
        "a row belongs to an account"
    );
}

#[tokio::test]
async fn a_secret_opens_for_its_own_account_alone() {
    let house = house().await;
    let (ann, bob) = (
        house.quick("ann@example.com").await,
        house.quick("bob@example.com").await,
    );
    let (url, _) = house.enrolled(ann.id).await;
    house.enrolled(bob.id).await;
    let swap = format!(
        "UPDATE second_factor SET sealed = (SELECT sealed FROM second_factor WHERE account_id = '{}') WHERE account_id = '{}'",
        ann.id, bob.id
    );
    house.run(&swap).await;
    house.clock.advance(60_000);
    let code = app(&url, house.now());
    assert_eq!(
        house.check(bob.id, &code).await,
        Err(SecondFactorError::Unavailable)
    );
    assert_eq!(house.check(ann.id, &code).await, Ok(()));
}

#[tokio::test]
async fn a_factor_that_a_stranger_set_up_leaves_with_the_reset_that_proves_the_address() {
    let house = house().await;
    let ann = house.quick("ann@example.com").await;
    house.enrolled(ann.id).await;
    house.run("UPDATE account SET verified_at = NULL").await;
    let token = house.reset_link().await;
    house.reset(&token, BETTER).await.unwrap();
    let view = house.accounts.second_factor(ann.id).await.unwrap();
    assert_eq!((view.on, view.recovery_left), (false, 0));
    // One that its owner set up stays.
    house.clock.advance(MINUTE);
    house.enrolled(ann.id).await;
    let token = house.reset_link().await;
    house.reset(&token, GOOD).await.unwrap();
    assert!(house.accounts.second_factor(ann.id).await.unwrap().on);
}

#[tokio::test]
async fn a_secret_that_somebody_saw_before_the_password_changed_is_none() {
    let house = house().await;
    let ann = house.quick("ann@example.com").await;
    let begin = async || {
        house
            .accounts
            .begin_second_factor(ann.id, "x")
            .await
            .unwrap()
    };
    let seen = begin().await.secret_base32;
    assert_eq!(begin().await.secret_base32, seen, "until it is proved");
    let token = house.reset_link().await;
    house.reset(&token, BETTER).await.unwrap();
    assert_ne!(begin().await.secret_base32, seen);
}
