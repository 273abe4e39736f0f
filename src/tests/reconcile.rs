//! Do the provider's payments and our orders agree, and is every difference told on both databases? I13.

use std::net::SocketAddr;

use domain::order::ProviderId;
use sea_orm::ConnectionTrait;
use server::clock::Clock;
use server::orders::{PaymentsConfig, Reconciled, SandboxConfig, reconcile};
use server::secrets::Secret;

use crate::app::{TestApp, on_both};
use crate::payments::{Fake, HOUR_MS, NOW, SECRET, Wrong, node};

/// What a command finds that knows this sandbox.
async fn asked(app: &TestApp, address: SocketAddr, now: i64) -> Reconciled {
    let config = PaymentsConfig {
        local: true,
        sandbox: Some(SandboxConfig {
            address,
            secret: Secret::new(SECRET.to_owned()),
        }),
        ..PaymentsConfig::default()
    };
    reconcile(&app.handles.db, &config, now, 3).await.unwrap()
}

/// The only difference.
fn only(found: &Reconciled) -> &str {
    assert_eq!(found.offenders.len(), 1, "{found:?}");
    &found.offenders[0]
}

on_both! {
    async fn what_one_side_has_and_the_other_has_not_is_told(app) {
        let (fake, clock) = (Fake::start().await, Clock::fixed(NOW));
        let caller = app.caller("0").await;
        let node = node(&app, &fake, &clock).await;
        let order = node.begun(&caller, "25.00 USD").await;
        node.paid(&fake, &order).await;
        let nothing = Reconciled { compared: 1, ..Reconciled::default() };
        assert_eq!(node.orders.reconcile(3).await.unwrap(), nothing);
        assert_eq!(asked(&app, fake.address, NOW).await, nothing);

        fake.does_wrong(Wrong::PaidLess);
        assert!(only(&asked(&app, fake.address, NOW).await).contains("12.50"));
        fake.does_wrong(Wrong::Currency);
        assert!(only(&asked(&app, fake.address, NOW).await).contains("GBP"));
        fake.does_wrong(Wrong::Nothing);
        fake.becomes(order.id, "canceled");
        assert!(only(&asked(&app, fake.address, NOW).await).contains("not paid at sandbox"));
        fake.becomes(order.id, "paid");

        // The provider knows of no payment.
        let other = Fake::start().await;
        assert!(only(&asked(&app, other.address, NOW).await).contains("unknown at sandbox"));

        // Paid, and nobody told us: for a while that is no difference.
        let second = node.begun(&caller, "10.00 USD").await;
        fake.becomes(second.id, "paid");
        let found = asked(&app, fake.address, NOW + HOUR_MS).await;
        assert_eq!((found.offenders.len(), found.waiting.len()), (0, 1), "{found:?}");
        let found = asked(&app, fake.address, NOW + 2 * HOUR_MS).await;
        assert!(only(&found).contains("not credited here"), "{found:?}");
        assert!(only(&found).contains(&second.id.to_string()), "{found:?}");

        // A payment whose order is gone.
        let sql = format!("UPDATE orders SET provider = 'manual' WHERE id = '{}'", second.id);
        app.handles.db.write().execute_unprepared(&sql).await.unwrap();
        let found = asked(&app, fake.address, NOW).await;
        assert!(only(&found).contains("no order of ours"), "{found:?}");
        app.finish().await;
    }

    async fn who_cannot_be_asked_is_named_and_bank_transfers_are_nobodys(app) {
        let (fake, clock) = (Fake::start().await, Clock::fixed(NOW));
        let caller = app.caller("0").await;
        let node = node(&app, &fake, &clock).await;
        let closed = SocketAddr::from(([127, 0, 0, 1], 9));
        let found = asked(&app, closed, NOW).await;
        assert!(found.unasked[0].starts_with("sandbox: it cannot be reached"), "{found:?}");

        // A bank transfer is waited for; nobody is asked about it.
        node.order(&caller, ProviderId::Manual, "25.00 USD").await;
        assert_eq!(node.orders.reconcile(3).await.unwrap(), Reconciled::default());

        // Without the provider that took the money nothing can be said about it.
        let order = node.begun(&caller, "25.00 USD").await;
        node.paid(&fake, &order).await;
        let found = reconcile(&app.handles.db, &PaymentsConfig::default(), NOW, 3).await.unwrap();
        assert_eq!((found.offenders.len(), found.unasked.len()), (0, 1), "{found:?}");
        app.finish().await;
    }
}
