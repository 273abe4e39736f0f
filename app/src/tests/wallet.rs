//! Can somebody top up without a script, is nothing ordered that was not shown, and does an administrator who confirms a
//! transfer credit it once?

use domain::fx::Coins;
use domain::order::{OrderStatus, OrderView, ProviderId};
use domain::views::AccountView;
use domain::{Amount, Currency};
use http::StatusCode;
use server::orders::{Ask, NewOrder};

use super::world::{Answer, Browser, World, visible, world};

/// An order of so many dollars by bank transfer.
pub async fn ordered(world: &World, account: &AccountView, dollars: &str) -> OrderView {
    let ask = Ask {
        provider: ProviderId::Manual,
        paid: Coins::parse(Currency::Usd, dollars).unwrap(),
    };
    let new = NewOrder {
        ask,
        shown: Amount::parse_usd(dollars).unwrap(),
        locale: "en".to_owned(),
        idempotency_key: format!("{}-{dollars}", account.id),
    };
    let orders = &world.services.orders;
    orders
        .create(account.workspace, account.id, &new)
        .await
        .unwrap()
}

/// The value of a hidden field.
fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let field = format!("name=\"{name}\" value=\"");
    let at = page
        .find(&field)
        .unwrap_or_else(|| panic!("no field {name}"));
    page[at + field.len()..].split('"').next().unwrap()
}

/// Presses the button below the offer.
async fn order(world: &World, browser: &mut Browser, page: &str, shown: &str) -> Answer {
    let form = format!(
        "provider={}&currency={}&amount={}&shown={shown}&once={}",
        hidden(page, "provider"),
        hidden(page, "currency"),
        // The field to type into stands before the hidden one.
        "25.00",
        hidden(page, "once"),
    );
    browser.post(world, "/api/create_order", &form).await
}

#[tokio::test]
async fn what_is_shown_is_ordered_once() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let empty = browser.get(&world, "/wallet/top-up").await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(
        !empty.body.contains("create_order"),
        "nothing was asked yet"
    );

    let page = browser.get(&world, "/wallet/top-up?amount=25").await;
    let said = visible(&page.body);
    assert!(said.contains("$25.00"), "{said}");
    assert_eq!(hidden(&page.body, "shown"), "25.00");
    let made = order(&world, &mut browser, &page.body, "25.00").await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    assert!(made.location().starts_with("/wallet/orders/"));
    let again = order(&world, &mut browser, &page.body, "25.00").await;
    assert_eq!(again.location(), made.location(), "sent twice");
    let orders = &world.services.orders;
    let all = orders
        .list(world.account.workspace, None, 10)
        .await
        .unwrap();
    assert_eq!(all.len(), 1);

    // The page says what to transfer, where, and by which reference; also after a reload.
    for _ in 0..2 {
        let page = browser.get(&world, made.location()).await;
        for part in [
            all[0].reference.to_string().as_str(),
            "IBAN DE02 1203 0000 0000 2020 51",
            "Farebox Ltd",
        ] {
            assert!(page.body.contains(part), "{part} is missing");
        }
    }
    let back = format!("{}/return", made.location());
    assert_eq!(browser.get(&world, &back).await.location(), made.location());
}

#[tokio::test]
async fn a_worse_rate_is_shown_and_not_ordered() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let page = browser.get(&world, "/wallet/top-up?amount=25").await;
    // As if the page had promised more.
    let made = order(&world, &mut browser, &page.body, "26.00").await;
    assert_eq!(
        made.location(),
        "/wallet/top-up?provider=manual&currency=USD&amount=25.00"
    );
    let page = browser.get(&world, made.location()).await;
    assert!(page.body.contains("role=\"status\""), "it is not said");
    assert!(visible(&page.body).contains("$26.00"));
    assert_eq!(hidden(&page.body, "shown"), "25.00");
    let orders = &world.services.orders;
    let all = orders
        .list(world.account.workspace, None, 10)
        .await
        .unwrap();
    assert!(all.is_empty());
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    for (query, field) in [
        ("amount=lots", "amount"),
        ("amount=0.01", "amount"),
        ("amount=99999999", "amount"),
        // Its only rate is the built-in one.
        ("currency=JPY&amount=1000", "currency"),
        ("currency=gold&amount=-1", "amount"),
    ] {
        let page = browser
            .get(&world, &format!("/wallet/top-up?{query}"))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert!(
            page.body.contains(&format!("id=\"{field}-wrong\"")),
            "{query}: nothing is said at {field}"
        );
        let amount = query.rsplit('=').next().unwrap();
        assert!(
            page.body.contains(&format!("value=\"{amount}\"")),
            "{query}"
        );
        assert!(!page.body.contains("create_order"), "{query}");
    }
}

