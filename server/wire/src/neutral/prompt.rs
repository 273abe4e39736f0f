//! What does a caller ask for, whichever dialect it was written in?

use domain::Dialect;
use serde_json::value::RawValue;

/// A request for an answer. A field that is `None` was not given, and is not given on.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(Debug))]
pub struct Prompt {
    pub stream: bool,
    /// What stands before the conversation: instructions, in their order.
    pub system: Vec<String>,
    pub turns: Vec<Turn>,
    pub tools: Vec<Tool>,
    pub choice: Option<Choice>,
    pub parallel_tools: Option<bool>,
    pub max_tokens: Option<u64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u64>,
    pub frequency_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub seed: Option<i64>,
    pub stop: Vec<String>,
    /// How hard to think.
    pub effort: Option<Effort>,
    /// How many tokens to think with, where a dialect says it in tokens.
    pub thinking_budget: Option<u64>,
    pub format: Option<Format>,
    /// As it was written: `priority`, `flex`, `auto` …
    pub service_tier: Option<String>,
    /// The caller's name for its own user.
    pub user: Option<String>,
    /// How much to say: `low`, `medium`, `high`.
    pub verbosity: Option<String>,
    /// By which the provider finds again what it has cached.
    pub cache_key: Option<String>,
}

impl Prompt {
    /// Whether anything in it can be answered: old thoughts alone cannot, and most providers do not even see them.
    #[must_use]
    pub fn says_something(&self) -> bool {
        let mut parts = self.turns.iter().flat_map(|turn| &turn.parts);
        parts.any(|part| !matches!(part, Part::Reasoning { .. }))
    }

    /// How hard to think, for a dialect that has only words for it: a number of tokens is worth one.
    #[must_use]
    pub fn effort_in_words(&self) -> Option<Effort> {
        let of_budget = |tokens| match tokens {
            0 => Effort::None,
            1..4_096 => Effort::Low,
            4_096..16_384 => Effort::Medium,
            _ => Effort::High,
        };
        self.effort.or(self.thinking_budget.map(of_budget))
    }
}

/// What one side said.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct Turn {
    pub role: Role,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions that stand inside the conversation.
    System,
    User,
    Assistant,
}

#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub enum Part {
    Text(String),
    Refusal(String),
    Image(Media),
    File(Media),
    Audio(Media),
    /// What the model thought. `seal` is what its provider wants back to believe it, in the dialect that made it: see
    /// [`super::seal`].
    Reasoning {
        text: String,
        seal: Option<(Dialect, String)>,
    },
    /// The model wants a tool used. `arguments` is JSON for a function, anything for a custom tool.
    ToolCall {
        id: String,
        name: String,
        arguments: String,
        kind: ToolKind,
    },
    /// What the tool said.
    ToolResult {
        id: String,
        parts: Vec<Part>,
        is_error: bool,
    },
}

/// Something that is not text.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct Media {
    pub source: Source,
    /// Of a file.
    pub name: Option<String>,
    /// Of an image: `low`, `high`, `auto`.
    pub detail: Option<String>,
}

#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub enum Source {
    Url(String),
    /// `kind` is a media type: `image/png`, `application/pdf`, `audio/wav`.
    Base64 {
        kind: String,
        data: String,
    },
    /// A file kept by the provider.
    Id(String),
}

#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct Tool {
    pub name: String,
    pub description: Option<String>,
    /// A JSON schema of the arguments, as it was written.
    pub parameters: Option<Box<RawValue>>,
    pub strict: Option<bool>,
    pub kind: ToolKind,
}

/// How a tool is written where it was asked for; a writer that does not know the kind makes it a function and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ToolKind {
    #[default]
    Function,
    /// Takes free text. As a function it takes `{"input": "…"}`.
    Custom,
}

#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Choice {
    Auto,
    None,
    /// Some tool, whichever.
    Required,
    Tool(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    /// `xhigh`, `max`: as hard as it can.
    Most,
}

impl Effort {
    /// As OpenAI's models take it when the request came in another dialect: in the words that all of them know, and only for
    /// models that are known to take one. The others refuse a request with it, and Claude Code always says one.
    #[must_use]
    pub fn for_model(self, model: &str) -> Option<&'static str> {
        let name = model.rsplit('/').next().unwrap_or(model);
        let version = |start: &str| {
            let rest = name.strip_prefix(start)?;
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u32>().ok()
        };
        let thinks = version("gpt-").is_some_and(|version| version >= 5)
            || version("o").is_some()
            || name.starts_with("gpt-oss")
            || name.starts_with("codex");
        thinks.then_some(match self {
            Self::None | Self::Minimal | Self::Low => "low",
            Self::Medium => "medium",
            Self::High | Self::Most => "high",
        })
    }

    /// `None` for a word that no dialect has.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Some(match text {
            "none" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" | "max" => Self::Most,
            _ => return None,
        })
    }
}

/// The shape that an answer must have.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub enum Format {
    /// Any JSON object.
    Json,
    Schema {
        name: String,
        schema: Box<RawValue>,
        strict: Option<bool>,
    },
}
