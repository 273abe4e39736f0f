//! The administrators' pages: who gets in, what each act does to the books, and that nothing is done without a line in
//! the log.

use domain::ids::{AccountId, KeyId, UpstreamId};
use domain::views::AccountView;
use http::StatusCode;
use server::accounts::Email;
use server::audit::{Actor, AuditFilter};
use server::ids::NewId;
use server::secrets::Secret;

use super::world::{Browser, PASSWORD, World, visible, world};

const CUSTOMER: &str = "bob@example.com";

const PAGES: [&str; 11] = [
    "/admin",
    "/admin/accounts",
    "/admin/keys",
    "/admin/upstreams",
    "/admin/upstreams/new",
    "/admin/models",
    "/admin/models/new",
    "/admin/models/sandbox-echo",
    "/admin/rates",
    "/admin/rates/EUR",
    "/admin/audit",
];

async fn customer(world: &World) -> AccountView {
    let email = Email::parse(CUSTOMER).unwrap();
    let password = Some(Secret::new(PASSWORD.to_owned()));
    let accounts = &world.services.accounts;
    accounts.create(&email, password, false).await.unwrap()
}

/// What was written down, newest first: `key revoke`.
async fn acts(world: &World) -> Vec<String> {
    let by_us = AuditFilter {
        actor: Some(Actor::Account(world.account.id)),
        ..AuditFilter::default()
    };
    let rows = world.services.audit.page(&by_us, None, 200).await.unwrap();
    // How they came in is not what they did.
    rows.into_iter()
        .filter(|row| row.action != "second_factor.on")
        .map(|row| row.action.replace('.', " "))
        .collect()
}

async fn posted(world: &World, account: &AccountView) -> i64 {
    let balance = world.services.ledger.balance(account.workspace).await;
    balance.unwrap().unwrap().posted.nanos()
}

/// The form's hidden `once` on an account's page.
fn once(page: &str) -> &str {
    let (_, after) = page.split_once("name=\"once\" value=\"").unwrap();
    after.split('"').next().unwrap()
}

