//! Which of a version's prices is a call charged by? By how it was served, how hard it thought, and how long its prompt
//! was: chosen once, when the call is settled, and never mixed.
//!
//! A version has a base price and a row for each combination that has another one. What the upstream says about how it
//! served a call counts more than what was asked for, because that is what the operator pays. But nobody pays for a
//! faster tier without asking: where an upstream serves faster by itself, the call costs what the default does.

use serde::{Deserialize, Serialize};

use crate::price::Price;
use crate::price_rule::{Asked, Effort, Tier};

/// The calls that a price is for; by default those of the base price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Terms {
    pub tier: Tier,
    /// `None`: whatever effort is asked for that has no price of its own.
    pub effort: Option<Effort>,
    /// From how many prompt tokens on, all buckets of the prompt together.
    pub prompt_from: u64,
}

/// All prices of one version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PriceList {
    pub base: Price,
    /// One for each combination of a tier, an effort and a length of prompt that has a price of its own.
    pub variants: Vec<(Terms, Price)>,
}

impl Tier {
    /// The tier that a call is charged by.
    #[must_use]
    pub const fn charged(asked: Self, served: Option<Self>) -> Self {
        match (served, asked) {
            (None, asked) => asked,
            (Some(Self::Default), _) => Self::Default,
            (Some(Self::Flex), _) => Self::Flex,
            (Some(Self::Priority), Self::Priority) => Self::Priority,
            (Some(Self::Fast), Self::Fast) => Self::Fast,
            // Faster than was asked for.
            (Some(Self::Priority | Self::Fast), _) => Self::Default,
        }
    }
}

impl Terms {
    /// Which of `all` a call is charged by; `None` is the base price.
    ///
    /// A tier or effort that has no price of its own costs what the default does, and so does a shorter prompt.
    #[must_use]
    pub fn choose(
        all: impl Iterator<Item = Self> + Clone,
        asked: Asked,
        served: Option<Tier>,
        prompt_tokens: u64,
    ) -> Option<usize> {
        let tier = Tier::charged(asked.tier, served);
        let named = |tier| all.clone().any(|terms| terms.tier == tier);
        let effort = asked.effort;
        let wanted = Self {
            tier: if named(tier) { tier } else { Tier::Default },
            effort: effort.filter(|_| all.clone().any(|terms| terms.effort == effort)),
            prompt_from: all
                .clone()
                .map(|terms| terms.prompt_from)
                .filter(|from| *from <= prompt_tokens)
                .max()
                .unwrap_or(0),
        };
        all.into_iter().position(|terms| terms == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_pays_for_a_faster_tier_than_was_asked_for() {
        use Tier::{Default, Fast, Flex, Priority};
        for (asked, served, charged) in [
            (Default, None, Default),
            (Priority, None, Priority),
            (Priority, Some(Priority), Priority),
            // Ramped down, and billed so.
            (Priority, Some(Default), Default),
            (Fast, Some(Fast), Fast),
            (Fast, Some(Priority), Default),
            (Default, Some(Priority), Default),
            (Flex, Some(Fast), Default),
            // An upstream that knows no flex costs what it costs.
            (Flex, Some(Default), Default),
            (Default, Some(Flex), Flex),
        ] {
            let found = Tier::charged(asked, served);
            assert_eq!(found, charged, "asked {asked:?}, served {served:?}");
        }
    }

    #[test]
    fn the_most_exact_row_counts_and_what_has_none_is_the_default() {
        let terms = |tier, effort, prompt_from| Terms {
            tier,
            effort,
            prompt_from,
        };
        let (high, low) = (Some(Effort::High), Some(Effort::Low));
        let all = [
            terms(Tier::Priority, None, 0),
            terms(Tier::Default, high, 0),
            terms(Tier::Priority, high, 0),
            terms(Tier::Default, None, 200_001),
            terms(Tier::Priority, None, 200_001),
            terms(Tier::Default, high, 200_001),
            terms(Tier::Priority, high, 200_001),
        ];
        for (tier, effort, prompt, place) in [
            (Tier::Default, None, 200_000, None),
            (Tier::Default, None, 200_001, Some(3)),
            (Tier::Default, low, 1, None),
            (Tier::Flex, None, 1, None),
            (Tier::Priority, low, 1, Some(0)),
            (Tier::Flex, high, 1, Some(1)),
            (Tier::Priority, high, 200_000, Some(2)),
            (Tier::Priority, high, u64::MAX, Some(6)),
        ] {
            let asked = Asked { tier, effort };
            let found = Terms::choose(all.iter().copied(), asked, None, prompt);
            assert_eq!(found, place, "{tier:?} {effort:?} {prompt}");
        }
        assert_eq!(
            Terms::choose(std::iter::empty(), Asked::default(), None, 9),
            None
        );
    }
}
