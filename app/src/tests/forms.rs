//! Do the forms work without a script: sign in, sign out, the first administrator, and the ways they are abused?

use axum::body::Body;
use http::{StatusCode, header};

use super::world::{Browser, EMAIL, PASSWORD, world};

#[tokio::test]
async fn in_and_out_again() {
    let world = world().await;
    let mut browser = Browser::default();
    let away = browser.get(&world, "/overview").await;
    assert_eq!(
        (away.status, away.location()),
        (StatusCode::SEE_OTHER, "/login")
    );
    assert!(browser.cookies.is_empty(), "a visitor got a cookie");

    browser.sign_in(&world).await;
    let session = browser.cookies.get("__Host-sid").unwrap().clone();
    let page = browser.get(&world, "/overview").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("$5.00") && page.body.contains("laptop"),
        "{}",
        page.body
    );
    assert_eq!(browser.get(&world, "/login").await.location(), "/overview");

    let out = browser.post(&world, "/api/sign_out", "").await;
    assert_eq!(
        (out.status, out.location()),
        (StatusCode::SEE_OTHER, "/login")
    );
    assert_eq!(
        out.headers.get("clear-site-data").unwrap(),
        "\"cache\", \"storage\""
    );
    assert!(
        browser
            .get(&world, "/login")
            .await
            .body
            .contains("You are signed out.")
    );
    assert!(
        !browser
            .get(&world, "/login")
            .await
            .body
            .contains("You are signed out."),
        "a flash is shown once"
    );

    browser.cookies.insert("__Host-sid".to_owned(), session);
    assert_eq!(
        browser.get(&world, "/overview").await.status,
        StatusCode::SEE_OTHER,
        "the old cookie still works"
    );
}

#[tokio::test]
async fn the_session_cookie_is_bound_and_changes_at_sign_in() {
    let world = world().await;
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("__Host-sid".to_owned(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned());
    let form = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    let answer = browser.post(&world, "/api/sign_in", &form).await;
    let line = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|line| line.to_str().unwrap())
        .find(|line| line.starts_with("__Host-sid="))
        .unwrap();
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(
            line.split("; ").any(|found| found == part),
            "{part} is missing in {line}"
        );
    }
    assert!(!line.contains("Domain"), "{line}");
    let first = browser.cookies.get("__Host-sid").unwrap().clone();
    assert_ne!(first, "AAAAAAAAAAAAAAAAAAAAAA");
    browser.sign_in(&world).await;
    assert_ne!(
        browser.cookies.get("__Host-sid").unwrap(),
        &first,
        "signing in again keeps the id"
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_once_and_never_kept() {
    let world = world().await;
    let mut browser = Browser::default();
    let answer = browser
        .post(
            &world,
            "/api/sign_in",
            "email=ada%40example.com&password=hunter22-secret&next=%2Foverview",
        )
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/login")
    );
    let page = browser.get(&world, "/login").await;
    assert!(
        page.body
            .contains("The e-mail address or the password is not right.")
    );
    assert!(page.body.contains("value=\"ada@example.com\""));
    let everything = format!(
        "{:?}{:?}{}{}",
        answer.headers, page.headers, answer.body, page.body
    );
    assert!(!everything.contains("hunter22"), "the password came back");
}

#[tokio::test]
async fn next_leads_only_to_ourselves() {
    let world = world().await;
    let pass = PASSWORD.replace(' ', "+");
    for (next, to) in [
        ("%2Fru%2F", "/ru/"),
        ("%2F%2Fevil", "/overview"),
        ("https%3A%2F%2Fevil", "/overview"),
        ("%2F%5Cevil", "/overview"),
    ] {
        let answer = Browser::default()
            .post(
                &world,
                "/api/sign_in",
                &format!("email={EMAIL}&password={pass}&next={next}"),
            )
            .await;
        assert_eq!(answer.location(), to, "{next}");
    }
}

#[tokio::test]
async fn the_one_time_link_makes_one_administrator() {
    let world = world().await;
    let token = world
        .services
        .accounts
        .setup_link(world.account.id)
        .await
        .unwrap()
        .to_string();
    let mut browser = Browser::default();
    let back = format!("/claim/{token}");
    let short = browser
        .post(
            &world,
            "/api/claim",
            &format!("token={token}&email=grace%40example.com&password=short"),
        )
        .await;
    assert_eq!(short.location(), back);
    let page = browser.get(&world, &back).await;
    assert!(
        page.body.contains("at least 8 characters")
            && page.body.contains("value=\"grace@example.com\"")
    );

    let form = format!("token={token}&email=grace%40example.com&password=correct+horse+battery+2");
    let done = browser.post(&world, "/api/claim", &form).await;
    assert_eq!(done.location(), "/overview");
    assert!(
        browser
            .get(&world, "/overview")
            .await
            .body
            .contains("You are the administrator now.")
    );
    let again = Browser::default().post(&world, "/api/claim", &form).await;
    assert_eq!(again.location(), back);
    assert_eq!(browser.get(&world, &back).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn forms_from_elsewhere_change_nothing() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
        ("x-nothing", "said"),
    ] {
        let request = browser
            .request("POST", "/api/sign_out")
            .header(name, value)
            .body(Body::empty())
            .unwrap();
        let answer = browser.send(&world, request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
        assert!(answer.body.contains("We could not be sure it was you"));
    }
    assert_eq!(
        browser.get(&world, "/overview").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn only_the_signed_in_learn_a_balance() {
    let world = world().await;
    let mut browser = Browser::default();
    let ask = |browser: &Browser| {
        browser
            .request("POST", "/api/balance")
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "*/*")
            .body(Body::empty())
            .unwrap()
    };
    let mut request = ask(&browser);
    request
        .headers_mut()
        .insert(header::ACCEPT, "*/*".parse().unwrap());
    assert_eq!(
        browser.send(&world, request).await.status,
        StatusCode::UNAUTHORIZED
    );
    browser.sign_in(&world).await;
    let mut request = ask(&browser);
    request
        .headers_mut()
        .insert(header::ACCEPT, "*/*".parse().unwrap());
    let answer = browser.send(&world, request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let values: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(values["balance"], "$5.00");
    assert_eq!(values["width"], "1000");
    // A form of the signed-in, sent by nobody, leads to the sign-in page.
    let answer = Browser::default().post(&world, "/api/balance", "").await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/login")
    );
}

#[tokio::test]
async fn what_cannot_be_read_gets_a_page() {
    let world = world().await;
    let answer = Browser::default()
        .post(&world, "/api/sign_in", "nonsense=1")
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("<h1"), "{}", answer.body);
    let answer = Browser::default().post(&world, "/api/nothing", "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let large = format!("email={}&password=x", "a".repeat(100_000));
    let answer = Browser::default()
        .post(&world, "/api/sign_in", &large)
        .await;
    assert!(
        answer.status.is_client_error() && answer.body.contains("<h1"),
        "{} {}",
        answer.status,
        answer.body
    );
    assert_eq!(
        Browser::default().get(&world, "/api/sign_in").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
