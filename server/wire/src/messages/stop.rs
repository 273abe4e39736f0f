//! Why did an answer end, in Anthropic's words?

use crate::neutral::Stop;

/// A reason that is not known ended the answer all the same.
pub(super) fn read(reason: &str, sequence: Option<String>) -> Stop {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "tool_use" => Stop::Tools,
        "stop_sequence" => Stop::Sequence(sequence),
        "refusal" => Stop::Refused,
        // `pause_turn` comes only with tools that the provider runs, which no translated request has.
        _ => Stop::End,
    }
}

/// The reason, and the sequence if it was one. Callers run their tools when they see `tool_use`, and only then: so it
/// stands where there is a tool block, whichever way the upstream said that it had finished, and nowhere else.
pub(super) fn write(stop: &Stop, has_tools: bool) -> (&'static str, Option<&str>) {
    match stop {
        Stop::End | Stop::Tools if has_tools => ("tool_use", None),
        Stop::End | Stop::Tools => ("end_turn", None),
        Stop::Length => ("max_tokens", None),
        Stop::Sequence(sequence) => ("stop_sequence", sequence.as_deref()),
        Stop::Filtered | Stop::Refused => ("refusal", None),
    }
}
