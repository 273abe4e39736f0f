//! How many tokens, in which bucket? Buckets are disjoint: every token is in exactly one that is priced.

use serde::{Deserialize, Serialize};

/// What one call used. Absent is not zero: a report that never came is `Option::<Usage>::None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens that no cache answered for.
    pub input: u64,
    /// Prompt tokens read from the provider's cache.
    pub cached_input: u64,
    /// Answer tokens, reasoning included.
    pub output: u64,
    /// How many of `output` were reasoning. Shown, never priced again.
    pub reasoning: u64,
}

impl Usage {
    /// More than any provider can produce in one call: what is above is a broken report.
    pub const TOKENS_MAX: u64 = 1 << 40;

    /// The provider's own total: all disjoint buckets together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input
            .saturating_add(self.cached_input)
            .saturating_add(self.output)
    }

    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.input == 0 && self.cached_input == 0 && self.output == 0
    }

    /// Brings an absurd report into range: cached within the prompt is the reader's duty, the cap is ours.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            input: self.input.min(Self::TOKENS_MAX),
            cached_input: self.cached_input.min(Self::TOKENS_MAX),
            output: self.output.min(Self::TOKENS_MAX),
            reasoning: self.reasoning.min(self.output),
        }
    }
}
