//! By which rule does a price come about? The rule is data: a rate card, or what the provider asks times the model's
//! coefficient, the tier and the effort a request asks for, and a margin. Whole numbers only, rounded up once.
//!
//! Two services that sell this way are the examples in the tests: CodexAPI.pro has a rate card, Codex Key a formula.
//! A rule makes a [`PriceList`] when prices are published, so that what is shown is what is charged; no call computes it.
//!
//! Codex Key multiplies all answer tokens by the effort and adds the reasoning among them once more. Here they are
//! disjoint: what was thought is charged once, without the effort.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bucket::Bucket;
use crate::currency::Currency;
use crate::markup::Markup;
use crate::money::{Amount, MoneyError, parse_decimal};
use crate::price::{Price, PricePerMtok};
use crate::terms::{PriceList, Terms};

/// What a price is multiplied by, in ten-thousandths. As text a decimal number: `1.09`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Factor(u32);

impl Factor {
    pub const ONE: Self = Self(Self::PARTS);
    /// A hundred times: what is above is a typing mistake.
    pub const MAX: Self = Self(100 * Self::PARTS);
    const PARTS: u32 = 10_000;

    /// Reads a decimal number with at most four digits after the point.
    ///
    /// # Errors
    /// [`MoneyError`] when the text is no such number or above [`Self::MAX`].
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let parts = parse_decimal(text, 4)?;
        u32::try_from(parts)
            .map(Self)
            .ok()
            .filter(|factor| *factor <= Self::MAX)
            .ok_or(MoneyError::Overflow)
    }

    /// The factor of a mark-up: 20 % is 1.2.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] above [`Self::MAX`].
    pub fn of_markup(markup: Markup) -> Result<Self, MoneyError> {
        u32::try_from(i64::from(Self::PARTS) + i64::from(markup.bp()))
            .map(Self)
            .ok()
            .filter(|factor| *factor <= Self::MAX)
            .ok_or(MoneyError::Overflow)
    }
}

impl Default for Factor {
    fn default() -> Self {
        Self::ONE
    }
}

/// Without needless zeros: `1`, `0.6`, `1.09`.
impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / Self::PARTS, self.0 % Self::PARTS);
        let digits = format!("{part:04}");
        match digits.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            digits => write!(f, "{whole}.{digits}"),
        }
    }
}

impl From<Factor> for String {
    fn from(factor: Factor) -> Self {
        factor.to_string()
    }
}

impl TryFrom<String> for Factor {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        Self::parse(&text)
    }
}

/// How soon a request wants to be served: `service_tier`, or `speed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    #[default]
    Default,
    Priority,
    Flex,
    /// `speed` of the Messages dialect.
    Fast,
}

impl Tier {
    pub const ALL: [Self; 4] = [Self::Default, Self::Priority, Self::Flex, Self::Fast];

    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Priority => "priority",
            Self::Flex => "flex",
            Self::Fast => "fast",
        }
    }

    /// The tier with this id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.id() == id)
    }

    /// As the dialects write it; what is none of these is served, and charged, as the default.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        match text {
            Some("priority") => Self::Priority,
            Some("flex" | "batch") => Self::Flex,
            Some("fast") => Self::Fast,
            _ => Self::Default,
        }
    }
}

/// How hard a request wants the model to think: `reasoning_effort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    Minimal,
    Low,
    Medium,
    High,
}

impl Effort {
    pub const ALL: [Self; 4] = [Self::Minimal, Self::Low, Self::Medium, Self::High];

    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The effort with this id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.id() == id)
    }

    /// As the dialects write it; `None` for a word that has no factor.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "minimal" => Some(Self::Minimal),
            "low" => Some(Self::Low),
            "medium" => Some(Self::Medium),
            "high" | "xhigh" | "max" => Some(Self::High),
            _ => None,
        }
    }
}

