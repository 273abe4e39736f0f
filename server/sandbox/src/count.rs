//! How many tokens does a call use? A rule that anyone can redo by hand.
//!
//! One token per four characters (Unicode scalar values), rounded up for each text on its own:
//! - **prompt**: every message's text, 85 more for every image, and every tool definition's JSON;
//! - **completion**, per choice: the thoughts, the text, and each tool call's name and arguments;
//! - **cached**: half of the prompt (rounded down) when a message contains `[[cached]]`, else none.
//!
//! The same for streams and plain answers: only what is said counts, not how it is sent.

use serde::Serialize;

use crate::answer::Answer;
use crate::request::ChatRequest;

/// Characters that make one token.
pub(crate) const CHARS_PER_TOKEN: u64 = 4;

/// What an image costs, whatever its size.
const IMAGE_TOKENS: u64 = 85;

/// The tokens of one text.
pub(crate) fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(CHARS_PER_TOKEN)
}

/// OpenAI's `usage` object: cached tokens are inside the prompt's, reasoning tokens inside the completion's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    pub prompt_tokens_details: PromptDetails,
    pub completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PromptDetails {
    pub cached_tokens: u64,
    pub audio_tokens: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CompletionDetails {
    pub reasoning_tokens: u64,
    pub audio_tokens: u64,
    pub accepted_prediction_tokens: u64,
    pub rejected_prediction_tokens: u64,
}

/// What a request and its answer, given `choices` times, use together.
pub(crate) fn usage(request: &ChatRequest, answer: &Answer, choices: u64) -> Usage {
    let prompt = prompt_tokens(request);
    let reasoning = tokens(&answer.thoughts) * choices;
    let calls: u64 = answer
        .calls
        .iter()
        .map(|call| tokens(&call.name) + tokens(&call.arguments))
        .sum();
    let completion = reasoning + (tokens(&answer.text) + calls) * choices;
    let cached = if request.mentions("[[cached]]") {
        prompt / 2
    } else {
        0
    };
    Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        prompt_tokens_details: PromptDetails {
            cached_tokens: cached,
            audio_tokens: 0,
        },
        completion_tokens_details: CompletionDetails {
            reasoning_tokens: reasoning,
            audio_tokens: 0,
            accepted_prediction_tokens: 0,
            rejected_prediction_tokens: 0,
        },
    }
}

fn prompt_tokens(request: &ChatRequest) -> u64 {
    let messages: u64 = request
        .messages
        .iter()
        .map(|message| tokens(&message.text()) + message.images().count() as u64 * IMAGE_TOKENS)
        .sum();
    let tools: u64 = request
        .tools
        .iter()
        .map(|tool| tokens(&tool.to_string()))
        .sum();
    messages + tools
}
