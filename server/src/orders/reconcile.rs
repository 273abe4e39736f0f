//! Do providers say the same as our books? Every payment that they call paid is a credited order of its amount, and every
//! credited order is a payment that they call paid: I13 of `farebox ledger verify --online`.
//!
//! Ours are read before a provider is asked. What only the provider has is looked up afterwards, and an order that differs
//! is read again: what is credited or goes back in between is no difference.

use std::collections::BTreeMap;

use domain::fx::day_of;
use domain::ids::OrderId;
use domain::order::{OrderView, PaymentStatus, ProviderId};
use domain::views::UnixMs;
use sea_orm::DbErr;

use super::Orders;
use super::config::PaymentsConfig;
use super::provider::{Observed, Provider, Registry};
use super::rows;
use crate::db::Db;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// When nobody tells us that something was paid, it is found within an hour: so long, and one hour more, it may wait.
const WAIT_MS: i64 = 2 * HOUR_MS;
/// The most days of one question.
pub const DAYS_MAX: u16 = 366;

/// What became of the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// What one side has and the other has not, or has otherwise.
    pub offenders: Vec<String>,
    /// Paid a moment ago, and not credited yet.
    pub waiting: Vec<String>,
    /// Whom nobody could ask, and why.
    pub unasked: Vec<String>,
    /// Credited orders that were compared.
    pub compared: u64,
}

/// Compares with every provider that can be asked, for the days that end with today (UTC): at least one, at most
/// [`DAYS_MAX`]. Bank transfers are confirmed by hand: nobody can be asked about them.
///
/// # Errors
/// When the database cannot be read.
pub async fn reconcile(
    db: &Db,
    config: &PaymentsConfig,
    now: UnixMs,
    days: u16,
) -> Result<Reconciled, DbErr> {
    let days = Days::ending(now, days);
    Asking { db, days }.all(&Registry::new(config)).await
}

impl Orders {
    /// As [`reconcile`], with the providers of this server.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reconcile(&self, days: u16) -> Result<Reconciled, DbErr> {
        let days = Days::ending(self.0.clock.now_ms(), days);
        let db = &self.0.db;
        Asking { db, days }.all(&self.0.registry).await
    }
}

#[derive(Debug, Clone, Copy)]
struct Days {
    /// The first moment of the first one.
    from: UnixMs,
    now: UnixMs,
}

impl Days {
    fn ending(now: UnixMs, days: u16) -> Self {
        let before = i64::from(days.clamp(1, DAYS_MAX)) - 1;
        Self {
            from: day_of(now) - before * DAY_MS,
            now,
        }
    }
}

struct Asking<'a> {
    db: &'a Db,
    days: Days,
}

/// What a provider has, by its own names.
struct Theirs {
    payments: BTreeMap<String, Observed>,
    /// What was made before is forgotten.
    since: Option<UnixMs>,
}

