//! Does the overview draw what was spent? A made-up month against the view; and the gallery, for people who style.

use domain::views::{BalanceView, DaySpend, ModelSpend, SpendView};
use domain::{Amount, Currency};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use leptos::prelude::IntoAny;

use super::world::{Browser, NOW, World, world};
use crate::pages::overview::{Facts, Steps, content};
use crate::reader::Reader;
use crate::shell::{Frame, Page, respond};

const DAY_MS: i64 = 86_400_000;

/// Thirty days, the first week empty, of three models and some others.
fn month() -> SpendView {
    let today = NOW.div_euclid(DAY_MS) * DAY_MS;
    let cents = |n: i64| Amount::from_nanos(n * 10_000_000);
    let of = |at: i64, factor: i64| {
        if at < 7 {
            0
        } else {
            (at * factor) % 97 + factor
        }
    };
    let by_day = |factor: i64| (0..30).map(|at| cents(of(at, factor))).collect::<Vec<_>>();
    let models: Vec<ModelSpend> = [("gpt-large", 31), ("claude-mid", 23), ("qwen-fast", 11)]
        .into_iter()
        .map(|(model, factor)| ModelSpend {
            model: model.to_owned(),
            amount: Amount::sum(by_day(factor)).unwrap(),
            by_day: by_day(factor),
        })
        .collect();
    let days: Vec<DaySpend> = (0..30)
        .map(|at| DaySpend {
            day_start: today - (29 - at) * DAY_MS,
            amount: cents(of(at, 31) + of(at, 23) + of(at, 11) + if at == 20 { 5 } else { 0 }),
            calls: u64::try_from(of(at, 7)).unwrap(),
            tokens: u64::try_from(of(at, 90_001)).unwrap(),
        })
        .collect();
    let last = |n: usize| Amount::sum(days.iter().rev().take(n).map(|day| day.amount)).unwrap();
    SpendView {
        today: last(1),
        last_7_days: last(7),
        last_30_days: last(30),
        calls_today: 1_204,
        tokens_today: 3_140_000,
        days: days.clone(),
        models,
    }
}

async fn overview(world: &World, locale: &str, theme: &str, currency: Currency) -> String {
    let mut headers = HeaderMap::new();
    let cookie = format!("__Host-prefs={locale}.{currency}.{theme}");
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    let reader = Reader::of(
        &world.services,
        &"/overview".parse().unwrap(),
        &headers,
        None,
    );
    let ui = reader.ui(Some(world.account.clone()));
    let available = Amount::parse_usd("18.42").unwrap();
    let facts = Facts {
        balance: BalanceView {
            posted: available,
            reserved: Amount::parse_usd("0.12").unwrap(),
            available,
        },
        spend: month(),
        keys: world
            .services
            .keys
            .list(world.account.workspace)
            .await
            .unwrap(),
        models: world.services.catalog.models(),
        steps: Steps {
            verified: true,
            funded: true,
            has_key: true,
            called: true,
            payable: false,
        },
    };
    let answer = respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Account,
        title: "x".to_owned(),
        description: None,
        body: content(ui, &facts).into_any(),
    });
    String::from_utf8(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[tokio::test]
async fn every_day_with_spend_has_a_bar_a_tooltip_and_a_row() {
    let world = world().await;
    let html = overview(&world, "en", "-", Currency::Usd).await;
    let count = |what: &str| html.matches(what).count();
    assert_eq!(count("data-day="), 23, "23 of 30 days can be focused");
    assert_eq!(count("data-tip="), 23);
    assert_eq!(count("class=\"s1\">"), 23);
    assert_eq!(
        count("class=\"s6\">"),
        1,
        "the one day with something of other models"
    );
    assert!(html.contains("Other models"));
    assert_eq!(
        count("<tr>"),
        23 + 1 + 3,
        "a row per day, one of heads, and the table of keys"
    );
}

#[tokio::test]
async fn bars_never_leave_the_picture() {
    let world = world().await;
    let html = overview(&world, "ru", "-", Currency::Rub).await;
    let bars: Vec<&str> = html
        .split("<rect ")
        .skip(1)
        .filter_map(|part| part.split_once('>'))
        .map(|(tag, _)| tag)
        .filter(|tag| tag.contains("class=\"s"))
        .collect();
    assert_eq!(bars.len(), 23 * 3 + 1);
    for bar in bars {
        let value = |name: &str| {
            bar.split_once(&format!("{name}=\""))
                .unwrap()
                .1
                .split('"')
                .next()
                .unwrap()
                .parse::<i64>()
                .unwrap()
        };
        assert!(
            value("y") >= 0 && value("y") + value(" height") <= 1_000,
            "{bar}"
        );
    }
}

/// Writes pages as files, to look at without a server: `GALLERY=folder cargo test --release -p app --features ssr gallery -- --ignored`,
/// then serve the folder, with a copy of `style/` as `assets/` in it.
#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery() {
    let folder = std::path::PathBuf::from(std::env::var_os("GALLERY").unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    let world = world().await;
    let token = world
        .services
        .accounts
        .setup_link(world.account.id)
        .await
        .unwrap()
        .to_string();
    for locale in ["en", "ru", "qps-plocm"] {
        for theme in ["light", "dark"] {
            let write = |name: &str, html: String| {
                let html = html.replace("/assets/app.css", "/assets/main.css");
                std::fs::write(folder.join(format!("{name}-{locale}-{theme}.html")), html).unwrap();
            };
            write(
                "overview",
                overview(&world, locale, theme, Currency::Usd).await,
            );
            let mut browser = Browser::default();
            browser
                .cookies
                .insert("__Host-prefs".to_owned(), format!("{locale}.EUR.{theme}"));
            for (name, path) in [
                ("landing", "/"),
                ("missing", "/nothing"),
                ("claim", &format!("/claim/{token}")),
            ] {
                write(name, browser.get(&world, path).await.body);
            }
            browser
                .post(
                    &world,
                    "/api/sign_in",
                    "email=ada%40example.com&password=wrong-one",
                )
                .await;
            write("login", browser.get(&world, "/login").await.body);
            browser.sign_in(&world).await;
            write("empty", browser.get(&world, "/overview").await.body);
        }
    }
}
