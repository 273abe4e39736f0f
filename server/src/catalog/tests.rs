//! Facts about what is for sale.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::ids::UpstreamId;
use domain::price_rule::{Asked, Effort, Tier};
use domain::{Markup, Price, PricePerMtok, PriceRule, Usage};

use super::{Catalog, CatalogError, InForce, NewModel, NewPrice, NewRoute};
use crate::audit::{Audit, AuditFilter, By};
use crate::changes::{Seen, Topic};
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
    let pinned = catalog
        .snapshot()
        .model("a/b")
        .unwrap()
        .price_at(1_000)
        .unwrap()
        .clone();
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

#[tokio::test]
async fn everybody_sees_what_was_what_is_and_what_is_announced() {
    use InForce::{NoLonger, NotYet, Now};
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let catalog = catalog(&db, &clock).await;
    catalog.create_model(model("m")).await.unwrap();
    for (output, from) in [("2", 5_000), ("3", 9_000), ("4", 9_000)] {
        catalog
            .set_price("m", price(output), Some(from))
            .await
            .unwrap();
    }
    clock.advance(5_000);
    let seen = catalog.published_model("m").unwrap();
    let told: Vec<_> = seen
        .versions
        .iter()
        .map(|version| {
            let dollars = version.price.output.micro_usd() / 1_000_000;
            (dollars, version.from, version.until, version.in_force)
        })
        .collect();
    assert_eq!(
        told,
        [
            (4, 9_000, None, NotYet),
            (3, 9_000, Some(9_000), NotYet),
            (2, 5_000, Some(9_000), Now),
            (1, 1_000, Some(5_000), NoLonger),
        ]
    );
    assert_eq!(seen.now, seen.versions[2]);
    assert_eq!(
        seen.next(),
        Some(&seen.versions[0]),
        "published last for that moment"
    );
    clock.advance(10_000);
    let seen = catalog.published_model("m").unwrap();
    assert_eq!((&seen.now, seen.next()), (&seen.versions[0], None));
    catalog
        .acting(By::OPERATOR)
        .switch_model("m", false)
        .await
        .unwrap();
    assert!(
        catalog.published().is_empty(),
        "what is switched off is not for sale"
    );
}

fn micro(price: i64) -> PricePerMtok {
    PricePerMtok::from_micro_usd(price).unwrap()
}

#[tokio::test]
async fn what_is_published_is_cost_and_mark_up_and_never_changes() {
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let catalog = catalog(&db, &clock).await;
    catalog.create_model(model("m")).await.unwrap();
    let cost = Price::of(micro(2_500_001), micro(0), micro(10));
    let markup = Markup::from_bp(2_000).unwrap();
    let desk = catalog.acting(By::OPERATOR);
    let preview = NewPrice::from_cost(cost, markup).unwrap().price();
    let later = desk
        .publish_price("m", cost, markup, Some(9_000))
        .await
        .unwrap();
    assert_eq!(later.price, preview);
    assert_eq!(
        (preview.input, preview.cached_input, preview.output),
        (micro(3_000_002), micro(0), micro(12))
    );
    let history = |detail: super::ModelDetail| -> Vec<_> {
        detail
            .prices
            .iter()
            .map(|row| (row.in_force, row.markup))
            .collect()
    };
    let detail = catalog.detail("m").await.unwrap().unwrap();
    assert_eq!(
        history(detail),
        [(InForce::NotYet, Some(markup)), (InForce::Now, None)]
    );
    clock.advance(8_000);
    let detail = catalog.detail("m").await.unwrap().unwrap();
    assert_eq!(
        history(detail),
        [(InForce::Now, Some(markup)), (InForce::NoLonger, None)]
    );
    let change = exec(db.write(), "UPDATE price SET markup_bp = 0", []).await;
    assert!(change.is_err(), "a published price was changed");
}

#[tokio::test]
async fn a_model_that_is_off_is_not_for_sale_and_every_act_is_told_once() {
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let catalog = catalog(&db, &clock).await;
    let other = catalog.snapshot();
    let mut seen = Seen::default();
    seen.changed(&db).await.unwrap();
    let desk = catalog.acting(By::OPERATOR);
    desk.create_model(model("m")).await.unwrap();
    assert_eq!(seen.changed(&db).await.unwrap(), [Topic::Catalog]);
    desk.switch_model("m", false).await.unwrap();
    assert!(catalog.snapshot().model("m").is_none() && catalog.models().is_empty());
    assert!(other.model("m").is_none());
    desk.switch_model("m", false).await.unwrap();
    assert_eq!(catalog.rows().await.unwrap().len(), 1);
    desk.switch_model("m", true).await.unwrap();
    assert!(catalog.snapshot().model("m").is_some());
    desk.set_context("m", 10).await.unwrap();
    desk.set_context("m", 11).await.unwrap();
    assert_eq!(seen.changed(&db).await.unwrap(), [Topic::Catalog]);
    let audit = Audit::new(db.db.clone(), clock);
    let acts = audit.page(&AuditFilter::default(), None, 50).await.unwrap();
    let told: Vec<_> = acts.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(
        told,
        [
            "model.context",
            "model.enable",
            "model.disable",
            "model.create"
        ]
    );
    assert!(matches!(
        desk.switch_model("x", false).await,
        Err(CatalogError::NoModel(_))
    ));
    assert!(matches!(
        desk.set_context("m", 0).await,
        Err(CatalogError::Context)
    ));
}

