//! How many tokens, in which bucket? Buckets are disjoint: every token is in exactly one that is priced.

use serde::{Deserialize, Serialize};

use crate::bucket::Bucket;
use crate::price_rule::Tier;

/// What one call used. Absent is not zero: a report that never came is `Option::<Usage>::None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens of text that no cache answered for and that were not written into one.
    pub input: u64,
    /// Prompt tokens read from the provider's cache.
    pub cached_input: u64,
    /// Prompt tokens written into the provider's cache: for five minutes, or for as long as it says.
    pub cache_write: u64,
    /// Prompt tokens written into the provider's cache for an hour.
    pub cache_write_1h: u64,
    /// Prompt tokens of audio.
    pub audio_input: u64,
    /// Prompt tokens of images, where the provider counts them apart.
    pub image_input: u64,
    /// Answer tokens of text, reasoning included.
    pub output: u64,
    /// How many of `output` were reasoning. Never counted again; only where an effort has its own price are they priced
    /// apart from the rest of it.
    pub reasoning: u64,
    /// Answer tokens of audio.
    pub audio_output: u64,
    /// Answer tokens of images.
    pub image_output: u64,
    /// Uses of a tool that the provider runs and charges for each, like a search in the web.
    pub tool_calls: u64,
    /// What is not counted in tokens: milliseconds of audio that was listened to, characters that were spoken, images.
    /// The model tells which.
    pub units: u64,
    /// How the provider says that it served the call; `None` when it says nothing.
    pub served: Option<Tier>,
    /// Something in the report was negative or absurd, and was not taken as it stood.
    pub flagged: bool,
}

impl Usage {
    /// More than any provider can produce in one call: what is above is a broken report.
    pub const TOKENS_MAX: u64 = 1 << 40;

    pub const ZERO: Self = Self {
        input: 0,
        cached_input: 0,
        cache_write: 0,
        cache_write_1h: 0,
        audio_input: 0,
        image_input: 0,
        output: 0,
        reasoning: 0,
        audio_output: 0,
        image_output: 0,
        tool_calls: 0,
        units: 0,
        served: None,
        flagged: false,
    };

    /// All tokens of the prompt.
    #[must_use]
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cached_input)
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.audio_input)
            .saturating_add(self.image_input)
    }

    /// All tokens of the answer.
    #[must_use]
    pub const fn answer(&self) -> u64 {
        self.output
            .saturating_add(self.audio_output)
            .saturating_add(self.image_output)
    }

    /// The provider's own total: all disjoint buckets of tokens together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.prompt().saturating_add(self.answer())
    }

    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.total() == 0 && self.tool_calls == 0 && self.units == 0
    }

    /// What is counted in a bucket, of which a price has one each.
    #[must_use]
    pub const fn count(&self, bucket: Bucket) -> u64 {
        // Broken reports have more reasoning than answer.
        let reasoning = if self.reasoning < self.output {
            self.reasoning
        } else {
            self.output
        };
        match bucket {
            Bucket::Input => self.input,
            Bucket::CachedInput => self.cached_input,
            Bucket::CacheWrite => self.cache_write,
            Bucket::CacheWrite1h => self.cache_write_1h,
            Bucket::AudioInput => self.audio_input,
            Bucket::ImageInput => self.image_input,
            Bucket::Output => self.output - reasoning,
            Bucket::Reasoning => reasoning,
            Bucket::AudioOutput => self.audio_output,
            Bucket::ImageOutput => self.image_output,
            Bucket::ToolCalls => self.tool_calls,
            Bucket::Units => self.units,
            Bucket::Call => 1,
        }
    }

    /// Brings an absurd report into range: cached within the prompt is the reader's duty, the cap is ours.
    /// What had to be brought there is flagged.
    #[must_use]
    pub fn clamped(self) -> Self {
        let capped = |count: u64| count.min(Self::TOKENS_MAX);
        let clamped = Self {
            input: capped(self.input),
            cached_input: capped(self.cached_input),
            cache_write: capped(self.cache_write),
            cache_write_1h: capped(self.cache_write_1h),
            audio_input: capped(self.audio_input),
            image_input: capped(self.image_input),
            output: capped(self.output),
            reasoning: self.reasoning.min(capped(self.output)),
            audio_output: capped(self.audio_output),
            image_output: capped(self.image_output),
            tool_calls: capped(self.tool_calls),
            units: capped(self.units),
            ..self
        };
        Self {
            flagged: self.flagged || clamped != self,
            ..clamped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buckets_of_tokens_are_the_total() {
        let usage = Usage {
            input: 1,
            cached_input: 20,
            cache_write: 300,
            cache_write_1h: 4_000,
            audio_input: 50_000,
            image_input: 600_000,
            output: 7_000_000,
            reasoning: 6_000_000,
            audio_output: 80_000_000,
            image_output: 900_000_000,
            tool_calls: 5,
            units: 6,
            ..Usage::default()
        };
        let sum = |buckets: &[Bucket]| {
            buckets
                .iter()
                .map(|bucket| usage.count(*bucket))
                .sum::<u64>()
        };
        assert_eq!(usage.prompt(), sum(&Bucket::PROMPT));
        assert_eq!(usage.answer(), sum(&Bucket::ANSWER));
        assert_eq!(usage.total(), 987_654_321);
        assert_eq!(usage.count(Bucket::Call), 1);
    }

    #[test]
    fn an_absurd_report_is_clamped_and_flagged() {
        let plain = Usage {
            input: 5,
            output: 7,
            reasoning: 7,
            ..Usage::default()
        };
        assert_eq!(plain.clamped(), plain);
        for absurd in [
            Usage {
                input: u64::MAX,
                ..plain
            },
            Usage {
                reasoning: 8,
                ..plain
            },
            Usage {
                units: Usage::TOKENS_MAX + 1,
                ..plain
            },
        ] {
            let clamped = absurd.clamped();
            assert!(clamped.flagged && clamped.reasoning <= clamped.output);
            assert!(clamped.input <= Usage::TOKENS_MAX && clamped.units <= Usage::TOKENS_MAX);
            // Once is enough, and what was flagged stays so.
            assert_eq!(clamped.clamped(), clamped);
        }
    }
}
