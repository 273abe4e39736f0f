//! Does the statement tell what happened to the wallet, in the reader's words, and do its files say the same?

use domain::ids::{CallId, KeyId};
use domain::{Amount, Ending, Rule, Usage};
use http::{StatusCode, header};
use lopdf::Document;
use serde_json::{Value, json};
use server::calls::CallRecord;

use super::world::{Browser, EMAIL, NOW, World, visible, world};

async fn reader(prefs: &str, world: &World) -> Browser {
    let mut browser = Browser::default();
    let cookie = ("__Host-prefs".to_owned(), prefs.to_owned());
    browser.cookies.extend([cookie]);
    browser.sign_in(world).await;
    // The account keeps what was chosen first; this reader chooses again.
    let parts: Vec<_> = prefs.split('.').collect();
    let form = format!(
        "locale={}&currency={}&time_zone={}",
        parts[0], parts[1], parts[3]
    );
    let answer = browser.post(world, "/api/set_prefs", &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    browser
}

/// One call that is charged now, and began just before midnight in Kiritimati.
async fn called(world: &World) -> (CallId, Amount) {
    world.services.ledger.start();
    let offered = &world.services.catalog.models()[0];
    let usage = Usage {
        input: 1_001,
        cached_input: 0,
        output: 7,
        reasoning: 0,
        ..Usage::default()
    };
    let cost = offered.price.charge(&usage).unwrap();
    let workspace = world.account.workspace;
    let key: KeyId = world.services.keys.list(workspace).await.unwrap()[0].id;
    let call = CallRecord {
        id: CallId::from_uuid(uuid::Uuid::now_v7()),
        workspace,
        key,
        model: "sandbox-echo".to_owned(),
        price: offered.price_version,
        ending: Ending::Finished,
        rule: Rule::Reported,
        status: 200,
        streamed: false,
        usage,
        cost,
        first_byte_ms: None,
        duration_ms: 5,
        created_at: NOW - 6 * 3_600_000,
        attempts: Vec::new(),
    };
    let id = call.id;
    let hold = world.services.ledger.hold(workspace, cost).await;
    hold.unwrap().settle(call).await.unwrap();
    (id, cost)
}

#[tokio::test]
async fn the_page_adds_up_and_every_line_opens() {
    let world = world().await;
    let (call, cost) = called(&world).await;
    let left = Amount::parse_usd("5").unwrap().minus(cost).unwrap();
    for (prefs, words) in [
        (
            "en.USD.-.UTC",
            [
                "Opening balance",
                "Credit from the operator",
                "Usage",
                "1 call",
                "Balance now",
            ],
        ),
        (
            "ru.USD.-.UTC",
            [
                "Баланс на начало",
                "Средства от оператора",
                "Расход",
                "1 вызов",
                "Баланс сейчас",
            ],
        ),
    ] {
        let mut browser = reader(prefs, &world).await;
        let page = browser.get(&world, "/wallet/statement").await;
        assert_eq!(page.status, StatusCode::OK);
        let text = visible(&page.body);
        for words in words {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("statement."), "{text}");
        let digits = left.to_usd_string();
        let shown = if prefs.starts_with("ru") {
            digits.replace('.', ",")
        } else {
            digits
        };
        assert!(text.contains(&shown), "{shown}: {text}");
        // A call counts on the day of its charge, whenever it began.
        assert!(page.body.contains("href=\"/wallet/statement/2026-11-21\""));
        let day = browser
            .get(&world, "/wallet/statement/2026-11-21")
            .await
            .body;
        assert!(
            day.contains(&format!("/usage/calls/{call}#formula")),
            "{day}"
        );
        assert!(!visible(&day).contains("statement."), "{day}");
    }
    let mut there = reader("en.USD.-.Pacific/Kiritimati", &world).await;
    let page = there.get(&world, "/wallet/statement").await.body;
    assert!(page.contains("href=\"/wallet/statement/2026-11-22\""));
    let reason = page.split("class=\"opens\"").nth(1).unwrap();
    assert!(
        reason
            .split("</details>")
            .next()
            .unwrap()
            .contains("welcome")
    );
}

#[tokio::test]
async fn files_are_exact_for_programs_and_local_for_people() {
    let world = world().await;
    let (call, cost) = called(&world).await;
    let ledger = &world.services.ledger;
    let nano = Amount::from_nanos(1);
    ledger
        .grant(world.account.workspace, nano, "=cmd|' /C calc'!A0", None)
        .await
        .unwrap();
    let mut browser = reader("ru.RUB.-.Europe/Berlin", &world).await;
    let days = "from=2026-11-21&to=2026-11-21";

    let answer = browser
        .get(&world, &format!("/wallet/statement/export/csv?{days}"))
        .await;
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "text/csv; charset=utf-8"
    );
    assert_eq!(
        answer.headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"statement-2026-11-21-2026-11-21.csv\""
    );
    assert!(answer.body.starts_with("\u{feff}record,"));
    let mut file = csv::Reader::from_reader(answer.body.as_bytes());
    let heads = file.headers().unwrap().clone();
    let rows: Vec<_> = file.records().map(|row| row.unwrap()).collect();
    let cell = |row: usize, name: &str| {
        let at = heads.iter().position(|head| head == name).unwrap();
        rows[row][at].to_owned()
    };
    let records: Vec<String> = (0..rows.len()).map(|row| cell(row, "record")).collect();
    assert_eq!(records, ["opening", "line", "line", "line", "closing"]);
    assert_eq!(cell(0, "time"), "2026-11-21T00:00:00+01:00");
    assert_eq!(cell(2, "reason"), "'=cmd|' /C calc'!A0", "no formula");
    assert_eq!(
        (cell(2, "amount_nusd"), cell(2, "amount_usd")),
        ("1".to_owned(), "0.000000001".to_owned())
    );
    assert_eq!(
        (cell(3, "kind"), cell(3, "description")),
        ("usage".to_owned(), "Расход: 1 вызов".to_owned())
    );
    assert_eq!(cell(3, "amount_nusd"), (-cost.nanos()).to_string());
    assert!(cell(1, "amount").ends_with('₽'), "{}", cell(1, "amount"));
    assert_eq!(
        cell(4, "balance_nusd"),
        (5_000_000_001 - cost.nanos()).to_string()
    );
    assert_eq!(cell(4, "balance_nusd"), cell(3, "balance_nusd"));

    let answer = browser
        .get(
            &world,
            &format!("/wallet/statement/export/json?{days}&detail=calls"),
        )
        .await;
    let whole: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&whole["object"], &whole["version"]),
        (&json!("statement"), &json!(1))
    );
    assert_eq!(
        (&whole["time_zone"], &whole["language"]),
        (&json!("Europe/Berlin"), &json!("ru"))
    );
    assert_eq!(whole["lines"].as_array().unwrap().len(), 3);
    assert_eq!(whole["lines"][1]["reason"], "=cmd|' /C calc'!A0");
    let told = &whole["calls"][0];
    assert_eq!(
        (&told["id"], &told["tokens"]["input"]),
        (&json!(call.to_string()), &json!(1_001))
    );
    assert_eq!(told["micro_usd_per_million"]["output"], "10000000");
    assert_eq!(told["charge"]["nusd"], cost.nanos().to_string());
    assert_eq!(told["date"], whole["lines"][2]["date"]);

    // Days without anything are a file as well.
    for format in ["csv", "json"] {
        let nothing =
            format!("/wallet/statement/export/{format}?from=2026-01-01&to=2026-01-31&detail=calls");
        let answer = browser.get(&world, &nothing).await;
        if format == "json" {
            let whole: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(whole["lines"], Value::Array(Vec::new()));
            assert_eq!(
                (&whole["opening"]["nusd"], &whole["closing"]["nusd"]),
                (&json!("0"), &json!("0"))
            );
        } else {
            assert_eq!(answer.body.lines().count(), 3);
        }
    }
}

