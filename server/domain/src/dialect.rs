//! Which public AI dialect is spoken? By a caller, and by an upstream.

use serde::{Deserialize, Serialize};

/// How a conversation with a model is written. Which one a caller speaks is told by the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's `/v1/chat/completions`.
    Chat,
    /// OpenAI's `/v1/responses`.
    Responses,
    /// Anthropic's `/v1/messages`.
    Messages,
    /// Google's `/v1beta/models/{model}:generateContent`. Callers only: no upstream is asked in it.
    Gemini,
}

impl Dialect {
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Gemini => "gemini",
        }
    }
}

/// What an upstream understands, as the operator told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Speaks {
    /// All of OpenAI's endpoints.
    #[serde(rename = "openai")]
    OpenAi,
    /// OpenAI's endpoints without `/responses`: most servers that call themselves compatible.
    #[serde(rename = "openai-chat")]
    OpenAiChat,
    /// OpenAI's endpoints without `/chat/completions`.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
    /// Anthropic's endpoints.
    Anthropic,
}

impl Speaks {
    pub const ALL: [Self; 4] = [
        Self::OpenAi,
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::Anthropic,
    ];

    /// As it is typed and stored.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
        }
    }

    /// `None` when it is none of [`Self::ALL`].
    #[must_use]
    pub fn find(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|speaks| speaks.id() == id)
    }

    /// Whether it is one of OpenAI's kind, with endpoints for other media.
    #[must_use]
    pub const fn is_openai(self) -> bool {
        !matches!(self, Self::Anthropic)
    }

    /// In which dialect a caller's conversation is sent there: the caller's own where it is understood, so that nothing
    /// is lost; otherwise the one that says most of it.
    #[must_use]
    pub const fn dialect_for(self, caller: Dialect) -> Dialect {
        match (self, caller) {
            (Self::Anthropic, _) => Dialect::Messages,
            (Self::OpenAiChat, _) => Dialect::Chat,
            (Self::OpenAiResponses, _) => Dialect::Responses,
            (Self::OpenAi, Dialect::Responses) => Dialect::Responses,
            (Self::OpenAi, _) => Dialect::Chat,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_translated_where_the_own_dialect_is_understood() {
        assert_eq!(
            Speaks::OpenAi.dialect_for(Dialect::Responses),
            Dialect::Responses
        );
        assert_eq!(Speaks::OpenAi.dialect_for(Dialect::Chat), Dialect::Chat);
        assert_eq!(
            Speaks::Anthropic.dialect_for(Dialect::Messages),
            Dialect::Messages
        );
        for speaks in Speaks::ALL {
            assert_eq!(Speaks::find(speaks.id()), Some(speaks));
        }
    }
}