/// What of a request changes its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    pub tier: Tier,
    /// `None` when the request says nothing: no factor then.
    pub effort: Option<Effort>,
}

/// A factor for each tier; 1 where none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tiers {
    pub default: Factor,
    pub priority: Factor,
    pub flex: Factor,
    pub fast: Factor,
}

impl Tiers {
    const fn of(&self, tier: Tier) -> Factor {
        match tier {
            Tier::Default => self.default,
            Tier::Priority => self.priority,
            Tier::Flex => self.flex,
            Tier::Fast => self.fast,
        }
    }
}

/// A factor for each effort; 1 where none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Efforts {
    pub minimal: Factor,
    pub low: Factor,
    pub medium: Factor,
    pub high: Factor,
}

impl Efforts {
    const fn of(&self, effort: Option<Effort>) -> Factor {
        match effort {
            None => Factor::ONE,
            Some(Effort::Minimal) => self.minimal,
            Some(Effort::Low) => self.low,
            Some(Effort::Medium) => self.medium,
            Some(Effort::High) => self.high,
        }
    }
}

/// Other prices for calls with a long prompt: for the whole call, not for what is above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongPrompt {
    /// From how many prompt tokens on; above zero.
    pub from: u64,
    pub price: Price,
}

/// The same price for every tier and effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateCard {
    pub price: Price,
    #[serde(default)]
    pub long: Option<LongPrompt>,
}

/// What the provider asks, times factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostPlus {
    /// The provider's own price.
    pub base: Price,
    /// The provider's own price for long prompts.
    #[serde(default)]
    pub long: Option<LongPrompt>,
    /// How much dearer this model is than the one that `base` is of.
    #[serde(default)]
    pub coefficient: Factor,
    #[serde(default)]
    pub margin: Factor,
    /// On everything that is counted in tokens.
    #[serde(default)]
    pub tiers: Tiers,
    /// On the answer that people see, not on the reasoning before it.
    #[serde(default)]
    pub efforts: Efforts,
}

/// How the price of a model comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum PriceRule {
    RateCard(RateCard),
    CostPlus(CostPlus),
}

impl PriceRule {
    /// Every price that the rule makes: one for each tier, effort and length of prompt that it names.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when one is beyond [`PricePerMtok::MICRO_USD_MAX`], or long prompts begin at zero.
    pub fn list(&self) -> Result<PriceList, MoneyError> {
        let (tiers, efforts, long) = match self {
            Self::RateCard(card) => (Tiers::default(), Efforts::default(), card.long),
            Self::CostPlus(rule) => (rule.tiers, rule.efforts, rule.long),
        };
        let named_tiers = Tier::ALL
            .into_iter()
            .filter(|tier| *tier == Tier::Default || tiers.of(*tier) != tiers.default);
        let named_efforts: Vec<Option<Effort>> = std::iter::once(None)
            .chain(Effort::ALL.into_iter().map(Some))
            .filter(|effort| effort.is_none() || efforts.of(*effort) != Factor::ONE)
            .collect();
        let lengths = match long {
            None => vec![0],
            Some(LongPrompt { from: 0, .. }) => return Err(MoneyError::Overflow),
            Some(LongPrompt { from, .. }) => vec![0, from],
        };
        let mut variants = Vec::new();
        for tier in named_tiers {
            for effort in &named_efforts {
                for prompt_from in &lengths {
                    let terms = Terms {
                        tier,
                        effort: *effort,
                        prompt_from: *prompt_from,
                    };
                    if terms != Terms::default() {
                        variants.push((terms, self.price(&terms)?));
                    }
                }
            }
        }
        Ok(PriceList {
            base: self.price(&Terms::default())?,
            variants,
        })
    }