/// A PDF with the lines and balances of the page, in every language that its fonts can write; days without a line are
/// worth one as well.
#[tokio::test]
async fn a_statement_can_be_printed() {
    let world = world().await;
    called(&world).await;
    let (used, empty) = (
        "from=2026-11-21&to=2026-11-21",
        "from=2026-01-01&to=2026-01-31",
    );
    for (prefs, balance, usage) in [
        ("en.USD.-.UTC", "4.9974275", "Usage:1call"),
        ("ru.RUB.-.Europe/Berlin", "4,9974275", "Расход:1вызов"),
    ] {
        let mut browser = reader(prefs, &world).await;
        for (days, is_empty) in [(used, false), (empty, true)] {
            let path = format!("/wallet/statement/export/pdf?{days}");
            let (headers, file) = browser.fetch(&world, &path).await;
            assert_eq!(headers[header::CONTENT_TYPE], "application/pdf");
            if let Ok(folder) = std::env::var("SHOTS") {
                let name = format!("statement-{}-{is_empty}.pdf", &prefs[..2]);
                std::fs::write(std::path::Path::new(&folder).join(name), &file).unwrap();
            }
            let text = Document::load_mem(&file).unwrap().extract_text(&[1]);
            let text: String = text.unwrap().split_whitespace().collect();
            for words in [balance, usage] {
                assert_eq!(text.contains(words), !is_empty, "{words} {days}: {text}");
            }
            assert!(text.contains(EMAIL), "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_no_period_day_or_format_is_told() {
    let world = world().await;
    let mut browser = reader("en.USD.-.UTC", &world).await;
    let page = browser
        .get(&world, "/wallet/statement?from=2026-11-21&to=2026-11-01")
        .await;
    assert!(visible(&page.body).contains("Those dates are not a period"));
    let wrong = browser
        .get(&world, "/wallet/statement/export/csv?from=x&to=2026-11-01")
        .await;
    assert_eq!(
        (wrong.status, wrong.location()),
        (
            StatusCode::SEE_OTHER,
            "/wallet/statement?from=x&to=2026-11-01"
        )
    );
    for nothing in [
        "/wallet/statement?after=x",
        "/wallet/statement/nonsense",
        "/wallet/statement/2026-02-30",
        "/wallet/statement/2026-11-21?after=1.1",
        "/wallet/statement/export/xlsx",
    ] {
        let answer = browser.get(&world, nothing).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{nothing}");
    }
    let empty = browser.get(&world, "/wallet/statement/2026-11-20").await;
    assert!(visible(&empty.body).contains("No call was charged on this day"));
    for path in [
        "/wallet/statement",
        "/wallet/statement/2026-11-21",
        "/wallet/statement/export/json",
    ] {
        let stranger = Browser::default().get(&world, path).await;
        assert_eq!(stranger.status, StatusCode::SEE_OTHER, "{path}");
        assert!(!stranger.body.contains(EMAIL));
    }
}
