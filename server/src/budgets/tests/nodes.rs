//! Several servers and one limit: two that live, one that dies, one that is silent for too long.

use super::*;

/// Pays when it can; waits where another node has the room for a moment.
async fn patiently(till: &Till, node: &Budgets, key: &KeyRecord, cost: i64) -> bool {
    for _ in 0..100 {
        match till.pay(node, key, cost).await {
            Ok(()) => return true,
            Err(BudgetError::Elsewhere) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(BudgetError::Reached { .. }) => return false,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the other node never gave anything back")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_admit_exactly_what_the_limit_admits() {
    let till = Arc::new(Till::open().await);
    let key = till.limit(per(Period::Day, 57 * 7)).await;
    let nodes = [till.node("a"), till.node("b")];
    nodes.iter().for_each(Budgets::start);
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..150 {
        let (till, key, node) = (till.clone(), key.clone(), nodes[caller % 2].clone());
        callers.spawn(async move { patiently(&till, &node, &key, 7).await });
    }
    let served = callers
        .join_all()
        .await
        .into_iter()
        .filter(|ok| *ok)
        .count();
    assert_eq!(served, 57);
    assert_eq!(till.charged().await, 57 * 7);
    till.proved().await;
    for node in &nodes {
        node.shutdown().await;
    }
    assert_eq!(till.grants().await, 0);
}

#[tokio::test]
async fn a_node_gives_back_what_another_one_needs_and_keeps_what_it_holds() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Day, 100)).await;
    let (one, other) = (till.node("one"), till.node("other"));
    let running = till.begin(&one, &key, 30).await.unwrap();
    // It left half of the rest to others; the other needs more than that.
    let asked = other.hold(&key, nanos(70), till.clock.now_ms());
    let (held, ()) = tokio::join!(asked, async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        one.look_after_grants().await;
    });
    let held = held.unwrap();
    // All of it is in use now, which is no longer a matter of waiting.
    let refused = other.hold(&key, nanos(1), till.clock.now_ms()).await;
    assert!(matches!(refused, Err(BudgetError::Reached { .. })));
    running.end(30).await.unwrap();
    drop(held);
    till.proved().await;
}

#[tokio::test]
async fn the_next_server_takes_back_what_a_dead_one_had() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Total, 100)).await;
    let dead = till.alone();
    till.pay(&dead, &key, 30).await.unwrap();
    std::mem::forget(till.begin(&dead, &key, 20).await.unwrap());
    let next = Budgets::among(
        till.db.db.clone(),
        till.clock.clone(),
        Ticks::system(),
        "next",
        false,
    );
    assert_eq!(next.reclaim_predecessors().await.unwrap(), 1);
    assert_eq!(room(till.begin(&next, &key, 71).await).1, 70);
    till.pay(&next, &key, 70).await.unwrap();
    assert_eq!(till.charged().await, 100);
    till.proved().await;
}

#[tokio::test]
async fn a_silent_nodes_grant_expires_and_its_late_call_is_charged_only_where_there_is_room() {
    for (spent_by_others, charged, unbilled) in [(70, 100, 0), (71, 71, 30)] {
        let till = Till::open().await;
        let limits = KeyLimits {
            week: Some(nanos(10_000)),
            ..per(Period::Day, 100)
        };
        let key = till.limit(limits).await;
        let (silent, other) = (till.node("silent"), till.node("other"));
        let running = till.begin(&silent, &key, 30).await.unwrap();
        let idle = till.begin(&silent, &key, 5).await.unwrap();
        // Not yet: it may still settle.
        let refused = other.hold(&key, nanos(71), NOON).await;
        assert!(matches!(refused, Err(BudgetError::Elsewhere)));
        let expire = "UPDATE key_grant SET expires_at = 0 WHERE period = 'day'";
        exec(till.db.write(), expire, []).await.unwrap();
        till.pay(&other, &key, spent_by_others).await.unwrap();

        running.end(30).await.unwrap();
        assert_eq!(
            (till.charged().await, till.unbilled().await),
            (charged, unbilled)
        );
        till.proved().await;
        drop(idle);
        // The silent node notices, and asks like everybody else.
        silent.look_after(Duration::ZERO).await;
        let rest = 100 - charged;
        assert!(!patiently(&till, &silent, &key, rest + 1).await);
        if rest > 0 {
            other.shutdown().await;
            assert!(patiently(&till, &silent, &key, rest).await);
        }
        till.proved().await;
    }
}

/// Takes the lease back but for `left`.
async fn take_back(till: &Till, left: i64) {
    for sql in [
        &format!(
            "UPDATE lease SET state = 'draining', granted = spent + {left} WHERE state = 'active'"
        ),
        &format!("UPDATE book SET reserved = {left} WHERE kind = 'wallet'"),
    ] {
        exec(till.db.write(), sql, []).await.unwrap();
    }
}

