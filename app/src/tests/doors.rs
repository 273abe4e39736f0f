//! Do the ways in work without a script: sign-up, mailed links, a forgotten password, the second factor, the password again?

use http::StatusCode;

use super::world::{Answer, Browser, EMAIL, PASSWORD, World, visible, world};

const NEW: &str =
    "name=Grace&email=grace%40example.com&password=correct+horse+battery+9&terms=true&consent=true";
const GRACE: &str = "grace@example.com";

async fn sign_up(world: &World, form: &str) -> (Browser, Answer) {
    let mut browser = Browser::default();
    let answer = browser.post(world, "/api/sign_up", form).await;
    (browser, answer)
}

/// A mailed link: the token at its end.
fn token(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}

/// Everything that an answer tells, without what differs by chance: the sealed flash.
fn told(answer: &Answer) -> String {
    let headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["set-cookie", "x-request-id"].contains(&name.as_str()))
        .collect();
    format!("{} {headers:?} {}", answer.status, answer.body)
}

#[tokio::test]
async fn from_a_stranger_to_somebody_who_is_signed_in() {
    let world = world().await;
    let (mut browser, answer) = sign_up(&world, NEW).await;
    assert_eq!(answer.location(), "/check-mail", "{}", answer.body);
    let page = browser.get(&world, "/check-mail").await;
    assert!(page.body.contains(GRACE), "{}", page.body);

    // Before the address is proved the password opens nothing, and the page says what is missing.
    let enter = "email=grace%40example.com&password=correct+horse+battery+9";
    let answer = browser.post(&world, "/api/sign_in", enter).await;
    assert_eq!(answer.location(), "/login");
    let page = browser.get(&world, "/login").await;
    assert!(visible(&page.body).contains("open the link in our mail first"));

    // Looking at the link uses nothing up, whoever looks.
    let link = world.mailed_link(GRACE).await;
    for _ in 0..2 {
        let page = Browser::default().get(&world, &link).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert_eq!(page.headers["cache-control"], "no-store");
    }
    let form = format!("token={}", token(&link));
    let answer = browser.post(&world, "/api/verify", &form).await;
    assert_eq!(answer.location(), "/login");
    let answer = browser.post(&world, "/api/sign_in", enter).await;
    assert_eq!(answer.location(), "/overview");
    let page = browser.get(&world, "/settings").await;
    assert!(!page.body.contains("/api/resend_verification"));

    let again = browser.post(&world, "/api/verify", &form).await;
    assert_eq!(again.location(), link);
    assert_eq!(browser.get(&world, &link).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let world = world().await;
    // Addresses of one length: what was typed comes back.
    let (mut old, of_old) = sign_up(&world, &NEW.replace("grace", "ada")).await;
    let (mut new, of_new) = sign_up(&world, &NEW.replace("grace", "eve")).await;
    assert_eq!(told(&of_old), told(&of_new));
    let (page_old, page_new) = (
        old.get(&world, "/check-mail").await,
        new.get(&world, "/check-mail").await,
    );
    assert_eq!(
        told(&page_old).replace("ada@", ""),
        told(&page_new).replace("eve@", "")
    );

    for (path, next) in [
        ("/api/ask_reset", "/check-mail?about=reset"),
        ("/api/resend_verification", "/check-mail"),
    ] {
        let mut answers = Vec::new();
        for email in ["ada%40example.com", "bob%40example.com"] {
            let mut browser = Browser::default();
            let answer = browser.post(&world, path, &format!("email={email}")).await;
            assert_eq!(answer.location(), next);
            let page = browser.get(&world, next).await;
            answers.push(told(&answer) + &told(&page).replace("ada@", "").replace("bob@", ""));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
}

#[tokio::test]
async fn each_box_and_field_of_the_sign_up_is_asked_for() {
    let world = world().await;
    let table = [
        ("&terms=true", "", "terms"),
        ("&consent=true", "", "consent"),
        ("name=Grace", "name=+", "name"),
        ("grace%40example.com", "grace", "email"),
        ("correct+horse+battery+9", "short", "password"),
        ("correct+horse+battery+9", "grace%40example.com", "password"),
    ];
    for (what, with, field) in table {
        let (mut browser, answer) = sign_up(&world, &NEW.replace(what, with)).await;
        assert_eq!(answer.location(), "/signup", "{field}");
        let page = browser.get(&world, "/signup").await.body;
        assert!(
            page.contains(&format!("id=\"{field}-wrong\"")),
            "{field}\n{page}"
        );
        assert_eq!(
            page.matches("class=\"wrong\"").count(),
            1,
            "{field}\n{page}"
        );
        assert!(!page.contains("horse"), "a password came back");
    }
    let page = Browser::default().get(&world, "/signup").await.body;
    assert!(!page.contains("checked"), "a box was ticked for somebody");
    assert!(world.services.mail.newest(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_password_ends_every_session() {
    let world = world().await;
    let mut thief = Browser::default();
    thief.sign_in(&world).await;
    let mut browser = Browser::default();
    browser
        .post(&world, "/api/ask_reset", "email=ada%40example.com")
        .await;
    let link = world.mailed_link(EMAIL).await;
    assert_eq!(browser.get(&world, &link).await.status, StatusCode::OK);
    let bad = format!("token={}&password=short", token(&link));
    let answer = browser.post(&world, "/api/reset", &bad).await;
    assert_eq!(answer.location(), link, "a weak password burns no link");
    let form = format!("token={}&password=another+horse+battery", token(&link));
    let answer = browser.post(&world, "/api/reset", &form).await;
    assert_eq!(answer.location(), "/login");
    assert_eq!(
        thief.get(&world, "/overview").await.status,
        StatusCode::SEE_OTHER
    );
    let answer = browser.post(&world, "/api/reset", &form).await;
    assert_eq!(answer.location(), link);
    assert_eq!(browser.get(&world, &link).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_password_alone_opens_nothing_where_there_is_a_second_factor() {
    let world = world().await;
    let mut owner = Browser::default();
    owner.sign_in_admin(&world).await;
    let shown = owner.get(&world, "/settings/recovery-codes").await.body;
    let codes = shown.split("<code data-copy").nth(1).unwrap();
    let codes: Vec<&str> = codes[codes.find('>').unwrap() + 1..codes.find('<').unwrap()]
        .lines()
        .collect();
    assert_eq!(codes.len(), 10, "{shown}");

    let mut browser = Browser::default();
    let form = format!(
        "email={EMAIL}&password={}&next=%2Fsettings",
        PASSWORD.replace(' ', "+")
    );
    let answer = browser.post(&world, "/api/sign_in", &form).await;
    assert_eq!(answer.location(), "/login/code?next=/settings");
    for path in [
        "/overview",
        "/settings",
        "/confirm",
        "/settings/second-factor",
    ] {
        let answer = browser.get(&world, path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location().starts_with("/login?") || answer.location() == "/login");
    }
    assert!(
        !browser.cookies.contains_key("__Host-dev"),
        "a browser counts as known before it gave the code"
    );
    let wrong = browser
        .post(&world, "/api/second_step", "code=000000&next=%2Fsettings")
        .await;
    assert_eq!(wrong.location(), "/login/code?next=/settings");
    let page = browser.get(&world, wrong.location()).await.body;
    assert!(page.contains("code-wrong"), "{page}");

    let half_way = browser.cookies["__Host-sid"].clone();
    let form = format!("code={}&with=recovery&next=%2Fsettings", codes[0]);
    let answer = browser.post(&world, "/api/second_step", &form).await;
    assert_eq!(answer.location(), "/settings", "{}", answer.body);
    assert_ne!(browser.cookies["__Host-sid"], half_way, "the id stays");
    assert_eq!(
        browser.get(&world, "/settings").await.status,
        StatusCode::OK
    );
    assert!(browser.cookies.contains_key("__Host-dev"));
}

#[tokio::test]
async fn half_way_in_lasts_ten_minutes() {
    let world = world().await;
    let mut owner = Browser::default();
    owner.sign_in_admin(&world).await;
    let mut browser = Browser::default();
    let form = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    browser.post(&world, "/api/sign_in", &form).await;
    assert_eq!(
        browser.get(&world, "/login/code").await.status,
        StatusCode::OK
    );
    world.services.clock.advance(10 * 60 * 1_000 + 1);
    assert_eq!(
        browser.get(&world, "/login/code").await.location(),
        "/login"
    );
    let answer = browser
        .post(&world, "/api/second_step", "code=123456")
        .await;
    assert_eq!(answer.location(), "/login");
}

#[tokio::test]
async fn what_matters_asks_for_the_password_again() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let answer = browser.get(&world, "/settings/email").await;
    assert_eq!(answer.location(), "/confirm?next=/settings/email");
    for path in [
        "/api/change_email",
        "/api/end_second_factor",
        "/api/new_recovery_codes",
        "/api/end_other_sessions",
    ] {
        let answer = browser.post(&world, path, "email=x%40example.com").await;
        assert_eq!(answer.location(), "/confirm", "{path}");
    }
    let wrong = browser
        .post(
            &world,
            "/api/confirm",
            "password=wrong+horse&next=%2Fsettings%2Femail",
        )
        .await;
    assert_eq!(wrong.location(), "/confirm?next=/settings/email");
    let page = browser.get(&world, wrong.location()).await.body;
    assert!(page.contains("password-wrong"), "{page}");

    let before = browser.cookies["__Host-sid"].clone();
    let form = format!(
        "password={}&next=%2Fsettings%2Femail",
        PASSWORD.replace(' ', "+")
    );
    let answer = browser.post(&world, "/api/confirm", &form).await;
    assert_eq!(answer.location(), "/settings/email");
    assert_ne!(browser.cookies["__Host-sid"], before, "the id stays");
    assert_eq!(
        browser.get(&world, "/settings/email").await.status,
        StatusCode::OK
    );
    world.services.clock.advance(10 * 60 * 1_000 + 1);
    assert_eq!(
        browser.get(&world, "/settings/email").await.location(),
        "/confirm?next=/settings/email"
    );
}

#[tokio::test]
async fn the_administration_wants_an_administrator_with_a_second_factor() {
    let world = world().await;
    sign_up(&world, NEW).await;
    world.prove_address(GRACE).await;
    let mut grace = Browser::default();
    let form = "email=grace%40example.com&password=correct+horse+battery+9";
    grace.post(&world, "/api/sign_in", form).await;
    let page = grace.get(&world, "/overview").await.body;
    assert!(!page.contains("href=\"/admin\""), "{page}");
    assert_eq!(
        grace.get(&world, "/admin").await.status,
        StatusCode::NOT_FOUND
    );

    let mut ada = Browser::default();
    ada.sign_in(&world).await;
    let page = ada.get(&world, "/overview").await.body;
    assert!(page.contains("href=\"/admin\""), "{page}");
    let enrol = "/settings/second-factor?next=/admin";
    assert_eq!(ada.get(&world, "/admin").await.location(), enrol);
    ada.sign_in_admin(&world).await;
    assert_eq!(ada.get(&world, "/admin").await.status, StatusCode::OK);

    // Turned off in another browser, all are out, and it opens nothing any more.
    let (accounts, mail) = (&world.services.accounts, &world.services.mail);
    let operator = server::audit::Actor::Operator;
    let ended = accounts.end_second_factor(mail, world.account.id, operator);
    ended.await.unwrap();
    let out = ada.get(&world, "/admin").await;
    assert!(out.location().starts_with("/login"), "{}", out.location());
    ada.sign_in(&world).await;
    assert_eq!(ada.get(&world, "/admin").await.location(), enrol);
}

#[tokio::test]
async fn a_blocked_account_is_signed_out_and_stays_out() {
    let world = world().await;
    sign_up(&world, NEW).await;
    world.prove_address(GRACE).await;
    let form = "email=grace%40example.com&password=correct+horse+battery+9";
    let mut grace = Browser::default();
    grace.post(&world, "/api/sign_in", form).await;
    let email = server::accounts::Email::parse(GRACE).unwrap();
    let (accounts, mail) = (&world.services.accounts, &world.services.mail);
    let account = accounts.by_email(&email).await.unwrap().unwrap();
    accounts
        .block(
            mail,
            &world.services.audit,
            server::audit::Actor::Operator,
            account.id,
            "test",
            None,
        )
        .await
        .unwrap();
    assert_eq!(grace.get(&world, "/overview").await.location(), "/login");
    let answer = grace.post(&world, "/api/sign_in", form).await;
    assert_eq!(answer.location(), "/login");
    let page = grace.get(&world, "/login").await.body;
    assert!(page.contains("This account is blocked."), "{page}");
}
