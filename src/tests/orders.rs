//! Is every payment credited once, and only what was paid? A provider that does everything wrong, several nodes, both
//! databases; the ledger is verified after each test.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::fx::Coins;
use domain::order::{Attention, Next, OrderStatus, ProviderId};
use domain::{Amount, Currency};
use futures::future::join_all;
use sea_orm::{ConnectionTrait, Statement};
use server::audit::By;
use server::clock::Clock;
use server::orders::{Ask, Confirmation, HookAnswer, NewOrder, OrderError, RefundAsk};
use server::secrets::Secret;

use crate::app::{Caller, TestApp, on_both};
use crate::payments::{
    Fake, HOUR_MS, NOW, Node, SECRET, Wrong, event, node, send, signature, tell,
};

fn usd(text: &str) -> Amount {
    Amount::parse_usd(text).unwrap()
}

fn eur(text: &str) -> Coins {
    Coins::parse(Currency::Eur, text).unwrap()
}

async fn rows(app: &TestApp, what: &str) -> i64 {
    let db = &app.handles.db;
    let sql = format!("SELECT COUNT(*) AS many FROM {what}");
    let row = db
        .write()
        .query_one_raw(Statement::from_string(db.backend(), sql))
        .await;
    row.unwrap().unwrap().try_get("", "many").unwrap()
}

fn refund(credit: Option<&str>, key: &str) -> RefundAsk {
    RefundAsk {
        credit: credit.map(usd),
        note: "asked for by mail".to_owned(),
        idempotency_key: key.to_owned(),
    }
}

async fn balance(app: &TestApp, caller: &Caller) -> Amount {
    Amount::from_nanos(app.posted(caller).await)
}

