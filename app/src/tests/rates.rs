//! Exchange rates in an administrator's hands: set, ended, read again, and written down.

use domain::Currency;
use domain::fx::Source;
use http::StatusCode;
use server::audit::AuditFilter;

use super::world::{Browser, NOW, visible, world};

#[tokio::test]
async fn a_rate_is_set_by_hand_shown_with_its_history_and_ended() {
    let world = world().await;
    let rates = &world.services.rates;
    rates.reload().await.unwrap();
    let mut ada = Browser::default();
    ada.sign_in_admin(&world).await;

    let page = ada.get(&world, "/admin/rates").await;
    assert_eq!(page.status, StatusCode::OK);
    let words = visible(&page.body);
    for wanted in [
        "Kuwaiti dinar",
        "Built in",
        "Only shown",
        "Nobody is asked for rates",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    for missing in ["/admin/rates/USD", "/admin/rates/XXX"] {
        let page = ada.get(&world, missing).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{missing}");
    }

    // What is wrong comes back at its field, with what was typed.
    let there = "/admin/rates/KWD";
    for (form, words) in [
        ("per_usd=&rate_day=", "Fill this in."),
        ("per_usd=abc&rate_day=", "like 0.3068"),
        ("per_usd=0&rate_day=", "like 0.3068"),
        ("per_usd=0.31&rate_day=2027-01-01", "at most a month ago"),
        ("per_usd=0.31&rate_day=2026-01-01", "at most a month ago"),
        ("per_usd=31&rate_day=", "tick the box"),
    ] {
        let form = format!("currency=KWD&{form}");
        let answer = ada.post(&world, "/api/admin_set_rate", &form).await;
        assert_eq!(answer.location(), there);
        let page = ada.get(&world, there).await.body;
        let shown = visible(&page);
        assert!(shown.contains(words), "{form}: {shown}");
        assert!(page.contains("aria-invalid=\"true\""), "{form}");
    }
    assert_eq!(rates.table().known(Currency::Kwd).source, Source::First);

    let form = "currency=KWD&per_usd=0,3068&rate_day=2026-11-20";
    ada.post(&world, "/api/admin_set_rate", form).await;
    let known = rates.table().known(Currency::Kwd);
    assert_eq!(
        (known.source, known.rate.e9()),
        (Source::Manual, 306_800_000)
    );
    assert_eq!(known.age_days(NOW), 1);
    let form = "currency=KWD&per_usd=31&rate_day=&sure=true";
    ada.post(&world, "/api/admin_set_rate", form).await;
    let page = visible(&ada.get(&world, there).await.body);
    for wanted in [
        "The rate is set.",
        "KWD\u{a0}31.000",
        "KWD\u{a0}0.3068",
        "Chargeable",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let list = visible(&ada.get(&world, "/admin/rates").await.body);
    assert!(
        list.contains("Set by hand") && list.contains("Of today"),
        "{list}"
    );

    ada.post(&world, "/api/admin_clear_rate", "currency=KWD")
        .await;
    assert_eq!(rates.table().known(Currency::Kwd).source, Source::First);
    let page = visible(&ada.get(&world, there).await.body);
    assert!(
        page.contains("Ended") && page.contains("KWD\u{a0}31.000"),
        "{page}"
    );
    ada.post(&world, "/api/admin_clear_rate", "currency=KWD")
        .await;
    let page = visible(&ada.get(&world, there).await.body);
    assert!(page.contains("No rate of this currency"), "{page}");

    // A source that this installation does not ask is none.
    let answer = ada
        .post(&world, "/api/admin_fetch_rates", "source=ecb")
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);

    let everything = AuditFilter::default();
    let log = world.services.audit.page(&everything, None, 50).await;
    let log = log.unwrap();
    let acts: Vec<_> = log.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(acts[..3], ["rate.clear", "rate.set", "rate.set"]);
}
