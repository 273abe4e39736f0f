//! Do the usage pages tell what was called, in the reader's days, and does the file say the same?

use domain::ids::{CallId, KeyId, WorkspaceId};
use domain::{Amount, Ending, Rule, Usage};
use http::{StatusCode, header};
use server::accounts::Email;
use server::calls::{Attempt, CallRecord, Outcome};
use server::keys::NewKeyForm;

use super::world::{Browser, EMAIL, NOW, World, visible, world};

const HOUR: i64 = 3_600_000;

/// A call of a workspace, so many hours ago.
struct Made<'a> {
    workspace: WorkspaceId,
    key: KeyId,
    model: &'a str,
    hours_ago: i64,
    ending: Ending,
    rule: Rule,
    usage: Usage,
}

impl Made<'_> {
    /// Books it as the data plane does; answers its id and what it cost.
    async fn book(&self, world: &World) -> (CallId, Amount) {
        let offered = &world.services.catalog.models()[0];
        let cost = if self.rule.charges() {
            offered.price.charge(&self.usage).unwrap()
        } else {
            Amount::ZERO
        };
        (self.book_for(world, cost).await, cost)
    }

    async fn book_for(&self, world: &World, cost: Amount) -> CallId {
        let offered = &world.services.catalog.models()[0];
        let id = CallId::from_uuid(uuid::Uuid::now_v7());
        let hold = world.services.ledger.hold(self.workspace, cost).await;
        let upstream = domain::ids::UpstreamId::from_uuid(uuid::Uuid::now_v7());
        let record = CallRecord {
            id,
            workspace: self.workspace,
            key: self.key,
            model: self.model.to_owned(),
            price: offered.price_version,
            ending: self.ending,
            rule: self.rule,
            status: 200,
            streamed: true,
            usage: self.usage,
            cost,
            first_byte_ms: Some(321),
            duration_ms: 12_345,
            created_at: NOW - self.hours_ago * HOUR,
            attempts: vec![Attempt {
                upstream,
                outcome: Outcome::Answered,
                status: Some(200),
                duration_ms: 300,
            }],
        };
        hold.unwrap().settle(record).await.unwrap();
        id
    }
}

/// Sixty calls of two models over two and a half days, of a key whose name would be a formula.
async fn called(world: &World) -> (Vec<CallId>, Amount) {
    world.services.ledger.start();
    let workspace = world.account.workspace;
    let named = NewKeyForm::named("=cmd,\"x\"");
    let key = world.services.keys.create(workspace, &named).await.unwrap();
    let (mut ids, mut total) = (Vec::new(), Amount::ZERO);
    for at in 0..60_u64 {
        let made = Made {
            workspace,
            key: key.view.id,
            model: if at % 3 == 0 { "small" } else { "big" },
            hours_ago: i64::try_from(at).unwrap(),
            ending: if at == 7 {
                Ending::UpstreamFailed
            } else {
                Ending::Finished
            },
            rule: Rule::Reported,
            usage: Usage {
                input: 100 + at,
                cached_input: 10,
                output: 7,
                reasoning: 2,
                ..Usage::default()
            },
        };
        let (id, cost) = made.book(world).await;
        ids.push(id);
        total = total.plus(cost).unwrap();
    }
    (ids, total)
}

async fn reader(world: &World, locale: &str, zone: &str) -> Browser {
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("__Host-prefs".to_owned(), format!("{locale}.USD.-.{zone}"));
    browser.sign_in(world).await;
    browser
}

