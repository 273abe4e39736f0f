//! The running guard: an upstream sends as fast and as much as it can, and the wallet runs out. What is delivered above
//! what is charged is never more than the documentation says, and the wallet is never below zero.

use domain::Amount;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use server::calls::CallRow;

use super::caller;
use crate::app::{TestApp, on_both};
use crate::upstream::{
    FakeUpstream, Reply, Step, answer, chunk, done, finish, piece, usage, usage_chunk,
};

/// Only answers cost: ten dollars per million tokens.
const PRICE: (&str, &str, &str) = ("0", "0", "10");
const NANOS_A_TOKEN: i64 = 10_000;
/// Of every model that [`TestApp::offer_at`] offers.
const CONTEXT: u64 = 128_000;
/// The wallet holds so many tokens of answer: more than two steps.
const AFFORDABLE: usize = 2_500;
/// Where the text is cut to be counted, a token is added for safety; one in two KiB.
const CUTS: usize = 8;

/// Of a prompt that is dear to count.
const PROMPT_BYTES: usize = 4_000;

/// What the caller of a stream got, and what stands on its row.
struct Ran {
    events: Vec<String>,
    call: CallRow,
    posted: i64,
}

impl Ran {
    /// How often the word of [`words`] was delivered, which is a token each time.
    fn delivered(&self) -> usize {
        let chunks = self.events.iter().filter_map(|event| {
            let chunk: Value = serde_json::from_str(event).ok()?;
            let words = chunk["choices"][0]["delta"]["content"].as_str()?;
            Some(words.matches(" the").count())
        });
        chunks.sum()
    }

    fn ended_by_length(&self) -> bool {
        let length = |event: &String| event.contains("\"finish_reason\":\"length\"");
        self.events.iter().filter(|event| length(event)).count() == 1
            && self.events.last().is_some_and(|last| last == "[DONE]")
    }
}

fn words(count: usize) -> Step {
    piece(&" the".repeat(count))
}

/// Plays a stream of such steps to a caller with so much money.
async fn run(app: &TestApp, name: &str, steps: Vec<Step>, money: Amount) -> Ran {
    let asked = json!({"stream": true, "stream_options": {"include_usage": true}});
    play(app, name, Reply::Stream(steps), PRICE, money, asked).await
}

/// Plays this reply to a caller with so much money who asks for that.
async fn play(
    app: &TestApp,
    name: &str,
    reply: Reply,
    price: (&str, &str, &str),
    money: Amount,
    asked: Value,
) -> Ran {
    let fake = FakeUpstream::start().await;
    fake.always(reply);
    app.offer_at(name, &fake, price).await;
    let caller = caller(app, name, money).await;
    let response = app.chat(&caller.key, name, asked).await;
    assert_eq!(response.status(), 200, "{name}");
    let text = response.text().await.unwrap();
    let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = events.map(str::to_owned).collect();
    let call = app.calls(&caller).await.remove(0);
    let posted = app.posted(&caller).await;
    assert!(posted >= 0, "{name}: {posted}");
    assert_eq!(posted, money.nanos() - call.charge_nusd.nanos(), "{name}");
    Ran {
        events,
        call,
        posted,
    }
}

fn money() -> Amount {
    Amount::from_nanos(i64::try_from(AFFORDABLE).unwrap() * NANOS_A_TOKEN)
}

async fn rename(app: &TestApp, from: &str, to: &str) {
    let sql = format!("ALTER TABLE {from} RENAME TO {to}");
    app.handles
        .db
        .write()
        .execute_unprepared(&sql)
        .await
        .unwrap();
}

