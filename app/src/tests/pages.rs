//! Does every page come whole, in every language, with the headers it must have?

use http::{StatusCode, header};

use super::world::{Browser, ORIGIN, World, visible, world};

const LOCALES: [&str; 4] = ["en", "ru", "qps-ploc", "qps-plocm"];

/// Pages with islands.
const SIGNED_IN: [&str; 13] = [
    "/keys",
    "/keys/freeze",
    "/keys/new",
    "/try",
    "/overview",
    "/search",
    "/search?q=theme",
    "/settings",
    "/settings/email",
    "/settings/security",
    "/settings/second-factor",
    "/settings/sessions",
    "/shortcuts",
];

/// Every page once, as (path, status, html).
async fn every_page(world: &World, locale: &str) -> Vec<(String, StatusCode, String)> {
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("__Host-prefs".to_owned(), format!("{locale}.RUB.-"));
    let token = world
        .services
        .accounts
        .setup_link(world.account.id)
        .await
        .unwrap()
        .to_string();
    let mut pages = Vec::new();
    for path in [
        "/",
        "/prices",
        "/prices?q=nothing-of-this-name",
        "/prices/sandbox-echo",
        "/calculator",
        "/calculator?model=nothing&input=x",
        "/calculator?model=sandbox-echo&input=500000&calls=5",
        "/docs",
        "/docs/api",
        "/docs/billing",
        "/docs/errors",
        "/docs/quickstart/continue",
        "/status",
        "/login",
        "/nothing",
        "/claim/wrong",
        &format!("/claim/{token}"),
        "/signup",
        "/recover",
        "/check-mail",
        "/check-mail?about=reset",
        "/verify/wrong",
        "/reset/wrong",
        "/email/confirm/wrong",
        "/email/undo/wrong",
    ] {
        let answer = browser.get(world, path).await;
        pages.push((path.to_owned(), answer.status, answer.body));
    }
    let answer = browser
        .post(world, "/api/sign_in", "email=x&password=")
        .await;
    let answer = browser.get(world, answer.location()).await;
    pages.push((
        "/login after a mistake".to_owned(),
        answer.status,
        answer.body,
    ));
    browser.sign_in(world).await;
    // What the account chose comes before the cookie.
    browser
        .post(world, "/api/set_prefs", &format!("locale={locale}"))
        .await;
    let answer = browser.get(world, "/confirm").await;
    pages.push(("/confirm".to_owned(), answer.status, answer.body));
    browser.confirm(world).await;
    for path in SIGNED_IN {
        let answer = browser.get(world, path).await;
        pages.push((path.to_owned(), answer.status, answer.body));
    }
    pages
}

#[tokio::test]
async fn every_page_comes_whole_in_every_language() {
    let world = world().await;
    for locale in LOCALES {
        for (path, status, html) in every_page(&world, locale).await {
            let expected = match path.as_str() {
                "/nothing" => StatusCode::NOT_FOUND,
                gone if gone.ends_with("/wrong") => StatusCode::GONE,
                _ => StatusCode::OK,
            };
            assert_eq!(status, expected, "{locale} {path}");
            assert!(
                html.starts_with("<!DOCTYPE html><html ") && html.ends_with("</html>"),
                "{locale} {path}"
            );
            assert!(
                html.contains(&format!("lang=\"{locale}\"")),
                "{locale} {path}"
            );
            assert_eq!(
                html.contains("dir=\"rtl\" data")
                    || html.contains("<html lang=\"qps-plocm\" dir=\"rtl\""),
                locale == "qps-plocm",
                "{locale} {path}"
            );
            let text = visible(&html);
            assert!(
                !text.contains("%{"),
                "{locale} {path}: a placeholder without a value\n{text}"
            );
            for word in text.split_whitespace() {
                let key_like = word.split('.').count() > 1
                    && word.split('.').all(|part| {
                        !part.is_empty()
                            && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                    });
                assert!(
                    !key_like || word.contains("pay.example"),
                    "{locale} {path}: looks like a key: {word}"
                );
            }
            assert!(
                !html.contains("<svg onload"),
                "{locale} {path}: a key's name became markup"
            );
            assert!(
                !html.contains(" style=\"")
                    && !html.contains("<style")
                    && !html.contains(" onclick"),
                "{locale} {path}: inline code"
            );
        }
    }
}

