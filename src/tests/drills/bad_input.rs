//! What if somebody asks the ledger for nonsense? Each verb answers with an error of its own kind, and nothing has moved:
//! no balance, no lot, no transfer, no call.

use std::time::Duration;

use domain::fx::Coins;
use domain::ids::{CallId, KeyId, OrderId, WorkspaceId};
use domain::order::ProviderId;
use domain::{Amount, Currency, Ending, Price, Rule, Usage};
use server::audit::By;
use server::calls::CallRecord;
use server::clock::Clock;
use server::db::Db;
use server::ids::NewId;
use server::ledger::{GrantError, Granted, HoldError};
use server::orders::{Confirmation, OrderError, RefundAsk};

use super::callers::{eventually, number, posted_and_reserved};
use crate::app::{Caller, TestApp, on_both};
use crate::payments::{Fake, Node, node};
use crate::upstream::FakeUpstream;

const LEAST: Amount = Amount::from_nanos(i64::MIN);
const MINUS_ONE: Amount = Amount::from_nanos(-1);
const ONE: Amount = Amount::from_nanos(1);

fn usd(text: &str) -> Amount {
    Amount::parse_usd(text).unwrap()
}

/// Everything that a verb may move.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Books {
    posted_and_reserved: (i64, i64),
    lots: i64,
    remaining: i64,
    transfers: i64,
    calls: i64,
}

impl Books {
    async fn of(db: &Db) -> Self {
        let remaining = "SELECT CAST(coalesce(sum(remaining), 0) AS BIGINT) AS n FROM lot";
        Self {
            posted_and_reserved: posted_and_reserved(db).await,
            lots: number(db, "SELECT count(*) AS n FROM lot").await,
            remaining: number(db, remaining).await,
            transfers: number(db, "SELECT count(*) AS n FROM transfer").await,
            calls: number(db, "SELECT count(*) AS n FROM call").await,
        }
    }

    /// Without what is reserved, where a lease may come or go.
    fn posted(mut self) -> Self {
        self.posted_and_reserved.1 = 0;
        self
    }
}

/// Demands that each of these is refused in its own way, and that nothing has moved after it.
macro_rules! refused {
    ($app:ident: $($name:literal: $verb:expr => $error:pat,)*) => {
        $(
            let before = Books::of(&$app.handles.db).await;
            let outcome = $verb.await;
            assert!(matches!(&outcome, Err($error)), "{}: {outcome:?}", $name);
            assert_eq!(Books::of(&$app.handles.db).await, before, "{}", $name);
        )*
    };
}

async fn adjust(
    app: &TestApp,
    workspace: WorkspaceId,
    amount: Amount,
    id: Option<&str>,
) -> Result<Granted, GrantError> {
    let (ledger, audit) = (&app.handles.ledger, &app.handles.audit);
    ledger
        .grant_audited(workspace, amount, "a reason", id, By::OPERATOR, audit)
        .await
}

