//! Does what a provider says about a payment fit our own row? In every point, or nothing moves.

use domain::order::{Attention, PaymentStatus, ProviderId};

use super::provider::Observed;
use super::rows::Row;

/// Everything that can be compared without asking anybody.
pub(super) fn fits(
    row: &Row,
    provider: ProviderId,
    observed: &Observed,
    live: Option<bool>,
) -> Result<(), Attention> {
    let view = &row.view;
    let other = view
        .provider_ref
        .as_deref()
        .is_some_and(|known| known != observed.object);
    if view.provider != provider || other || observed.reference != view.id.to_string() {
        return Err(Attention::Reference);
    }
    if live != Some(observed.live) {
        return Err(Attention::Mode);
    }
    let asked = observed.amount.ok_or(Attention::Currency)?;
    if asked.currency() != view.quote.paid.currency() {
        return Err(Attention::Currency);
    }
    // An administrator may have credited what was paid instead.
    let confirmed = view.settled.is_some_and(|settled| settled.paid == asked);
    if asked != view.quote.paid && !confirmed {
        return Err(Attention::Amount);
    }
    if observed.status == PaymentStatus::Paid && !view.status.was_credited() {
        if observed.paid != Some(view.quote.paid) {
            return Err(Attention::Amount);
        }
        if observed
            .refunded
            .is_none_or(|refunded| refunded.minor() != 0)
        {
            return Err(Attention::Refund);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::Currency;
    use domain::fx::Coins;

    use super::*;

    use crate::orders::tests::{observed, row};

    #[test]
    fn whatever_does_not_fit_is_found() {
        let row = row();
        let eur = |text| Coins::parse(Currency::Eur, text).ok();
        let good = observed(&row);
        let with = |change: &dyn Fn(&mut Observed)| {
            let mut other = good.clone();
            change(&mut other);
            fits(&row, ProviderId::Sandbox, &other, Some(false))
        };
        assert_eq!(with(&|_| {}), Ok(()));
        assert_eq!(
            with(&|o| o.object = "pay_2".to_owned()),
            Err(Attention::Reference)
        );
        assert_eq!(
            with(&|o| o.reference = "order_0193f0c2000070008000000000000009".to_owned()),
            Err(Attention::Reference)
        );
        assert_eq!(with(&|o| o.live = true), Err(Attention::Mode));
        assert_eq!(with(&|o| o.amount = None), Err(Attention::Currency));
        assert_eq!(
            with(&|o| o.amount = Coins::parse(Currency::Usd, "25.00").ok()),
            Err(Attention::Currency)
        );
        assert_eq!(with(&|o| o.amount = eur("24.99")), Err(Attention::Amount));
        assert_eq!(with(&|o| o.amount = eur("250.00")), Err(Attention::Amount));
        assert_eq!(with(&|o| o.paid = eur("24.99")), Err(Attention::Amount));
        assert_eq!(with(&|o| o.paid = None), Err(Attention::Amount));
        assert_eq!(with(&|o| o.refunded = eur("0.01")), Err(Attention::Refund));
        // Nothing is paid yet, so nothing of it is compared.
        let pending = |o: &mut Observed| {
            o.status = PaymentStatus::Pending;
            o.paid = eur("0");
        };
        assert_eq!(with(&pending), Ok(()));
        let manual = fits(&row, ProviderId::Manual, &good, Some(true));
        assert_eq!(manual, Err(Attention::Reference));
        let gone = fits(&row, ProviderId::Sandbox, &good, None);
        assert_eq!(
            gone,
            Err(Attention::Mode),
            "a provider that is not there proves nothing"
        );
    }
}
