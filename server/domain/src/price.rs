//! What does a call cost? Prices are data, immutable once published; the arithmetic is here and nowhere else.
//!
//! One micro-dollar per million tokens is one pico-dollar per token, so a cost is an exact sum of integers.
//! It is rounded once per call, up, to a whole nano-dollar: many small calls cannot be free.

use serde::{Deserialize, Serialize};

use crate::bucket::{Bucket, Unit};
use crate::money::{Amount, MoneyError, parse_decimal};
use crate::usage::Usage;

/// Pico-dollars in a nano-dollar.
const PICOS_PER_NANO: i128 = 1_000;

/// A price in micro-dollars per million tokens, which is the same number of pico-dollars per token. What is not counted
/// in tokens is priced per million too.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(into = "i64", try_from = "i64")]
pub struct PricePerMtok(i64);

impl PricePerMtok {
    pub const FREE: Self = Self(0);

    /// What OpenAI and Anthropic ask for a use of their web search: ten dollars a thousand.
    pub const OF_A_SEARCH: Self = Self(10_000_000_000);

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
        // u64 × i64 in i128 cannot overflow, and neither can a sum of one for each bucket at the allowed maxima.
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

/// What the customer pays, per bucket: one row of a published price. Tokens are priced per million, and so are uses of
/// tools, units and calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Stated")]
pub struct Price {
    pub input: PricePerMtok,
    pub cached_input: PricePerMtok,
    pub cache_write: PricePerMtok,
    pub cache_write_1h: PricePerMtok,
    pub audio_input: PricePerMtok,
    pub image_input: PricePerMtok,
    pub output: PricePerMtok,
    pub reasoning: PricePerMtok,
    pub audio_output: PricePerMtok,
    pub image_output: PricePerMtok,
    pub tool_calls: PricePerMtok,
    pub units: PricePerMtok,
    /// Of each call, whatever it used.
    pub call: PricePerMtok,
    /// What `units` counts; `None` where nothing is counted so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// What may be said of a price beside input, cached input and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct More {
    /// That of `input` when `None`.
    pub cache_write: Option<PricePerMtok>,
    /// That of `cache_write` when `None`.
    pub cache_write_1h: Option<PricePerMtok>,
    /// That of `input` when `None`.
    pub audio_input: Option<PricePerMtok>,
    /// That of `input` when `None`.
    pub image_input: Option<PricePerMtok>,
    /// That of `output` when `None`.
    pub reasoning: Option<PricePerMtok>,
    /// That of `output` when `None`.
    pub audio_output: Option<PricePerMtok>,
    /// That of `output` when `None`.
    pub image_output: Option<PricePerMtok>,
    /// Nothing when `None`, and so for those below.
    pub tool_calls: Option<PricePerMtok>,
    pub units: Option<PricePerMtok>,
    pub call: Option<PricePerMtok>,
    pub unit: Option<Unit>,
}

/// A price as it is written down: what is left out follows from the rest.
#[derive(Deserialize)]
struct Stated {
    input: PricePerMtok,
    cached_input: Option<PricePerMtok>,
    output: PricePerMtok,
    #[serde(flatten)]
    more: More,
}

impl From<Stated> for Price {
    fn from(stated: Stated) -> Self {
        let cached_input = stated.cached_input.unwrap_or(stated.input);
        Self::stated(stated.input, cached_input, stated.output, &stated.more)
    }
}

impl Price {
    /// A price of text: every other bucket as usual.
    #[must_use]
    pub fn of(input: PricePerMtok, cached_input: PricePerMtok, output: PricePerMtok) -> Self {
        Self::stated(input, cached_input, output, &More::default())
    }

    /// The whole price: what is not said follows from what is.
    #[must_use]
    pub fn stated(
        input: PricePerMtok,
        cached_input: PricePerMtok,
        output: PricePerMtok,
        more: &More,
    ) -> Self {
        let cache_write = more.cache_write.unwrap_or(input);
        Self {
            input,
            cached_input,
            cache_write,
            cache_write_1h: more.cache_write_1h.unwrap_or(cache_write),
            audio_input: more.audio_input.unwrap_or(input),
            image_input: more.image_input.unwrap_or(input),
            output,
            reasoning: more.reasoning.unwrap_or(output),
            audio_output: more.audio_output.unwrap_or(output),
            image_output: more.image_output.unwrap_or(output),
            tool_calls: more.tool_calls.unwrap_or_default(),
            units: more.units.unwrap_or_default(),
            call: more.call.unwrap_or_default(),
            unit: more.unit,
        }
    }

