//! How does a charge follow from tokens and price? Bucket by bucket, exactly, and rounded once at the end.
//!
//! The same arithmetic as [`Price::charge`], laid open for whoever wants to check a bill.

use crate::bucket::{Bucket, Unit};
use crate::money::{Amount, MoneyError};
use crate::price::{Price, PricePerMtok};
use crate::usage::Usage;

/// One line of the bill: so many tokens, uses or units × price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub bucket: Bucket,
    pub count: u64,
    /// Per million.
    pub price: PricePerMtok,
    /// What it comes to, in whole pico-dollars (thousandths of a nano-dollar): exact.
    pub picos: i128,
}

/// The whole bill of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    /// What was used, in the order of [`Bucket::ALL`]. Reasoning stands apart from the rest of the answer only where it
    /// has another price, and the call itself where it has one.
    pub parts: Vec<Part>,
    /// The parts together, in pico-dollars.
    pub picos: i128,
    /// The same rounded up to a whole nano-dollar: what is charged.
    pub charge: Amount,
    /// What [`Bucket::Units`] counts.
    pub unit: Option<Unit>,
}

impl Formula {
    /// # Errors
    /// [`MoneyError::Overflow`] when the charge leaves the range of [`Amount`].
    pub fn of(price: &Price, usage: &Usage) -> Result<Self, MoneyError> {
        let thought_apart = price.reasoning != price.output;
        let parts: Vec<Part> = Bucket::ALL
            .into_iter()
            .filter_map(|bucket| {
                let count = match bucket {
                    Bucket::Output if !thought_apart => usage.output,
                    Bucket::Reasoning if !thought_apart => 0,
                    Bucket::Call if price.call == PricePerMtok::default() => 0,
                    other => usage.count(other),
                };
                let price = price.get(bucket);
                (count > 0).then(|| Part {
                    bucket,
                    count,
                    price,
                    // A micro-dollar per million tokens is a pico-dollar per token; u64 × i64 fits.
                    picos: i128::from(count) * i128::from(price.micro_usd()),
                })
            })
            .collect();
        Ok(Self {
            picos: parts.iter().map(|part| part.picos).sum(),
            parts,
            charge: price.charge(usage)?,
            unit: price.unit,
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

    fn price(prices: [i64; Bucket::COUNT]) -> Price {
        let mut price = Price::default();
        for (bucket, micro_usd) in Bucket::ALL.into_iter().zip(prices) {
            price.set(bucket, PricePerMtok::from_micro_usd(micro_usd).unwrap());
        }
        price
    }

    #[test]
    fn only_what_was_used_is_on_the_bill() {
        let lines = |price: &Price, usage: &Usage| -> Vec<(&str, u64, i128)> {
            let parts = Formula::of(price, usage).unwrap().parts;
            let line = |part: &Part| (part.bucket.id(), part.count, part.picos);
            parts.iter().map(line).collect()
        };
        let usage = Usage {
            input: 3,
            output: 5,
            reasoning: 4,
            tool_calls: 1,
            ..Usage::default()
        };
        let mut flat = price([2; Bucket::COUNT]);
        flat.call = PricePerMtok::default();
        let whole = [("input", 3, 6), ("output", 5, 10), ("tool_calls", 1, 2)];
        assert_eq!(lines(&flat, &usage), whole);
        // Where an effort made the answer dearer, what was thought stands apart.
        flat.output = PricePerMtok::from_micro_usd(8).unwrap();
        let apart = [
            ("input", 3, 6),
            ("output", 1, 8),
            ("reasoning", 4, 8),
            ("tool_calls", 1, 2),
        ];
        assert_eq!(lines(&flat, &usage), apart);
        flat.call = PricePerMtok::from_micro_usd(7).unwrap();
        assert_eq!(lines(&flat, &Usage::default()), [("call", 1, 7)]);
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_charge(
            prices in prop::array::uniform13(0..=10_000_000_000_i64),
            counts in prop::array::uniform12(0..10_000_000_u64),
            same in any::<bool>(),
        ) {
            let mut price = price(prices);
            if same {
                price.reasoning = price.output;
            }
            let usage = Usage {
                input: counts[0],
                cached_input: counts[1],
                cache_write: counts[2],
                cache_write_1h: counts[3],
                audio_input: counts[4],
                image_input: counts[5],
                output: counts[6],
                reasoning: counts[7],
                audio_output: counts[8],
                image_output: counts[9],
                tool_calls: counts[10],
                units: counts[11],
                ..Usage::default()
            };
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
