//! What does a call cost? Prices are data, immutable once published; the arithmetic is here and nowhere else.
//!
//! One micro-dollar per million tokens is one pico-dollar per token, so a cost is an exact sum of integers.
//! It is rounded once per call, up, to a whole nano-dollar: many small calls cannot be free.

use serde::{Deserialize, Serialize};

use crate::money::{Amount, MoneyError, parse_decimal};
use crate::usage::Usage;

/// Pico-dollars in a nano-dollar.
const PICOS_PER_NANO: i128 = 1_000;

/// A price in micro-dollars per million tokens, which is the same number of pico-dollars per token.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(into = "i64", try_from = "i64")]
pub struct PricePerMtok(i64);

impl PricePerMtok {
    /// A thousand dollars a token: what is above is a typing mistake.
    pub const MICRO_USD_MAX: i64 = 1_000_000_000_000_000;

    /// # Errors
    /// [`MoneyError::Overflow`] for a negative price or one above [`Self::MICRO_USD_MAX`].
    pub fn from_micro_usd(micro_usd: i64) -> Result<Self, MoneyError> {
        if (0..=Self::MICRO_USD_MAX).contains(&micro_usd) {
            Ok(Self(micro_usd))
        } else {
            Err(MoneyError::Overflow)
        }
    }

    #[must_use]
    pub const fn micro_usd(self) -> i64 {
        self.0
    }

    /// Reads dollars per million tokens: `2.50`, at most six digits after the point.
    ///
    /// # Errors
    /// [`MoneyError`] when the text is no such number or the price is out of range.
    pub fn parse_usd(text: &str) -> Result<Self, MoneyError> {
        parse_decimal(text, 6).and_then(Self::from_micro_usd)
    }

    /// Dollars per million tokens, without needless zeros: `2.50`, `0.0025`.
    #[must_use]
    pub fn to_usd_string(self) -> String {
        Amount::from_nanos(self.0.saturating_mul(1_000)).to_usd_string()
    }

    fn cost_picos(self, tokens: u64) -> i128 {
        // u64 × i64 in i128 cannot overflow, and neither can a sum of a few of them at the allowed maxima.
        i128::from(tokens) * i128::from(self.0)
    }
}

impl From<PricePerMtok> for i64 {
    fn from(price: PricePerMtok) -> Self {
        price.0
    }
}

impl TryFrom<i64> for PricePerMtok {
    type Error = MoneyError;

    fn try_from(micro_usd: i64) -> Result<Self, MoneyError> {
        Self::from_micro_usd(micro_usd)
    }
}

/// One immutable version of a model's price: what the customer pays, per bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Price {
    pub input: PricePerMtok,
    pub cached_input: PricePerMtok,
    pub output: PricePerMtok,
}

impl Price {
    /// What the usage costs, rounded up once to a whole nano-dollar.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when tokens × price leaves the range of [`Amount`].
    pub fn charge(&self, usage: &Usage) -> Result<Amount, MoneyError> {
        charge_of(&[
            (usage.input, self.input),
            (usage.cached_input, self.cached_input),
            (usage.output, self.output),
        ])
    }

    /// The most that so many prompt and answer tokens can cost, whichever bucket the provider counts them in.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the ceiling leaves the range of [`Amount`].
    pub fn ceiling(&self, prompt_tokens: u64, answer_tokens: u64) -> Result<Amount, MoneyError> {
        let dearest_input = self.input.max(self.cached_input);
        let dearest = Self {
            input: dearest_input,
            cached_input: dearest_input,
            output: self.output,
        };
        dearest.charge(&Usage {
            input: prompt_tokens,
            output: answer_tokens,
            ..Usage::default()
        })
    }

    /// How many answer tokens the money buys after the prompt is paid for; `None` when the answer is free.
    #[must_use]
    pub fn affordable_answer(&self, prompt_tokens: u64, money: Amount) -> Option<u64> {
        if self.output.0 == 0 {
            return None;
        }
        let prompt = self.input.max(self.cached_input).cost_picos(prompt_tokens);
        let left = i128::from(money.nanos()) * PICOS_PER_NANO - prompt;
        Some(u64::try_from((left / i128::from(self.output.0)).max(0)).unwrap_or(u64::MAX))
    }
}

