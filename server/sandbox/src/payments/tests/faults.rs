//! Does each fault do what its name says?

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::World;

#[tokio::test]
async fn webhooks_go_wrong_as_asked() {
    for (fault, kinds, signed, stale) in [
        ("normal", vec!["payment.paid"], true, false),
        ("early", vec!["payment.paid"], true, false),
        ("lost", vec![], true, false),
        ("repeated", vec!["payment.paid"; 5], true, false),
        (
            "reordered",
            vec!["payment.paid", "payment.processing"],
            true,
            false,
        ),
        ("forged", vec!["payment.paid"], false, false),
        ("stale", vec!["payment.paid"], true, true),
    ] {
        let world = World::start().await;
        let id = world.payment("order-1").await;
        let paid = world
            .press(&id, &format!("action=pay&webhook={fault}"))
            .await;
        assert_eq!(paid.status, 303, "{fault}");
        let told = world.shop.told(kinds.len()).await;
        let said: Vec<_> = told.iter().map(super::Told::kind).collect();
        assert_eq!(said, kinds, "{fault}");
        for event in &told {
            let (right, age) = event.signed();
            assert_eq!((right, age > 300), (signed, stale), "{fault}");
            assert_eq!(event.event()["object"], id);
        }
        let mut names: Vec<_> = told.iter().map(|told| told.event()["id"].clone()).collect();
        names.dedup();
        let events = if fault == "reordered" { 2 } else { 1 };
        assert_eq!(names.len(), events.min(kinds.len()), "{fault}: {names:?}");
        assert_eq!(world.look(&id).await["status"], "paid", "{fault}");
    }
}

#[tokio::test]
async fn an_early_webhook_comes_before_the_shop_knows_the_payment() {
    let world = World::start().await;
    assert_eq!(
        world.control(&json!({"webhook": "early"})).await.status,
        200
    );
    let id = world.payment("order-1").await;
    let answered = Instant::now();
    let told = world.shop.told(1).await;
    assert!(told[0].at < answered);
    assert_eq!(told[0].event()["object"], id);
    assert_eq!(world.look(&id).await["status"], "paid");
}

#[tokio::test]
async fn what_the_shop_does_not_take_comes_again_signed_anew() {
    let world = World::start().await;
    *world.shop.refuses.lock() = 1;
    let id = world.payment("order-1").await;
    world.press(&id, "action=pay").await;
    let told = world.shop.told(2).await;
    assert_eq!(told[0].body, told[1].body, "the same event");
    assert!(told.iter().all(|told| told.signed().0));
}

#[tokio::test]
async fn delays_and_late_payments_take_as_long_as_asked() {
    let world = World::start().await;
    let slow = json!({"webhook": "delayed", "delay_ms": 300, "late_ms": 100});
    assert_eq!(world.control(&slow).await.status, 200);
    let id = world.payment("order-1").await;
    let begun = Instant::now();
    world.press(&id, "action=pay_late&webhook=delayed").await;
    assert_eq!(world.look(&id).await["status"], "processing");
    let told = world.shop.told(2).await;
    assert_eq!(told[0].kind(), "payment.processing");
    assert_eq!(told[1].kind(), "payment.paid");
    assert!(told[0].at - begun >= Duration::from_millis(300));
    assert_eq!(world.look(&id).await["status"], "paid");
}

#[tokio::test]
async fn the_shop_is_told_something_else_when_it_asks() {
    let world = World::start().await;
    for (fault, field, value) in [
        ("wrong_amount", "amount", json!("12.50")),
        ("wrong_amount", "paid_amount", json!("12.50")),
        ("wrong_currency", "currency", json!("USD")),
        ("live", "livemode", json!(true)),
        ("normal", "paid_amount", json!("25.00")),
    ] {
        let id = world.payment(&format!("{fault} {field}")).await;
        world
            .press(&id, &format!("action=pay&object={fault}"))
            .await;
        let told = world.look(&id).await;
        assert_eq!(told[field], value, "{fault}");
        assert!(told["paid_at"].is_u64(), "{fault}: {told}");
    }
}

#[tokio::test]
async fn questions_fail_or_take_their_time_when_asked_to() {
    let world = World::start().await;
    let id = world.payment("order-1").await;
    let path = format!("/payments/{id}");
    world
        .control(&json!({"payment": id, "lookup": "fails"}))
        .await;
    let failed = world.shop("GET", &path, "none", &Value::Null).await;
    assert_eq!(failed.status, 500);
    world
        .control(&json!({"payment": id, "lookup": "slow", "slow_ms": 200}))
        .await;
    let begun = Instant::now();
    assert_eq!(world.look(&id).await["status"], "pending");
    assert!(begun.elapsed() >= Duration::from_millis(200));
    // The other payments are as they should be.
    let other = world.payment("order-2").await;
    assert_eq!(world.look(&other).await["status"], "pending");
}

#[tokio::test]
async fn only_faults_that_exist_can_be_set() {
    let world = World::start().await;
    for wrong in [
        json!({"webhook": "sometimes"}),
        json!({"wehbook": "lost"}),
        json!([]),
    ] {
        assert_eq!(world.control(&wrong).await.status, 400, "{wrong}");
    }
    let unknown = world.control(&json!({"payment": "pay_0"})).await;
    assert_eq!(unknown.status, 404);
}
