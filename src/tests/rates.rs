//! Do rates come over HTTP as they should? Recorded documents from a stand-in on loopback, on both databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use domain::fx::{Coins, Source};
use domain::{Amount, Currency};
use http::{StatusCode, header};
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Statement};
use server::audit::By;
use server::clock::Clock;
use server::rates::{FetchError, Rates, RatesConfig};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{TestApp, on_both};

const ECB: &[u8] = include_bytes!("../../server/src/rates/tests/documents/ecb-friday.xml");
const BOMB: &[u8] = include_bytes!("../../server/src/rates/tests/documents/ecb-bomb.xml");
const CBR: &[u8] = include_bytes!("../../server/src/rates/tests/documents/cbr-saturday.xml");
const DIRECT: &[u8] =
    include_bytes!("../../server/src/rates/tests/documents/openexchangerates.json");
/// Saturday, 21 November 2026, noon UTC: a day after the ECB's document.
const NOW: i64 = 1_795_262_400_000;
const MODIFIED: &str = "Fri, 20 Nov 2026 15:00:00 GMT";

/// How the stand-in answers for the ECB.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Fine,
    Bomb,
    Redirect,
    Huge,
    Broken,
}

struct StandIn {
    mood: Mutex<Mood>,
    asked: AtomicUsize,
    unchanged: AtomicUsize,
}