#[tokio::test]
async fn nobody_else_sees_that_there_is_an_administration() {
    let world = world().await;
    let bob = customer(&world).await;
    let mut browser = Browser::default();
    let form = format!("email={CUSTOMER}&password={}", PASSWORD.replace(' ', "+"));
    browser.post(&world, "/api/sign_in", &form).await;
    let one = format!("/admin/accounts/{}", bob.id);
    for path in PAGES.iter().copied().chain([one.as_str()]) {
        let page = browser.get(&world, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let form = format!(
        "account={}&direction=give&amount=100&reason=x&once=a",
        bob.id
    );
    let answer = browser
        .post(&world, "/api/admin_adjust_credit", &form)
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(posted(&world, &bob).await, 0);
    let mut stranger = Browser::default();
    let away = stranger.get(&world, "/admin").await;
    assert_eq!(away.location(), "/login?next=/admin");
}

#[tokio::test]
async fn an_administrator_without_a_second_factor_is_led_to_set_one_up() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    for path in PAGES {
        let away = browser.get(&world, path).await;
        assert!(
            away.location().starts_with("/settings/second-factor"),
            "{path} led to {:?} with {}",
            away.location(),
            away.status
        );
    }
    let answer = browser
        .post(
            &world,
            "/api/admin_switch_model",
            "model=sandbox-echo&on=false",
        )
        .await;
    assert!(answer.location().starts_with("/settings/second-factor"));
    assert!(
        world
            .services
            .catalog
            .snapshot()
            .model("sandbox-echo")
            .is_some()
    );
}

#[tokio::test]
async fn every_page_opens_and_unknown_things_are_not_found() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    for path in PAGES {
        let page = browser.get(&world, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            page.body.contains("class=\"shell admin\""),
            "{path} has no amber rule"
        );
    }
    let (account, key, upstream) = (AccountId::new(), KeyId::new(), UpstreamId::new());
    for path in [
        format!("/admin/accounts/{account}"),
        "/admin/accounts/x".to_owned(),
        format!("/admin/keys/{key}"),
        "/admin/keys/x".to_owned(),
        format!("/admin/upstreams/{upstream}"),
        "/admin/upstreams/x".to_owned(),
        "/admin/models/no-such-model".to_owned(),
    ] {
        let page = browser.get(&world, &path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let price = "cost_input=1&cost_cached=&cost_output=1&markup=1&starts_on=";
    for (function, form) in [
        (
            "admin_adjust_credit",
            format!("account={account}&direction=give&amount=1&reason=r&once=o"),
        ),
        (
            "admin_block_account",
            format!("account={account}&block_reason=r"),
        ),
        ("admin_unblock_account", format!("account={account}")),
        (
            "admin_revoke_key",
            format!("key={key}&reason=r&back=/admin/keys"),
        ),
        (
            "admin_edit_upstream",
            format!("id={upstream}&name=n&base_url=https://a.example&api_key="),
        ),
        ("admin_switch_upstream", format!("id={upstream}&on=false")),
        ("admin_switch_model", "model=nope&on=false".to_owned()),
        ("admin_set_context", "model=nope&context=5".to_owned()),
        ("admin_publish_price", format!("model=nope&{price}")),
        (
            "admin_remove_route",
            format!("model=sandbox-echo&upstream={upstream}"),
        ),
    ] {
        let answer = browser
            .post(&world, &format!("/api/{function}"), &form)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{function}");
    }
    assert!(acts(&world).await.is_empty(), "{:?}", acts(&world).await);
}

#[tokio::test]
async fn credit_moves_exactly_once_and_with_a_reason() {
    let world = world().await;
    let bob = customer(&world).await;
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    let path = format!("/admin/accounts/{}", bob.id);
    let page = browser.get(&world, &path).await;
    let form = |direction: &str, amount: &str, reason: &str, once: &str| {
        format!(
            "account={}&direction={direction}&amount={amount}&reason={reason}&once={once}",
            bob.id
        )
    };
    let first = once(&page.body).to_owned();
    for (amount, reason, wrong) in [
        ("", "ticket+7", "amount"),
        ("0", "ticket+7", "amount"),
        ("ten", "ticket+7", "amount"),
        ("1%2C000", "ticket+7", "amount"),
        ("1.0000000001", "ticket+7", "amount"),
        ("25", "", "reason"),
        ("25", "+++", "reason"),
    ] {
        let form = form("give", amount, reason, &first);
        browser
            .post(&world, "/api/admin_adjust_credit", &form)
            .await;
        let page = browser.get(&world, &path).await;
        assert!(
            page.body.contains(&format!("id=\"{wrong}-wrong\"")),
            "{form}"
        );
    }
    assert_eq!(posted(&world, &bob).await, 0);
    let give = form("give", "25.000000001", "ticket+7", &first);
    for told in ["booked to the wallet", "sent before"] {
        browser
            .post(&world, "/api/admin_adjust_credit", &give)
            .await;
        let page = browser.get(&world, &path).await;
        assert!(visible(&page.body).contains(told), "{told}");
        assert_eq!(posted(&world, &bob).await, 25_000_000_001);
    }
    let page = browser.get(&world, &path).await;
    assert_ne!(once(&page.body), first);
    let too_much = form("take", "26", "mistake", once(&page.body));
    browser
        .post(&world, "/api/admin_adjust_credit", &too_much)
        .await;
    let page = browser.get(&world, &path).await;
    assert!(page.body.contains("amount-wrong") && page.body.contains("value=\"26\""));
    assert_eq!(posted(&world, &bob).await, 25_000_000_001);
    let take = form("take", "5", "mistake", once(&page.body));
    browser
        .post(&world, "/api/admin_adjust_credit", &take)
        .await;
    assert_eq!(posted(&world, &bob).await, 20_000_000_001);
    assert_eq!(acts(&world).await, ["credit take", "credit grant"]);
    let report = server::ledger::verify(&world.db).await.unwrap();
    assert!(report.holds(), "{report:?}");
    let page = browser.get(&world, &path).await;
    assert!(page.body.contains("ticket 7") && page.body.contains("mistake"));
}

#[tokio::test]
async fn an_account_is_blocked_with_a_reason_and_nobody_blocks_themselves() {
    let world = world().await;
    let bob = customer(&world).await;
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    let block =
        |account: AccountId, reason: &str| format!("account={account}&block_reason={reason}");
    for form in [block(bob.id, ""), block(world.account.id, "why+not")] {
        browser
            .post(&world, "/api/admin_block_account", &form)
            .await;
    }
    assert!(acts(&world).await.is_empty());
    browser
        .post(&world, "/api/admin_block_account", &block(bob.id, "fraud"))
        .await;
    let path = format!("/admin/accounts/{}", bob.id);
    let page = browser.get(&world, &path).await;
    assert!(visible(&page.body).contains("This account is blocked"));
    let form = format!("account={}", bob.id);
    browser
        .post(&world, "/api/admin_unblock_account", &form)
        .await;
    let bob = world
        .services
        .accounts
        .by_id(bob.id)
        .await
        .unwrap()
        .unwrap();
    assert!(!bob.blocked);
    assert_eq!(acts(&world).await, ["account unblock", "account block"]);
}

#[tokio::test]
async fn anybodys_key_is_found_and_revoked() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    let keys = world
        .services
        .keys
        .list(world.account.workspace)
        .await
        .unwrap();
    let key = keys.iter().find(|key| key.revoked_at.is_none()).unwrap();
    let found = browser.get(&world, "/admin/keys?q=ada%40example").await;
    assert!(found.body.contains(&key.masked));
    let none = browser.get(&world, "/admin/keys?q=nobody").await;
    assert!(visible(&none.body).contains("No key matches."));
    let path = format!("/admin/keys/{}", key.id);
    let page = browser.get(&world, &path).await;
    assert!(visible(&page.body).contains("Revoke this key?"));
    let form = |reason: &str| format!("key={}&reason={reason}&back=/admin/keys", key.id);
    let back = browser
        .post(&world, "/api/admin_revoke_key", &form(""))
        .await;
    assert!(back.location().starts_with(&path), "{}", back.location());
    browser
        .post(&world, "/api/admin_revoke_key", &form("leaked"))
        .await;
    let after = world
        .services
        .keys
        .get(world.account.workspace, key.id)
        .await;
    assert!(after.unwrap().unwrap().revoked_at.is_some());
    assert_eq!(acts(&world).await, ["key revoke"]);
    let evil = format!("key={}&reason=r&back=//evil.example", key.id);
    let answer = browser.post(&world, "/api/admin_revoke_key", &evil).await;
    assert_eq!(answer.location(), "/admin/keys");
}

#[tokio::test]
async fn the_preview_is_the_price_that_is_published() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    // 12.34567 + 33.33 % is 16.460481811: rounded up to a micro-dollar.
    let form = "cost_input=12.345670&cost_cached=&cost_output=0.000001&markup=33.33&starts_on=";
    let page = browser
        .get(&world, &format!("/admin/models/sandbox-echo?{form}"))
        .await;
    let (_, preview) = page.body.split_once("admin-preview").unwrap();
    let preview = visible(preview.split("</table>").next().unwrap());
    assert!(
        preview.contains("$16.460482") && preview.contains("$0.000002"),
        "{preview}"
    );
    assert!(acts(&world).await.is_empty(), "a preview publishes nothing");

    let form = format!("model=sandbox-echo&{form}");
    let answer = browser
        .post(&world, "/api/admin_publish_price", &form)
        .await;
    assert_eq!(answer.location(), "/admin/models/sandbox-echo");
    let snapshot = world.services.catalog.snapshot();
    let now = world.services.clock.now_ms();
    let model = snapshot.model("sandbox-echo").unwrap();
    let price = model.price_at(now).unwrap().price;
    assert_eq!(price.input.micro_usd(), 16_460_482);
    assert_eq!(price.cached_input.micro_usd(), 16_460_482);
    assert_eq!(price.output.micro_usd(), 2);
    assert_eq!(acts(&world).await, ["price publish"]);
    let page = browser.get(&world, "/admin/models/sandbox-echo").await;
    assert!(page.body.contains("value=\"33.33\""));

    for (field, form) in [
        (
            "markup",
            "cost_input=1&cost_cached=&cost_output=1&markup=-101&starts_on=",
        ),
        (
            "cost_input",
            "cost_input=&cost_cached=&cost_output=1&markup=5&starts_on=",
        ),
        (
            "starts_on",
            "cost_input=1&cost_cached=&cost_output=1&markup=5&starts_on=2020-01-01",
        ),
    ] {
        let form = format!("model=sandbox-echo&{form}");
        browser
            .post(&world, "/api/admin_publish_price", &form)
            .await;
        let page = browser.get(&world, "/admin/models/sandbox-echo").await;
        assert!(
            page.body.contains(&format!("id=\"{field}-wrong\"")),
            "{field}"
        );
    }
    let later =
        "model=sandbox-echo&cost_input=1&cost_cached=&cost_output=1&markup=0&starts_on=2026-12-01";
    browser
        .post(&world, "/api/admin_publish_price", later)
        .await;
    let snapshot = world.services.catalog.snapshot();
    let model = snapshot.model("sandbox-echo").unwrap();
    assert_eq!(
        model.price_at(now).unwrap().price,
        price,
        "not before its day"
    );
    // Midnight of the first of December in UTC.
    let then = model.price_at(1_796_083_200_000).unwrap().price;
    assert_eq!(then.input.micro_usd(), 1_000_000);
}

