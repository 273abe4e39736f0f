//! What does the shop get for what it asks?

use serde_json::{Value, json};

use super::{SECRET, World, signature};

#[test]
fn signatures_are_those_of_the_protocol() {
    // The vector of the notes on payment providers, made with Python's hmac.
    let body = br#"{"id":"evt_1","object":"event","type":"checkout.session.completed"}"#;
    assert_eq!(
        signature("whsec_test_1", 1_800_000_000, body),
        "01a57c2a6e15a9a90ebc06cde4ff0ffebc1ab58c7031372b68b3203483c2fe2f"
    );
}

#[tokio::test]
async fn a_payment_is_made_once_per_key_and_told_as_it_is() {
    let world = World::start().await;
    let wanted = world.wanted("order-1", "25.00");
    let made = world.shop("POST", "/payments", "key-1", &wanted).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["status"], "pending");
    assert_eq!(made["url"], format!("{}/pay/{id}", world.base));

    let again = world.shop("POST", "/payments", "key-1", &wanted).await;
    assert_eq!((again.status, &again.json()), (200, &made));
    let other = world.wanted("order-1", "26.00");
    let other = world.shop("POST", "/payments", "key-1", &other).await;
    assert_eq!(other.status, 409);

    assert_eq!(
        world.look(id).await,
        json!({
            "id": id, "reference": "order-1", "status": "pending", "amount": "25.00", "currency": "EUR",
            "paid_amount": "0.00", "refunded_amount": "0.00", "paid_at": null, "livemode": false,
        })
    );
}

#[tokio::test]
async fn only_who_knows_the_secret_is_answered() {
    let world = World::start().await;
    let id = world.payment("order-1").await;
    for header in ["Bearer wrong", SECRET, ""] {
        let headers = [("authorization", header)];
        let path = format!("/payments/{id}");
        let answer = world.ask("GET", &path, &headers, String::new()).await;
        assert_eq!(answer.status, 401, "{header}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::start().await;
    for (field, value) in [
        ("amount", json!("0")),
        ("amount", json!("-5")),
        ("amount", json!("abc")),
        ("currency", json!("eur")),
        ("reference", json!("")),
        ("return_url", json!("https://example.com/")),
        ("webhook_url", json!("http://10.0.0.1/hooks/sandbox")),
        ("amount", Value::Null),
    ] {
        let mut wanted = world.wanted("order-1", "25.00");
        wanted[field] = value.clone();
        let answer = world.shop("POST", "/payments", "key", &wanted).await;
        assert_eq!(answer.status, 400, "{field} {value}");
    }
    let keyless = world.wanted("order-1", "25.00");
    let answer = world.shop("POST", "/payments", "", &keyless).await;
    assert_eq!(answer.status, 400, "without an idempotency key");
    let unknown = world
        .shop("GET", "/payments/pay_0", "none", &Value::Null)
        .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn money_goes_back_once_per_reference_and_never_more_than_was_paid() {
    let world = World::start().await;
    let id = world.payment("order-1").await;
    let path = format!("/payments/{id}/refunds");
    let back = |reference: &str, amount: &str| json!({"reference": reference, "amount": amount});
    let early = world.shop("POST", &path, "a", &back("r-1", "5")).await;
    assert_eq!(early.status, 409, "nothing is paid yet");
    world.press(&id, "action=pay").await;
    for (reference, amount, status) in [
        ("r-1", "5", 200),
        ("r-1", "5.00", 200),
        ("r-1", "6.00", 409),
        ("r-2", "20.01", 409),
        ("r-2", "0", 400),
        ("r-2", "0.001", 400),
        ("r-2", "20.00", 200),
        ("r-3", "0.01", 409),
    ] {
        let answer = world
            .shop("POST", &path, "b", &back(reference, amount))
            .await;
        assert_eq!(
            answer.status, status,
            "{reference} {amount}: {}",
            answer.text
        );
    }
    assert_eq!(world.look(&id).await["refunded_amount"], "25.00");
}

#[tokio::test]
async fn a_day_lists_what_was_made_on_it() {
    let world = World::start().await;
    let id = world.payment("order-1").await;
    let today = time::OffsetDateTime::now_utc().date();
    let mut found = Vec::new();
    // The day may change while this runs.
    for day in [today, today.next_day().unwrap()] {
        let path = format!("/payments?day={day}");
        let listed = world.shop("GET", &path, "none", &Value::Null).await.json();
        found.extend(listed["data"].as_array().unwrap().clone());
    }
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], id);
    let path = "/payments?day=2001-01-01";
    let listed = world.shop("GET", path, "none", &Value::Null).await.json();
    assert_eq!(listed["data"], json!([]));
    let now = time::OffsetDateTime::now_utc().unix_timestamp() * 1_000;
    let since = listed["since"].as_i64().unwrap();
    assert!((now - 600_000..=now + 1_000).contains(&since), "{listed}");
}
