//! What does the payer see, and what do the buttons do?

use super::World;

#[tokio::test]
async fn the_pay_page_speaks_the_payers_language_and_leads_back_to_the_shop() {
    let world = World::start().await;
    let id = world.payment("<order & 1>").await;
    let russian = [("accept-language", "ru")];
    let page = world
        .ask("GET", &format!("/pay/{id}"), &russian, String::new())
        .await;
    assert_eq!(page.status, 200);
    for part in [
        "<html lang=\"ru\" dir=\"ltr\">",
        "&lt;order &amp; 1&gt;",
        "25.00 EUR",
        "ru:sandbox_pay.pay<",
        "value=\"decline\"",
        "value=\"wrong_amount\"",
    ] {
        assert!(page.text.contains(part), "{part} is missing");
    }
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let back = format!("form-action 'self' http://{};", world.hooks);
    assert!(policy.contains(&back), "{policy}");
    let english = world
        .ask(
            "GET",
            &format!("/pay/{id}?lang=en"),
            &russian,
            String::new(),
        )
        .await;
    assert!(english.text.contains("<html lang=\"en\""));
}

#[tokio::test]
async fn each_button_ends_the_payment_once() {
    for (action, status) in [
        ("pay", "paid"),
        ("decline", "failed"),
        ("cancel", "canceled"),
        ("expire", "expired"),
    ] {
        let world = World::start().await;
        let id = world.payment("order-1").await;
        let answer = world.press(&id, &format!("action={action}")).await;
        assert_eq!(answer.status, 303);
        let back = format!("http://{}/wallet/orders/1/return", world.hooks);
        assert_eq!(answer.headers["location"], back);
        assert_eq!(world.look(&id).await["status"], status);
        // A second press changes nothing and tells nobody.
        let second = world.press(&id, "action=pay").await;
        assert_eq!(
            (second.status, &second.headers["location"]),
            (303, &answer.headers["location"])
        );
        assert_eq!(world.look(&id).await["status"], status);
        let told = world.shop.told(1).await;
        assert_eq!(told[0].kind(), format!("payment.{status}"));
        let page = world
            .ask("GET", &format!("/pay/{id}"), &[], String::new())
            .await;
        assert!(!page.text.contains("<form"), "{action}");
        assert!(page.text.contains(&back), "{action}");
    }
}

#[tokio::test]
async fn an_unknown_payment_has_a_page_that_says_so() {
    let world = World::start().await;
    let page = world.ask("GET", "/pay/pay_0", &[], String::new()).await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("sandbox_pay.unknown"));
    assert_eq!(world.press("pay_0", "action=pay").await.status, 404);
    assert_eq!(world.press("pay_0", "action=steal").await.status, 422);
}
