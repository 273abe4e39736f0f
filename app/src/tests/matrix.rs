//! May anybody see or change what is another's? Every page and server function that takes an id, called by somebody who
//! may not, with the victim's own ids: 404, and not one row is another one afterwards.
//!
//! The rows are compared with the router's own list of pages and the table of server functions: one that is new and has
//! no row here fails.

use std::collections::BTreeSet;

use domain::views::AccountView;
use domain::{Amount, Ending, Rule, Usage};
use http::StatusCode;
use sea_orm::{ConnectionTrait, FromQueryResult, JsonValue, Statement};
use server::accounts::Email;
use server::calls::CallRecord;
use server::ids::NewId;
use server::keys::NewKeyForm;
use server::secrets::Secret;

use super::world::{Browser, NOW, PASSWORD, World, world};
use crate::api::TABLE;
use crate::reader::split_locale;

/// What takes the place of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// There is no id: what it shows or does is the asker's own.
    Nothing,
    /// A token, which is the permission. One that nobody was given opens nothing.
    Token,
    /// Ids of the victim (or of what only administrators manage), put into this form (or into the address, when it is a page): `{key}`, `{call}`, `{session}`,
    /// `{account}`, `{upstream}`, `{order}`. Among administrators' functions these are allowed to administrators only.
    Theirs(&'static str),
}

use Takes::{Nothing, Theirs, Token};

/// Every page with something in its address.
const PAGES: &[(&str, Takes)] = &[
    ("/admin/accounts/{id}", Theirs("/admin/accounts/{account}")),
    ("/admin/keys/{id}", Theirs("/admin/keys/{key}")),
    ("/admin/models/{*id}", Theirs("/admin/models/sandbox-echo")),
    ("/admin/orders/{id}", Theirs("/admin/orders/{order}")),
    ("/admin/rates/{currency}", Theirs("/admin/rates/EUR")),
    (
        "/admin/upstreams/{id}",
        Theirs("/admin/upstreams/{upstream}"),
    ),
    ("/api/{function}", Nothing), // the server functions, each with a row below
    ("/claim/{token}", Token),
    ("/email/confirm/{token}", Token),
    ("/email/undo/{token}", Token),
    ("/keys/{id}", Theirs("/keys/{key}")),
    ("/keys/{id}/env", Theirs("/keys/{key}/env")),
    ("/keys/{id}/reveal", Theirs("/keys/{key}/reveal")),
    ("/keys/{id}/revoke", Theirs("/keys/{key}/revoke")),
    ("/keys/{id}/roll", Theirs("/keys/{key}/roll")),
    ("/keys/{id}/secret", Theirs("/keys/{key}/secret")),
    ("/policies/{name}", Nothing), // texts for everybody, like the next two
    ("/policies/{name}/compare", Nothing),
    ("/policies/{name}/{version}", Nothing),
    ("/prices/{*model}", Nothing), // what is for sale, for everybody
    ("/reset/{token}", Token),
    ("/settings/policies/{name}/{version}", Nothing), // what the asker accepted
    ("/usage/calls/{id}", Theirs("/usage/calls/{call}")),
    ("/verify/{token}", Token),
    ("/wallet/orders/{id}", Theirs("/wallet/orders/{order}")),
    (
        "/wallet/orders/{id}/return",
        Theirs("/wallet/orders/{order}/return"),
    ),
    (
        "/wallet/receipts/{number}",
        Theirs("/wallet/receipts/{receipt}"),
    ),
    (
        "/wallet/receipts/{number}/pdf",
        Theirs("/wallet/receipts/{receipt}/pdf"),
    ),
    ("/wallet/statement/export/{format}", Nothing), // the asker's own wallet, as a file
    ("/wallet/statement/{day}", Nothing),           // a day of the asker's own wallet
];

