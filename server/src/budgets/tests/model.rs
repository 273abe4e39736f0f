//! Any order of calls, growth, midnights, lost and silent nodes: no day is ever above its limit, and nothing is lost.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Begin {
        node: usize,
        amount: i64,
    },
    Grow {
        call: usize,
        by: i64,
    },
    End {
        call: usize,
        cost: i64,
    },
    Leave {
        call: usize,
    },
    Look {
        node: usize,
    },
    /// The node's grants expire although it lives, as after a long silence.
    Expire {
        node: usize,
    },
    /// The node dies with what it holds, and another takes its place.
    Die {
        node: usize,
    },
    Hours {
        hours: i64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = || 0..2_usize;
    let call = || 0..8_usize;
    let step = prop_oneof![
        6 => (node(), 1..40_i64).prop_map(|(node, amount)| Step::Begin { node, amount }),
        3 => (call(), 1..60_i64).prop_map(|(call, by)| Step::Grow { call, by }),
        6 => (call(), 0..70_i64).prop_map(|(call, cost)| Step::End { call, cost }),
        1 => call().prop_map(|call| Step::Leave { call }),
        3 => node().prop_map(|node| Step::Look { node }),
        1 => node().prop_map(|node| Step::Expire { node }),
        1 => node().prop_map(|node| Step::Die { node }),
        1 => (1..30_i64).prop_map(|hours| Step::Hours { hours }),
    ];
    proptest::collection::vec(step, 10..50)
}

const DAY: i64 = 150;
const TOTAL: i64 = 400;

async fn play(steps: Vec<Step>) {
    let till = Till::open().await;
    let limits = KeyLimits {
        total: Some(nanos(TOTAL)),
        ..per(Period::Day, DAY)
    };
    let key = till.limit(limits).await;
    let mut names = ["a".to_owned(), "b".to_owned()];
    let mut nodes = [till.node("a"), till.node("b")];
    let mut running = Vec::new();
    let mut costs = 0;
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Begin { node, amount } => {
                if running.len() < 8
                    && let Ok(call) = try_begin(&till, &nodes[node], &key, amount).await
                {
                    running.push(call);
                }
            }
            Step::Grow { call, by } => {
                if let Some(call) = running.get_mut(call) {
                    let total = call.hold.amount().plus(nanos(by)).unwrap();
                    let _ = call.hold.grow_to(total).await;
                }
            }
            Step::End { call, cost } => {
                if call < running.len() {
                    running.remove(call).end(cost).await.unwrap();
                    costs += cost;
                }
            }
            Step::Leave { call } => {
                if call < running.len() {
                    drop(running.remove(call));
                }
            }
            Step::Look { node } => nodes[node].look_after_grants().await,
            Step::Expire { node } => {
                let sql = "UPDATE key_grant SET expires_at = 0 WHERE node = $1";
                exec(till.db.write(), sql, [names[node].clone().into()])
                    .await
                    .unwrap();
                // Long before that, it stopped to use them without a heartbeat, which tells it now.
                nodes[node].look_after(Duration::ZERO).await;
            }
            Step::Die { node } => {
                names[node] = format!("node {number}");
                nodes[node] = till.node(&names[node]);
            }
            Step::Hours { hours } => till.clock.advance(hours * 3_600_000),
        }
        let most = "SELECT CAST(coalesce(max(day), 0) AS BIGINT) AS n FROM (SELECT sum(charge_nusd) AS day FROM call GROUP BY created_at / 86400000) days";
        assert!(till.number(most).await <= DAY);
        assert!(till.charged().await <= TOTAL);
        till.proved().await;
    }
    for call in running {
        call.end(1).await.unwrap();
        costs += 1;
    }
    assert_eq!(till.charged().await + till.unbilled().await, costs);
    till.proved().await;
}

/// Without waiting for the other node.
async fn try_begin<'a>(
    till: &'a Till,
    node: &Budgets,
    key: &KeyRecord,
    amount: i64,
) -> Result<Running<'a>, ()> {
    let patience = Duration::from_millis(150);
    match tokio::time::timeout(patience, till.begin(node, key, amount)).await {
        Ok(Ok(call)) => Ok(call),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 50, ..ProptestConfig::default() })]
    #[test]
    fn no_limit_is_ever_passed(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
