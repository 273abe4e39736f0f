//! Does the handle keep what was published, choose among it, and write down what administrators do?

use domain::fx::{Charging, Coins, DAY_MS, PerUsd, QuoteError, Source, Spread};
use sea_orm::ConnectionTrait;

use super::super::{Rates, RatesConfig, SetError, Spreads, cbr, ecb, openexchange};
use super::*;
use crate::audit::{Audit, AuditFilter, By};
use crate::clock::Clock;
use crate::db;
use crate::testing::{self, TestDb};

/// Saturday noon.
const NOW: UnixMs = FRIDAY + DAY_MS + DAY_MS / 2;

async fn world() -> (TestDb, Clock, Rates) {
    let (db, clock) = (testing::db().await, Clock::fixed(NOW));
    let config = RatesConfig {
        spreads: Spreads {
            usual: Spread::from_bp(100).unwrap(),
            of: [(Currency::Rub, Spread::default())].into(),
        },
        ..RatesConfig::default()
    };
    let rates = Rates::new(db.db.clone(), clock.clone(), config);
    (db, clock, rates)
}

fn rate(text: &str) -> Rate {
    Rate::parse(text, '.').unwrap()
}

async fn rows(db: &TestDb) -> i64 {
    let sql = "SELECT COUNT(*) AS many FROM fx_rate";
    let row = db::one(db.read(), sql, []).await.unwrap().unwrap();
    row.try_get("", "many").unwrap()
}

#[tokio::test]
async fn rates_come_from_the_repository_then_from_whoever_is_asked_first() {
    let (db, _, rates) = world().await;
    rates.reload().await.unwrap();
    let source = |currency| rates.table().known(currency).source;
    assert_eq!(source(Currency::Eur), Source::First);

    let friday = ecb::parse(ECB_FRIDAY).unwrap();
    assert_eq!(rates.take_over(&friday).await.unwrap().stored, 8);
    assert_eq!(
        (source(Currency::Eur), source(Currency::Kwd)),
        (Source::Ecb, Source::First)
    );
    assert_eq!(
        rates.take_over(&friday).await.unwrap().stored,
        0,
        "nothing is new"
    );
    assert_eq!(rows(&db).await, 8);

    rates
        .take_over(&cbr::parse(CBR_SATURDAY).unwrap())
        .await
        .unwrap();
    assert_eq!(
        (source(Currency::Rub), source(Currency::Eur)),
        (Source::Cbr, Source::Ecb)
    );
    assert_eq!(
        rates.table().known(Currency::Rub).rate,
        PerUsd::direct(rate("80.15"))
    );

    let direct = openexchange::parse(OPENEXCHANGERATES).unwrap();
    rates.take_over(&direct).await.unwrap();
    assert_eq!(source(Currency::Kwd), Source::OpenExchangeRates);
    assert_eq!(
        source(Currency::Rub),
        Source::Cbr,
        "its own central bank first"
    );

    // Another node, or this one after a restart.
    let again = Rates::new(db.db.clone(), Clock::fixed(NOW), RatesConfig::default());
    again.reload().await.unwrap();
    assert_eq!(again.table(), rates.table());
    let known = again.table().known(Currency::Eur);
    let sql = "SELECT base, quote, rate_e9 FROM fx_rate WHERE id = $1";
    let row = db::one(db.read(), sql, [known.row.into()])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.try_get::<String>("", "quote").unwrap(), "EUR");

    let change = "UPDATE fx_rate SET rate_e9 = 1";
    assert!(
        db.write().execute_unprepared(change).await.is_err(),
        "append-only"
    );
}

#[tokio::test]
async fn a_rate_for_tomorrow_waits_for_its_day() {
    let (_db, clock, rates) = world().await;
    clock.advance(-DAY_MS);
    let mut today = cbr::parse(CBR_SATURDAY).unwrap();
    today.date = FRIDAY;
    rates.take_over(&today).await.unwrap();
    let tomorrow = cbr::parse(&with(
        CBR_SATURDAY,
        "80,1500</Value><VunitRate>80,15",
        "81,0000</Value><VunitRate>81",
    ));
    rates.take_over(&tomorrow.unwrap()).await.unwrap();
    let rub = || rates.table().known(Currency::Rub).rate;
    assert_eq!(rub(), PerUsd::direct(rate("80.15")), "today's");
    clock.advance(DAY_MS);
    rates.reload().await.unwrap();
    assert_eq!(rub(), PerUsd::direct(rate("81")));
}