    #[must_use]
    pub const fn get(&self, bucket: Bucket) -> PricePerMtok {
        match bucket {
            Bucket::Input => self.input,
            Bucket::CachedInput => self.cached_input,
            Bucket::CacheWrite => self.cache_write,
            Bucket::CacheWrite1h => self.cache_write_1h,
            Bucket::AudioInput => self.audio_input,
            Bucket::ImageInput => self.image_input,
            Bucket::Output => self.output,
            Bucket::Reasoning => self.reasoning,
            Bucket::AudioOutput => self.audio_output,
            Bucket::ImageOutput => self.image_output,
            Bucket::ToolCalls => self.tool_calls,
            Bucket::Units => self.units,
            Bucket::Call => self.call,
        }
    }

    pub const fn set(&mut self, bucket: Bucket, price: PricePerMtok) {
        let place = match bucket {
            Bucket::Input => &mut self.input,
            Bucket::CachedInput => &mut self.cached_input,
            Bucket::CacheWrite => &mut self.cache_write,
            Bucket::CacheWrite1h => &mut self.cache_write_1h,
            Bucket::AudioInput => &mut self.audio_input,
            Bucket::ImageInput => &mut self.image_input,
            Bucket::Output => &mut self.output,
            Bucket::Reasoning => &mut self.reasoning,
            Bucket::AudioOutput => &mut self.audio_output,
            Bucket::ImageOutput => &mut self.image_output,
            Bucket::ToolCalls => &mut self.tool_calls,
            Bucket::Units => &mut self.units,
            Bucket::Call => &mut self.call,
        };
        *place = price;
    }

    /// Another price, bucket by bucket; the unit stays.
    ///
    /// # Errors
    /// The first that `each` has.
    pub fn map<E>(
        &self,
        mut each: impl FnMut(Bucket, PricePerMtok) -> Result<PricePerMtok, E>,
    ) -> Result<Self, E> {
        let mut price = *self;
        for bucket in Bucket::ALL {
            price.set(bucket, each(bucket, self.get(bucket))?);
        }
        Ok(price)
    }

    /// Whether the bucket's price says something that input and output do not: worth a line on a price list.
    #[must_use]
    pub fn tells(&self, bucket: Bucket) -> bool {
        let usual = Self::of(self.input, self.cached_input, self.output);
        bucket.is_usual()
            || match bucket {
                Bucket::CacheWrite1h => self.cache_write_1h != self.cache_write,
                other => self.get(other) != usual.get(other),
            }
    }

    /// What the usage costs, rounded up once to a whole nano-dollar.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when tokens × price leaves the range of [`Amount`].
    pub fn charge(&self, usage: &Usage) -> Result<Amount, MoneyError> {
        nanos_up(
            Bucket::ALL
                .into_iter()
                .map(|bucket| self.get(bucket).cost_picos(usage.count(bucket)))
                .sum(),
        )
    }

    /// The most that so many prompt and answer tokens can cost, whichever bucket the provider counts them in. Uses of
    /// tools and units are not among them: nobody knows them before.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the ceiling leaves the range of [`Amount`].
    pub fn ceiling(&self, prompt_tokens: u64, answer_tokens: u64) -> Result<Amount, MoneyError> {
        let answer = self.dearest(Bucket::ANSWER).cost_picos(answer_tokens);
        nanos_up(self.before_the_answer(prompt_tokens) + answer)
    }

    /// With the usual price for uses of the provider's tools, if the model converses: only such a one has tools.
    #[must_use]
    pub fn with_usual_tools(mut self) -> Self {
        if self.output != PricePerMtok::FREE && self.unit.is_none() {
            self.tool_calls = PricePerMtok::OF_A_SEARCH;
        }
        self
    }