/// Takes all that the wallet has but so much.
async fn empty(till: &Till, but: i64) {
    let there = "SELECT posted AS n FROM book WHERE kind = 'wallet'";
    let too_much = till.number(there).await - but;
    let audit = Audit::new(till.db.db.clone(), till.clock.clone());
    till.ledger
        .grant_audited(
            till.workspace,
            nanos(-too_much),
            "a test",
            None,
            By::SYSTEM,
            &audit,
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_lease_gets_nothing_in_addition_for_a_call_that_its_keys_limit_does_not_pay() {
    // What the lease keeps, and what a call costs that ends with the other one and is paid.
    for (left, beside) in [(10, 0), (10, 5), (3, 5)] {
        let till = Till::open().await;
        let key = till.limit(per(Period::Day, 100)).await;
        let (silent, other) = (till.node("silent"), till.node("other"));
        let late = till.begin(&silent, &key, 30).await.unwrap();
        let expire = "UPDATE key_grant SET expires_at = 0";
        exec(till.db.write(), expire, []).await.unwrap();
        till.pay(&other, &key, 71).await.unwrap();
        let paid = till.begin(&other, &key, 5).await.unwrap();
        // The lease is over as well, and keeps less than the calls cost: the wallet would give the rest.
        take_back(&till, left).await;
        let (one, two) = tokio::join!(late.end(30), paid.end(beside));
        one.and(two).unwrap();
        let charged = (till.charged().await, till.unbilled().await);
        assert_eq!(charged, (71 + beside, 30), "{left} left, {beside} beside");
        let flushes = "SELECT count(DISTINCT txn_id) AS n FROM call WHERE txn_id IS NOT NULL";
        assert_eq!(till.number(flushes).await, 2, "both ended in one flush");
        till.proved().await;
    }
}

#[tokio::test]
async fn what_a_limit_does_not_pay_is_there_for_the_other_calls_of_the_flush() {
    // What the lease keeps of it, and what the wallet has in all: enough for the call that its limit pays, never for both.
    for (left, wallet) in [(0, 32), (10, 32), (0, 5), (3, 34)] {
        let till = Till::open().await;
        let key = till.limit(per(Period::Day, 100)).await;
        let (silent, other) = (till.node("silent"), till.node("other"));
        let late = till.begin(&silent, &key, 30).await.unwrap();
        exec(till.db.write(), "UPDATE key_grant SET expires_at = 0", [])
            .await
            .unwrap();
        till.pay(&other, &key, 71).await.unwrap();
        let paid = till.begin(&other, &key, 5).await.unwrap();
        take_back(&till, left).await;
        empty(&till, wallet).await;
        let (one, two) = tokio::join!(late.end(30), paid.end(5));
        one.and(two).unwrap();
        let charged = (till.charged().await, till.unbilled().await);
        assert_eq!(charged, (71 + 5, 30), "{left} left of {wallet}");
        till.proved().await;
    }
}

#[tokio::test]
async fn what_a_wallet_cannot_pay_takes_nothing_from_its_keys_limits() {
    // Whether the grant of the calls is gone: then their limit's room is asked for, else it is counted at once.
    for gone in [true, false] {
        let till = Till::open().await;
        let key = till.limit(per(Period::Day, 100)).await;
        let (silent, other) = (till.node("silent"), till.node("other"));
        let large = till.begin(&silent, &key, 30).await.unwrap();
        let small = till.begin(&silent, &key, 20).await.unwrap();
        if gone {
            exec(till.db.write(), "DELETE FROM key_grant", [])
                .await
                .unwrap();
            // Room for either, not for both.
            till.pay(&other, &key, 60).await.unwrap();
            other.shutdown().await;
        }
        take_back(&till, 1).await;
        empty(&till, 20).await;
        let (one, two) = tokio::join!(large.end(30), small.end(20));
        one.and(two).unwrap();
        let before = if gone { 60 } else { 0 };
        let charged = (till.charged().await, till.unbilled().await);
        assert_eq!(charged, (before + 20, 30), "gone: {gone}");
        till.proved().await;
        if !gone {
            let counted = "SELECT CAST(sum(spent) AS BIGINT) AS n FROM key_grant";
            assert_eq!(till.number(counted).await, 20);
        }
    }
}

#[tokio::test]
async fn what_was_granted_to_nobody_comes_back_with_the_next_question() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Day, 100)).await;
    let node = till.node("node");
    drop(till.begin(&node, &key, 10).await.unwrap());
    // A commit whose answer was lost: the node does not know what it has.
    let orphan = "INSERT INTO key_grant (id, key_id, node, period, period_start, granted, expires_at)
        SELECT 'grant_00000000000000000000000000000000', key_id, node, period, period_start, 40, expires_at FROM key_grant";
    exec(till.db.write(), orphan, []).await.unwrap();
    till.pay(&node, &key, 100).await.unwrap();
    assert_eq!(till.charged().await, 100);
    till.proved().await;
}