#[tokio::test]
async fn old_rates_are_shown_but_not_charged_by() {
    let (_db, clock, rates) = world().await;
    rates
        .take_over(&ecb::parse(ECB_FRIDAY).unwrap())
        .await
        .unwrap();
    let paid = Coins::parse(Currency::Eur, "25.00").unwrap();
    let quote = rates.quote(paid).unwrap();
    // 1.1596 less one per cent.
    assert_eq!(quote.rate.e9(), 1_148_004_000);
    assert_eq!(quote.credited.nanos(), 28_700_100_000);
    assert_eq!(quote.valid_until, NOW + 30 * 60_000);
    let wanted = rates.quote_credit(quote.credited, Currency::Eur).unwrap();
    assert_eq!(wanted.paid, paid);

    clock.advance(4 * DAY_MS);
    assert_eq!(
        rates.charging(Currency::Eur),
        Charging::TooOld { since: FRIDAY }
    );
    assert_eq!(rates.quote(paid), Err(QuoteError::TooOld { since: FRIDAY }));
    rates.reload().await.unwrap();
    assert_eq!(
        rates.table().known(Currency::Eur).source,
        Source::Ecb,
        "still shown"
    );
    assert_eq!(rates.charging(Currency::Usd), Charging::Chargeable);
}

#[tokio::test]
async fn an_administrator_sets_a_rate_and_ends_it() {
    let (db, clock, rates) = world().await;
    rates
        .take_over(&ecb::parse(ECB_FRIDAY).unwrap())
        .await
        .unwrap();
    let desk = rates.acting(By::OPERATOR);
    let set = desk
        .set(Currency::Kwd, rate("0.3070"), NOW, false)
        .await
        .unwrap();
    assert_eq!((set.source, set.date), (Source::Manual, FRIDAY + DAY_MS));
    assert_eq!(rates.charging(Currency::Kwd), Charging::Chargeable);
    desk.set(Currency::Eur, rate("0.80"), NOW, false)
        .await
        .unwrap();
    assert_eq!(rates.table().known(Currency::Eur).source, Source::Manual);
    // The newer one holds, even if it is of an earlier day.
    desk.set(Currency::Eur, rate("0.81"), FRIDAY, false)
        .await
        .unwrap();
    assert_eq!(
        rates.table().known(Currency::Eur).rate,
        PerUsd::direct(rate("0.81"))
    );

    let back = desk.clear(Currency::Eur).await.unwrap();
    assert_eq!(back.source, Source::Ecb);
    assert!(matches!(
        desk.clear(Currency::Eur).await,
        Err(SetError::NotSet(Currency::Eur))
    ));

    let refused = desk.set(Currency::Usd, rate("1"), NOW, true).await;
    assert!(matches!(refused, Err(SetError::Dollar)));
    for date in [NOW + DAY_MS, NOW - 32 * DAY_MS] {
        let refused = desk.set(Currency::Kwd, rate("0.3070"), date, true).await;
        assert!(matches!(refused, Err(SetError::Day)));
    }
    let refused = desk.set(Currency::Kwd, rate("3.2"), NOW, false).await;
    assert!(matches!(refused, Err(SetError::Far)));
    assert!(
        desk.set(Currency::Kwd, rate("3.2"), NOW, true)
            .await
            .is_ok()
    );

    let audit = Audit::new(db.db.clone(), clock);
    let acts = audit.page(&AuditFilter::default(), None, 10).await.unwrap();
    let acts: Vec<&str> = acts.iter().map(|act| act.action.as_str()).collect();
    assert_eq!(
        acts,
        ["rate.set", "rate.clear", "rate.set", "rate.set", "rate.set"]
    );
}

#[tokio::test]
async fn a_refused_currency_keeps_its_rate_and_the_others_move_on() {
    let (_db, clock, rates) = world().await;
    rates
        .take_over(&ecb::parse(ECB_FRIDAY).unwrap())
        .await
        .unwrap();
    clock.advance(2 * DAY_MS);
    let fetched = rates
        .take_over(&ecb::parse(ECB_MONDAY).unwrap())
        .await
        .unwrap();
    assert_eq!((fetched.stored, fetched.moved), (7, vec![Currency::Try]));
    let day = |currency| rates.table().known(currency).date;
    assert_eq!(
        (day(Currency::Try), day(Currency::Jpy)),
        (FRIDAY, FRIDAY + 3 * DAY_MS)
    );
}

#[tokio::test]
async fn the_history_has_what_was_published_set_and_ended() {
    let (_db, clock, rates) = world().await;
    let friday = ecb::parse(ECB_FRIDAY).unwrap();
    rates.take_over(&friday).await.unwrap();
    let desk = rates.acting(By::OPERATOR);
    desk.set(Currency::Kwd, rate("0.31"), NOW, false)
        .await
        .unwrap();
    clock.advance(60_000);
    desk.clear(Currency::Kwd).await.unwrap();

    let lines = async |currency, limit| {
        let past = rates.history(currency, limit).await.unwrap();
        past.into_iter()
            .map(|line| (line.source, line.rate.map(PerUsd::e9), line.set_at))
            .collect::<Vec<_>>()
    };
    let ended = (Source::Manual, None, Some(NOW + 60_000));
    let set = (Source::Manual, Some(310_000_000), Some(NOW));
    assert_eq!(lines(Currency::Kwd, 9).await, [ended, set]);
    assert_eq!(lines(Currency::Kwd, 1).await, [ended]);
    let euro = lines(Currency::Eur, 9).await;
    assert_eq!(euro.len(), 1);
    assert_eq!((euro[0].0, euro[0].2), (Source::Ecb, None));
}
