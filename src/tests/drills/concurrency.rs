//! Many at once: money for exactly k calls serves exactly k, whoever asks how often at the same moment, on one node and
//! on three.
//!
//! While a call runs it holds more than it will cost, so a caller may be refused money that is free a moment later. Who
//! was refused therefore asks again, in rounds that end when no call runs any more, until nobody is served.

use std::time::Duration;

use domain::Amount;
use farebox::config::Config;
use futures::future::join_all;
use serde_json::json;
use server::ledger::LedgerConfig;

use super::callers::{Got, call, posted_and_reserved};
use crate::app::{TestApp, on_both};
use crate::binary::http;
use crate::postgres::Scratch;
use crate::upstream::{FakeUpstream, usage};

/// Tokens of each answer. No shorter one is sold, so every call holds enough for itself, however little the wallet has
/// left, and costs exactly the same.
const ANSWER: u64 = 16;
/// Four times as much may come, as far as anybody knows before.
const AT_MOST: u64 = 64;
/// Only answers cost: ten dollars per million tokens.
const PRICE: (&str, &str, &str) = ("0", "0", "10");
const A_CALL: i64 = 16 * 10_000;

fn money_for(calls: usize) -> String {
    Amount::from_nanos(A_CALL * i64::try_from(calls).unwrap()).to_usd_string()
}

async fn upstream(app: &TestApp) -> FakeUpstream {
    let fake = FakeUpstream::start().await;
    fake.answers_as_asked(&["done"], &usage(10, 0, ANSWER));
    app.offer_at("gpt", &fake, PRICE).await;
    fake
}

/// Callers of one key at some nodes of one database.
struct Crowd {
    http: reqwest::Client,
    urls: Vec<String>,
    key: String,
    max_tokens: u64,
}

impl Crowd {
    /// One call of the caller with this number; every other one asks for a stream.
    async fn ask(&self, number: usize, url: &str) -> Got {
        let more = json!({"max_tokens": self.max_tokens, "stream": number.is_multiple_of(2)});
        call(&self.http, url, &self.key, more).await
    }

    /// Asks at each node once, at another one first than the neighbour. Was it served?
    async fn asks_around(&self, number: usize) -> bool {
        let urls = self.urls.iter().cycle().skip(number);
        for url in urls.take(self.urls.len()) {
            match self.ask(number, url).await {
                Got::Whole(_) => return true,
                Got::OutOfCredit | Got::NotNow(_) => {}
                other => panic!("caller {number} got {other:?}"),
            }
        }
        false
    }

