//! Can everybody read the policies, are the cookies those of the table, and is what people accept written down?

use std::collections::BTreeSet;

use http::{StatusCode, header};
use server::policies::{How, Name};

use super::world::{Answer, Browser, EMAIL, PASSWORD, World, world};
use crate::reader::{Cookie, cookies};

#[tokio::test]
async fn every_policy_is_a_page_in_every_language() {
    let world = world().await;
    let mut browser = Browser::default();
    for prefix in ["", "/ru"] {
        let list = browser.get(&world, &format!("{prefix}/policies")).await;
        assert_eq!(list.status, StatusCode::OK);
        for name in Name::ALL {
            let path = format!("{prefix}/policies/{}", name.code());
            assert!(list.body.contains(&format!("href=\"{path}\"")), "{path}");
            for path in [path.clone(), format!("{path}/1"), format!("{path}/compare")] {
                let page = browser.get(&world, &path).await;
                assert_eq!(page.status, StatusCode::OK, "{path}");
                assert_eq!(page.body.matches("<h1").count(), 1, "{path}");
                assert!(!page.headers.contains_key(header::SET_COOKIE), "{path}");
            }
            for none in ["0", "2", "01", "x", "compare?from=1&to=9", "compare?from=x"] {
                let page = browser.get(&world, &format!("{path}/{none}")).await;
                assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}/{none}");
            }
        }
    }
    let none = browser.get(&world, "/policies/nothing").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let russian = browser.get(&world, "/ru/policies/terms").await;
    assert!(
        russian.body.contains("href=\"/ru/policies/refunds\"")
            || russian
                .body
                .contains("href=\"/ru/policies/acceptable-use\"")
    );
    assert!(
        russian.body.contains("href=\"/ru/prices\""),
        "{}",
        russian.body
    );
}

/// The cookies that an answer sets.
fn set(answer: &Answer) -> impl Iterator<Item = (String, String)> + '_ {
    answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|line| {
            let line = line.to_str().unwrap().to_owned();
            let name = line.split('=').next().unwrap().to_owned();
            (name, line)
        })
}

#[tokio::test]
async fn all_cookies_that_can_be_set_stand_in_the_table() {
    let world = world().await;
    let mut browser = Browser::default();
    let mut seen = BTreeSet::new();
    let sign_in = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    let low = format!("what=low.{}", world.account.workspace);
    let forms = [
        ("/api/set_prefs", "theme=dark&back=/"),
        ("/api/sign_in", "email=a&password=b"),
        ("/api/sign_in", sign_in.as_str()),
        ("/api/set_name", "name=Ada"),
        ("/api/hide_low_balance", low.as_str()),
        ("/api/sign_out", ""),
    ];
    for (path, form) in forms {
        let answer = browser.post(&world, path, form).await;
        for (name, line) in set(&answer) {
            for mark in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
                assert!(line.contains(mark), "{line}");
            }
            assert!(!line.contains("Domain"), "{line}");
            seen.insert(name);
        }
        let page = browser.get(&world, "/").await;
        seen.extend(set(&page).map(|(name, _)| name));
    }
    let known: BTreeSet<String> = Cookie::ALL.iter().map(|cookie| cookie.name(true)).collect();
    assert_eq!(seen, known);

    let page = browser.get(&world, "/policies/cookies").await;
    for cookie in cookies(true) {
        assert!(page.body.contains(&cookie.name), "{}", cookie.name);
        let words = world
            .services
            .texts
            .t(texts::Locale::EN, cookie.purpose, &[]);
        assert!(page.body.contains(&words), "{words}");
    }
}

