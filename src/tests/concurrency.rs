//! Many at once: money for exactly k calls serves exactly k, whoever asks how often at the same moment.

use domain::Amount;
use futures::future::join_all;
use serde_json::json;

use crate::app::on_both;
use crate::upstream::{FakeUpstream, answer, usage};

const CALLERS: usize = 40;
const AFFORDABLE: usize = 10;

on_both! {
    async fn money_for_ten_calls_serves_ten_of_forty(app) {
        let fake = FakeUpstream::start().await;
        fake.always(answer("done", Some(usage(10, 0, 100))));
        // Only the answer costs, and the report equals the ceiling: every call holds and costs exactly the same.
        app.offer_at("gpt", &fake, ("0", "0", "10")).await;
        let cost = 100 * 10_000_i64;
        let money = Amount::from_nanos(cost * i64::try_from(AFFORDABLE).unwrap());
        let caller = app.caller(&money.to_usd_string()).await;

        let asked = (0..CALLERS).map(|_| app.chat(&caller.key, "gpt", json!({"max_tokens": 100})));
        let statuses: Vec<u16> = join_all(asked).await.iter().map(|response| response.status().as_u16()).collect();
        let count = |status: u16| statuses.iter().filter(|found| **found == status).count();
        assert_eq!(count(200), AFFORDABLE, "{statuses:?}");
        assert_eq!(count(200) + count(429), CALLERS, "{statuses:?}");
        assert_eq!(fake.seen().len(), AFFORDABLE, "a call without money reaches no upstream");

        let calls = app.calls(&caller).await;
        let charged: Vec<_> = calls.iter().filter(|call| !call.charge_nusd.is_zero()).collect();
        assert_eq!(charged.len(), AFFORDABLE);
        assert!(charged.iter().all(|call| call.charge_nusd.nanos() == cost));
        assert_eq!(app.posted(&caller).await, 0);
        app.finish().await;
    }

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