    /// What so many uses of tools cost that the provider runs.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when it leaves the range of [`Amount`].
    pub fn of_tools(&self, uses: u64) -> Result<Amount, MoneyError> {
        nanos_up(self.tool_calls.cost_picos(uses))
    }

    /// How many answer tokens the money buys after the prompt is paid for; `None` when the answer is free.
    #[must_use]
    pub fn affordable_answer(&self, prompt_tokens: u64, money: Amount) -> Option<u64> {
        let output = self.dearest(Bucket::ANSWER);
        if output.0 == 0 {
            return None;
        }
        let left =
            i128::from(money.nanos()) * PICOS_PER_NANO - self.before_the_answer(prompt_tokens);
        Some(u64::try_from((left / i128::from(output.0)).max(0)).unwrap_or(u64::MAX))
    }

    /// The dearer of both in each bucket: enough, whichever of them counts.
    #[must_use]
    pub fn or_dearer(mut self, other: &Self) -> Self {
        for bucket in Bucket::ALL {
            self.set(bucket, self.get(bucket).max(other.get(bucket)));
        }
        self
    }

    /// The same for a call that has only text in its prompt, or in its answer: a hold for it need not be as large as one for
    /// audio and images.
    #[must_use]
    pub fn of_text(mut self, prompt: bool, answer: bool) -> Self {
        if prompt {
            self.set(Bucket::AudioInput, PricePerMtok::default());
            self.set(Bucket::ImageInput, PricePerMtok::default());
        }
        if answer {
            self.set(Bucket::AudioOutput, PricePerMtok::default());
            self.set(Bucket::ImageOutput, PricePerMtok::default());
        }
        self
    }

    fn before_the_answer(&self, prompt_tokens: u64) -> i128 {
        self.dearest(Bucket::PROMPT).cost_picos(prompt_tokens) + self.call.cost_picos(1)
    }

    fn dearest<const N: usize>(&self, buckets: [Bucket; N]) -> PricePerMtok {
        let prices = buckets.into_iter().map(|bucket| self.get(bucket));
        prices.max().unwrap_or_default()
    }
}

/// The cost rounded up to a whole nano-dollar.
///
/// # Errors
/// [`MoneyError::Overflow`] when it leaves the range of [`Amount`].
fn nanos_up(picos: i128) -> Result<Amount, MoneyError> {
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
        Price::of(read(input), read(cached), read(output))
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
        prop::array::uniform13(one).prop_map(|prices| {
            let mut price = Price::default();
            for (bucket, one) in Bucket::ALL.into_iter().zip(prices) {
                price.set(bucket, one);
            }
            price
        })
    }

    fn any_usage() -> impl Strategy<Value = Usage> {
        prop::array::uniform12(0..2_000_000_u64).prop_map(usage)
    }

    fn usage(counts: [u64; 12]) -> Usage {
        Usage {
            input: counts[0],
            cached_input: counts[1],
            cache_write: counts[2],
            cache_write_1h: counts[3],
            audio_input: counts[4],
            image_input: counts[5],
            output: counts[6] + counts[7],
            reasoning: counts[7],
            audio_output: counts[8],
            image_output: counts[9],
            tool_calls: counts[10],
            units: counts[11],
            ..Usage::default()
        }
    }

