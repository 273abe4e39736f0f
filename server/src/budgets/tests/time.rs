//! Midnight, Monday, the first of the month; limits that are raised, lowered and lifted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const MS_TO_MIDNIGHT: i64 = 12 * 3_600_000;

#[tokio::test]
async fn a_call_counts_in_the_day_in_which_it_began() {
    let till = Till::open().await;
    let limits = KeyLimits {
        month: Some(nanos(150)),
        ..per(Period::Day, 100)
    };
    let key = till.limit(limits).await;
    let alone = till.alone();
    till.clock.advance(MS_TO_MIDNIGHT - 1);
    let mut late = till.begin(&alone, &key, 60).await.unwrap();
    till.clock.advance(1);
    // A new day has its own hundred; the month is the same.
    assert_eq!(
        room(till.begin(&alone, &key, 91).await),
        (Period::Month, 90)
    );
    // Yesterday's call grows in yesterday: forty are left there.
    late.hold.grow_to(nanos(100)).await.unwrap();
    assert!(late.hold.grow_to(nanos(101)).await.is_err());
    late.end(80).await.unwrap();
    assert_eq!(till_spend(&till, &alone).await, [0, 80, 80, 80]);
    till.pay(&alone, &key, 70).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 1).await), (Period::Month, 0));
    till.proved().await;
}

#[tokio::test]
async fn a_machine_that_slept_does_not_wake_up_with_its_room() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Day, 100)).await;
    let slept = Arc::new(AtomicU64::new(0));
    let ticks = Ticks::by({
        let slept = slept.clone();
        move || Moment::after(Duration::from_secs(1_000 + slept.load(Ordering::SeqCst)))
    });
    let sleeper = Budgets::among(
        till.db.db.clone(),
        till.clock.clone(),
        ticks,
        "sleeper",
        true,
    );
    till.pay(&sleeper, &key, 10).await.unwrap();
    assert_eq!(till.grants().await, 1);
    // While it sleeps its grant is taken back.
    slept.store(60, Ordering::SeqCst);
    exec(till.db.write(), "DELETE FROM key_grant", [])
        .await
        .unwrap();
    till.pay(&sleeper, &key, 10).await.unwrap();
    assert_eq!(till.grants().await, 1, "it asked again");
    till.proved().await;
}

#[tokio::test]
async fn each_period_begins_anew_when_it_is_over() {
    // Saturday 21 November: Monday the 23rd is a new week, Tuesday 1 December a new month.
    for (period, days) in [(Period::Day, 1), (Period::Week, 2), (Period::Month, 10)] {
        let till = Till::open().await;
        let key = till.limit(per(period, 10)).await;
        let alone = till.alone();
        till.pay(&alone, &key, 10).await.unwrap();
        till.clock
            .advance(MS_TO_MIDNIGHT + (days - 1) * 86_400_000 - 1);
        let Err(BudgetError::Reached { resets_at, .. }) = till.pay(&alone, &key, 1).await else {
            panic!("{period:?} began too early");
        };
        assert_eq!(resets_at, Some(till.clock.now_ms() + 1), "{period:?}");
        till.clock.advance(1);
        till.pay(&alone, &key, 10).await.unwrap();
        // Nothing runs in the old one any more: its grant goes back at the next look.
        alone.look_after_grants().await;
        assert_eq!(till.grants().await, 1, "{period:?}");
        assert_eq!(till.charged().await, 20);
        till.proved().await;
    }
}

#[tokio::test]
async fn a_sum_that_was_forgotten_is_made_again() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Day, 100)).await;
    let alone = till.alone();
    let mut old = till.begin(&alone, &key, 10).await.unwrap();
    for _ in 0..3 {
        till.clock.advance(86_400_000);
        till.pay(&alone, &key, 5).await.unwrap();
    }
    let sums = "SELECT count(*) AS n FROM key_spend";
    assert_eq!(till.number(sums).await, 2, "a day and the one before");
    // Its grant is 64 times ten: a hundred are asked for, and there are no more.
    old.hold.grow_to(nanos(100)).await.unwrap();
    assert!(old.hold.grow_to(nanos(101)).await.is_err());
    old.end(100).await.unwrap();
    assert_eq!(till.charged().await, 115);
    till.proved().await;
}

#[tokio::test]
async fn a_lowered_limit_stops_new_calls_and_a_raised_one_lets_them_go_on() {
    let till = Till::open().await;
    let alone = till.alone();
    let key = till.limit(per(Period::Day, 1_000)).await;
    till.pay(&alone, &key, 100).await.unwrap();
    let running = till.begin(&alone, &key, 300).await.unwrap();

    let key = till.limit(per(Period::Day, 450)).await;
    assert_eq!(room(till.begin(&alone, &key, 51).await), (Period::Day, 50));
    let granted = "SELECT granted - spent AS n FROM key_grant";
    assert_eq!(
        till.number(granted).await,
        300,
        "what nobody holds went back"
    );
    till.pay(&alone, &key, 50).await.unwrap();

    let key = till.limit(per(Period::Day, 200)).await;
    assert_eq!(room(till.begin(&alone, &key, 1).await), (Period::Day, 0));
    // What runs may end; the limit was higher when it began.
    running.end(300).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 1).await), (Period::Day, 0));

    let key = till.limit(per(Period::Day, 460)).await;
    till.pay(&alone, &key, 10).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 1).await), (Period::Day, 0));
    assert_eq!(till.charged().await, 460);
    till.proved().await;
}

#[tokio::test]
async fn a_running_call_grows_into_a_raised_or_lifted_limit() {
    let till = Till::open().await;
    let alone = till.alone();
    let key = till.limit(per(Period::Day, 100)).await;
    let mut running = till.begin(&alone, &key, 100).await.unwrap();
    assert!(running.hold.grow_to(nanos(101)).await.is_err());
    till.limit(per(Period::Day, 200)).await;
    running.hold.grow_to(nanos(200)).await.unwrap();
    assert!(running.hold.grow_to(nanos(201)).await.is_err());
    till.limit(KeyLimits::default()).await;
    running.hold.grow_to(nanos(5_000)).await.unwrap();
    running.end(5_000).await.unwrap();
    assert_eq!((till.charged().await, till.unbilled().await), (5_000, 0));
    till.proved().await;
}

#[tokio::test]
async fn nothing_is_left_after_a_stop() {
    let till = Till::open().await;
    let alone = till.alone();
    alone.start();
    let key = till.limit(per(Period::Day, 100)).await;
    till.pay(&alone, &key, 10).await.unwrap();
    assert_eq!(till.grants().await, 1);
    till.ledger.shutdown().await;
    alone.shutdown().await;
    assert_eq!(till.grants().await, 0);
    till.proved().await;
}