/// What so many tokens at these prices cost together, rounded up once to a whole nano-dollar.
///
/// # Errors
/// [`MoneyError::Overflow`] when the cost leaves the range of [`Amount`].
pub(crate) fn charge_of(parts: &[(u64, PricePerMtok)]) -> Result<Amount, MoneyError> {
    let picos: i128 = parts
        .iter()
        .map(|(tokens, price)| price.cost_picos(*tokens))
        .sum();
    // Prices and tokens are never negative, so dividing upwards is adding the divisor less one.
    let nanos = (picos + PICOS_PER_NANO - 1) / PICOS_PER_NANO;
    i64::try_from(nanos)
        .map(Amount::from_nanos)
        .map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn price(input: &str, cached: &str, output: &str) -> Price {
        let read = |text| PricePerMtok::parse_usd(text).unwrap();
        Price {
            input: read(input),
            cached_input: read(cached),
            output: read(output),
        }
    }

    #[test]
    fn the_golden_examples_hold() {
        // (input $/M, cached $/M, output $/M, input, cached, output, nano-dollars)
        for (i, c, o, ti, tc, to, nanos) in [
            ("2.50", "1.25", "10.00", 1_000, 0, 500, 7_500_000),
            ("2.50", "1.25", "10.00", 600, 400, 500, 7_000_000),
            ("0.0025", "0", "0.01", 1, 0, 0, 3), // 2.5 nano-dollars, rounded up
            ("0.000001", "0", "0", 1, 0, 0, 1),  // a thousandth of a nano-dollar is not free
            ("5", "5", "5", 0, 0, 0, 0),         // nothing used costs nothing
        ] {
            let usage = Usage {
                input: ti,
                cached_input: tc,
                output: to,
                reasoning: 0,
                ..Usage::default()
            };
            assert_eq!(price(i, c, o).charge(&usage).unwrap().nanos(), nanos);
        }
    }

    #[test]
    fn reasoning_is_not_priced_twice() {
        let p = price("1", "1", "1");
        let thought = Usage {
            output: 10,
            reasoning: 9,
            ..Usage::default()
        };
        let plain = Usage {
            output: 10,
            ..Usage::default()
        };
        assert_eq!(p.charge(&thought), p.charge(&plain));
    }

    #[test]
    fn a_price_beyond_reason_is_refused() {
        assert!(PricePerMtok::parse_usd("1000000001").is_err());
        assert!(PricePerMtok::from_micro_usd(-1).is_err());
        assert!(PricePerMtok::parse_usd("0.0000001").is_err());
    }

    fn any_price() -> impl Strategy<Value = Price> {
        let one = (0..=100_000_000_i64).prop_map(|p| PricePerMtok::from_micro_usd(p).unwrap());
        (one.clone(), one.clone(), one).prop_map(|(input, cached_input, output)| Price {
            input,
            cached_input,
            output,
        })
    }

    fn any_usage() -> impl Strategy<Value = Usage> {
        (0..2_000_000_u64, 0..2_000_000_u64, 0..2_000_000_u64).prop_map(
            |(input, cached_input, output)| Usage {
                input,
                cached_input,
                output,
                reasoning: 0,
                ..Usage::default()
            },
        )
    }

    proptest! {
        #[test]
        fn splitting_a_call_never_makes_it_cheaper(p in any_price(), a in any_usage(), b in any_usage()) {
            let both = Usage { input: a.input + b.input, cached_input: a.cached_input + b.cached_input, output: a.output + b.output, reasoning: 0, ..Usage::default() };
            let apart = p.charge(&a).unwrap().nanos() + p.charge(&b).unwrap().nanos();
            let together = p.charge(&both).unwrap().nanos();
            prop_assert!(apart >= together && apart - together <= 1);
        }

        #[test]
        fn the_ceiling_covers_every_split_of_the_prompt(p in any_price(), u in any_usage()) {
            let ceiling = p.ceiling(u.input + u.cached_input, u.output).unwrap();
            prop_assert!(p.charge(&u).unwrap() <= ceiling);
        }

        #[test]
        fn what_is_affordable_is_within_the_money(p in any_price(), prompt in 0..100_000_u64, nanos in 0..10_000_000_000_i64) {
            let money = Amount::from_nanos(nanos);
            if let Some(answer) = p.affordable_answer(prompt, money) && answer > 0 {
                prop_assert!(p.ceiling(prompt, answer).unwrap() <= money);
            }
        }
    }
}