/// The fields of a file, line by line, without its heads.
fn rows(file: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().from_reader(file.as_bytes());
    let records = reader.records();
    records
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn sum(rows: &[Vec<String>], column: usize) -> i64 {
    let numbers = rows.iter().map(|row| row[column].parse::<i64>().unwrap());
    numbers.sum()
}

#[tokio::test]
async fn the_file_has_the_rows_and_sums_of_the_page() {
    let world = world().await;
    let (ids, total) = called(&world).await;
    let mut browser = reader(&world, "en", "Pacific/Kiritimati").await;
    let file = "/usage/export.csv?range=30d";

    let answer = browser.get(&world, &format!("{file}&of=calls")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "text/csv; charset=utf-8"
    );
    assert!(answer.body.starts_with("\u{feff}time,"));
    assert_eq!(answer.body.matches('\u{feff}').count(), 1);
    let calls = rows(&answer.body);
    assert_eq!((calls.len(), sum(&calls, 14)), (60, total.nanos()));
    assert_eq!(
        calls[0][0], "2026-11-22T05:04:00+14:00",
        "the newest, by the reader's clock"
    );
    assert_eq!(calls[0][4], "'=cmd,\"x\"", "no formula");
    let exact = calls.iter().map(|row| Amount::parse_usd(&row[13]).unwrap());
    assert_eq!(Amount::sum(exact).unwrap(), total);

    // The same calls on the pages, fifty and ten.
    let first = browser.get(&world, "/usage/calls?range=30d").await.body;
    let older = first.split("rel=\"next\" href=\"").nth(1).unwrap();
    let older = older.split('"').next().unwrap().replace("&amp;", "&");
    let second = browser.get(&world, &older).await.body;
    for (at, row) in calls.iter().enumerate() {
        let page = if at < 50 { &first } else { &second };
        assert!(page.contains(&format!("/usage/calls/{}\"", row[1])), "{at}");
    }
    assert!(
        ids.iter()
            .all(|id| calls.iter().any(|row| row[1] == id.to_string()))
    );

    for group in ["model", "key", "day", "status"] {
        let query = format!("range=30d&group={group}");
        let page = browser.get(&world, &format!("/usage?{query}")).await.body;
        let file = format!("/usage/export.csv?{query}&of=overview");
        let answer = browser.get(&world, &file).await;
        assert!(answer.body.starts_with('\u{feff}'));
        let lines = rows(&answer.body);
        assert_eq!(
            (sum(&lines, 2), sum(&lines, 8)),
            (60, total.nanos()),
            "{group}"
        );
        assert_eq!(sum(&lines, 6), 1, "{group}: one failed");
        let text = page.replace("&quot;", "\"").replace("&amp;", "&");
        for line in &lines {
            let name = line[1].trim_start_matches('\'');
            assert!(
                text.contains(name),
                "{group}: {name} is not on the page\n{text}"
            );
        }
        assert!(page.contains("<dd class=\"num\">60</dd>"), "{group}");
    }
}

#[tokio::test]
async fn models_to_choose_from_are_those_of_the_range_and_the_chosen_one() {
    let world = world().await;
    world.services.ledger.start();
    let mut browser = reader(&world, "en", "UTC").await;
    let never = "$API_KEY";
    let page = browser.get(&world, "/usage/calls").await.body;
    assert!(page.contains(never), "the command that makes a first call");
    let key = NewKeyForm::named("laptop");
    let workspace = world.account.workspace;
    let key = world.services.keys.create(workspace, &key).await.unwrap();
    let made = Made {
        workspace,
        key: key.view.id,
        model: "old-model",
        hours_ago: 20 * 24,
        ending: Ending::Finished,
        rule: Rule::Reported,
        usage: Usage::default(),
    };
    made.book_for(&world, Amount::from_nanos(1)).await;
    let option = "<option value=\"old-model\"";
    for path in ["/usage", "/usage/calls"] {
        for (query, offered) in [
            ("", false),
            ("?range=30d", true),
            ("?model=old-model", true),
        ] {
            let page = browser.get(&world, &format!("{path}{query}")).await.body;
            assert_eq!(page.contains(option), offered, "{path}{query}\n{page}");
            assert!(!page.contains(never), "{path}{query}: it did call");
        }
    }
}

#[tokio::test]
async fn a_days_bar_leads_to_its_hours_in_the_readers_zone() {
    let world = world().await;
    called(&world).await;
    // 15:04 UTC is the 22nd there, five hours old.
    let mut browser = reader(&world, "en", "Pacific/Kiritimati").await;
    let html = browser.get(&world, "/usage").await.body;
    for day in ["2026-11-22", "2026-11-21", "2026-11-20", "2026-11-19"] {
        assert!(
            html.contains(&format!("href=\"/usage?range={day}..{day}\"")),
            "{day}"
        );
    }
    assert_eq!(html.matches("class=\"day\"").count(), 7);
    let html = browser
        .get(&world, "/usage?range=2026-11-22..2026-11-22")
        .await
        .body;
    assert_eq!(html.matches("class=\"day\"").count(), 24);
    assert_eq!(html.matches("data-tip=").count(), 6, "00:04 to 05:04");
    assert!(visible(&html).contains("Pacific/Kiritimati"));
    let moved = browser
        .get(&world, "/usage?range=7d&group=&from=2026-11-20&to=")
        .await;
    assert_eq!(moved.location(), "/usage?range=2026-11-20..2026-11-20");
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there() {
    let world = world().await;
    let (ids, _) = called(&world).await;
    let email = Email::parse("bob@example.com").unwrap();
    let accounts = &world.services.accounts;
    let other = accounts.create(&email, None, false).await.unwrap();
    let theirs = NewKeyForm::named("theirs");
    let theirs = world
        .services
        .keys
        .create(other.workspace, &theirs)
        .await
        .unwrap();
    let made = Made {
        workspace: other.workspace,
        key: theirs.view.id,
        model: "secret-model",
        hours_ago: 1,
        ending: Ending::Finished,
        rule: Rule::NothingDelivered,
        usage: Usage::default(),
    };
    let (foreign, _) = made.book(&world).await;
    let mut browser = reader(&world, "en", "UTC").await;
    for path in [
        format!("/usage/calls/{foreign}"),
        "/usage/calls/nonsense".to_owned(),
        format!("/usage/calls?before={foreign}"),
        format!("/usage?key={}", theirs.view.id),
        format!("/usage/export.csv?key={}", theirs.view.id),
        format!("/usage/refused?key={}", theirs.view.id),
        "/usage?key=nonsense".to_owned(),
    ] {
        let answer = browser.get(&world, &path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let own = browser
        .get(&world, &format!("/usage/calls/{}", ids[0]))
        .await;
    assert_eq!(own.status, StatusCode::OK);
    for path in [
        "/usage?range=90d",
        "/usage/calls",
        "/usage/export.csv?of=calls",
    ] {
        let body = browser.get(&world, path).await.body;
        assert!(!body.contains("secret-model"), "{path}");
    }
    // Nobody who is not signed in sees anything.
    for path in [
        "/usage",
        "/usage/calls",
        "/usage/refused",
        "/usage/export.csv",
    ] {
        let answer = Browser::default().get(&world, path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test]
async fn a_call_shows_the_formula_that_gives_its_charge() {
    let world = world().await;
    world.services.ledger.start();
    let key = world
        .services
        .keys
        .list(world.account.workspace)
        .await
        .unwrap()[0]
        .id;
    let made = |rule, usage| Made {
        workspace: world.account.workspace,
        key,
        model: "m",
        hours_ago: 0,
        ending: Ending::Finished,
        rule,
        usage,
    };
    let usage = Usage {
        input: 1_001,
        cached_input: 400,
        output: 500,
        reasoning: 40,
        ..Usage::default()
    };
    let (id, cost) = made(Rule::Estimated, usage).book(&world).await;
    let mut browser = reader(&world, "en", "UTC").await;
    let page = browser
        .get(&world, &format!("/usage/calls/{id}"))
        .await
        .body;
    assert!(
        page.contains("href=\"/docs/billing#rule-estimated\""),
        "the rule leads to its line in the documentation: {page}"
    );
    let text = visible(&page);
    // $2.50 and $10.00 per million; cached input costs what input does.
    for part in [
        "1,001",
        "$2.50",
        "$0.0025025",
        "$0.001",
        "$10.00",
        "$0.005",
        "$0.0085025",
        "Our count",
        "40",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(cost.nanos(), 8_502_500);

    let detail = world
        .services
        .calls
        .one(world.account.workspace, id)
        .await
        .unwrap()
        .unwrap();
    assert!(detail.follows());
    let (free, _) = made(Rule::NothingDelivered, usage).book(&world).await;
    let text = visible(
        &browser
            .get(&world, &format!("/usage/calls/{free}"))
            .await
            .body,
    );
    assert!(text.contains("Nothing was charged."), "{text}");
}

#[tokio::test]
async fn every_usage_page_speaks_every_language() {
    let world = world().await;
    let empty = [
        "/usage",
        "/usage/calls",
        "/usage/refused",
        "/usage?range=nonsense",
    ];
    let mut pages: Vec<(String, String)> = Vec::new();
    let mut browser = reader(&world, "qps-ploc", "Asia/Kathmandu").await;
    for path in empty {
        pages.push((path.to_owned(), browser.get(&world, path).await.body));
    }
    let (ids, _) = called(&world).await;
    let one = format!("/usage/calls/{}", ids[0]);
    let filled = [
        "/usage?group=status",
        "/usage?group=key&range=24h",
        "/usage/calls?status=finished",
        &one,
    ];
    for path in filled {
        pages.push((path.to_owned(), browser.get(&world, path).await.body));
    }
    let given = [
        "Farebox",
        "UTC",
        "Asia",
        "Kathmandu",
        "big",
        "small",
        "cmd",
        "laptop",
        "svg",
        "onload",
        "alert",
        "old",
        "bot",
        "sandbox",
        "echo",
        "pay.example",
        "example.com",
        "sandbox-echo",
        "old-bot",
        "curl",
        "ada",
        "up",
        "pri",
    ];
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "AM",
        "PM",
    ];
    for (path, html) in &pages {
        let mut text = visible(html);
        assert!(
            !text.contains("%{"),
            "{path}: a placeholder without a value\n{text}"
        );
        assert!(
            !html.contains(" style=\"") && !html.contains("<svg onload"),
            "{path}"
        );
        // Commands and ids are nobody's language.
        for code in html.split("<code").skip(1) {
            let code = code
                .split_once('>')
                .unwrap()
                .1
                .split("</code>")
                .next()
                .unwrap();
            text = text.replace(visible(code).trim(), "");
        }
        text = text.replace(EMAIL, "");
        let plain: Vec<_> = texts::pseudo::plain_words(&text)
            .into_iter()
            .filter(|word| {
                !given.contains(word) && !months.contains(word) && !word.starts_with("up_")
            })
            .collect();
        assert!(
            plain.is_empty(),
            "{path}: not from locales/: {plain:?}\n{text}"
        );
    }
    for locale in ["en", "ru", "qps-plocm"] {
        let mut browser = reader(&world, locale, "America/New_York").await;
        for path in empty.iter().chain(&filled) {
            let answer = browser.get(&world, path).await;
            assert_eq!(answer.status, StatusCode::OK, "{locale} {path}");
            assert!(!visible(&answer.body).contains("%{"), "{locale} {path}");
        }
    }
}

#[tokio::test]
async fn when_all_is_spent_the_overview_says_so() {
    let world = world().await;
    world.services.ledger.start();
    let workspace = world.account.workspace;
    let key = NewKeyForm::named("laptop");
    let key = world.services.keys.create(workspace, &key).await.unwrap();
    let made = Made {
        workspace,
        key: key.view.id,
        model: "big",
        hours_ago: 1,
        ending: Ending::Finished,
        rule: Rule::Reported,
        usage: Usage::default(),
    };
    let mut browser = reader(&world, "en", "UTC").await;
    made.book_for(&world, Amount::from_nanos(1)).await;
    let words = "Your balance is used up";
    let page = browser.get(&world, "/overview").await.body;
    assert!(!visible(&page).contains(words), "{page}");
    let ledger = &world.services.ledger;
    let all = ledger.balance(workspace).await.unwrap().unwrap().posted;
    made.book_for(&world, all).await;
    let page = browser.get(&world, "/overview").await.body;
    assert!(visible(&page).contains(words), "{page}");
}