on_both! {
    async fn without_a_report_no_token_is_delivered_above_the_wallet(app) {
        for (name, words_a_piece, steps) in [
            ("single-words", 1, (0..4_000).map(|_| words(1)).collect::<Vec<_>>()),
            ("all-at-once", 1, vec![Step::Together((0..4_000).map(|_| words(1)).collect())]),
            ("large-pieces", 300, (0..40).map(|_| words(300)).collect()),
            ("one-huge-piece", 100_000, vec![words(100_000), finish(), done()]),
        ] {
            let ran = run(&app, name, steps, money()).await;
            let (delivered, call) = (ran.delivered(), &ran.call);
            let paid = i64::try_from(delivered).unwrap() * NANOS_A_TOKEN;
            assert_eq!((call.charge_nusd.nanos(), call.unbilled_nusd.nanos()), (paid, 0), "{name}: {call:?}");
            assert_eq!(call.ending, "stopped", "{name}");
            assert!(ran.ended_by_length(), "{name}: {:?}", ran.events.iter().rev().take(3).collect::<Vec<_>>());
            // Not less than the wallet covers, either: up to the piece that it cannot cover.
            assert!(delivered <= AFFORDABLE && delivered + words_a_piece + CUTS > AFFORDABLE, "{name}: {delivered}");
            // Who asked for the usage is told what was charged, as at every ending.
            let told: Value = serde_json::from_str(&ran.events[ran.events.len() - 2]).unwrap();
            assert_eq!(told["usage"]["completion_tokens"], delivered, "{name}: {told}");
        }
        app.finish().await;
    }

    async fn a_running_report_is_guarded_like_text(app) {
        // Every piece is one token of text, and says that a hundred more were used: reasoning that nobody sees.
        let steps = (1..=60).map(|count| {
            let choice = json!([{"index": 0, "delta": {"content": " the"}, "finish_reason": null}]);
            chunk(&choice, Some(usage(10, 0, 100 * count)))
        });
        let ran = run(&app, "reasoning", steps.collect(), money()).await;
        assert_eq!((ran.delivered(), ran.posted), (AFFORDABLE / 100, 0));
        assert_eq!((ran.call.rule.as_str(), ran.call.ending.as_str()), ("reported", "stopped"));
        assert!(ran.call.unbilled_nusd.is_zero() && ran.ended_by_length(), "{:?}", ran.call);
        app.finish().await;
    }

    async fn a_report_at_the_end_is_above_the_wallet_by_no_more_than_is_believed(app) {
        let believed = 2 * CONTEXT + proxy::BELIEVED_BEYOND;
        for (name, reported, rule) in [("believed", believed, "reported"), ("not-believed", believed + 1, "estimated")] {
            let steps = vec![words(3), finish(), usage_chunk(usage(0, 0, reported)), done()];
            let ran = run(&app, name, steps, money()).await;
            assert_eq!((ran.call.rule.as_str(), ran.call.ending.as_str()), (rule, "finished"), "{name}");
            assert_eq!(ran.events.last().map(String::as_str), Some("[DONE]"), "{name}");
            let cost = if rule == "reported" { i64::try_from(reported).unwrap() * NANOS_A_TOKEN } else { 3 * NANOS_A_TOKEN };
            let paid = cost.min(money().nanos());
            let on_row = (ran.call.charge_nusd.nanos(), ran.call.unbilled_nusd.nanos());
            assert_eq!(on_row, (paid, cost - paid), "{name}: the rest is the operator's loss");
            let bound = i64::try_from(believed).unwrap() * NANOS_A_TOKEN - money().nanos();
            assert!(on_row.1 <= bound, "{name}: {on_row:?}");
        }
        app.finish().await;
    }

    async fn an_unreported_prompt_is_above_the_wallet_by_no_more_than_half_a_token_a_byte(app) {
        // About a token a byte, the most that there can be.
        let text: String = (0..PROMPT_BYTES).map(|at| char::from([1_u8, 5, 3, 7, 2, 6][at % 6])).collect();
        let asked = json!({"stream": true, "messages": [{"role": "user", "content": text}]});
        let steps = Reply::Stream(vec![words(3), finish(), done()]);
        // Half a token a byte, and a step of the answer.
        let half = i64::try_from(PROMPT_BYTES / 2).unwrap() * NANOS_A_TOKEN;
        let money = Amount::from_nanos(half + 50 * NANOS_A_TOKEN);
        let ran = play(&app, "dense-prompt", steps, ("10", "10", "0.01"), money, asked).await;
        assert_eq!((ran.call.rule.as_str(), ran.call.ending.as_str()), ("estimated", "finished"));
        assert_eq!((ran.call.charge_nusd, ran.posted), (money, 0), "{:?}", ran.call);
        let above = ran.call.unbilled_nusd.nanos();
        assert!(half / 2 < above && above <= half, "{above} of {half}");
        app.finish().await;
    }

    async fn a_plain_answer_is_above_the_wallet_by_no_more_than_is_believed(app) {
        let believed = 2 * CONTEXT + proxy::BELIEVED_BEYOND;
        let counted = 2 * AFFORDABLE;
        for (name, reported, rule) in [
            ("plain-counted", None, "estimated"),
            ("plain-believed", Some(believed), "reported"),
            ("plain-not-believed", Some(believed + 1), "estimated"),
        ] {
            // The upstream does not care for `max_tokens`.
            let reply = answer(&" the".repeat(counted), reported.map(|tokens| usage(0, 0, tokens)));
            let ran = play(&app, name, reply, PRICE, money(), json!({})).await;
            assert_eq!((ran.call.rule.as_str(), ran.call.ending.as_str()), (rule, "finished"), "{name}");
            let tokens = if rule == "reported" { believed } else { u64::try_from(counted).unwrap() };
            let cost = i64::try_from(tokens).unwrap() * NANOS_A_TOKEN;
            let on_row = (ran.call.charge_nusd, ran.call.unbilled_nusd.nanos());
            assert_eq!(on_row, (money(), cost - money().nanos()), "{name}: the rest is the operator's loss");
            assert_eq!(ran.posted, 0, "{name}");
        }
        app.finish().await;
    }

    async fn where_no_lease_covers_the_hold_nobody_is_called(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        rename(&app, "lease", "lease_away").await;
        for streamed in [false, true] {
            let refused = app.chat(&caller.key, "gpt", json!({"stream": streamed})).await;
            assert_eq!(refused.status(), 503);
            assert_eq!(refused.headers()["retry-after"], "1");
            let body: Value = refused.json().await.unwrap();
            assert_eq!(body["error"]["code"], "service_unavailable", "{body}");
        }
        assert!(fake.seen().is_empty(), "an upstream was called without a hold");
        assert!(app.calls(&caller).await.is_empty(), "what was refused is no call");
        rename(&app, "lease_away", "lease").await;
        assert_eq!(app.chat(&caller.key, "gpt", json!({})).await.status(), 200, "it comes back by itself");
        app.finish().await;
    }
}
