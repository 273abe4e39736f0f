//! Sign-up: one answer for every address, and what the mail says.

use super::*;

fn form(address: &str, host: u8) -> SignUp {
    SignUp {
        name: " Ann Oneill ".to_owned(),
        email: address.to_owned(),
        password: secret(GOOD),
        terms: true,
        agreements: Vec::new(),
        consent: true,
        locale: Locale::EN,
        from: IpAddr::from([203, 0, host, 7]),
    }
}

impl House {
    async fn sign_up(&self, form: SignUp) -> Result<(), SignUpError> {
        self.accounts.sign_up(&self.mail, form).await
    }

    async fn named(&self, address: &str) -> AccountView {
        let found = self.accounts.by_email(&email(address)).await.unwrap();
        found.unwrap()
    }
}

#[tokio::test]
async fn a_new_address_and_a_known_one_get_the_same_answer_and_another_mail() {
    let house = house().await;
    assert_eq!(house.sign_up(form("Ann@example.com", 1)).await, Ok(()));
    let ann = house.named("ann@example.com").await;
    assert_eq!(
        (ann.name.as_str(), ann.verified, ann.admin),
        ("Ann Oneill", false, false)
    );
    assert_eq!(ann.chosen.locale.as_deref(), Some("en"));
    let agreed = "SELECT count(*) FROM account WHERE terms_at = 1790000000000 AND consent_at = 1790000000000";
    assert_eq!(house.count(agreed).await, 1);

    let mut again = form("ANN@example.com", 1);
    again.password = secret(BETTER);
    again.name = "Mallory".to_owned();
    assert_eq!(house.sign_up(again).await, Ok(()));
    assert_eq!(house.named("ann@example.com").await, ann, "nothing changed");
    assert_eq!(house.count("SELECT count(*) FROM workspace").await, 1);
    let to = "Ann@example.com".to_owned();
    assert_eq!(
        house.mails().await,
        [
            ("verify".to_owned(), to.clone()),
            ("already_known".to_owned(), to)
        ]
    );
    assert!(house.letter().await.contains("https://pay.example/recover"));

    // Before the address is proved the password opens nothing: it would tell who has an account.
    let early = house.sign_in("ann@example.com", GOOD).await;
    assert_eq!(early, Err(SignInError::Wrong));
    let token = house.token("/verify").await;
    assert_eq!(house.accounts.verify(&token).await, Ok(ann.id));
    assert!(house.named("ann@example.com").await.verified);
    assert!(house.sign_in("ann@example.com", GOOD).await.is_ok());
    assert_eq!(
        house.accounts.verify(&token).await,
        Err(LinkError::Closed),
        "once"
    );
}

#[tokio::test]
async fn each_part_of_the_form_is_checked() {
    let house = house().await;
    type Breaks = fn(&mut SignUp);
    let broken: [(&str, Breaks, SignUpError); 8] = [
        (
            "no name",
            |form| form.name = "  ".to_owned(),
            SignUpError::Name,
        ),
        (
            "a name that turns the text",
            |form| form.name = "Ann\u{202e}".to_owned(),
            SignUpError::Name,
        ),
        (
            "a long name",
            |form| form.name = "é".repeat(101),
            SignUpError::Name,
        ),
        (
            "no address",
            |form| form.email = "ann".to_owned(),
            SignUpError::Email(EmailError),
        ),
        (
            "short",
            |form| form.password = secret("short"),
            SignUpError::Password(PasswordError::TooShort),
        ),
        (
            "her own name",
            |form| form.password = secret("annoneill"),
            SignUpError::Password(PasswordError::Weak),
        ),
        ("terms", |form| form.terms = false, SignUpError::Terms),
        ("consent", |form| form.consent = false, SignUpError::Consent),
    ];
    for (what, spoil, told) in broken {
        let mut form = form("ann@example.com", 1);
        spoil(&mut form);
        assert_eq!(house.sign_up(form).await, Err(told), "{what}");
    }
    assert_eq!(house.count("SELECT count(*) FROM account").await, 0);
    assert_eq!(house.kinds().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_address_gets_three_mails_and_then_waits() {
    let house = house().await;
    let ann = house.ann().await;
    for host in 1..=3 {
        let from = IpAddr::from([192, 0, host, 1]);
        let asked = house
            .accounts
            .ask_reset(&house.mail, "ann@example.com", from);
        assert_eq!(asked.await, Ok(()));
    }
    let told = Err(SignUpError::TooMany {
        retry_after: Duration::from_secs(300),
    });
    assert_eq!(house.sign_up(form("Ann@example.com", 9)).await, told);
    let stranger = house
        .accounts
        .ask_reset(&house.mail, "bob@example.com", HOME);
    assert_eq!(stranger.await, Ok(()), "others do not wait");
    assert_eq!(house.kinds().await, ["reset"; 3], "and nobody has no mail");
    assert!(ann.verified, "made by the operator");
    assert_eq!(
        house
            .accounts
            .resend_verification(&house.mail, ann.id)
            .await,
        Ok(()),
        "nothing to do"
    );
}

#[tokio::test]
async fn a_link_that_was_sent_again_replaces_the_first() {
    let house = house().await;
    house.sign_up(form("ann@example.com", 1)).await.unwrap();
    let first = house.token("/verify").await;
    let ann = house.named("ann@example.com").await;
    house.clock.advance(1);
    house
        .accounts
        .resend_verification(&house.mail, ann.id)
        .await
        .unwrap();
    let second = house.token("/verify").await;
    assert_ne!(first, second);
    assert_eq!(house.accounts.verify(&first).await, Err(LinkError::Closed));
    house.clock.advance(24 * HOUR);
    assert_eq!(
        house.accounts.verify(&second).await,
        Err(LinkError::Closed),
        "a day later"
    );
    assert_eq!(house.accounts.sweep_links().await, Ok(0));
    house.clock.advance(24 * HOUR);
    assert_eq!(house.accounts.sweep_links().await, Ok(1));
}

#[tokio::test]
async fn welcome_credit_is_for_people_not_for_addresses() {
    let mut house = house().await;
    house.accounts = house.accounts.with_welcome(Some(WelcomeRule {
        amount: Amount::parse_usd("0.50").unwrap(),
        per_network_per_day: 2,
    }));
    let posted = async |address: &str| {
        let workspace = house.named(address).await.workspace;
        let sql = format!(
            "SELECT posted FROM book WHERE kind = 'wallet' AND workspace_id = '{workspace}'"
        );
        house.count(&sql).await
    };
    for (address, host, credit) in [
        ("ann@gmail.com", 1, 500_000_000),
        ("a.n.n+shop@googlemail.com", 2, 0),
        ("bob@example.com", 1, 500_000_000),
        ("eve@example.com", 1, 0),
        ("joe@example.com", 2, 500_000_000),
    ] {
        house.sign_up(form(address, host)).await.unwrap();
        assert_eq!(posted(address).await, 0, "not before the address is proved");
        house.clock.advance(1);
        let token = house.token("/verify").await;
        house.accounts.verify(&token).await.unwrap();
        assert_eq!(posted(address).await, credit, "{address}");
    }
    let rows = "SELECT count(*) FROM welcome_credit WHERE person LIKE '%@%' OR network LIKE '%.%'";
    assert_eq!(house.count(rows).await, 0, "hashes only");
}
