//! Why did an answer end, in the words of chat?

use crate::error::Said;
use crate::neutral::Stop;

/// What the answer held, which some finish reasons leave out.
#[derive(Clone, Copy, Default)]
pub(super) struct Held {
    pub(super) calls: bool,
    pub(super) refusal: bool,
}

/// # Errors
/// What the upstream said, when the reason is that it broke off.
pub(super) fn read(
    reason: &str,
    sequence: Option<&serde_json::Value>,
    held: Held,
) -> Result<Stop, Said> {
    Ok(match reason {
        "length" | "model_length" | "max_tokens" => Stop::Length,
        "content_filter" => Stop::Filtered,
        // OpenRouter's, DeepSeek's, Zhipu's.
        "error" | "insufficient_system_resource" | "network_error" => {
            return Err(Said {
                code: Some(reason.to_owned()),
                ..Said::default()
            });
        }
        // Many servers say `stop` when they wait for tools, and no word is worth more than what came.
        _ if held.calls => Stop::Tools,
        _ if held.refusal => Stop::Refused,
        _ => match sequence.and_then(serde_json::Value::as_str) {
            Some(sequence) => Stop::Sequence(Some(sequence.to_owned())),
            None => Stop::End,
        },
    })
}

/// A refusal is told by its own field; where there is none, a filter is the nearest word.
pub(super) const fn write(stop: &Stop, held: Held) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence(_) => "stop",
        Stop::Length => "length",
        Stop::Tools => "tool_calls",
        Stop::Filtered => "content_filter",
        Stop::Refused if held.refusal => "stop",
        Stop::Refused => "content_filter",
    }
}