    /// The prices for such calls, each rounded up to a whole micro-dollar per million.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when one is beyond [`PricePerMtok::MICRO_USD_MAX`].
    pub fn price(&self, terms: &Terms) -> Result<Price, MoneyError> {
        let of = |base: Price, long: Option<LongPrompt>| match long {
            Some(long) if terms.prompt_from >= long.from => long.price,
            _ => base,
        };
        match self {
            Self::RateCard(card) => Ok(of(card.price, card.long)),
            Self::CostPlus(rule) => of(rule.base, rule.long).map(|bucket, price| {
                let whole = [rule.coefficient, rule.margin];
                match bucket {
                    // Providers charge these the same, however soon they are served.
                    bucket if !bucket.counts_tokens() => times(price, &whole),
                    bucket => {
                        let effort = match bucket {
                            Bucket::Output => rule.efforts.of(terms.effort),
                            _ => Factor::ONE,
                        };
                        let [coefficient, margin] = whole;
                        let tier = rule.tiers.of(terms.tier);
                        times(price, &[coefficient, tier, margin, effort])
                    }
                }
            }),
        }
    }
}

/// The price times all factors, rounded up once.
fn times(price: PricePerMtok, factors: &[Factor]) -> Result<PricePerMtok, MoneyError> {
    let (mut product, mut whole) = (i128::from(price.micro_usd()), 1_i128);
    for factor in factors {
        product = product
            .checked_mul(i128::from(factor.0))
            .ok_or(MoneyError::Overflow)?;
        // A few factors: 10 000 to the fourth is far within the range.
        whole *= i128::from(Factor::PARTS);
    }
    let up = product.checked_add(whole - 1).ok_or(MoneyError::Overflow)? / whole;
    i64::try_from(up)
        .map_err(|_| MoneyError::Overflow)
        .and_then(PricePerMtok::from_micro_usd)
}

/// Nano-dollars times billionths of a unit.
const WHOLE: i128 = 1_000_000_000 * 1_000_000_000;

/// What a dollar is worth on a day, as a central bank publishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyRate {
    pub currency: Currency,
    /// Billionths of the currency's unit for one dollar; above zero.
    pub ppb: i64,
}

impl DailyRate {
    /// The amount in the currency's smallest coins, halves to the even one: what is shown, never what is charged.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when there are more coins than an `i64` counts.
    pub fn coins(self, amount: Amount) -> Result<i64, MoneyError> {
        let per_unit = 10_i128.pow(u32::from(self.currency.exponent()));
        let scaled = (i128::from(amount.nanos()) * i128::from(self.ppb))
            .checked_mul(per_unit)
            .ok_or(MoneyError::Overflow)?;
        let (down, rest) = (scaled.div_euclid(WHOLE), scaled.rem_euclid(WHOLE));
        let up = rest * 2 > WHOLE || (rest * 2 == WHOLE && down % 2 != 0);
        i64::try_from(if up { down + 1 } else { down }).map_err(|_| MoneyError::Overflow)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::Usage;
    use proptest::prelude::*;

    /// What Codex Key prints about gpt-5.4: $0.000002 a token in, $0.000010 out.
    const CODEX_KEY: &str = r#"{
        "rule": "cost_plus",
        "base": {"input": 2000000, "cached_input": 2000000, "output": 10000000},
        "coefficient": "1.0",
        "margin": "1.09",
        "tiers": {"default": "1.0", "priority": "1.3", "flex": "0.6"},
        "efforts": {"minimal": "1.0", "low": "1.5", "medium": "2.5", "high": "4.0"}
    }"#;

