//! Do language, currency and theme follow the reader?

use http::StatusCode;

use super::world::{Browser, world};

#[tokio::test]
async fn the_browser_decides_until_the_reader_does() {
    let world = world().await;
    let mut browser = Browser {
        accept_language: Some("ru-RU,ru;q=0.9"),
        ..Browser::default()
    };
    assert!(
        browser
            .get(&world, "/")
            .await
            .body
            .contains("<html lang=\"ru\"")
    );
    let answer = browser
        .post(&world, "/api/set_prefs", "locale=en&back=%2F")
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/")
    );
    assert!(
        browser
            .get(&world, "/")
            .await
            .body
            .contains("<html lang=\"en\"")
    );
    assert!(
        browser
            .get(&world, "/ru/")
            .await
            .body
            .contains("<html lang=\"ru\""),
        "the address wins"
    );
}

#[tokio::test]
async fn a_choice_goes_back_to_the_same_page_in_its_language() {
    let world = world().await;
    let table = [
        (
            "locale=ru&back=%2Flogin%3Fnext%3D%252Foverview",
            "/ru/login?next=%2Foverview",
        ),
        ("locale=en&back=%2Fru%2F", "/"),
        ("locale=ru&back=%2Foverview", "/overview"),
        ("currency=RUB&back=%2Fru%2Flogin", "/ru/login"),
        ("theme=dark&back=%2F%2Fevil", "/"),
        ("theme=dark", "/"),
    ];
    for (form, to) in table {
        let answer = Browser::default()
            .post(&world, "/api/set_prefs", form)
            .await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, to),
            "{form}"
        );
    }
    for form in ["locale=xx", "currency=BTC", "theme=neon"] {
        assert_eq!(
            Browser::default()
                .post(&world, "/api/set_prefs", form)
                .await
                .status,
            StatusCode::BAD_REQUEST,
            "{form}"
        );
    }
}

#[tokio::test]
async fn money_follows_the_currency_and_the_theme_is_in_the_markup() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    browser
        .post(&world, "/api/set_prefs", "currency=RUB&back=%2Foverview")
        .await;
    browser
        .post(&world, "/api/set_prefs", "theme=dark&back=%2Foverview")
        .await;
    let page = browser.get(&world, "/overview").await.body;
    assert!(page.contains('₽') && page.contains('≈'), "{page}");
    assert!(page.contains("data-theme=\"dark\""));
    assert!(
        page.contains("$5.00"),
        "the exact amount stays in the wallet's own currency"
    );
}