/// Every server function.
const FUNCTIONS: &[(&str, Takes)] = &[
    ("/api/accept_policies", Nothing),
    (
        "/api/admin_adjust_credit",
        Theirs("account={account}&direction=give&amount=1&reason=mine&once=1"),
    ),
    (
        "/api/admin_block_account",
        Theirs("account={account}&block_reason=mine"),
    ),
    ("/api/admin_clear_rate", Theirs("currency=EUR")),
    (
        "/api/admin_confirm_order",
        Theirs("id={order}&received=25.00&paid_on=&confirm_note=mine"),
    ),
    (
        "/api/admin_create_model",
        Theirs(
            "id=mine&upstream={upstream}&upstream_model=&context=1000&cost_input=1&cost_cached=&cost_output=1&markup=0",
        ),
    ),
    (
        "/api/admin_create_upstream",
        Theirs("name=mine&base_url=http://127.0.0.1:9/v1&api_key="),
    ),
    (
        "/api/admin_edit_upstream",
        Theirs("id={upstream}&name=mine&base_url=http://127.0.0.1:9/v1&api_key="),
    ),
    ("/api/admin_fetch_rates", Theirs("source=ecb")),
    (
        "/api/admin_publish_price",
        Theirs("model=sandbox-echo&cost_input=0&cost_cached=&cost_output=0&markup=0&starts_on="),
    ),
    (
        "/api/admin_put_route",
        Theirs("model=sandbox-echo&upstream={upstream}&upstream_model=&priority=1&weight=1"),
    ),
    (
        "/api/admin_refund_order",
        Theirs("id={order}&refund_credit=&refund_note=mine&once=1"),
    ),
    (
        "/api/admin_reject_order",
        Theirs("id={order}&reject_note=mine"),
    ),
    (
        "/api/admin_remove_route",
        Theirs("model=sandbox-echo&upstream={upstream}"),
    ),
    (
        "/api/admin_revoke_key",
        Theirs("key={key}&reason=mine&back=/admin/keys"),
    ),
    ("/api/admin_seen_order", Theirs("id={order}&seen_note=mine")),
    (
        "/api/admin_set_context",
        Theirs("model=sandbox-echo&context=1"),
    ),
    (
        "/api/admin_set_rate",
        Theirs("currency=EUR&per_usd=1&rate_day=&sure=true"),
    ),
    (
        "/api/admin_switch_model",
        Theirs("model=sandbox-echo&on=false"),
    ),
    (
        "/api/admin_switch_upstream",
        Theirs("id={upstream}&on=false"),
    ),
    ("/api/admin_unblock_account", Theirs("account={account}")),
    ("/api/ask_reset", Nothing),
    ("/api/balance", Nothing),
    ("/api/cancel_order", Theirs("id={order}")),
    ("/api/change_email", Nothing),
    ("/api/change_password", Nothing),
    ("/api/claim", Token),
    ("/api/confirm", Nothing),
    ("/api/confirm_email", Token),
    ("/api/create_key", Nothing),
    ("/api/create_order", Nothing),
    ("/api/disable_key", Theirs("id={key}")),
    ("/api/enable_key", Theirs("id={key}")),
    ("/api/end_key_overlap", Theirs("id={key}")),
    ("/api/end_other_sessions", Nothing),
    ("/api/end_second_factor", Nothing),
    ("/api/end_session", Theirs("handle={session}")),
    ("/api/finish_second_factor", Nothing),
    ("/api/first_call", Nothing),
    ("/api/freeze_keys", Nothing),
    ("/api/hide_low_balance", Nothing),
    ("/api/new_recovery_codes", Nothing),
    ("/api/rename_key", Theirs("id={key}&name=mine")),
    ("/api/resend_verification", Nothing),
    ("/api/reset", Token),
    ("/api/reveal_key", Theirs("id={key}")),
    ("/api/revoke_key", Theirs("id={key}")),
    ("/api/roll_key", Theirs("id={key}&overlap=0")),
    ("/api/second_step", Nothing),
    ("/api/send_test", Nothing),
    ("/api/set_look", Nothing),
    ("/api/set_low_balance", Nothing),
    ("/api/set_name", Nothing),
    ("/api/set_prefs", Nothing),
    ("/api/sign_in", Nothing),
    ("/api/sign_out", Nothing),
    ("/api/sign_up", Nothing),
    ("/api/undo_email", Token),
    ("/api/unfreeze_keys", Nothing),
    ("/api/update_key", Theirs("id={key}&name=mine")),
    ("/api/verify", Token),
];

#[tokio::test]
async fn every_page_and_function_has_a_row() {
    let world = world().await;
    let with_ids: BTreeSet<String> = crate::router::paths(&world.services)
        .into_iter()
        .filter(|path| path.contains('{'))
        .map(|path| {
            // The same page in another language.
            let (_, bare) = split_locale(&world.services.texts, &path);
            bare.to_owned()
        })
        .collect();
    let rows: BTreeSet<String> = PAGES.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(with_ids, rows, "pages that take an id, and their rows here");

    let functions: BTreeSet<&str> = TABLE.iter().map(|(path, _)| *path).collect();
    let rows: BTreeSet<&str> = FUNCTIONS.iter().map(|(path, _)| *path).collect();
    assert_eq!(functions, rows, "server functions, and their rows here");
}

