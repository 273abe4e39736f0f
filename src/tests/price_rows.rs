//! Which of a version's prices is a call charged by? What the response says decides, whatever was asked for; and a report
//! that cannot be true is corrected and marked.

use domain::PriceRule;
use domain::ids::PriceId;
use serde_json::{Value, json};
use server::catalog::NewPrice;

use crate::app::{TestApp, on_both};
use crate::upstream::{FakeUpstream, Reply, Step, done};

/// One dollar per million tokens, two with priority, half with flex, three from 1,000 prompt tokens on.
const RULE: &str = r#"{"rule": "cost_plus",
    "base": {"input": 1000000, "cached_input": 1000000, "output": 1000000},
    "long": {"from": 1000, "price": {"input": 3000000, "output": 3000000}},
    "tiers": {"priority": "2", "flex": "0.5"}, "efforts": {"high": "4"}}"#;

async fn offer(app: &TestApp, fake: &FakeUpstream) {
    app.offer("gpt", fake).await;
    let rule: PriceRule = serde_json::from_str(RULE).unwrap();
    let price = NewPrice::of_list(rule.list().unwrap());
    app.handles
        .catalog
        .set_price("gpt", price, None)
        .await
        .unwrap();
}

fn whole(tier: &Value, usage: &Value) -> Reply {
    let body = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m", "service_tier": tier, "usage": usage,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "42"}, "finish_reason": "stop"}],
    });
    Reply::Plain {
        status: 200,
        headers: Vec::new(),
        body: body.to_string(),
    }
}

fn streamed(tier: &Value, usage: &Value) -> Reply {
    let chunk = |choices: Value, usage: &Value| {
        let chunk = json!({
            "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "service_tier": tier,
            "choices": choices, "usage": usage,
        });
        Step::Event(chunk.to_string())
    };
    Reply::Stream(vec![
        chunk(
            json!([{"index": 0, "delta": {"role": "assistant", "content": "42"}, "finish_reason": null}]),
            &Value::Null,
        ),
        chunk(
            json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
            &Value::Null,
        ),
        chunk(json!([]), usage),
        done(),
    ])
}

fn used(prompt: u64, answer: u64, thought: u64) -> Value {
    json!({
        "prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer,
        "completion_tokens_details": {"reasoning_tokens": thought},
    })
}

on_both! {
    async fn the_response_says_by_which_row_a_call_is_charged(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, &fake).await;
        let caller = app.caller("5").await;
        // (what is asked for, the tier that the response says, its report, micro-dollars)
        for (asked, served, usage, cost) in [
            (json!({}), json!(null), used(100, 10, 0), 110),
            (json!({"service_tier": "priority"}), json!(null), used(100, 10, 0), 220),
            (json!({"service_tier": "priority"}), json!("priority"), used(100, 10, 0), 220),
            (json!({"service_tier": "priority"}), json!("default"), used(100, 10, 0), 110),
            (json!({"service_tier": "flex"}), json!("flex"), used(100, 10, 0), 55),
            // Nobody asked for priority, so nobody pays for it.
            (json!({}), json!("priority"), used(100, 10, 0), 110),
            // The effort is on the answer that is seen.
            (json!({"reasoning_effort": "high"}), json!("default"), used(100, 10, 4), 100 + 6 * 4 + 4),
            // A long prompt has other prices for everything, the last token of it included.
            (json!({}), json!("default"), used(999, 10, 0), 1_009),
            (json!({}), json!("default"), used(1_000, 10, 0), 3_030),
            (json!({"service_tier": "priority"}), json!("priority"), used(1_000, 10, 0), 6_060),
        ] {
            for stream in [false, true] {
                let mut body = asked.clone();
                body["stream"] = json!(stream);
                body["max_tokens"] = json!(100);
                fake.then(if stream { streamed(&served, &usage) } else { whole(&served, &usage) });
                let response = app.chat(&caller.key, "gpt", body).await;
                assert_eq!(response.status(), 200);
                response.text().await.unwrap();
                app.quiet().await;
                let call = app.calls(&caller).await.remove(0);
                let said = format!("asked {asked}, served {served}, {usage}, streamed {stream}");
                assert_eq!(call.charge_nusd.nanos(), cost * 1_000, "{said}");
                assert_eq!((call.rule.as_str(), call.flagged), ("reported", false), "{said}");
                // The call names the row, and nothing else of the version.
                let version = app.handles.catalog.published_model("gpt").unwrap().now;
                let row: PriceId = call.price_version.parse().unwrap();
                let of_variant = version.variants.iter().find(|variant| variant.id == row);
                let price = of_variant.map_or(version.price, |variant| variant.price);
                assert_eq!(price.charge(&call.usage()), Ok(call.charge_nusd), "{said}");
            }
        }
        app.finish().await;
    }

    async fn a_report_that_cannot_be_true_is_marked(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, &fake).await;
        let caller = app.caller("5").await;
        let absurd = u64::from(u32::MAX) * 4_096;
        for (usage, rule, flagged) in [
            (used(100, 10, 0), "reported", false),
            (json!({"prompt_tokens": -5, "completion_tokens": 10}), "estimated", true),
            (json!({"prompt_tokens": absurd, "completion_tokens": 10}), "estimated", true),
            (json!({"prompt_tokens": 100, "completion_tokens": -1}), "reported", true),
            (Value::Null, "estimated", false),
        ] {
            fake.then(whole(&Value::Null, &usage));
            let response = app.chat(&caller.key, "gpt", json!({"max_tokens": 100})).await;
            assert_eq!(response.status(), 200);
            response.text().await.unwrap();
            app.quiet().await;
            let call = app.calls(&caller).await.remove(0);
            assert_eq!((call.rule.as_str(), call.flagged), (rule, flagged), "{usage}");
        }
        app.finish().await;
    }
}
