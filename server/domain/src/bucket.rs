//! What of a call has a price of its own? Every token is in exactly one bucket, and so is every use and unit.

use serde::{Deserialize, Serialize};

/// Where something is counted, and priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    Input,
    CachedInput,
    CacheWrite,
    CacheWrite1h,
    AudioInput,
    ImageInput,
    /// The answer's text without the reasoning before it.
    Output,
    Reasoning,
    AudioOutput,
    ImageOutput,
    ToolCalls,
    Units,
    /// The call itself: always one.
    Call,
}

impl Bucket {
    pub const COUNT: usize = 13;

    /// All of them, in the order of a bill.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Input,
        Self::CachedInput,
        Self::CacheWrite,
        Self::CacheWrite1h,
        Self::AudioInput,
        Self::ImageInput,
        Self::Output,
        Self::Reasoning,
        Self::AudioOutput,
        Self::ImageOutput,
        Self::ToolCalls,
        Self::Units,
        Self::Call,
    ];

    /// The buckets of a prompt.
    pub const PROMPT: [Self; 6] = [
        Self::Input,
        Self::CachedInput,
        Self::CacheWrite,
        Self::CacheWrite1h,
        Self::AudioInput,
        Self::ImageInput,
    ];

    /// The buckets of an answer.
    pub const ANSWER: [Self; 4] = [
        Self::Output,
        Self::Reasoning,
        Self::AudioOutput,
        Self::ImageOutput,
    ];

    /// Its name in answers, exports and the database.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::CacheWrite => "cache_write",
            Self::CacheWrite1h => "cache_write_1h",
            Self::AudioInput => "audio_input",
            Self::ImageInput => "image_input",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::AudioOutput => "audio_output",
            Self::ImageOutput => "image_output",
            Self::ToolCalls => "tool_calls",
            Self::Units => "units",
            Self::Call => "call",
        }
    }

    /// Whether tokens are counted here; otherwise uses, units or the call.
    #[must_use]
    pub const fn counts_tokens(self) -> bool {
        !matches!(self, Self::ToolCalls | Self::Units | Self::Call)
    }

    /// Whether everybody expects it on a price list: the others are shown where they say something.
    #[must_use]
    pub const fn is_usual(self) -> bool {
        matches!(self, Self::Input | Self::CachedInput | Self::Output)
    }
}

/// What [`Bucket::Units`] counts at a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Of audio.
    Millisecond,
    /// Of text that is spoken.
    Character,
    Image,
}

impl Unit {
    pub const ALL: [Self; 3] = [Self::Millisecond, Self::Character, Self::Image];

    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Millisecond => "millisecond",
            Self::Character => "character",
            Self::Image => "image",
        }
    }

    /// The unit with this id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.id() == id)
    }
}
