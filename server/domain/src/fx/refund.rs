//! How many coins go back when part of a top-up is refunded? Always by the coins that were paid, never by a new rate.

use thiserror::Error;

use super::coins::Coins;
use crate::Amount;

/// What went back before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refunded {
    /// Of the credit.
    pub credit: Amount,
    /// Of the coins.
    pub coins: Coins,
}

/// Why it cannot be refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RefundError {
    #[error("more would be refunded than was credited")]
    TooMuch,
    #[error("nothing is to be refunded")]
    Nothing,
}

impl Refunded {
    /// Nothing yet of a payment.
    ///
    /// # Panics
    /// Never: zero coins are coins.
    #[must_use]
    pub fn nothing_of(paid: Coins) -> Self {
        Self {
            credit: Amount::ZERO,
            coins: Coins::new(paid.currency(), 0).expect("zero coins are coins"),
        }
    }
}

/// The coins that go back for `now` of the credit: `floor(paid × now ÷ credited)`, and whatever is left with the last
/// refund, so that all together are what was paid. A tiny part may be worth no coin.
///
/// # Errors
/// [`RefundError`] when it is not above zero, or more than is left.
pub fn refund(
    paid: Coins,
    credited: Amount,
    before: &Refunded,
    now: Amount,
) -> Result<Coins, RefundError> {
    if now <= Amount::ZERO {
        return Err(RefundError::Nothing);
    }
    let total = before.credit.plus(now).map_err(|_| RefundError::TooMuch)?;
    let left = paid.minor() - before.coins.minor();
    if total > credited || before.coins.currency() != paid.currency() || left < 0 {
        return Err(RefundError::TooMuch);
    }
    let minor = if total == credited {
        left
    } else {
        let part =
            i128::from(paid.minor()) * i128::from(now.nanos()) / i128::from(credited.nanos());
        i64::try_from(part).map_err(|_| RefundError::TooMuch)?
    };
    Coins::new(paid.currency(), minor).map_err(|_| RefundError::TooMuch)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::Currency;
    use proptest::prelude::*;

    fn eur(minor: i64) -> Coins {
        Coins::new(Currency::Eur, minor).unwrap()
    }

    #[test]
    fn a_third_three_times_is_all() {
        let (paid, credited) = (eur(1_000), Amount::from_nanos(10_850_000_001));
        let third = Amount::from_nanos(3_616_666_667);
        let mut before = Refunded::nothing_of(paid);
        for coins in [333, 333, 334] {
            let back = refund(paid, credited, &before, third).unwrap();
            assert_eq!(back, eur(coins));
            before = Refunded {
                credit: before.credit.plus(third).unwrap(),
                coins: eur(before.coins.minor() + coins),
            };
        }
        let more = refund(paid, credited, &before, Amount::from_nanos(1));
        assert_eq!(more, Err(RefundError::TooMuch));
        let none = refund(paid, credited, &Refunded::nothing_of(paid), Amount::ZERO);
        assert_eq!(none, Err(RefundError::Nothing));
        let other = Refunded::nothing_of(Coins::new(Currency::Rub, 1).unwrap());
        assert_eq!(
            refund(paid, credited, &other, third),
            Err(RefundError::TooMuch)
        );
    }

    proptest! {
        /// However a refund is cut into parts, exactly what was paid goes back.
        #[test]
        fn all_parts_together_are_what_was_paid(
            minor in 0..1_000_000_000_i64,
            parts in proptest::collection::vec(1..1_000_000_000_000_i64, 1..20),
        ) {
            let paid = eur(minor);
            let credited = Amount::from_nanos(parts.iter().sum());
            let mut before = Refunded::nothing_of(paid);
            for part in parts {
                let part = Amount::from_nanos(part);
                let back = refund(paid, credited, &before, part).unwrap();
                before = Refunded {
                    credit: before.credit.plus(part).unwrap(),
                    coins: eur(before.coins.minor() + back.minor()),
                };
            }
            prop_assert_eq!(before, Refunded { credit: credited, coins: paid });
        }
    }
}