on_both! {
    /// Fifty copies of a webhook, other webhooks of the same payment, people who come back, and three nodes that ask.
    async fn a_payment_is_credited_once(app) {
        let (fake, caller) = (Fake::start().await, app.caller("0").await);
        app.front.orders.set_sandbox(fake.address, Secret::new(SECRET.to_owned()));
        let nodes = [
            node(&app, &fake, &Clock::system()).await,
            node(&app, &fake, &Clock::system()).await,
            node(&app, &fake, &Clock::system()).await,
        ];
        let order = nodes[0].begun(&caller, "25.00 USD").await;
        assert_eq!((order.status, order.quote.credited), (OrderStatus::Pending, usd("25")));
        let payment = fake.becomes(order.id, "paid");

        let url = app.url("/hooks/sandbox");
        let (url, payment) = (url.as_str(), payment.as_str());
        let copies = join_all((0..50).map(|_| tell(url, "evt_1", payment)));
        let others = join_all((0..5).map(|n| async move { tell(url, &format!("evt_other_{n}"), payment).await }));
        let looks = join_all((0..20).map(|n| nodes[n % 3].orders.look(order.workspace, order.id)));
        let work = join_all(nodes.iter().map(|node| async {
            for _ in 0..20 {
                node.orders.work().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }));
        let (copies, others, looks, _) = tokio::join!(copies, others, looks, work);
        assert!(copies.iter().chain(&others).all(|status| *status == 200), "{copies:?} {others:?}");
        assert!(looks.iter().all(Result::is_ok), "{looks:?}");
        // What came in after the last of these rounds.
        nodes[2].orders.work().await.unwrap();

        let view = nodes[1].view(&order).await;
        assert_eq!(view.status, OrderStatus::Credited);
        assert_eq!(balance(&app, &caller).await, usd("25"));
        assert_eq!(rows(&app, "payment_event WHERE processed_at IS NULL").await, 0);
        assert_eq!(rows(&app, "payment_event").await, 6, "copies are not kept");
        assert_eq!(rows(&app, "mail WHERE kind = 'order_credited'").await, 1);
        assert_eq!(rows(&app, "receipt").await, 1);
        app.finish().await;
    }

    /// The webhook is here before the provider's answer, in which its name for the payment stands.
    async fn a_webhook_may_be_faster_than_the_answer(app) {
        let (fake, caller) = (Fake::start().await, app.caller("0").await);
        fake.is_early();
        app.front.orders.set_sandbox(fake.address, Secret::new(SECRET.to_owned()));
        let node = node(&app, &fake, &Clock::system()).await;
        let order = node.order(&caller, ProviderId::Sandbox, "25.00 USD").await;
        let work = async {
            for _ in 0..30 {
                node.orders.work().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let (next, ()) = tokio::join!(node.orders.begin(order.workspace, order.id), work);
        assert!(matches!(next.unwrap(), Next::Redirect(_)));
        node.orders.work().await.unwrap();
        assert_eq!(*fake.early_answer.lock(), Some(503), "it shall be sent again");
        assert_eq!(tell(&app.url("/hooks/sandbox"), "evt_early", "pay_1").await, 200);
        let view = node.view(&order).await;
        assert_eq!((view.status, view.provider_ref.as_deref()), (OrderStatus::Credited, Some("pay_1")));
        assert_eq!(balance(&app, &caller).await, usd("25"));
        assert!(matches!(
            node.orders.begin(order.workspace, order.id).await,
            Err(OrderError::Status(OrderStatus::Credited))
        ));
        app.finish().await;
    }

    /// No webhook comes; nor does the answer with the payment's name, for one of the orders.
    async fn who_is_not_told_asks(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        let told = node.begun(&caller, "25.00 USD").await;
        let cut = node.begun(&caller, "10.00 USD").await;
        let db = &app.handles.db;
        let sql = format!("UPDATE orders SET provider_ref = NULL, status = 'created' WHERE id = '{}'", cut.id);
        db.write().execute_unprepared(&sql).await.unwrap();
        fake.becomes(told.id, "paid");
        fake.becomes(cut.id, "paid");
        assert_eq!(node.orders.work().await.unwrap(), 0, "not due yet");
        clock.advance(61_000);
        assert_eq!(node.orders.work().await.unwrap(), 2);
        for order in [&told, &cut] {
            assert_eq!(node.view(order).await.status, OrderStatus::Credited);
        }
        assert_eq!(balance(&app, &caller).await, usd("35"));
        app.finish().await;
    }

    /// What nobody pays expires after the last question; what is paid later is credited by the rate of then.
    async fn late_money_is_money(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        node.euros_per_dollar("0.5").await;
        let order = node.begun(&caller, "25.00 EUR").await;
        assert_eq!(order.quote.credited, usd("50"));
        fake.does_wrong(Wrong::Broken);
        for _ in 0..49 {
            clock.advance(HOUR_MS);
            node.orders.work().await.unwrap();
        }
        assert_eq!(node.view(&order).await.status, OrderStatus::Pending, "nothing expires unasked");
        fake.does_wrong(Wrong::Nothing);
        clock.advance(HOUR_MS);
        node.orders.work().await.unwrap();
        assert_eq!(node.view(&order).await.status, OrderStatus::Expired);

        node.euros_per_dollar("0.4").await;
        node.paid(&fake, &order).await;
        let view = node.view(&order).await;
        assert_eq!(view.status, OrderStatus::Credited);
        let settled = view.settled.unwrap();
        assert_eq!((settled.credited, settled.rate.e9()), (usd("62.5"), 2_500_000_000));
        assert_eq!(view.quote.rate.e9(), 2_000_000_000, "what was promised stays known");
        assert_eq!(balance(&app, &caller).await, usd("62.5"));
        app.finish().await;
    }

    /// A payment that was made in time keeps its rate, however late we hear of it.
    async fn news_may_be_late(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        node.euros_per_dollar("0.5").await;
        let order = node.begun(&caller, "25.00 EUR").await;
        fake.paid_at(order.id, NOW + 1_000);
        clock.advance(49 * HOUR_MS);
        node.euros_per_dollar("0.6").await;
        node.paid(&fake, &order).await;
        let settled = node.view(&order).await.settled.unwrap();
        assert_eq!((settled.credited, settled.rate.e9()), (usd("50"), 2_000_000_000));
        assert_eq!(balance(&app, &caller).await, usd("50"));
        app.finish().await;
    }

    /// A rate that is too old credits nothing in silence: it waits for a newer one.
    async fn without_a_rate_money_waits(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        node.euros_per_dollar("0.5").await;
        let order = node.begun(&caller, "25.00 EUR").await;
        clock.advance(33 * 24 * HOUR_MS);
        node.paid(&fake, &order).await;
        let view = node.view(&order).await;
        assert_eq!((view.status, view.attention), (OrderStatus::Pending, Some(Attention::Rate)));
        node.euros_per_dollar("0.4").await;
        clock.advance(HOUR_MS);
        node.orders.work().await.unwrap();
        let view = node.view(&order).await;
        assert_eq!((view.status, view.attention), (OrderStatus::Credited, None));
        assert_eq!(balance(&app, &caller).await, usd("62.5"));
        app.finish().await;
    }

    /// Whatever does not fit credits nothing, and somebody sees it.
    async fn what_does_not_fit_credits_nothing(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        let order = node.begun(&caller, "25.00 USD").await;
        let payment = fake.becomes(order.id, "paid");
        for (n, (wrong, attention)) in [
            (Wrong::Amount, Some(Attention::Amount)),
            (Wrong::Currency, Some(Attention::Currency)),
            (Wrong::PaidLess, Some(Attention::Amount)),
            (Wrong::Live, Some(Attention::Mode)),
            (Wrong::Reference, Some(Attention::Reference)),
            (Wrong::Broken, None),
        ]
        .into_iter()
        .enumerate()
        {
            let db = app.handles.db.write();
            db.execute_unprepared("UPDATE orders SET attention = NULL").await.unwrap();
            fake.does_wrong(wrong);
            assert_eq!(node.hears(&format!("evt_{n}"), &payment).await, HookAnswer::Taken);
            node.orders.work().await.unwrap();
            let view = node.view(&order).await;
            assert_eq!((view.status, view.attention), (OrderStatus::Pending, attention), "{wrong:?}");
            assert_eq!(node.orders.look(order.workspace, order.id).await.unwrap().status, OrderStatus::Pending, "{wrong:?}");
            clock.advance(1_001);
        }
        assert_eq!(rows(&app, "payment_event WHERE outcome = 'mismatch'").await, 5);
        assert_eq!(rows(&app, "payment_event WHERE outcome IS NULL").await, 1, "asked again later");
        assert_eq!(balance(&app, &caller).await, Amount::ZERO);
        assert_eq!(rows(&app, "lot").await, 0);
        assert!(node.orders.figures().mismatched >= 5);

        // It was a mistake of theirs: once it fits, it counts.
        fake.does_wrong(Wrong::Nothing);
        clock.advance(HOUR_MS);
        node.orders.work().await.unwrap();
        let view = node.view(&order).await;
        assert_eq!((view.status, view.attention), (OrderStatus::Credited, None));

        // Then they take it all back: the credit stays, and somebody sees it.
        fake.becomes(order.id, "failed");
        assert_eq!(node.hears("evt_undone", &payment).await, HookAnswer::Taken);
        node.orders.work().await.unwrap();
        let view = node.view(&order).await;
        assert_eq!((view.status, view.attention), (OrderStatus::Credited, Some(Attention::Refund)));
        assert_eq!(balance(&app, &caller).await, usd("25"));
        app.finish().await;
    }

    /// A provider that forgot the order's payment makes another, and that is the order's; one that cannot say so does not.
    async fn a_forgotten_payment_is_replaced(app) {
        let (fake, caller) = (Fake::start().await, app.caller("0").await);
        let node = node(&app, &fake, &Clock::fixed(NOW)).await;
        let order = node.begun(&caller, "25.00 USD").await;
        let db = app.handles.db.write();
        db.execute_unprepared("UPDATE orders SET provider_ref = 'pay_forgotten'").await.unwrap();
        fake.does_wrong(Wrong::Broken);
        let unsure = node.orders.begin(order.workspace, order.id).await;
        assert!(matches!(unsure, Err(OrderError::Provider)), "{unsure:?}");
        assert_eq!(node.view(&order).await.provider_ref.as_deref(), Some("pay_forgotten"));
        fake.does_wrong(Wrong::Nothing);
        let next = node.orders.begin(order.workspace, order.id).await.unwrap();
        assert!(matches!(next, Next::Redirect(_)));
        assert_eq!(node.view(&order).await.provider_ref, order.provider_ref);
        app.finish().await;
    }

    /// The hook believes nobody without a signature of now, and is not there without its provider.
    async fn the_hook_believes_signatures_alone(app) {
        let (fake, caller) = (Fake::start().await, app.caller("0").await);
        let url = app.url("/hooks/sandbox");
        assert_eq!(tell(&url, "evt_1", "pay_1").await, 404, "there is no such provider yet");
        app.front.orders.set_sandbox(fake.address, Secret::new(SECRET.to_owned()));
        let node = node(&app, &fake, &Clock::system()).await;
        let order = node.begun(&caller, "25.00 USD").await;
        let payment = fake.becomes(order.id, "paid");
        let (body, now) = (event("evt_1", &payment), Clock::system().now_ms() / 1_000);
        for (header, body, status) in [
            (signature("another secret of ours", now, &body), body.clone(), 400),
            (signature(SECRET, now - 301, &body), body.clone(), 400),
            (signature(SECRET, now + 301, &body), body.clone(), 400),
            (signature(SECRET, now, &body), event("evt_1", "pay_9"), 400),
            (String::new(), body.clone(), 400),
            (signature(SECRET, now, &body), " ".repeat(64 * 1024 + 1), 413),
        ] {
            assert_eq!(send(&url, &header, body).await, status, "{header}");
        }
        for path in ["/hooks/manual", "/hooks/stripe"] {
            assert_eq!(tell(&app.url(path), "evt_1", &payment).await, 404, "{path}");
        }
        assert_eq!(app.get("/hooks/sandbox").await.status(), 405);
        node.orders.work().await.unwrap();
        assert_eq!(rows(&app, "payment_event").await, 0);
        assert_eq!(node.view(&order).await.status, OrderStatus::Pending);
        app.finish().await;
    }

    /// A form that is sent twice makes one order and one payment, whatever happens in between.
    async fn a_form_makes_one_order(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        node.euros_per_dollar("0.5").await;
        let ask = Ask { provider: ProviderId::Sandbox, paid: eur("25.00") };
        let new = NewOrder { ask, shown: usd("50"), locale: "ru".to_owned(), idempotency_key: "form".to_owned() };
        let (workspace, account) = (caller.account.workspace, caller.account.id);
        let made = join_all((0..8).map(|_| node.orders.create(workspace, account, &new))).await;
        let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();
        assert!(made.iter().all(|order| order == &made[0]));
        let begun = join_all((0..4).map(|_| node.orders.begin(workspace, made[0].id))).await;
        assert!(begun.iter().all(Result::is_ok), "{begun:?}");
        assert_eq!((rows(&app, "orders").await, fake.count()), (1, 1));

        let other = NewOrder { ask: Ask { paid: eur("26.00"), ..ask }, ..new.clone() };
        assert!(matches!(node.orders.create(workspace, account, &other).await, Err(OrderError::KeyReused)));
        node.euros_per_dollar("0.6").await;
        assert_eq!(node.orders.create(workspace, account, &new).await.unwrap(), node.view(&made[0]).await, "its rate is pinned");
        let worse = NewOrder { idempotency_key: "new form".to_owned(), ..new.clone() };
        let moved = node.orders.create(workspace, account, &worse).await;
        assert!(matches!(moved, Err(OrderError::Moved(quote)) if quote.credited < usd("50")));
        // What was shown has the bonus in it.
        let dollars = Ask { paid: Coins::parse(Currency::Usd, "100.00").unwrap(), ..ask };
        let more = NewOrder { ask: dollars, shown: usd("110.000000001"), idempotency_key: "bonus".to_owned(), ..new.clone() };
        let moved = node.orders.create(workspace, account, &more).await;
        assert!(matches!(moved, Err(OrderError::Moved(_))), "{moved:?}");
        assert!(node.orders.create(workspace, account, &NewOrder { shown: usd("110"), ..more }).await.is_ok());
        for paid in ["0.01", "1000000"] {
            let ask = Ask { paid: eur(paid), ..ask };
            assert!(matches!(node.orders.quote(&ask), Err(OrderError::OutOfBounds(_))), "{paid}");
        }

        // Given up, and paid all the same.
        let canceled = node.orders.cancel(workspace, made[0].id).await.unwrap();
        assert_eq!(canceled.status, OrderStatus::Canceled);
        fake.becomes(made[0].id, "paid");
        clock.advance(61_000);
        node.orders.work().await.unwrap();
        assert_eq!(node.view(&made[0]).await.status, OrderStatus::Credited);
        assert!(matches!(
            node.orders.cancel(workspace, made[0].id).await,
            Err(OrderError::Status(OrderStatus::Credited))
        ));
        app.finish().await;
    }

    /// Each due question is asked by one node.
    async fn nodes_share_the_questions(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let nodes = join_all((0..4).map(|_| node(&app, &fake, &clock))).await;
        for _ in 0..6 {
            nodes[0].begun(&caller, "25.00 USD").await;
        }
        for (after, asked) in [(61_000, 6), (60_000, 12), (3 * 60_000, 18)] {
            clock.advance(after);
            let mine = join_all(nodes.iter().map(|node| node.orders.work())).await;
            let mine: usize = mine.into_iter().map(Result::unwrap).sum();
            assert_eq!((mine, fake.asked.load(Ordering::SeqCst)), (6, asked));
        }
        app.finish().await;
    }

    /// However a refund is cut, the coins that go back are those that were paid, and the bonus goes with them.
    async fn refunds_add_up(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        node.euros_per_dollar("0.3").await;
        let order = node.begun(&caller, "100.00 EUR").await;
        node.paid(&fake, &order).await;
        let settled = node.view(&order).await.settled.unwrap();
        assert_eq!(settled.credited.nanos(), 333_333_333_300);
        assert_eq!(settled.bonus.nanos(), 33_333_333_330);
        let desk = node.orders.acting(By::OPERATOR);
        let part = desk.refund(order.id, &refund(Some("111.111111111"), "one")).await.unwrap();
        assert_eq!((part.status, part.refunded.coins), (OrderStatus::PartiallyRefunded, eur("33.33")));
        let again = desk.refund(order.id, &refund(Some("111.111111111"), "one")).await.unwrap();
        assert_eq!(again.refunded, part.refunded, "the same form refunds once");
        let more = desk.refund(order.id, &refund(Some("222.222222190"), "much")).await;
        assert!(matches!(more, Err(OrderError::NotRefundable { .. })), "{more:?}");
        let tiny = desk.refund(order.id, &refund(Some("0.000000001"), "tiny")).await;
        assert!(matches!(tiny, Err(OrderError::NoCoin)), "{tiny:?}");
        desk.refund(order.id, &refund(Some("111.111111111"), "two")).await.unwrap();
        let rest = node.orders.refundable(order.id).await.unwrap();
        assert_eq!((rest.credit.nanos(), rest.coins), (111_111_111_078, eur("33.34")));
        let all = desk.refund(order.id, &refund(None, "rest")).await.unwrap();
        assert_eq!((all.status, all.refunded.coins), (OrderStatus::Refunded, eur("100.00")));
        assert_eq!(fake.refunded(order.id), 10_000);
        assert_eq!(balance(&app, &caller).await, Amount::ZERO, "the bonus is gone too");
        assert_eq!(rows(&app, "receipt WHERE kind = 'credit_note'").await, 3);
        assert!(matches!(
            desk.refund(order.id, &refund(None, "again")).await,
            Err(OrderError::Status(OrderStatus::Refunded))
        ));
        app.finish().await;
    }

    /// A refund without an answer goes once; one that is refused gives its credit back; two at once are one.
    async fn a_refund_goes_once_or_not_at_all(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        let order = node.begun(&caller, "25.00 USD").await;
        node.paid(&fake, &order).await;
        let desk = node.orders.acting(By::OPERATOR);

        fake.does_wrong(Wrong::RefundRefused);
        let refused = desk.refund(order.id, &refund(Some("10"), "refused")).await;
        assert!(matches!(refused, Err(OrderError::RefundRefused)), "{refused:?}");
        let kept = node.view(&order).await;
        assert_eq!((kept.status, kept.refunding), (OrderStatus::Credited, false));
        fake.does_wrong(Wrong::Nothing);
        let again = desk.refund(order.id, &refund(Some("10"), "refused")).await;
        assert!(matches!(again, Err(OrderError::RefundRefused)), "{again:?}");
        let other = desk.refund(order.id, &refund(Some("11"), "refused")).await;
        assert!(matches!(other, Err(OrderError::KeyReused)), "{other:?}");
        assert_eq!(fake.refunded(order.id), 0);
        assert_eq!(balance(&app, &caller).await, usd("25"));

        fake.does_wrong(Wrong::RefundUnanswered);
        let lost = desk.refund(order.id, &refund(Some("10"), "lost")).await.unwrap();
        assert!(lost.refunding);
        assert_eq!(balance(&app, &caller).await, usd("15"), "it cannot be spent meanwhile");
        let second = desk.refund(order.id, &refund(Some("1"), "second")).await;
        assert!(matches!(second, Err(OrderError::Refunding)), "{second:?}");
        // The "no" of somebody who has done it already.
        fake.does_wrong(Wrong::RefundRefused);
        clock.advance(HOUR_MS);
        node.orders.work().await.unwrap();
        let done = node.view(&order).await;
        assert_eq!((done.status, done.refunding), (OrderStatus::PartiallyRefunded, false));
        assert_eq!(done.refunded.credit, usd("10"));
        assert_eq!(fake.refunded(order.id), 1_000);

        fake.does_wrong(Wrong::Nothing);
        let all = || async { desk.refund(order.id, &refund(None, "all")).await };
        let at_once = tokio::join!(all(), all(), all());
        for outcome in [at_once.0, at_once.1, at_once.2] {
            assert!(matches!(outcome, Ok(_) | Err(OrderError::Refunding)), "{outcome:?}");
        }
        assert_eq!(fake.refunded(order.id), 2_500);
        assert_eq!(balance(&app, &caller).await, Amount::ZERO);
        app.finish().await;
    }

    /// The bonus goes with its credit at once, so no call can take it meanwhile; when the money does not go, both are back.
    async fn the_bonus_goes_and_comes_with_its_credit(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("5").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        let order = node.begun(&caller, "100.00 USD").await;
        node.paid(&fake, &order).await;
        assert_eq!(balance(&app, &caller).await, usd("115"));
        let desk = node.orders.acting(By::OPERATOR);

        fake.does_wrong(Wrong::RefundRefused);
        let refused = desk.refund(order.id, &refund(None, "refused")).await;
        assert!(matches!(refused, Err(OrderError::RefundRefused)), "{refused:?}");
        assert_eq!(balance(&app, &caller).await, usd("115"));
        assert_eq!(rows(&app, "transfer WHERE code = 'bonus_back'").await, 1);
        assert_eq!(rows(&app, "lot WHERE remaining <> original").await, 0);
        assert_eq!(rows(&app, "order_refund WHERE bonus_nusd <> 0").await, 0);

        fake.does_wrong(Wrong::RefundUnanswered);
        let lost = desk.refund(order.id, &refund(None, "lost")).await.unwrap();
        assert!(lost.refunding);
        assert_eq!(balance(&app, &caller).await, usd("5"));
        let hold = app.handles.ledger.hold(order.workspace, usd("5")).await.unwrap();
        fake.does_wrong(Wrong::Nothing);
        clock.advance(HOUR_MS);
        node.orders.work().await.unwrap();
        assert_eq!(node.view(&order).await.status, OrderStatus::Refunded);
        drop(hold);
        assert_eq!(balance(&app, &caller).await, usd("5"), "the bonus is gone too");
        assert_eq!(rows(&app, "order_refund WHERE bonus_nusd = 10000000000").await, 1);
        app.finish().await;
    }

    /// What a call holds of the bonus that is to go it may spend; afterwards it is nobody's, however much of the order it was.
    async fn what_calls_hold_of_a_bonus_ends_with_its_part_of_the_order(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("5").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        let desk = node.orders.acting(By::OPERATOR);
        let ledger = &app.handles.ledger;
        // What goes back, what a call holds meanwhile, what of the bonus goes, and what is left in the end.
        for (back, held, bonus, rest) in [("100", "15", "10", "5"), ("60", "55", "6", "49"), ("99.99", "15", "9.999", "5.011")] {
            let order = node.begun(&caller, "100.00 USD").await;
            node.paid(&fake, &order).await;
            let hold = ledger.hold(order.workspace, usd(held)).await.unwrap();
            let mut gone = desk.refund(order.id, &refund(Some(back), "one")).await;
            for _ in 0..20 {
                if gone.is_ok() {
                    break;
                }
                gone = desk.refund(order.id, &refund(Some(back), "one")).await;
            }
            assert!(!gone.unwrap().refunding);
            let refunded = format!("order_refund WHERE order_id = '{}' AND bonus_nusd = {}", order.id, usd(bonus).nanos());
            assert_eq!(rows(&app, &refunded).await, 1, "{back}");
            let kept = format!("lot WHERE txn_id LIKE 'refund:%:bonus' AND remaining = original AND expires_at = {}", NOW + 60_000);
            assert_eq!(rows(&app, &kept).await, 1, "the call has it: {back}");
            drop(hold);
            // The ledger goes by another clock than the orders here.
            app.handles.db.write().execute_unprepared("UPDATE lot SET expires_at = 1 WHERE expires_at > 1").await.unwrap();
            for _ in 0..200 {
                ledger.expire_lots().await.unwrap();
                if rows(&app, "lot WHERE expires_at = 1 AND remaining > 0").await == 0 {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            assert_eq!(balance(&app, &caller).await, usd(rest), "{back}");
            if back == "60" {
                desk.refund(order.id, &refund(None, "two")).await.unwrap();
                assert_eq!(balance(&app, &caller).await, usd("5"), "all of the bonus, and no more");
            }
        }
        app.finish().await;
    }

    /// What running calls hold does not go back, and what they spent is gone.
    async fn what_calls_hold_stays(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        let order = node.begun(&caller, "25.00 USD").await;
        node.paid(&fake, &order).await;
        let hold = app.handles.ledger.hold(order.workspace, usd("5")).await.unwrap();
        let desk = node.orders.acting(By::OPERATOR);
        let all = desk.refund(order.id, &refund(Some("25"), "all")).await;
        assert!(matches!(all, Err(OrderError::NotRefundable { .. })), "{all:?}");
        // The node leased more than its call holds, and gives that back when it is asked.
        let mut part = desk.refund(order.id, &refund(Some("20"), "part")).await;
        for _ in 0..20 {
            if part.is_ok() {
                break;
            }
            part = desk.refund(order.id, &refund(Some("20"), "part")).await;
        }
        let part = part.unwrap();
        assert_eq!((part.status, part.refunded.credit), (OrderStatus::PartiallyRefunded, usd("20")));
        drop(hold);
        app.finish().await;
    }

    /// A bank transfer counts when an administrator types what was asked for, or says that they are sure.
    async fn bank_transfers_are_confirmed_by_hand(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        node.euros_per_dollar("0.5").await;
        let order = node.order(&caller, ProviderId::Manual, "25.00 EUR").await;
        let Next::Instructions(details) = node.orders.begin(order.workspace, order.id).await.unwrap() else {
            panic!("a transfer is made by hand");
        };
        assert_eq!((details.reference, details.amount), (order.reference, eur("25.00")));
        let desk = node.orders.acting(By::OPERATOR);
        let confirmation = |received: &str, sure: bool, note: &str| Confirmation {
            received: eur(received),
            sure,
            paid_at: None,
            note: note.to_owned(),
        };
        let wrong = desk.confirm(order.id, &confirmation("24.00", false, "statement 7")).await;
        assert!(matches!(wrong, Err(OrderError::AmountDiffers { .. })), "{wrong:?}");
        let mute = desk.confirm(order.id, &confirmation("25.00", false, " ")).await;
        assert!(matches!(mute, Err(OrderError::NoNote)), "{mute:?}");
        let rejected = desk.reject(order.id, "never came").await.unwrap();
        assert_eq!(rejected.status, OrderStatus::Failed);
        let twice = confirmation("25.00", false, "it came after all");
        let confirmed = join_all((0..3).map(|_| desk.confirm(order.id, &twice))).await;
        assert_eq!(confirmed.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{confirmed:?}");
        assert_eq!(balance(&app, &caller).await, usd("50"));

        // Fees were taken on its way: what arrived is what counts.
        let other = node.order(&caller, ProviderId::Manual, "25.00 EUR").await;
        desk.confirm(other.id, &confirmation("24.00", true, "statement 8")).await.unwrap();
        assert_eq!(balance(&app, &caller).await, usd("98"));
        let back = desk.refund(other.id, &refund(None, "by hand")).await.unwrap();
        assert_eq!((back.status, back.refunded.coins), (OrderStatus::Refunded, eur("24.00")));
        assert_eq!(balance(&app, &caller).await, usd("50"));
        assert_eq!(rows(&app, "audit WHERE action IN ('order.confirm', 'order.reject', 'order.refund')").await, 4);

        let provider = node.begun(&caller, "25.00 EUR").await;
        let online = desk.confirm(provider.id, &confirmation("25.00", false, "no")).await;
        assert!(matches!(online, Err(OrderError::NotManual)), "{online:?}");
        app.finish().await;
    }

    /// What a provider took instead of what was asked for counts when an administrator says so, and the provider still does.
    async fn another_amount_is_confirmed_by_hand(app) {
        let (fake, caller) = (Fake::start().await, app.caller("0").await);
        let node = node(&app, &fake, &Clock::fixed(NOW)).await;
        let order = node.begun(&caller, "25.00 USD").await;
        fake.does_wrong(Wrong::PaidLess);
        node.paid(&fake, &order).await;
        assert_eq!(node.view(&order).await.attention, Some(Attention::Amount));
        let desk = node.orders.acting(By::OPERATOR);
        let confirmation = |received: &str, sure: bool| Confirmation {
            received: Coins::parse(Currency::Usd, received).unwrap(),
            sure,
            paid_at: None,
            note: "agreed by mail".to_owned(),
        };
        for (received, sure) in [("12.50", false), ("25.00", true), ("12.49", true)] {
            let wrong = desk.confirm(order.id, &confirmation(received, sure)).await;
            assert!(matches!(wrong, Err(OrderError::AmountDiffers { .. })), "{received}: {wrong:?}");
        }
        fake.does_wrong(Wrong::Broken);
        let silent = desk.confirm(order.id, &confirmation("12.50", true)).await;
        assert!(matches!(silent, Err(OrderError::Provider)), "{silent:?}");
        fake.does_wrong(Wrong::PaidLess);
        let view = desk.confirm(order.id, &confirmation("12.50", true)).await.unwrap();
        assert_eq!((view.status, view.attention), (OrderStatus::Credited, None));
        assert_eq!(balance(&app, &caller).await, usd("12.5"));
        app.finish().await;
    }

    /// The schema refuses what no code does: credit without a payment, coins out of nothing, a refund above the order.
    async fn the_schema_is_the_last_fence(app) {
        let (fake, caller, clock) = (Fake::start().await, app.caller("0").await, Clock::fixed(NOW));
        let node = node(&app, &fake, &clock).await;
        let order = node.begun(&caller, "25.00 USD").await;
        node.paid(&fake, &order).await;
        let db = app.handles.db.write();
        for change in [
            "status = 'pending'",
            "settled_at = NULL",
            "refunded_coins = 2501",
            "refunded_nusd = 25000000001",
            "refunded_nusd = -1",
            "paid_coins = 0",
            "status = 'paid'",
        ] {
            let refused = db.execute_unprepared(&format!("UPDATE orders SET {change}")).await;
            let said = refused.unwrap_err().to_string().to_lowercase();
            assert!(said.contains("check"), "{change}: {said}");
        }
        app.finish().await;
    }
}

/// `ledger verify` finds an order whose money is not in the books, and money without its order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_what_does_not_fit() {
    let app = TestApp::sqlite().await;
    let (fake, caller) = (Fake::start().await, app.caller("0").await);
    let node: Node = node(&app, &fake, &Clock::fixed(NOW)).await;
    let order = node.begun(&caller, "25.00 USD").await;
    node.paid(&fake, &order).await;
    let db = app.handles.db.clone();
    let broken = async |change: &str, back: &str, id: &str| {
        db.write().execute_unprepared(change).await.unwrap();
        let report = server::ledger::verify(&db).await.unwrap();
        let check = report.checks.iter().find(|check| check.id == id).unwrap();
        assert!(!check.holds, "{change} is not found by {id}");
        db.write().execute_unprepared(back).await.unwrap();
    };
    broken(
        "UPDATE orders SET credited_nusd = credited_nusd + 1",
        "UPDATE orders SET credited_nusd = credited_nusd - 1",
        "I7",
    )
    .await;
    broken(
        "UPDATE lot SET txn_id = txn_id || 'x'",
        "UPDATE lot SET txn_id = substr(txn_id, 1, 44)",
        "I7",
    )
    .await;
    broken(
        "UPDATE orders SET provider_ref = 'pay_9'",
        "UPDATE orders SET provider_ref = 'pay_1'",
        "I8",
    )
    .await;
    broken(
        "UPDATE orders SET refunded_coins = 1",
        "UPDATE orders SET refunded_coins = 0",
        "I9",
    )
    .await;
    app.finish().await;
}
