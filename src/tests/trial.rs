//! Is a try in the browser a call like any other? The same request costs the same, is refused for the same reasons, and
//! stands on the books the same way.

use domain::Problem;
use serde_json::json;
use server::trial::{Prompt, TrialAnswer, TrialRequest, Trials};

use crate::app::{Caller, TestApp, on_both};
use crate::upstream::{FakeUpstream, answer, refusal, usage};

const FIVE_USD: i64 = 5_000_000_000;

/// The same question as `app.chat` asks.
async fn try_it(app: &TestApp, caller: &Caller, model: &str) -> Result<TrialAnswer, Problem> {
    let request = TrialRequest {
        workspace: caller.account.workspace,
        model: model.to_owned(),
        prompt: Prompt("What is 6*7?".to_owned()),
        max_tokens: 64,
    };
    app.proxy.run(request).await
}

on_both! {
    async fn a_trial_is_charged_exactly_like_the_same_call(app) {
        let fake = FakeUpstream::start().await;
        fake.always(answer("forty-two", Some(usage(1_000, 200, 50))));
        let caller = app.caller("5.00").await;
        app.offer("gpt", &fake).await;

        let response = app.chat(&caller.key, "gpt", json!({"max_tokens": 64})).await;
        let cost = response.headers()["x-cost-nusd"].to_str().unwrap().parse::<i64>().unwrap();
        let tried = try_it(&app, &caller, "gpt").await.unwrap();
        assert_eq!(tried.text, "forty-two");
        assert_eq!(tried.cost.nanos(), cost);
        assert_eq!((tried.usage.input, tried.usage.cached_input, tried.usage.output), (800, 200, 50));

        let calls = app.calls(&caller).await;
        let [by_trial, by_key] = calls.as_slice() else { panic!("two calls: {calls:?}") };
        assert_eq!(by_trial.id, tried.call.to_string());
        assert_ne!(by_trial.key_id, by_key.key_id, "the zone has a key of its own");
        let booked = |call: &server::calls::CallRow| {
            (call.charge_nusd, call.rule.clone(), call.ending.clone(), call.status, call.input_tokens,
             call.cached_input_tokens, call.output_tokens, call.price_version.clone(), call.streamed)
        };
        assert_eq!(booked(by_trial), booked(by_key));
        assert_eq!(app.posted(&caller).await, FIVE_USD - 2 * cost);

        // What the provider got is the same, too.
        let sent: Vec<serde_json::Value> =
            fake.seen().into_iter().map(|seen| seen.body).collect();
        assert_eq!(sent[0], sent[1]);
        app.finish().await;
    }

    async fn a_trial_is_refused_like_a_call_and_then_costs_nothing(app) {
        let fake = FakeUpstream::start().await;
        fake.always(answer("forty-two", Some(usage(10, 0, 5))));
        let poor = app.caller("0").await;
        app.offer("gpt", &fake).await;
        assert_eq!(try_it(&app, &poor, "gpt").await.unwrap_err(), Problem::OutOfCredit);
        assert!(fake.seen().is_empty(), "a provider was asked although nobody could pay");

        let amount = domain::Amount::parse_usd("5.00").unwrap();
        app.handles.ledger.grant(poor.account.workspace, amount, "test", None).await.unwrap();
        let missing = try_it(&app, &poor, "nothing").await.unwrap_err();
        assert_eq!(missing, Problem::ModelNotFound { model: "nothing".to_owned() });
        fake.always(refusal(500, "broken"));
        assert_eq!(try_it(&app, &poor, "gpt").await.unwrap_err(), Problem::UpstreamFailed);

        // Stopping all keys stops the zone as well.
        let keys = &app.handles.keys;
        keys.freeze(poor.account.workspace).await.unwrap();
        assert_eq!(try_it(&app, &poor, "gpt").await.unwrap_err(), Problem::KeysFrozen);
        assert_eq!(app.posted(&poor).await, FIVE_USD);
        // The owner sees each of them among the refused; what the provider did is a call.
        assert_eq!(keys.write_refusals().await, Ok(3));
        app.finish().await;
    }
}