impl Asking<'_> {
    async fn all(&self, registry: &Registry) -> Result<Reconciled, DbErr> {
        let mut found = Reconciled::default();
        for id in ProviderId::ALL {
            let ours = self.ours(id).await?;
            match registry.get(id) {
                Some(provider) if provider.caps().online => {
                    match self.theirs(provider.as_ref()).await {
                        Ok(theirs) => self.compare(id, &ours, &theirs, &mut found).await?,
                        Err(why) => found.unasked.push(format!("{id}: {why}")),
                    }
                }
                None if id != ProviderId::Manual && !ours.is_empty() => {
                    found.unasked.push(format!(
                        "{id}: it is not there, and orders of these days were paid by it"
                    ));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// The credited orders of these days.
    async fn ours(&self, provider: ProviderId) -> Result<Vec<OrderView>, DbErr> {
        let orders = rows::credited_since(self.db.read(), provider, self.days.from).await?;
        Ok(orders.into_iter().map(|row| row.view).collect())
    }

    /// Everything of these days, and of an hour more on both sides: clocks differ.
    async fn theirs(&self, provider: &dyn Provider) -> Result<Theirs, String> {
        let mut theirs = Theirs {
            payments: BTreeMap::new(),
            since: None,
        };
        let mut day = day_of(self.days.from - HOUR_MS);
        while day <= self.days.now + HOUR_MS {
            let listed = provider
                .list_day(day)
                .await
                .map_err(|fault| fault.to_string())?;
            theirs.since = theirs.since.max(listed.since);
            for payment in listed.payments {
                theirs.payments.insert(payment.object.clone(), payment);
            }
            day += DAY_MS;
        }
        Ok(theirs)
    }

    async fn compare(
        &self,
        id: ProviderId,
        ours: &[OrderView],
        theirs: &Theirs,
        found: &mut Reconciled,
    ) -> Result<(), DbErr> {
        for order in ours {
            let known = order.provider_ref.as_deref().unwrap_or_default();
            if let Some(payment) = theirs.payments.get(known) {
                found.compared += 1;
                found.offenders.extend(self.lasting(order, payment).await?);
            } else if theirs.since.is_none_or(|since| order.created_at >= since) {
                found.compared += 1;
                found.offenders.push(format!(
                    "order {}: credited here, unknown at {id}",
                    order.id
                ));
            }
        }
        for payment in theirs.payments.values() {
            if payment.status != PaymentStatus::Paid {
                continue;
            }
            match self.order_of(id, payment).await? {
                None => found.offenders.push(format!(
                    "payment {} of {id}: paid there, and no order of ours",
                    payment.object
                )),
                Some(order) if order.settled.is_none() => {
                    let paid_at = payment.paid_at.unwrap_or(order.created_at);
                    let what = format!("order {}: paid at {id}, not credited here", order.id);
                    if paid_at > self.days.now - WAIT_MS {
                        found.waiting.push(what);
                    } else {
                        found.offenders.push(what);
                    }
                }
                Some(order) if order.provider_ref.as_ref() != Some(&payment.object) => {
                    found.offenders.push(format!(
                        "order {}: credited for another payment than {}, which is paid at {id} too",
                        order.id, payment.object
                    ));
                }
                // Compared above, unless it is of an earlier day.
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// A difference that is there still when our side is read after theirs.
    async fn lasting(
        &self,
        order: &OrderView,
        payment: &Observed,
    ) -> Result<Option<String>, DbErr> {
        let before = difference(order, payment);
        if before.is_none() {
            return Ok(None);
        }
        Ok(match rows::by_id(self.db.read(), order.id).await? {
            Some(row) => difference(&row.view, payment),
            None => before,
        })
    }

    /// The order that a payment names, or that names the payment.
    async fn order_of(
        &self,
        id: ProviderId,
        payment: &Observed,
    ) -> Result<Option<OrderView>, DbErr> {
        if let Ok(named) = payment.reference.parse::<OrderId>()
            && let Some(row) = rows::by_id(self.db.read(), named).await?
            && row.view.provider == id
        {
            return Ok(Some(row.view));
        }
        let row = rows::by_object(self.db.read(), id, &payment.object).await?;
        Ok(row.map(|row| row.view))
    }
}

/// What a payment and the order that was credited for it do not have in common.
fn difference(order: &OrderView, payment: &Observed) -> Option<String> {
    let settled = order.settled?;
    let id = order.provider;
    if payment.status != PaymentStatus::Paid {
        return Some(format!(
            "order {}: credited here, not paid at {id}",
            order.id
        ));
    }
    let Some(paid) = payment.paid else {
        return Some(format!(
            "order {}: paid {} here, in no currency of ours at {id}",
            order.id, settled.paid
        ));
    };
    if paid != settled.paid {
        return Some(format!(
            "order {}: paid {} here, {paid} at {id}",
            order.id, settled.paid
        ));
    }
    // A refund on its way may have arrived there already.
    match payment.refunded {
        Some(back) if back != order.refunded.coins && !order.refunding => Some(format!(
            "order {}: {} went back here, {back} at {id}",
            order.id, order.refunded.coins
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use domain::Currency;
    use domain::fx::{Coins, Refunded};
    use domain::order::Settled;

    use super::*;
    use crate::orders::tests::{observed, row};

    #[test]
    fn every_difference_is_told() {
        let mut order = row().view;
        let (payment, quote) = (observed(&row()), order.quote);
        assert_eq!(difference(&order, &payment), None, "nothing was credited");
        order.settled = Some(Settled {
            at: 1,
            paid: quote.paid,
            credited: quote.credited,
            bonus: order.bonus,
            rate: quote.rate,
            spread: quote.spread,
            source: quote.source,
            date: quote.date,
            row: quote.row,
        });
        let eur = |text| Coins::parse(Currency::Eur, text).ok();
        let with = |change: &dyn Fn(&mut OrderView, &mut Observed)| {
            let (mut order, mut payment) = (order.clone(), payment.clone());
            change(&mut order, &mut payment);
            difference(&order, &payment)
        };
        assert_eq!(with(&|_, _| {}), None);
        type Change = fn(&mut OrderView, &mut Observed);
        let table: [(&str, Change); 5] = [
            ("not paid", |_, p| p.status = PaymentStatus::Canceled),
            ("24.99", |_, p| {
                p.paid = Coins::parse(Currency::Eur, "24.99").ok()
            }),
            ("USD", |_, p| {
                p.paid = Coins::parse(Currency::Usd, "25.00").ok()
            }),
            ("no currency", |_, p| p.paid = None),
            ("went back", |_, p| {
                p.refunded = Coins::parse(Currency::Eur, "1.00").ok()
            }),
        ];
        for (told, change) in table {
            let said = with(&change).unwrap();
            assert!(said.contains(told), "{said}");
        }
        let refunded = with(&|order, payment| {
            payment.refunded = eur("1.00");
            order.refunded = Refunded {
                coins: eur("1.00").unwrap(),
                ..order.refunded
            };
        });
        assert_eq!(refunded, None);
        let underway = with(&|order, payment| {
            payment.refunded = eur("1.00");
            order.refunding = true;
        });
        assert_eq!(underway, None);
    }
}