    /// While no call runs: does every node say that the wallet is empty? A node may first have to get back what another
    /// one has leased, and says "not now" meanwhile.
    async fn is_told_that_it_is_out_of_credit(&self) -> bool {
        for url in &self.urls {
            let mut got = Got::NotNow(String::new());
            for _ in 0..100 {
                got = self.ask(0, url).await;
                if !matches!(got, Got::NotNow(_)) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            match got {
                Got::OutOfCredit => {}
                Got::Whole(_) => return false,
                other => panic!("a node with nothing to do says {other:?}"),
            }
        }
        true
    }

    /// Rounds of calls until nobody is served any more; how many were.
    async fn spends_all(&self, callers: usize) -> usize {
        let mut waiting: Vec<usize> = (0..callers).collect();
        let mut served = 0;
        while !waiting.is_empty() {
            let asked = waiting.iter().map(|number| self.asks_around(*number));
            let outcome = join_all(asked).await;
            let before = waiting.len();
            let mut outcome = outcome.into_iter();
            waiting.retain(|_| outcome.next() == Some(false));
            served += before - waiting.len();
            if before == waiting.len() {
                if self.is_told_that_it_is_out_of_credit().await {
                    break;
                }
                served += 1;
            }
            assert!(served <= callers, "the wallet is never empty");
        }
        served
    }
}

/// So many callers, every other one of them streaming, and money for fewer calls: exactly as many are served and charged.
async fn drill(nodes: Vec<TestApp>, fake: FakeUpstream, callers: usize, affordable: usize) {
    farebox::telemetry::raise_file_limit();
    let one = &nodes[0];
    let caller = one.caller(&money_for(affordable)).await;
    let crowd = Crowd {
        http: http(),
        urls: nodes.iter().map(|node| node.url("")).collect(),
        key: caller.key.clone(),
        max_tokens: AT_MOST,
    };
    assert_eq!(crowd.spends_all(callers).await, affordable);
    assert_eq!(
        fake.seen().len(),
        affordable,
        "a call without money reaches no upstream"
    );
    for node in &nodes {
        node.quiet().await;
    }
    let calls = one.calls(&caller).await;
    let charges: Vec<i64> = calls.iter().map(|call| call.charge_nusd.nanos()).collect();
    assert_eq!(charges, vec![A_CALL; affordable]);
    assert!(calls.iter().all(|call| call.unbilled_nusd.is_zero()));
    let half = calls.iter().filter(|call| call.streamed).count();
    assert!(half > 0 && half < affordable, "{half} streams");
    assert_eq!(posted_and_reserved(&one.handles.db).await.0, 0);

    let mut nodes = nodes.into_iter();
    let one = nodes.next().unwrap();
    for node in nodes {
        node.stop().await;
    }
    one.finish().await;
}

async fn on_one(app: TestApp, callers: usize, affordable: usize) {
    let fake = upstream(&app).await;
    drill(vec![app], fake, callers, affordable).await;
}

async fn on_three(callers: usize, affordable: usize) {
    let Some(scratch) = Scratch::create().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let one = postgres(scratch).await;
    let fake = upstream(&one).await;
    let (two, three) = (one.beside().await, one.beside().await);
    drill(vec![one, two, three], fake, callers, affordable).await;
}

/// Hundreds of calls at once on a small machine take longer than a single one may.
fn patiently(config: &mut Config) {
    config.calls.first_byte = Duration::from_secs(30);
    config.calls.pause = Duration::from_secs(30);
}

async fn postgres(scratch: Scratch) -> TestApp {
    let url = scratch.url();
    TestApp::postgres_by(scratch, url, LedgerConfig::default(), patiently).await
}

async fn on_both(callers: usize, affordable: usize) {
    on_one(TestApp::set(patiently).await, callers, affordable).await;
    match Scratch::create().await {
        Some(scratch) => on_one(postgres(scratch).await, callers, affordable).await,
        None => eprintln!("skipped: TEST_POSTGRES_URL is not set"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_callers_with_money_for_five() {
    on_both(8, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_callers_with_money_for_two_hundred() {
    on_both(500, 200).await;
}

on_both! {
    async fn a_grant_repeated_at_the_same_moment_credits_once(app) {
        let caller = app.caller("0").await;
        let one = Amount::parse_usd("1").unwrap();
        let grants = (0..16).map(|_| app.handles.ledger.grant(caller.account.workspace, one, "invoice 7", Some("invoice-7")));
        let granted = join_all(grants).await.into_iter().filter(|granted| granted.as_ref().is_ok_and(|granted| granted.credited)).count();
        assert_eq!(granted, 1);
        assert_eq!(app.posted(&caller).await, one.nanos());
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_callers_at_three_nodes_with_money_for_five() {
    on_three(8, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_callers_at_three_nodes_with_money_for_two_hundred() {
    on_three(500, 200).await;
}

/// What another node has leased and no call holds comes within a moment, and is never called missing.
async fn unused_credit_of_another_node(max_tokens: u64) {
    let Some(one) = TestApp::postgres().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let fake = upstream(&one).await;
    let two = one.beside().await;
    let caller = one.caller(&money_for(7)).await;
    let crowd = Crowd {
        http: http(),
        urls: vec![one.url(""), two.url("")],
        key: caller.key.clone(),
        max_tokens,
    };
    for number in 0..7 {
        let url = &crowd.urls[number % 2];
        for tried in 0.. {
            match crowd.ask(number, url).await {
                Got::Whole(_) => break,
                Got::NotNow(code) => assert_eq!(code, "credit_busy"),
                other => panic!("call {number} got {other:?} while there was money for it"),
            }
            assert!(tried < 50, "call {number} is never served");
        }
    }
    assert!(crowd.is_told_that_it_is_out_of_credit().await);
    assert_eq!(fake.seen().len(), 7);
    assert_eq!(posted_and_reserved(&one.handles.db).await.0, 0);
    two.stop().await;
    one.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unused_credit_of_another_node_is_never_insufficient() {
    unused_credit_of_another_node(ANSWER).await;
}

/// Also where the wallet as a whole has too little for the longest answer, and enough for a shorter one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unused_credit_of_another_node_is_enough_for_a_shorter_answer() {
    unused_credit_of_another_node(AT_MOST).await;
}