#[tokio::test]
async fn providers_and_models_are_added_changed_and_switched_with_a_line_in_the_log_each() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    let steps = [
        (
            "admin_create_upstream",
            "name=second&dialect=anthropic&base_url=https%3A%2F%2Fapi.example.com%2Fv1&api_key=sk-very-secret",
            "upstream create",
        ),
        (
            "admin_create_model",
            "model=big%2Fmodel&upstream=second&upstream_model=&context=128+000&cost_input=1&cost_cached=&cost_output=2&markup=10",
            "model create",
        ),
        (
            "admin_set_context",
            "model=big%2Fmodel&context=64000",
            "model context",
        ),
        (
            "admin_switch_model",
            "model=big%2Fmodel&on=false",
            "model disable",
        ),
        (
            "admin_switch_model",
            "model=big%2Fmodel&on=true",
            "model enable",
        ),
    ];
    for (function, form, action) in steps {
        browser
            .post(&world, &format!("/api/{function}"), form)
            .await;
        assert_eq!(
            acts(&world).await.first().map(String::as_str),
            Some(action),
            "{function}"
        );
    }
    let rows = world.services.upstreams.rows().await.unwrap();
    let id = |name: &str| {
        let row = rows.iter().find(|row| row.view.name == name);
        row.unwrap().view.id
    };
    let (second, sandbox) = (id("second"), id("sandbox"));
    for (function, form, action) in [
        (
            "admin_put_route",
            format!("model=big%2Fmodel&upstream={sandbox}&upstream_model=x&priority=60&weight=2"),
            "route set",
        ),
        (
            "admin_remove_route",
            format!("model=big%2Fmodel&upstream={sandbox}"),
            "route remove",
        ),
        (
            "admin_switch_upstream",
            format!("id={second}&on=false"),
            "upstream disable",
        ),
        (
            "admin_switch_upstream",
            format!("id={second}&on=true"),
            "upstream enable",
        ),
        (
            "admin_edit_upstream",
            format!(
                "id={second}&name=renamed&base_url=https%3A%2F%2Fapi.example.com%2Fv1&api_key="
            ),
            "upstream edit",
        ),
    ] {
        browser
            .post(&world, &format!("/api/{function}"), &form)
            .await;
        assert_eq!(
            acts(&world).await.first().map(String::as_str),
            Some(action),
            "{function}"
        );
    }
    let written = acts(&world).await.len();
    // What is refused is not written down, and says where it is wrong.
    let moved =
        format!("id={second}&name=renamed&base_url=https%3A%2F%2Fevil.example%2Fv1&api_key=");
    browser
        .post(&world, "/api/admin_edit_upstream", &moved)
        .await;
    let page = browser
        .get(&world, &format!("/admin/upstreams/{second}"))
        .await;
    assert!(page.body.contains("id=\"api_key-wrong\"") && page.body.contains("evil.example"));
    let last = format!("model=big%2Fmodel&upstream={second}");
    browser.post(&world, "/api/admin_remove_route", &last).await;
    let page = browser.get(&world, "/admin/models/big/model").await;
    assert!(visible(&page.body).contains("only provider of the model"));
    assert_eq!(acts(&world).await.len(), written);
    // The credential is nowhere to be read.
    for path in ["/admin/audit", "/admin/upstreams"] {
        let page = browser.get(&world, path).await;
        assert!(!page.body.contains("very-secret"), "{path}");
    }
    let log = browser
        .get(
            &world,
            "/admin/audit?action=model.create&actor=ada%40example.com",
        )
        .await;
    assert!(log.body.contains("big/model"));
    let rows = log.body.matches("class=\"when\"").count();
    assert_eq!(rows, 1, "the filters let in more");
    let nobody = browser
        .get(&world, "/admin/audit?actor=nobody%40example.com")
        .await;
    assert!(visible(&nobody.body).contains("Nothing matches."));
}