on_both! {
    async fn credit_is_given_and_taken_back_in_good_order_or_not_at_all(app) {
        let mine = app.caller("5").await.account.workspace;
        let ledger = &app.handles.ledger;
        let nobody = WorkspaceId::new();
        let give = |workspace: WorkspaceId, amount: Amount, id: Option<&'static str>| ledger.grant(workspace, amount, "a reason", id);
        give(mine, usd("1"), Some("gift")).await.unwrap();
        adjust(&app, mine, MINUS_ONE, Some("correction")).await.unwrap();
        refused! { app:
            "nothing given": give(mine, Amount::ZERO, None) => GrantError::NotPositive,
            "less than nothing given": give(mine, MINUS_ONE, None) => GrantError::NotPositive,
            "the least number given": give(mine, LEAST, None) => GrantError::NotPositive,
            "more than a wallet holds": give(mine, Amount::MAX, None) => GrantError::Overflow(_),
            "given to nobody": give(nobody, ONE, None) => GrantError::NoWallet,
            "a gift that was another": give(mine, usd("2"), Some("gift")) => GrantError::IdReused { .. },
            "a gift that was somebody's": give(nobody, usd("1"), Some("gift")) => GrantError::NoWallet,
            "no adjustment": adjust(&app, mine, Amount::ZERO, None) => GrantError::Zero,
            "more taken back than is there": adjust(&app, mine, usd("6").minus(usd("12")).unwrap(), None) => GrantError::TooMuch { .. },
            "all the numbers below zero taken back": adjust(&app, mine, LEAST, None) => GrantError::Overflow(_),
            "taken back from nobody": adjust(&app, nobody, MINUS_ONE, None) => GrantError::NoWallet,
            "a correction that was another": adjust(&app, mine, ONE, Some("correction")) => GrantError::IdReused { .. },
            "a correction with the id of a gift": adjust(&app, mine, MINUS_ONE, Some("gift")) => GrantError::IdReused { .. },
        }
        // The same again is no error, and moves nothing either.
        let before = Books::of(&app.handles.db).await;
        assert!(!give(mine, usd("1"), Some("gift")).await.unwrap().credited);
        assert!(!adjust(&app, mine, MINUS_ONE, Some("correction")).await.unwrap().credited);
        assert_eq!(Books::of(&app.handles.db).await, before);
        app.finish().await;
    }

    async fn what_cannot_be_held_is_not_held(app) {
        let mine = app.caller("5").await.account.workspace;
        let ledger = &app.handles.ledger;
        let debug = |held: Result<server::ledger::Hold, HoldError>| held.map(|hold| hold.amount());
        let hold = async |workspace: WorkspaceId, amount: Amount| debug(ledger.hold(workspace, amount).await);
        refused! { app:
            "less than nothing, of a wallet without a lease": hold(mine, MINUS_ONE) => HoldError::Negative,
            "the least number": hold(mine, LEAST) => HoldError::Negative,
            "more than is there": hold(mine, usd("5").plus(ONE).unwrap()) => HoldError::Insufficient { .. },
            "the greatest number": hold(mine, Amount::MAX) => HoldError::Insufficient { .. },
            "of nobody's wallet": hold(WorkspaceId::new(), ONE) => HoldError::Insufficient { .. },
        }
        // Now there is a lease in memory, which must not be talked into more than it has.
        let mut all = ledger.hold(mine, usd("5")).await.unwrap();
        let before = Books::of(&app.handles.db).await;
        for amount in [MINUS_ONE, LEAST, ONE, Amount::MAX] {
            assert!(hold(mine, amount).await.is_err(), "{amount}");
        }
        for total in [usd("5").plus(ONE).unwrap(), Amount::MAX] {
            assert!(matches!(all.grow_to(total).await, Err(HoldError::Insufficient { .. })), "{total}");
            assert_eq!(all.amount(), usd("5"), "what was held stays held");
        }
        for total in [MINUS_ONE, LEAST] {
            assert!(all.grow_to(total).await.is_err(), "{total}");
            assert_eq!(all.amount(), usd("5"), "what was held stays held");
        }
        assert!(hold(mine, ONE).await.is_err(), "all of it is held");
        assert_eq!(Books::of(&app.handles.db).await, before);
        all.release();
        assert_eq!(hold(mine, usd("5")).await.unwrap(), usd("5"));
        app.finish().await;
    }

    async fn what_cannot_be_settled_costs_nothing(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let mine = app.caller("5").await.account.workspace;
        let ledger = &app.handles.ledger;
        let good = record(&app, mine);
        // A lease whose flush was refused is given back first, and its credit leased anew.
        let held = async || {
            for _ in 0..200 {
                if let Ok(hold) = ledger.hold(mine, usd("1")).await {
                    return hold;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("the wallet's credit never comes back");
        };
        assert_eq!(held().await.settle(good.clone()).await.unwrap(), good.cost);

        let before = Books::of(&app.handles.db).await.posted();
        let another = |cost: Amount| CallRecord { id: CallId::new(), cost, ..good.clone() };
        let dearer = Usage { output: 20, ..good.usage };
        for (name, wrong) in [
            ("less than nothing", another(MINUS_ONE)),
            ("the least number", another(LEAST)),
            ("a call that was another", CallRecord { usage: dearer, cost: price(&app).charge(&dearer).unwrap(), ..good.clone() }),
        ] {
            let settled = held().await.settle(wrong).await;
            assert!(settled.is_err(), "{name}: {settled:?}");
            assert_eq!(Books::of(&app.handles.db).await.posted(), before, "{name}");
        }
        // The wallet has what it had: none of it is lost to a hold that nobody has any more.
        let left = usd("5").minus(good.cost).unwrap();
        eventually("all of it can be held", async || ledger.hold(mine, left).await.is_ok()).await;
        app.finish().await;
    }

    async fn payments_and_refunds_fit_or_do_not_happen(app) {
        let (fake, caller) = (Fake::start().await, app.caller("0").await);
        let node = node(&app, &fake, &Clock::system()).await;
        let order = paid_by_transfer(&node, &caller).await;
        let desk = node.orders.acting(By::OPERATOR);
        let confirm = async |order: OrderId, received: &str| {
            let received = Coins::parse(Currency::Usd, received).unwrap();
            let note = "statement 7".to_owned();
            desk.confirm(order, &Confirmation { received, sure: false, paid_at: None, note }).await
        };
        let refund = async |order: OrderId, credit: Amount, key: &str| {
            let (note, idempotency_key) = ("asked for".to_owned(), key.to_owned());
            desk.refund(order, &RefundAsk { credit: Some(credit), note, idempotency_key }).await
        };
        refund(order, usd("5"), "first").await.unwrap();
        let unpaid = node.order(&caller, ProviderId::Manual, "25.00 USD").await.id;
        refused! { app:
            "a payment of no order": confirm(OrderId::new(), "25.00") => OrderError::NotFound,
            "a payment that was credited": confirm(order, "25.00") => OrderError::Status(_),
            "nothing was paid": confirm(unpaid, "0.00") => OrderError::AmountDiffers { .. },
            "another amount was paid": confirm(unpaid, "26.00") => OrderError::AmountDiffers { .. },
            "a refund of no order": refund(OrderId::new(), ONE, "a") => OrderError::NotFound,
            "a refund of what was not paid": refund(unpaid, usd("1"), "b") => OrderError::Status(_),
            "a refund of nothing": refund(order, Amount::ZERO, "c") => OrderError::NotRefundable { .. },
            "a refund of less": refund(order, MINUS_ONE, "d") => OrderError::NotRefundable { .. },
            "a refund of the least number": refund(order, LEAST, "e") => OrderError::NotRefundable { .. },
            "a refund of no coin": refund(order, ONE, "f") => OrderError::NoCoin,
            "a refund of more than is left": refund(order, usd("20.01"), "g") => OrderError::NotRefundable { .. },
            "a refund of the greatest number": refund(order, Amount::MAX, "h") => OrderError::NotRefundable { .. },
            "a refund that was another": refund(order, usd("6"), "first") => OrderError::KeyReused,
        }
        app.finish().await;
    }
}

async fn paid_by_transfer(node: &Node, caller: &Caller) -> OrderId {
    let order = node.order(caller, ProviderId::Manual, "25.00 USD").await;
    let confirmation = Confirmation {
        received: order.quote.paid,
        sure: false,
        paid_at: None,
        note: "statement 6".to_owned(),
    };
    let desk = node.orders.acting(By::OPERATOR);
    desk.confirm(order.id, &confirmation).await.unwrap();
    order.id
}

fn price(app: &TestApp) -> Price {
    let now = app.handles.clock.now_ms();
    let snapshot = app.handles.catalog.snapshot();
    snapshot.model("gpt").unwrap().price_at(now).unwrap().price
}

/// A call of ten answer tokens.
fn record(app: &TestApp, workspace: WorkspaceId) -> CallRecord {
    let now = app.handles.clock.now_ms();
    let snapshot = app.handles.catalog.snapshot();
    let version = snapshot.model("gpt").unwrap().price_at(now).unwrap();
    let usage = Usage {
        output: 10,
        ..Usage::default()
    };
    CallRecord {
        id: CallId::new(),
        workspace,
        key: KeyId::new(),
        model: "gpt".to_owned(),
        price: version.id,
        ending: Ending::Finished,
        rule: Rule::Reported,
        status: 200,
        streamed: false,
        usage,
        cost: version.price.charge(&usage).unwrap(),
        first_byte_ms: None,
        duration_ms: 1,
        created_at: now,
        attempts: Vec::new(),
    }
}