#[tokio::test]
async fn no_word_is_written_outside_the_locale_files() {
    let world = world().await;
    // Values that are no words: what the operator or the reader named, and addresses.
    let values = [
        "Farebox",
        "pay.example",
        "help",
        "ada",
        "example.com",
        "UTC",
        "sandbox-echo",
        "theme",
    ];
    // The pseudo-locales write dates and times as English does.
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "AM",
        "PM",
    ];
    for (path, _, html) in every_page(&world, "qps-ploc").await {
        let mut text = visible(&html);
        for key in world
            .services
            .keys
            .list(world.account.workspace)
            .await
            .unwrap()
        {
            text = text.replace(&key.masked, "");
        }
        let plain: Vec<_> = texts::pseudo::plain_words(&text)
            .into_iter()
            .filter(|word| !values.contains(word) && !months.contains(word))
            .collect();
        assert!(
            plain.is_empty(),
            "{path}: not from locales/: {plain:?}\n{text}"
        );
    }
}

#[tokio::test]
async fn public_pages_load_no_script_and_the_overview_does() {
    let world = world().await;
    for (path, _, html) in every_page(&world, "en").await {
        let islands = SIGNED_IN.contains(&path.as_str());
        assert_eq!(html.contains("<script"), islands, "{path}");
        assert_eq!(html.contains("leptos-island"), islands, "{path}");
    }
}

#[tokio::test]
async fn public_pages_say_where_they_are_in_each_language() {
    let world = world().await;
    let html = Browser::default().get(&world, "/ru/login").await.body;
    for line in [
        format!(r#"<link rel="canonical" href="{ORIGIN}/ru/login">"#),
        format!(r#"<link rel="alternate" hreflang="en" href="{ORIGIN}/login">"#),
        format!(r#"<link rel="alternate" hreflang="ru" href="{ORIGIN}/ru/login">"#),
        format!(r#"<link rel="alternate" hreflang="x-default" href="{ORIGIN}/login">"#),
    ] {
        assert!(html.contains(&line), "{line}\n{html}");
    }
    assert!(
        !html.contains("qps-ploc"),
        "the pseudo-locales are not offered"
    );
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    for path in ["/", "/ru/", "/login", "/overview", "/nothing", "/claim/x"] {
        let headers = browser.get(&world, path).await.headers;
        let value = |name: &str| {
            headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        assert_eq!(value("x-frame-options"), "DENY", "{path}");
        assert_eq!(value("x-content-type-options"), "nosniff", "{path}");
        assert!(
            value("content-security-policy").contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(
            value("content-security-policy").contains("wasm-unsafe-eval"),
            path == "/overview",
            "{path}"
        );
        assert!(
            value("strict-transport-security").contains("max-age=31536000"),
            "{path}"
        );
    }
    let signed_in = browser.get(&world, "/overview").await;
    assert_eq!(
        signed_in.headers.get(header::CACHE_CONTROL).unwrap(),
        "no-store"
    );
    let public = Browser::default().get(&world, "/").await;
    assert_eq!(
        public.headers.get(header::VARY).unwrap(),
        "Accept-Language, Cookie"
    );
}

#[tokio::test]
async fn another_host_is_not_answered() {
    let world = world().await;
    let request = http::Request::builder()
        .uri("/")
        .header(header::HOST, "evil.example")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = Browser::default().send(&world, request).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(
        !answer.body.contains("evil.example"),
        "a link was made from the Host header"
    );
}