#[tokio::test]
async fn a_canceled_order_says_so_and_cannot_be_canceled_twice() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let made = ordered(&world, &world.account, "25.00").await;
    let form = format!("id={}", made.id);
    for _ in 0..2 {
        let answer = browser.post(&world, "/api/cancel_order", &form).await;
        assert_eq!(answer.location(), format!("/wallet/orders/{}", made.id));
        let page = browser.get(&world, answer.location()).await;
        assert!(!page.body.contains("/api/cancel_order"));
        assert!(
            !page.body.contains("IBAN"),
            "nothing is to be paid any more"
        );
    }
}

#[tokio::test]
async fn a_transfer_is_confirmed_by_who_types_what_arrived() {
    let world = world().await;
    let mut boss = Browser::default();
    boss.sign_in_admin(&world).await;
    let made = ordered(&world, &world.account, "25.00").await;
    let page = format!("/admin/orders/{}", made.id);
    let status = async || {
        let row = world.services.orders.any(made.id).await.unwrap();
        row.unwrap().order.status
    };
    for (form, wrong) in [
        ("received=&paid_on=&confirm_note=statement+7", "received"),
        (
            "received=lots&paid_on=&confirm_note=statement+7",
            "received",
        ),
        (
            "received=24.99&paid_on=&confirm_note=statement+7",
            "received",
        ),
        ("received=25.00&paid_on=&confirm_note=+", "confirm_note"),
        (
            "received=25.00&paid_on=2099-01-01&confirm_note=statement+7",
            "paid_on",
        ),
    ] {
        let form = format!("id={}&{form}", made.id);
        let answer = boss.post(&world, "/api/admin_confirm_order", &form).await;
        assert_eq!(answer.location(), page, "{}", answer.body);
        let told = boss.get(&world, &page).await;
        assert!(
            told.body.contains(&format!("id=\"{wrong}-wrong\"")),
            "{form}: nothing is said at {wrong}"
        );
        assert!(status().await.is_payable(), "{form}");
    }
    let right = format!(
        "id={}&received=25%2C00&paid_on=&confirm_note=statement+7",
        made.id
    );
    let balance = async || {
        let ledger = &world.services.ledger;
        let found = ledger.balance(world.account.workspace).await.unwrap();
        found.unwrap().posted.to_usd_string()
    };
    for _ in 0..2 {
        let answer = boss.post(&world, "/api/admin_confirm_order", &right).await;
        assert_eq!(answer.location(), page, "{}", answer.body);
        assert_eq!(balance().await, "30.00", "credited once");
    }
    assert_eq!(status().await, OrderStatus::Credited);

    // Money goes back at most once, and no more than there is.
    let refund = |credit: &str, once: &str| {
        format!(
            "id={}&refund_credit={credit}&refund_note=asked+for+it&once={once}",
            made.id
        )
    };
    let answer = boss
        .post(&world, "/api/admin_refund_order", &refund("25.01", "a"))
        .await;
    let told = boss.get(&world, answer.location()).await;
    assert!(told.body.contains("id=\"refund_credit-wrong\""));
    for _ in 0..2 {
        boss.post(&world, "/api/admin_refund_order", &refund("10", "b"))
            .await;
        assert_eq!(balance().await, "20.00");
    }
    assert_eq!(status().await, OrderStatus::PartiallyRefunded);
    // In the statement what came and what went back lead to the order.
    let lines = boss.get(&world, "/wallet/statement").await.body;
    let link = format!("href=\"/wallet/orders/{}\"", made.id);
    assert_eq!(lines.matches(&link).count(), 2, "{lines}");
}

#[tokio::test]
async fn orders_are_found_by_reference_and_by_mail() {
    let world = world().await;
    let mut boss = Browser::default();
    boss.sign_in_admin(&world).await;
    let made = ordered(&world, &world.account, "25.00").await;
    let link = format!("/admin/orders/{}", made.id);
    let reference = made.reference.to_string().to_lowercase();
    for (query, found) in [
        (String::new(), true),
        (format!("q={reference}"), true),
        ("q=ada%40example.com".to_owned(), true),
        ("q=eve%40example.com".to_owned(), false),
        ("q=nonsense".to_owned(), false),
        ("provider=manual".to_owned(), true),
        ("provider=sandbox".to_owned(), false),
        ("status=credited".to_owned(), false),
        ("attention=1".to_owned(), false),
        (format!("before={}", made.id), false),
    ] {
        let page = boss.get(&world, &format!("/admin/orders?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(page.body.contains(&link), found, "{query}");
    }
}