    /// What the wallet card of CodexAPI.pro shows: $5 and $30 per million tokens.
    const CODEX_API: &str = r#"{
        "rule": "rate_card",
        "price": {"input": 5000000, "cached_input": 5000000, "output": 30000000}
    }"#;

    fn rule(json: &str) -> PriceRule {
        serde_json::from_str(json).unwrap()
    }

    fn used(input: u64, output: u64, reasoning: u64) -> Usage {
        Usage {
            input,
            output,
            reasoning,
            ..Usage::default()
        }
    }

    #[test]
    fn the_printed_example_of_codex_key_holds() {
        let terms = Terms {
            effort: Some(Effort::Medium),
            ..Terms::default()
        };
        let price = rule(CODEX_KEY).price(&terms).unwrap();
        let charge = price.charge(&used(1_000, 500, 0)).unwrap();
        assert_eq!(
            charge.to_usd_string(),
            "0.015805",
            "(0.002 + 0.0125) × 1.09"
        );
        let rate = DailyRate {
            currency: Currency::Rub,
            ppb: 100_000_000_000,
        };
        assert_eq!(
            rate.coins(charge),
            Ok(158),
            "1.58 roubles at 100 for a dollar"
        );
    }

    #[test]
    fn every_factor_multiplies_what_it_should() {
        // (coefficient, tier, effort, usage, nano-dollars)
        for (coefficient, tier, effort, usage, nanos) in [
            ("1.0", Tier::Default, None, used(1_000, 500, 0), 7_630_000),
            ("1.4", Tier::Default, None, used(1_000, 500, 0), 10_682_000),
            ("1.0", Tier::Priority, None, used(1_000, 500, 0), 9_919_000),
            ("1.0", Tier::Flex, None, used(1_000, 500, 0), 4_578_000),
            // The effort is on the answer only, and not on what was thought before it.
            (
                "1.0",
                Tier::Default,
                Some(Effort::High),
                used(1_000, 500, 0),
                23_980_000,
            ),
            (
                "1.0",
                Tier::Default,
                Some(Effort::High),
                used(1_000, 500, 500),
                7_630_000,
            ),
            (
                "1.0",
                Tier::Default,
                Some(Effort::High),
                used(0, 500, 400),
                8_720_000,
            ),
            (
                "0.2",
                Tier::Flex,
                Some(Effort::Low),
                used(1_000, 500, 0),
                1_242_600,
            ),
        ] {
            let PriceRule::CostPlus(mut rule) = rule(CODEX_KEY) else {
                unreachable!("it says cost_plus")
            };
            rule.coefficient = Factor::parse(coefficient).unwrap();
            let terms = Terms {
                tier,
                effort,
                prompt_from: 0,
            };
            let price = PriceRule::CostPlus(rule).price(&terms).unwrap();
            assert_eq!(
                price.charge(&usage).unwrap().nanos(),
                nanos,
                "{coefficient} {tier:?} {effort:?} {usage:?}"
            );
        }
    }

    #[test]
    fn a_rate_card_is_the_price_whatever_is_asked() {
        let card = rule(CODEX_API);
        for tier in [Tier::Default, Tier::Priority, Tier::Flex] {
            for effort in [None, Some(Effort::High)] {
                let terms = Terms {
                    tier,
                    effort,
                    prompt_from: 0,
                };
                let price = card.price(&terms).unwrap();
                let charge = price.charge(&used(1_000_000, 1_000_000, 600_000)).unwrap();
                assert_eq!(charge.to_usd_string(), "35.00");
            }
        }
    }

    /// A variant is one row: all of its buckets come from it, and none from another.
    #[test]
    fn a_rule_makes_a_row_for_everything_that_has_another_price() {
        let json = r#"{
            "rule": "cost_plus",
            "base": {"input": 1000, "cached_input": 100, "cache_write": 1250, "output": 5000, "tool_calls": 9},
            "long": {"from": 200001, "price": {"input": 2000, "cached_input": 200, "output": 7500}},
            "tiers": {"priority": "2", "flex": "0.5"},
            "efforts": {"high": "1.5"}
        }"#;
        let list = rule(json).list().unwrap();
        assert_eq!(list.base, rule(json).price(&Terms::default()).unwrap());
        assert_eq!(list.base.output, list.base.reasoning);
        // Three tiers, an effort or none, two lengths; the base is none of the variants.
        assert_eq!(list.variants.len(), 11);
        let all: Vec<Terms> = list.variants.iter().map(|(terms, _)| *terms).collect();
        let of = |tier, effort, prompt| {
            let place = Terms::choose(all.iter().copied(), Asked { tier, effort }, None, prompt);
            let price = place.map_or(list.base, |place| list.variants[place].1);
            Bucket::ALL.map(|bucket| price.get(bucket).micro_usd())
        };
        let high = Some(Effort::High);
        for (tier, effort, prompt, prices) in [
            (
                Tier::Default,
                None,
                200_000,
                [
                    1_000, 100, 1_250, 1_250, 1_000, 1_000, 5_000, 5_000, 5_000, 5_000, 9, 0, 0,
                ],
            ),
            (
                Tier::Default,
                None,
                200_001,
                [
                    2_000, 200, 2_000, 2_000, 2_000, 2_000, 7_500, 7_500, 7_500, 7_500, 0, 0, 0,
                ],
            ),
            (
                Tier::Priority,
                None,
                1,
                [
                    2_000, 200, 2_500, 2_500, 2_000, 2_000, 10_000, 10_000, 10_000, 10_000, 9, 0, 0,
                ],
            ),
            (
                Tier::Flex,
                high,
                1,
                [
                    500, 50, 625, 625, 500, 500, 3_750, 2_500, 2_500, 2_500, 9, 0, 0,
                ],
            ),
            (
                Tier::Fast,
                Some(Effort::Low),
                1,
                [
                    1_000, 100, 1_250, 1_250, 1_000, 1_000, 5_000, 5_000, 5_000, 5_000, 9, 0, 0,
                ],
            ),
        ] {
            assert_eq!(
                of(tier, effort, prompt),
                prices,
                "{tier:?} {effort:?} {prompt}"
            );
        }
        let zero = json.replace("200001", "0");
        assert!(rule(&zero).list().is_err());
    }

    #[test]
    fn a_rule_survives_its_json_and_nonsense_is_refused() {
        for json in [CODEX_KEY, CODEX_API] {
            let read = rule(json);
            let written = serde_json::to_string(&read).unwrap();
            assert_eq!(rule(&written), read);
        }
        for wrong in [
            CODEX_KEY.replace("1.09", "-1.09"),
            CODEX_KEY.replace("1.09", "1.00001"),
            CODEX_KEY.replace("1.09", "100.1"),
            CODEX_KEY.replace("\"margin\"", "\"margins\""),
            CODEX_KEY.replace("cost_plus", "rate_card"),
            CODEX_API.replace("rate_card", "subscription"),
            CODEX_API.replace("30000000", "-1"),
        ] {
            assert!(
                serde_json::from_str::<PriceRule>(&wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn factors_are_read_and_written_exactly() {
        for (text, written) in [
            ("1.0900", "1.09"),
            ("0.6", "0.6"),
            ("1", "1"),
            ("0.0001", "0.0001"),
        ] {
            assert_eq!(Factor::parse(text).unwrap().to_string(), written);
        }
        let twenty = Markup::parse_percent("20").unwrap();
        assert_eq!(Factor::of_markup(twenty).unwrap().to_string(), "1.2");
    }

    proptest! {
        #[test]
        fn a_margin_is_the_mark_up_of_the_same_size(cost in 0..=1_000_000_000_000_i64, bp in Markup::BP_MIN..=990_000) {
            let markup = Markup::from_bp(bp.into()).unwrap();
            let cost = PricePerMtok::from_micro_usd(cost).unwrap();
            let rule = CostPlus {
                base: Price::of(cost, cost, cost),
                long: None,
                coefficient: Factor::ONE,
                margin: Factor::of_markup(markup).unwrap(),
                tiers: Tiers::default(),
                efforts: Efforts::default(),
            };
            let list = PriceRule::CostPlus(rule).list().unwrap();
            prop_assert_eq!(list.base, markup.on_price(&rule.base).unwrap());
            prop_assert!(list.variants.is_empty());
        }
    }
}