/// Nothing sets a cookie but the list's own functions, and the session's layer under the list's name.
#[test]
fn no_other_place_sets_cookies() {
    fn sets(text: &str) -> bool {
        text.contains("SET_COOKIE") || text.contains("\"set-cookie\"")
    }
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.ends_with("tests") {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else if std::fs::read_to_string(&path).is_ok_and(|text| sets(&text)) {
                found.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let mut found = Vec::new();
    for folder in [
        "src/api",
        "src/guard",
        "src/pages",
        "src/reader",
        "src/session",
        "src/shell",
        "../src",
        "../server/proxy/src",
    ] {
        walk(std::path::Path::new(&format!("{root}{folder}")), &mut found);
    }
    found.sort();
    // Each hands on a line that `set_cookie` or `forget_cookie` made.
    assert_eq!(found, ["call.rs", "headers.rs", "render.rs", "reply.rs"]);
}

async fn sign_up(world: &World, browser: &mut Browser, email: &str) {
    let form =
        format!("name=Eve&email={email}&password=correct+horse+battery&terms=true&consent=true");
    let answer = browser.post(world, "/api/sign_up", &form).await;
    assert_eq!(answer.location(), "/check-mail", "{}", answer.body);
    world.prove_address(email).await;
    let form = format!("email={email}&password=correct+horse+battery");
    let answer = browser.post(world, "/api/sign_in", &form).await;
    assert_eq!(answer.location(), "/overview", "{}", answer.body);
}

#[tokio::test]
async fn signing_up_accepts_terms_and_privacy() {
    let world = world().await;
    let mut browser = Browser::default();
    let form = browser.get(&world, "/signup").await;
    for path in ["/policies/terms", "/policies/privacy"] {
        assert!(
            form.body
                .contains(&format!("href=\"{path}\" target=\"_blank\"")),
            "{path}"
        );
    }
    sign_up(&world, &mut browser, "eve@example.com").await;
    let email = server::accounts::Email::parse("eve@example.com").unwrap();
    let eve = world
        .services
        .accounts
        .by_email(&email)
        .await
        .unwrap()
        .unwrap();
    let accepted = world.services.policies.accepted(eve.id).await.unwrap();
    let found: Vec<_> = accepted
        .iter()
        .map(|row| (row.name, row.version, row.how))
        .collect();
    assert_eq!(
        found,
        [
            (Name::Privacy, 1, How::SignUp),
            (Name::Terms, 1, How::SignUp)
        ]
    );
    let page = browser.get(&world, "/overview").await;
    assert!(
        !page.body.contains("/settings/policies"),
        "nothing to accept"
    );
    let page = browser.get(&world, "/settings/policies").await;
    assert!(page.body.contains("href=\"/policies/terms/1\""));
    assert!(!page.body.contains("/api/accept_policies"));
    let text = browser.get(&world, "/settings/policies/terms/1").await;
    assert_eq!(text.status, StatusCode::OK);
    assert!(text.body.starts_with("# Terms of use\n"), "{}", text.body);
    for none in ["terms/2", "refunds/1", "x/1", "terms/x"] {
        let page = browser
            .get(&world, &format!("/settings/policies/{none}"))
            .await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{none}");
    }
    let mut boss = Browser::default();
    boss.sign_in(&world).await;
    let page = boss.get(&world, "/settings/policies/terms/1").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "somebody else's");
}

#[tokio::test]
async fn who_has_not_accepted_is_asked_quietly_and_only_for_what_was_shown() {
    let world = world().await;
    let email = server::accounts::Email::parse("old@example.com").unwrap();
    let password = server::secrets::Secret::new(PASSWORD.to_owned());
    let old = world
        .services
        .accounts
        .create(&email, Some(password), false)
        .await
        .unwrap();
    let mut browser = Browser::default();
    let form = format!(
        "email=old@example.com&password={}",
        PASSWORD.replace(' ', "+")
    );
    browser.post(&world, "/api/sign_in", &form).await;
    let page = browser.get(&world, "/keys").await;
    assert_eq!(page.status, StatusCode::OK, "nobody is locked out");
    assert!(
        page.body.contains("href=\"/settings/policies\""),
        "{}",
        page.body
    );
    let page = browser.get(&world, "/settings/policies").await.body;
    let value = |name: &str| {
        let after = page
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap()
            .1;
        after.split('"').next().unwrap().to_owned()
    };
    let (terms, privacy) = (value("terms"), value("privacy"));
    assert!(terms.starts_with("1:"), "{terms}");

    let accepted = || async {
        world
            .services
            .policies
            .accepted(old.id)
            .await
            .unwrap()
            .len()
    };
    for wrong in [
        "locale=en".to_owned(),
        "locale=en&terms=1:00".to_owned(),
        format!("locale=en&terms=2{}", &terms[1..]),
        format!("locale=ru&terms={terms}"),
        format!("locale=xx&terms={terms}"),
    ] {
        let answer = browser.post(&world, "/api/accept_policies", &wrong).await;
        assert_eq!(answer.location(), "/settings/policies", "{wrong}");
        assert_eq!(accepted().await, 0, "{wrong}");
    }
    let form = format!("locale=en&terms={terms}&privacy={privacy}");
    browser.post(&world, "/api/accept_policies", &form).await;
    assert_eq!(accepted().await, 2);
    let page = browser.get(&world, "/keys").await.body;
    assert!(!page.contains("href=\"/settings/policies\""), "{page}");
    let mut stranger = Browser::default();
    let answer = stranger.post(&world, "/api/accept_policies", &form).await;
    assert_eq!(answer.location(), "/login");
}