async fn answer(State(stand_in): State<Arc<StandIn>>, request: Request) -> Response {
    stand_in.asked.fetch_add(1, Ordering::SeqCst);
    let dated = |raw: &'static [u8]| ([(header::LAST_MODIFIED, MODIFIED)], raw).into_response();
    match request.uri().path() {
        "/stats/eurofxref/eurofxref-daily.xml" => {}
        "/scripts/XML_daily.asp" => return dated(CBR),
        "/api/latest.json" if request.uri().query() == Some("app_id=tangerine%26more") => {
            return dated(DIRECT);
        }
        _ => return StatusCode::FORBIDDEN.into_response(),
    }
    if request
        .headers()
        .get(header::IF_MODIFIED_SINCE)
        .is_some_and(|since| since == MODIFIED)
    {
        stand_in.unchanged.fetch_add(1, Ordering::SeqCst);
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mood = *stand_in.mood.lock();
    match mood {
        Mood::Fine => dated(ECB),
        Mood::Bomb => dated(BOMB),
        // Followed, this would be a good document.
        Mood::Redirect => {
            let to = [(header::LOCATION, "/scripts/XML_daily.asp")];
            (StatusCode::FOUND, to).into_response()
        }
        Mood::Huge => vec![b' '; 1024 * 1024 + 1].into_response(),
        Mood::Broken => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// A stand-in, and how to ask it.
async fn stand_in(mood: Mood) -> (Arc<StandIn>, RatesConfig) {
    let stand_in = Arc::new(StandIn {
        mood: Mutex::new(mood),
        asked: AtomicUsize::new(0),
        unchanged: AtomicUsize::new(0),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = RatesConfig {
        sources: vec![Source::Ecb, Source::Cbr],
        stand_in: Some(listener.local_addr().unwrap()),
        ..RatesConfig::default()
    };
    let router = Router::new().fallback(answer).with_state(stand_in.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (stand_in, config)
}

fn node(app: &TestApp, config: &RatesConfig, clock: &Clock) -> Rates {
    Rates::new(app.handles.db.clone(), clock.clone(), config.clone())
}

async fn count(app: &TestApp, what: &str) -> i64 {
    let db = &app.handles.db;
    let sql = format!("SELECT COUNT(*) AS many FROM {what}");
    let row = db
        .read()
        .query_one_raw(Statement::from_string(db.backend(), sql))
        .await;
    row.unwrap().unwrap().try_get("", "many").unwrap()
}

on_both! {
    /// Documents are fetched, read in their encodings, kept and used; one that did not change is not sent again.
    async fn rates_are_fetched_and_kept(app) {
        let (stand_in, mut config) = stand_in(Mood::Fine).await;
        config.openexchangerates_key = Some("tangerine&more".to_owned().into());
        let rates = node(&app, &config, &Clock::fixed(NOW));
        let fetching = &rates;
        let stored = async |source| fetching.fetch(source).await.unwrap().stored;
        assert_eq!(stored(Source::Ecb).await, 8);
        assert_eq!(stored(Source::Cbr).await, 9);
        assert_eq!(stored(Source::OpenExchangeRates).await, 10);
        let again = rates.fetch(Source::Ecb).await.unwrap();
        assert_eq!((again.date, again.stored), (None, 0));
        assert_eq!(stand_in.unchanged.load(Ordering::SeqCst), 1);
        assert_eq!(count(&app, "fx_rate").await, 27);

        let table = rates.table();
        for (currency, source) in [
            (Currency::Eur, Source::OpenExchangeRates),
            (Currency::Rub, Source::Cbr),
            (Currency::Kwd, Source::OpenExchangeRates),
        ] {
            assert_eq!(table.known(currency).source, source, "{currency}");
        }
        // 100.00 roubles at 80.15: what arrives never depends on who shows it.
        let quote = rates.quote(Coins::parse(Currency::Rub, "100.00").unwrap()).unwrap();
        assert_eq!(quote.credited, Amount::parse_usd("1.2476606").unwrap());
        assert!(rates.sources().await.unwrap().iter().all(|state| state.refused.is_none() && state.checked_at == Some(NOW)));

        // Each source's word for the euro is kept, and an administrator who has one asked is in the log.
        let past = rates.history(Currency::Eur, 9).await.unwrap();
        assert_eq!(past.len(), 3);
        assert_eq!(past.first().map(|line| line.source), Some(Source::Cbr), "of Saturday");
        let asked = rates.acting(By::OPERATOR).fetch(Source::Ecb).await.unwrap();
        assert_eq!(asked.stored, 0);
        assert_eq!(count(&app, "audit WHERE action = 'rate.fetch' AND target = 'ecb'").await, 1);

        // A server of this installation hears of it.
        let (before, other) = (app.handles.rates.table(), &app.handles.rates);
        assert_eq!(before.known(Currency::Kwd).source, Source::First);
        other.reload().await.unwrap();
        assert_eq!(other.table().known(Currency::Kwd).rate, table.known(Currency::Kwd).rate);
        app.finish().await;
    }

    /// Whatever a source answers, the rates from before stay, and the operator can see why.
    async fn what_is_refused_changes_nothing(app) {
        let (stand_in, config) = stand_in(Mood::Bomb).await;
        let rates = node(&app, &config, &Clock::fixed(NOW));
        let before = rates.table();
        for (mood, reason) in [
            (Mood::Bomb, "document type"),
            (Mood::Redirect, "302"),
            (Mood::Huge, "larger than a megabyte"),
            (Mood::Broken, "502"),
        ] {
            *stand_in.mood.lock() = mood;
            let refused = rates.fetch(Source::Ecb).await.unwrap_err();
            assert!(matches!(refused, FetchError::Refused(Source::Ecb, _)));
            assert!(refused.to_string().contains(reason), "{mood:?}: {refused}");
            let state = rates.sources().await.unwrap().remove(0);
            assert!(state.refused.unwrap().contains(reason), "{mood:?}");
        }
        // A key that is not theirs: the message does not have it.
        let mut wrong = config.clone();
        wrong.openexchangerates_key = Some("clementine".to_owned().into());
        let refused = node(&app, &wrong, &Clock::fixed(NOW)).fetch(Source::OpenExchangeRates).await.unwrap_err();
        assert!(refused.to_string().contains("403") && !refused.to_string().contains("clementine"));
        // Nobody listens: neither does that one.
        wrong.stand_in = Some("127.0.0.1:1".parse().unwrap());
        let refused = node(&app, &wrong, &Clock::fixed(NOW)).fetch(Source::OpenExchangeRates).await.unwrap_err();
        assert!(refused.to_string().contains("cannot be reached") && !refused.to_string().contains("clementine"), "{refused}");
        assert_eq!(count(&app, "fx_rate").await, 0);
        assert_eq!(rates.table(), before);

        *stand_in.mood.lock() = Mood::Fine;
        assert_eq!(rates.fetch(Source::Ecb).await.unwrap().stored, 8, "nothing of before is in the way");
        app.finish().await;
    }

    /// Two nodes keep rates: each source is asked once, and again an hour later.
    async fn one_node_at_a_time_asks_once_an_hour(app) {
        let (stand_in, config) = stand_in(Mood::Fine).await;
        let clock = Clock::fixed(NOW);
        let asked = || stand_in.asked.load(Ordering::SeqCst);
        for (pass, expected) in [(0, 2), (30 * 60_000, 2), (40 * 60_000, 4)] {
            clock.advance(pass);
            let stop = CancellationToken::new();
            let nodes = [node(&app, &config, &clock), node(&app, &config, &clock)];
            let running = nodes.map(|node| tokio::spawn(node.keep(stop.clone())));
            for _ in 0..100 {
                if asked() >= expected && count(&app, "fx_source WHERE taken_until = 0 AND checked_at IS NOT NULL").await == 2 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            stop.cancel();
            for task in running {
                task.await.unwrap();
            }
            assert_eq!(asked(), expected);
        }
        assert_eq!(count(&app, "fx_rate").await, 17, "8 and 9, once");
        app.finish().await;
    }
}

/// Amounts on a page are converted at the rates that were fetched, with the day of the rate beside them.
#[tokio::test]
async fn pages_show_the_day_of_the_rate() {
    let app = TestApp::sqlite().await;
    let (_, config) = stand_in(Mood::Fine).await;
    app.caller("0").await;
    let page = |currency: &'static str| {
        let url = app.url("/");
        async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let cookie = format!("prefs=en.{currency}.-.-");
            let answer = client.get(url).header(header::COOKIE, cookie).send().await;
            answer.unwrap().text().await.unwrap()
        }
    };
    let fake = crate::upstream::FakeUpstream::start().await;
    app.offer("m", &fake).await;
    assert!(page("RUB").await.contains("Nov 20, 2026"), "the snapshot's");
    let rates = node(&app, &config, &Clock::fixed(NOW));
    rates.fetch(Source::Cbr).await.unwrap();
    app.handles.rates.reload().await.unwrap();
    let shown = page("RUB").await;
    assert!(shown.contains("Nov 21, 2026"), "the document's");
    // 2.50 dollars per million tokens.
    assert!(shown.contains("≈\u{a0}₽200.38"), "{shown}");
    assert!(
        page("KWD").await.contains("KWD\u{a0}0.767"),
        "a currency with three digits"
    );
    app.finish().await;
}