#[tokio::test]
async fn routes_are_in_their_order_and_the_last_one_stays() {
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let catalog = catalog(&db, &clock).await;
    catalog.create_model(model("m")).await.unwrap();
    let sql = "INSERT INTO upstream (id, name, dialect, base_url, created_at)
        VALUES ('up_00000000000000000000000000000001', 'v', 'openai', 'sandbox:', 0)";
    exec(db.write(), sql, []).await.unwrap();
    let (first, second): (UpstreamId, UpstreamId) = (
        "up_00000000000000000000000000000000".parse().unwrap(),
        "up_00000000000000000000000000000001".parse().unwrap(),
    );
    let route = |upstream, priority| NewRoute {
        upstream,
        upstream_model: "there".into(),
        priority,
        weight: 1,
    };
    let desk = catalog.acting(By::OPERATOR);
    desk.put_route("m", route(second, 10)).await.unwrap();
    let order: Vec<_> = catalog.snapshot().model("m").unwrap().routes.clone();
    assert_eq!(order[0].upstream, second);
    assert_eq!(order[0].upstream_model, "there");
    desk.put_route("m", route(second, 90)).await.unwrap();
    let order: Vec<_> = catalog.snapshot().model("m").unwrap().routes.clone();
    assert_eq!((order.len(), order[0].upstream), (2, first));
    desk.remove_route("m", first).await.unwrap();
    assert!(matches!(
        desk.remove_route("m", first).await,
        Err(CatalogError::NoRoute)
    ));
    assert!(matches!(
        desk.remove_route("m", second).await,
        Err(CatalogError::LastRoute)
    ));
    assert_eq!(catalog.snapshot().model("m").unwrap().routes.len(), 1);
    for (wrong, priority, weight) in [("", 1, 1), ("x", 1_001, 1), ("x", 1, 0), ("x", 1, 1_001)] {
        let route = NewRoute {
            upstream: second,
            upstream_model: wrong.into(),
            priority,
            weight,
        };
        assert!(desk.put_route("m", route).await.is_err());
    }
}

#[tokio::test]
async fn a_version_is_complete_and_every_call_has_one_row_of_it() {
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let catalog = catalog(&db, &clock).await;
    catalog.create_model(model("m")).await.unwrap();
    let rule = |json: &str| -> PriceRule { serde_json::from_str(json).unwrap() };
    let list = rule(
        r#"{"rule": "cost_plus",
            "base": {"input": 3000000, "cached_input": 300000, "cache_write": 3750000, "cache_write_1h": 6000000,
                "output": 15000000, "tool_calls": 10000000000, "call": 7, "units": 9, "unit": "character"},
            "long": {"from": 200001, "price": {"input": 6000000, "output": 22500000}},
            "tiers": {"priority": "2"}, "efforts": {"high": "1.5"}}"#,
    )
    .list()
    .unwrap();
    let new = NewPrice::of_list(list.clone());
    let view = catalog.set_price("m", new, Some(5_000)).await.unwrap();
    assert_eq!(view.price, list.base);
    assert_eq!(view.variants.len(), 7);
    // Before it starts, and for a model with one price, nothing is different.
    let snapshot = catalog.snapshot();
    let model = snapshot.model("m").unwrap();
    assert!(model.price_at(4_999).unwrap().variants.is_empty());
    let version = model.price_at(5_000).unwrap();
    assert_eq!((version.id, version.price), (view.id, list.base));
    // What was read is what was written, each under its own id.
    let rows: Vec<_> = version
        .variants
        .iter()
        .map(|v| (v.terms, v.price))
        .collect();
    let mut written = list.variants.clone();
    written.sort_by_key(|(terms, _)| rows.iter().position(|(there, _)| there == terms));
    assert_eq!(rows, written);
    let mut ids: Vec<_> = version
        .variants
        .iter()
        .map(|v| v.id)
        .chain([version.id])
        .collect();
    ids.sort_unstable_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 8);

    let asked = Asked {
        tier: Tier::Priority,
        effort: Some(Effort::High),
    };
    let used = |input, served| Usage {
        input,
        output: 10,
        served,
        ..Usage::default()
    };
    for (usage, terms) in [
        (used(5, None), (Tier::Priority, 0)),
        (
            used(200_001, Some(Tier::Priority)),
            (Tier::Priority, 200_001),
        ),
        (used(200_000, Some(Tier::Default)), (Tier::Default, 0)),
    ] {
        let (id, price) = version.for_call(asked, &usage);
        let row = version.variants.iter().find(|v| v.id == id).unwrap();
        assert_eq!((row.terms.tier, row.terms.prompt_from), terms);
        assert_eq!(row.terms.effort, Some(Effort::High));
        assert_eq!(*price, row.price);
        // What is set aside is enough however it is served, and no more than the prompt can make it.
        let dearest = version.dearest(asked, usage.prompt());
        assert!(price.charge(&usage).unwrap() <= dearest.charge(&usage).unwrap());
    }
    let short = version.dearest(Asked::default(), 200_000);
    assert_eq!(short.output, list.base.output, "nobody asked for priority");

    // A page of the past shows the same.
    let detail = catalog.detail("m").await.unwrap().unwrap();
    assert_eq!(detail.prices.len(), 2, "a variant is no version");
    assert_eq!(detail.prices[0].variants.len(), 7);
    assert_eq!(catalog.rows().await.unwrap().len(), 1);
    let twice = NewPrice {
        variants: vec![list.variants[0], list.variants[0]],
        ..NewPrice::default()
    };
    let refused = catalog.set_price("m", twice, None).await;
    assert!(matches!(refused, Err(CatalogError::SameCalls)));
}
