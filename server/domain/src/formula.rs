//! How does a charge follow from tokens and price? Bucket by bucket, exactly, and rounded once at the end.
//!
//! The same arithmetic as [`Price::charge`], laid open for whoever wants to check a bill.

use crate::money::{Amount, MoneyError};
use crate::price::{Price, PricePerMtok};
use crate::usage::Usage;

/// Where a token is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    Input,
    CachedInput,
    Output,
}

impl Bucket {
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::Output => "output",
        }
    }
}

/// One line of the bill: tokens × price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub bucket: Bucket,
    pub tokens: u64,
    pub price: PricePerMtok,
    /// What it comes to, in whole pico-dollars (thousandths of a nano-dollar): exact.
    pub picos: i128,
}

/// The whole bill of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formula {
    pub parts: [Part; 3],
    /// The parts together, in pico-dollars.
    pub picos: i128,
    /// The same rounded up to a whole nano-dollar: what is charged.
    pub charge: Amount,
}

impl Formula {
    /// # Errors
    /// [`MoneyError::Overflow`] when the charge leaves the range of [`Amount`].
    pub fn of(price: &Price, usage: &Usage) -> Result<Self, MoneyError> {
        let part = |bucket, tokens: u64, price: PricePerMtok| Part {
            bucket,
            tokens,
            price,
            // A micro-dollar per million tokens is a pico-dollar per token; u64 × i64 fits.
            picos: i128::from(tokens) * i128::from(price.micro_usd()),
        };
        let parts = [
            part(Bucket::Input, usage.input, price.input),
            part(Bucket::CachedInput, usage.cached_input, price.cached_input),
            part(Bucket::Output, usage.output, price.output),
        ];
        Ok(Self {
            parts,
            picos: parts.iter().map(|part| part.picos).sum(),
            charge: price.charge(usage)?,
        })
    }

    /// Whether rounding made the charge larger than the parts.
    #[must_use]
    pub fn rounded(&self) -> bool {
        self.picos != i128::from(self.charge.nanos()) * 1_000
    }
}

/// Pico-dollars as dollars, with every digit they have and two at least: `0.0000025`, `12.50`.
#[must_use]
pub fn picos_to_usd(picos: i128) -> String {
    let sign = if picos < 0 { "-" } else { "" };
    let picos = picos.unsigned_abs();
    let digits = format!("{:012}", picos % 1_000_000_000_000);
    let kept = digits.trim_end_matches('0').len().max(2);
    format!("{sign}{}.{}", picos / 1_000_000_000_000, &digits[..kept])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn picos_are_written_with_every_digit() {
        for (picos, text) in [
            (0, "0.00"),
            (2_500, "0.0000000025"),
            (1, "0.000000000001"),
            (12_500_000_000_000, "12.50"),
            (-1_000_000_000_001, "-1.000000000001"),
        ] {
            assert_eq!(picos_to_usd(picos), text);
        }
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_charge(
            prices in prop::array::uniform3(0..=10_000_000_000_i64),
            tokens in prop::array::uniform3(0..10_000_000_u64),
        ) {
            let [input, cached_input, output] = prices.map(|price| PricePerMtok::from_micro_usd(price).unwrap());
            let price = Price { input, cached_input, output };
            let usage = Usage { input: tokens[0], cached_input: tokens[1], output: tokens[2], reasoning: 0, ..Usage::default() };
            let formula = Formula::of(&price, &usage).unwrap();
            let sum: i128 = formula.parts.iter().map(|part| part.picos).sum();
            prop_assert_eq!(sum, formula.picos);
            // Rounded up, by less than a nano-dollar, to exactly what is charged.
            let charged = i128::from(formula.charge.nanos()) * 1_000;
            prop_assert!(charged >= sum && charged - sum < 1_000);
            prop_assert_eq!(formula.charge, price.charge(&usage).unwrap());
            prop_assert_eq!(formula.rounded(), charged != sum);
        }
    }
}
