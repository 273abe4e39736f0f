//! Facts about what is for sale.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::PricePerMtok;

use super::{Catalog, CatalogError, NewModel, NewPrice};
use crate::clock::Clock;
use crate::db::exec;
use crate::testing::TestDb;

fn price(output: &str) -> NewPrice {
    NewPrice {
        output: PricePerMtok::parse_usd(output).unwrap(),
        ..NewPrice::default()
    }
}

fn model(id: &str) -> NewModel {
    NewModel {
        id: id.into(),
        upstream: "u".into(),
        upstream_model: None,
        price: price("1"),
        context: 10,
    }
}

async fn catalog(db: &TestDb, clock: &Clock) -> Catalog {
    let sql = "INSERT INTO upstream (id, name, dialect, base_url, created_at)
        VALUES ('up_00000000000000000000000000000000', 'u', 'openai', 'sandbox:', 0)";
    exec(db.write(), sql, []).await.unwrap();
    Catalog::new(db.db.clone(), clock.clone())
}

#[tokio::test]
async fn a_new_price_replaces_the_old_when_it_starts_and_not_before() {
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let catalog = catalog(&db, &clock).await;
    catalog.create_model(model("a/b")).await.unwrap();
    let pinned = *catalog
        .snapshot()
        .model("a/b")
        .unwrap()
        .price_at(1_000)
        .unwrap();
    catalog
        .set_price("a/b", price("2"), Some(5_000))
        .await
        .unwrap();
    let model = catalog.snapshot().model("a/b").unwrap().clone();
    assert_eq!(model.price_at(4_999).unwrap().id, pinned.id);
    assert_eq!(
        model.price_at(5_000).unwrap().price.output.micro_usd(),
        2_000_000
    );
    assert_eq!(model.price_at(999), None);
    assert_eq!(
        pinned.price.output.micro_usd(),
        1_000_000,
        "a call in flight keeps its price"
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_reason() {
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let catalog = catalog(&db, &clock).await;
    catalog.create_model(model("m")).await.unwrap();
    assert!(matches!(
        catalog.create_model(model("m")).await,
        Err(CatalogError::ModelExists(_))
    ));
    assert!(matches!(
        catalog.create_model(model("")).await,
        Err(CatalogError::ModelId)
    ));
    assert!(matches!(
        catalog.create_model(model("a b")).await,
        Err(CatalogError::ModelId)
    ));
    let stray = NewModel {
        upstream: "nobody".into(),
        ..model("x")
    };
    assert!(matches!(
        catalog.create_model(stray).await,
        Err(CatalogError::NoUpstream(_))
    ));
    assert!(matches!(
        catalog.set_price("nope", price("1"), None).await,
        Err(CatalogError::NoModel(_))
    ));
    assert!(matches!(
        catalog.set_price("m", price("1"), Some(1)).await,
        Err(CatalogError::PriceInThePast)
    ));
    assert_eq!(catalog.models().len(), 1);
}
