//! Spend limits of keys, over the wire: whoever asks how often at the same moment, on one server and on two.

use domain::ids::KeyId;
use domain::period::Period;
use domain::{Amount, KeyLimits};
use futures::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};
use server::keys::NewKeyForm;

use crate::app::{Caller, TestApp, on_both};
use crate::upstream::{FakeUpstream, Reply, Step, answer, done, finish, piece, usage};

/// Only answers cost: ten dollars per million tokens.
const PRICE: (&str, &str, &str) = ("0", "0", "10");
const NANOS_A_TOKEN: i64 = 10_000;
/// What a call of a hundred answer tokens holds, and costs.
const A_CALL: i64 = 100 * NANOS_A_TOKEN;

fn per_day(nanos: i64) -> KeyLimits {
    KeyLimits {
        day: Some(Amount::from_nanos(nanos)),
        ..KeyLimits::default()
    }
}

async fn limited(app: &TestApp, caller: &Caller, limits: KeyLimits) -> (KeyId, String) {
    let form = NewKeyForm {
        limits,
        ..NewKeyForm::named("limited")
    };
    let made = app.handles.keys.create(caller.account.workspace, &form);
    let made = made.await.unwrap();
    (made.view.id, made.secret.expose().to_owned())
}

/// A model whose every answer costs [`A_CALL`].
async fn hundred_tokens(app: &TestApp) -> FakeUpstream {
    let fake = FakeUpstream::start().await;
    fake.always(answer("done", Some(usage(10, 0, 100))));
    app.offer_at("gpt", &fake, PRICE).await;
    fake
}

async fn charged(app: &TestApp, caller: &Caller) -> i64 {
    let calls = app.calls(caller).await;
    calls.iter().map(|call| call.charge_nusd.nanos()).sum()
}

/// Demands the refusal of a reached limit: no SDK repeats it.
async fn reached(response: Response) {
    assert_eq!(response.status().as_u16(), 429);
    assert_eq!(response.headers()["x-should-retry"], "false");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "key_limit_reached", "{body}");
    assert_eq!(body["error"]["type"], "insufficient_quota", "{body}");
}

on_both! {
    async fn a_limit_is_never_passed_by_a_nano_dollar(app) {
        let fake = hundred_tokens(&app).await;
        let caller = app.caller("100").await;
        // One nano-dollar less than eleven calls.
        let (key, secret) = limited(&app, &caller, per_day(11 * A_CALL - 1)).await;
        let asked = (0..60).map(|_| app.chat(&secret, "gpt", json!({"max_tokens": 100})));
        let mut served = 0;
        for response in join_all(asked).await {
            if response.status().as_u16() == 200 {
                served += 1;
            } else {
                // What is left of the limit would be an answer of 99 tokens, which is served; after it there is nothing.
                reached(response).await;
            }
        }
        let spent = charged(&app, &caller).await;
        assert!(spent < 11 * A_CALL, "{spent}");
        assert_eq!(fake.seen().len(), served, "a call above the limit reaches no upstream");
        let workspace = caller.account.workspace;
        let spend = app.handles.budgets.spent(workspace, key).await.unwrap();
        assert_eq!(Period::ALL.map(|period| spend.spent(period).nanos()), [spent; 4]);

        // The workspace's other key has no limit; and a raised limit holds at once.
        assert_eq!(app.chat(&caller.key, "gpt", json!({})).await.status().as_u16(), 200);
        let raised = per_day(spent + A_CALL);
        app.handles.keys.update(workspace, key, "limited", &raised).await.unwrap();
        assert_eq!(app.chat(&secret, "gpt", json!({"max_tokens": 100})).await.status().as_u16(), 200);
        reached(app.chat(&secret, "gpt", json!({"max_tokens": 100})).await).await;
        app.finish().await;
    }

    async fn exactly_as_many_calls_as_fit_are_charged(app) {
        let fake = hundred_tokens(&app).await;
        let caller = app.caller("100").await;
        let limits = KeyLimits { total: Some(Amount::from_nanos(20 * A_CALL)), ..per_day(13 * A_CALL) };
        let (_, secret) = limited(&app, &caller, limits).await;
        let asked = (0..80).map(|_| app.chat(&secret, "gpt", json!({"max_tokens": 100})));
        let statuses: Vec<u16> = join_all(asked).await.iter().map(|response| response.status().as_u16()).collect();
        let count = |status: u16| statuses.iter().filter(|found| **found == status).count();
        assert_eq!((count(200), count(429)), (13, 67), "{statuses:?}");
        assert_eq!(fake.seen().len(), 13);
        assert_eq!(charged(&app, &caller).await, 13 * A_CALL);
        app.finish().await;
    }

    async fn a_plain_answer_is_lowered_to_what_the_limit_has_left(app) {
        let fake = hundred_tokens(&app).await;
        fake.always(answer("done", Some(usage(10, 0, 30))));
        let caller = app.caller("100").await;
        let (_, secret) = limited(&app, &caller, per_day(70 * NANOS_A_TOKEN)).await;
        for left in [70, 40] {
            let response = app.chat(&secret, "gpt", json!({"max_tokens": 1000})).await;
            assert_eq!(response.status().as_u16(), 200);
            let seen = fake.seen().pop().unwrap();
            assert_eq!(seen.body["max_tokens"], left);
        }
        // Ten tokens are an answer that helps nobody.
        reached(app.chat(&secret, "gpt", json!({"max_tokens": 1000})).await).await;
        assert_eq!(charged(&app, &caller).await, 60 * NANOS_A_TOKEN);
        app.finish().await;
    }

    async fn a_stream_ends_properly_when_the_limit_does(app) {
        let fake = hundred_tokens(&app).await;
        let mut steps: Vec<Step> = (0..500).map(|_| piece("word ")).collect();
        steps.extend([finish(), done()]);
        fake.always(Reply::Stream(steps));
        let caller = app.caller("100").await;
        let (_, secret) = limited(&app, &caller, per_day(100 * NANOS_A_TOKEN)).await;
        let response = app.chat(&secret, "gpt", json!({"stream": true})).await;
        assert_eq!(response.status().as_u16(), 200);
        let text = response.text().await.unwrap();
        assert!(text.contains("\"finish_reason\":\"length\""), "{text}");
        assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
        let spent = charged(&app, &caller).await;
        assert!(spent > 0 && spent <= 100 * NANOS_A_TOKEN, "{spent}");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_together_keep_one_limit() {
    let Some(one) = TestApp::postgres().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let fake = hundred_tokens(&one).await;
    let two = one.beside().await;
    let caller = one.caller("100").await;
    let (key, secret) = limited(&one, &caller, per_day(23 * A_CALL)).await;
    let ask = async |app: &TestApp| {
        for _ in 0..100 {
            let response = app.chat(&secret, "gpt", json!({"max_tokens": 100})).await;
            match response.status().as_u16() {
                200 => return true,
                // The other server has the room, or the credit, for a moment.
                503 => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                _ => {
                    reached(response).await;
                    return false;
                }
            }
        }
        panic!("the other server never gave anything back");
    };
    let asked = (0..100).map(|caller| ask(if caller % 2 == 0 { &one } else { &two }));
    let served = join_all(asked).await.into_iter().filter(|ok| *ok).count();
    assert_eq!(served, 23);
    assert_eq!(fake.seen().len(), 23);
    two.quiet().await;
    assert_eq!(charged(&one, &caller).await, 23 * A_CALL);
    let spend = two.handles.budgets.spent(caller.account.workspace, key);
    assert_eq!(spend.await.unwrap().day.nanos(), 23 * A_CALL);
    two.stop().await;
    one.finish().await;
}