    /// What providers print, in the way each of them reports a call.
    #[test]
    fn the_calls_of_every_provider_cost_what_they_print() {
        let usd = |text| PricePerMtok::parse_usd(text).unwrap();
        let none = Usage::default();
        let openai = price("1.25", "0.125", "10");
        let anthropic = Price {
            cache_write: usd("3.75"),
            cache_write_1h: usd("6"),
            tool_calls: usd("10000"),
            ..price("3", "0.30", "15")
        };
        let audio = Price {
            audio_input: usd("40"),
            audio_output: usd("80"),
            ..price("2.50", "2.50", "10")
        };
        let image = Price {
            image_input: usd("10"),
            image_output: usd("40"),
            ..price("5", "1.25", "40")
        };
        let listener = Price {
            units: usd("0.10"),
            unit: Some(Unit::Millisecond),
            ..Price::default()
        };
        let per_call = Price {
            call: usd("5000"),
            ..price("1", "1", "1")
        };
        for (price, usage, dollars) in [
            // 2,006 prompt tokens of which 1,920 cached, 300 of the answer of which 256 were thought.
            (
                openai,
                Usage {
                    input: 86,
                    cached_input: 1_920,
                    output: 300,
                    reasoning: 256,
                    ..none
                },
                "0.0033475",
            ),
            // Fresh, read, and written for five minutes and for an hour; two searches at $10 a thousand.
            (
                anthropic,
                Usage {
                    input: 21,
                    cached_input: 188_086,
                    cache_write: 456,
                    cache_write_1h: 1_000,
                    output: 393,
                    tool_calls: 2,
                    ..none
                },
                "0.0900938",
            ),
            (
                audio,
                Usage {
                    input: 10,
                    audio_input: 90,
                    output: 20,
                    audio_output: 180,
                    ..none
                },
                "0.018225",
            ),
            (
                image,
                Usage {
                    input: 50,
                    image_input: 323,
                    image_output: 4_160,
                    ..none
                },
                "0.16988",
            ),
            // A minute at $0.006.
            (
                listener,
                Usage {
                    units: 60_000,
                    ..none
                },
                "0.006",
            ),
            (per_call, Usage { input: 1, ..none }, "0.005001"),
        ] {
            let charge = price.charge(&usage).unwrap();
            assert_eq!(charge.to_usd_string(), dollars, "{usage:?}");
        }
    }

    #[test]
    fn what_is_not_said_of_a_price_follows_from_what_is() {
        let read = |json: &str| serde_json::from_str::<Price>(json).unwrap();
        let plain = read(r#"{"input": 4, "output": 9}"#);
        for bucket in Bucket::PROMPT {
            assert_eq!(plain.get(bucket).micro_usd(), 4, "{}", bucket.id());
        }
        for bucket in Bucket::ANSWER {
            assert_eq!(plain.get(bucket).micro_usd(), 9, "{}", bucket.id());
        }
        for bucket in [Bucket::ToolCalls, Bucket::Units, Bucket::Call] {
            assert_eq!(plain.get(bucket).micro_usd(), 0, "{}", bucket.id());
            assert!(!plain.tells(bucket));
        }
        let written = read(
            r#"{"input": 4, "cached_input": 1, "cache_write": 5, "output": 9, "unit": "image"}"#,
        );
        assert_eq!(written.cache_write_1h, written.cache_write);
        assert!(written.tells(Bucket::CacheWrite) && !written.tells(Bucket::CacheWrite1h));
        assert_eq!(written.unit, Some(Unit::Image));
        assert_eq!(read(&serde_json::to_string(&written).unwrap()), written);
    }

    proptest! {
        #[test]
        fn splitting_a_call_never_makes_it_cheaper(p in any_price(), a in prop::array::uniform12(0..2_000_000_u64), b in prop::array::uniform12(0..2_000_000_u64)) {
            let both = usage(std::array::from_fn(|at| a[at] + b[at]));
            let cost = |usage: &Usage| p.charge(usage).unwrap().nanos();
            let apart = cost(&usage(a)) + cost(&usage(b));
            // Two calls have two fees.
            let fee = (p.call.micro_usd() + 999) / 1_000;
            let more = apart - cost(&both);
            prop_assert!((0..=fee + 1).contains(&more));
        }

        #[test]
        fn the_ceiling_covers_every_split_of_the_tokens(p in any_price(), u in any_usage()) {
            let tokens = Usage { tool_calls: 0, units: 0, ..u };
            let ceiling = p.ceiling(u.prompt(), u.answer()).unwrap();
            prop_assert!(p.charge(&tokens).unwrap() <= ceiling);
        }

        #[test]
        fn the_dearer_of_two_prices_covers_both(a in any_price(), b in any_price(), u in any_usage()) {
            let dearer = a.or_dearer(&b).charge(&u).unwrap();
            prop_assert!(a.charge(&u).unwrap() <= dearer && b.charge(&u).unwrap() <= dearer);
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