/// The victim's ids.
struct Victim {
    ids: [(&'static str, String); 7],
}

impl Victim {
    fn put_into(&self, text: &str) -> String {
        self.ids
            .iter()
            .fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let world = world().await;
    let victim = victim(&world).await;
    let mut eve = somebody(&world, "eve@example.com").await;
    attack(&world, &victim, &mut eve, "another account").await;

    // An administrator has the area for that, and nothing else: on everybody's pages they are like anybody.
    let mut boss = Browser::default();
    boss.sign_in(&world).await;
    confirm(&world, &mut boss).await;
    attack(
        &world,
        &victim,
        &mut boss,
        "an administrator without a second factor",
    )
    .await;
}

/// Tries every row with the victim's ids.
async fn attack(world: &World, victim: &Victim, browser: &mut Browser, who: &str) {
    let admin = who.contains("administrator");
    let before = dump(world).await;
    for (path, takes) in PAGES {
        let address = match takes {
            Nothing => continue,
            Token => path.replace("{token}", "nobody-was-given-this-token"),
            Theirs(address) => victim.put_into(address),
        };
        let answer = browser.get(world, &address).await;
        let wanted = match takes {
            Token => StatusCode::GONE,
            // They are told what is missing, and see nothing.
            _ if admin && path.starts_with("/admin/") => StatusCode::SEE_OTHER,
            _ => StatusCode::NOT_FOUND,
        };
        assert_eq!(answer.status, wanted, "{who}: GET {address}");
    }
    for (path, takes) in FUNCTIONS {
        let Theirs(form) = takes else { continue };
        let form = victim.put_into(form);
        let answer = browser.post(world, path, &form).await;
        let wanted = if admin && path.starts_with("/api/admin_") {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::NOT_FOUND
        };
        assert_eq!(
            answer.status, wanted,
            "{who}: POST {path} {form}: {}",
            answer.body
        );
    }
    let after = dump(world).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after, "{who} changed something");
    }
    assert_eq!(before.len(), after.len(), "{who} added or removed rows");
}

/// Somebody with a proved address, signed in, who typed the password again a moment ago.
async fn somebody(world: &World, email: &str) -> Browser {
    account(world, email).await;
    let mut browser = Browser::default();
    let form = format!("email={email}&password={}", PASSWORD.replace(' ', "+"));
    let answer = browser.post(world, "/api/sign_in", &form).await;
    assert_eq!(answer.location(), "/overview", "{}", answer.body);
    confirm(world, &mut browser).await;
    browser
}

async fn confirm(world: &World, browser: &mut Browser) {
    let form = format!("password={}", PASSWORD.replace(' ', "+"));
    let answer = browser.post(world, "/api/confirm", &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(!answer.location().starts_with("/confirm"));
}

async fn account(world: &World, email: &str) -> AccountView {
    let password = Some(Secret::new(PASSWORD.to_owned()));
    let email = Email::parse(email).unwrap();
    world
        .services
        .accounts
        .create(&email, password, false)
        .await
        .unwrap()
}

/// Somebody with a key, a call and a session.
async fn victim(world: &World) -> Victim {
    let services = &world.services;
    services.ledger.start();
    let account = account(world, "victim@example.com").await;
    let form = NewKeyForm::named("laptop");
    let key = services
        .keys
        .create(account.workspace, &form)
        .await
        .unwrap();
    let call = CallRecord {
        id: NewId::new(),
        workspace: account.workspace,
        key: key.view.id,
        model: "sandbox-echo".to_owned(),
        price: NewId::new(),
        ending: Ending::Finished,
        rule: Rule::Reported,
        status: 200,
        streamed: false,
        usage: Usage::default(),
        cost: Amount::ZERO,
        first_byte_ms: None,
        duration_ms: 5,
        created_at: NOW,
        attempts: Vec::new(),
    };
    let id = call.id;
    let hold = services
        .ledger
        .hold(account.workspace, Amount::ZERO)
        .await
        .unwrap();
    hold.settle(call).await.unwrap();
    let receipt = super::receipts::receipt(world, account.workspace, "order_1", "en").await;
    let mut browser = Browser::default();
    let form = format!(
        "email=victim@example.com&password={}",
        PASSWORD.replace(' ', "+")
    );
    browser.post(world, "/api/sign_in", &form).await;
    let session = services.sessions.list_of(account.id).await.unwrap();
    let upstreams = services.upstreams.list().await.unwrap();
    let order = super::wallet::ordered(world, &account, "25.00").await;
    Victim {
        ids: [
            ("{key}", key.view.id.to_string()),
            ("{call}", id.to_string()),
            ("{session}", session[0].handle.clone()),
            ("{account}", account.id.to_string()),
            ("{upstream}", upstreams[0].id.to_string()),
            ("{receipt}", receipt.to_string()),
            ("{order}", order.id.to_string()),
        ],
    }
}

/// Every row of every table, as text.
async fn dump(world: &World) -> Vec<String> {
    let db = world.db.read();
    let backend = world.db.backend();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let tables = db
        .query_all_raw(Statement::from_string(backend, tables))
        .await
        .unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let table: String = table.try_get("", "name").unwrap();
        let all =
            Statement::from_string(backend, format!("SELECT * FROM \"{table}\" ORDER BY rowid"));
        for row in JsonValue::find_by_statement(all).all(db).await.unwrap() {
            rows.push(format!("{table} {row}"));
        }
    }
    rows
}
