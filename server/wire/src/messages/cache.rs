//! When does Anthropic keep the beginning of a prompt for a caller who has no word for that?
//!
//! OpenAI's callers know a cache that needs no asking; Anthropic's keeps what is marked. What is written into it costs a
//! quarter more than other input, what is read from it a tenth. So marks are set where a conversation is likely to go
//! on, which pays from the next turn on:
//! - the caller named a cache key, the assistant has spoken, or there are tools that the model is free to use (a tool that
//!   it must use is how answers are given a shape, once);
//! - and the prompt has [`LENGTH_MIN`] bytes: Anthropic keeps nothing shorter.
//!
//! Marked are the end of what never changes (instructions, or the tools before them), and the last two turns of the user:
//! the later one for the turns to come, the earlier one to find again what the turn before wrote, however many blocks
//! came in between. Marks stand at blocks, where everything that speaks this dialect knows them; the field that marks a
//! whole request is known to few.

use serde::Serialize;

use super::turns::Conversation;
use super::write::Offered;
use crate::neutral::{Choice, Part, Prompt, Role};

/// About 1,024 tokens, the least that any model of Anthropic's keeps.
const LENGTH_MIN: usize = 4_096;
/// How many turns of the user are marked.
const TURNS: usize = 2;

/// Up to here the prompt is kept, for five minutes after it was last used.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Mark {
    Ephemeral,
}

/// Whether it pays to keep what is asked here.
pub(super) fn pays(prompt: &Prompt) -> bool {
    let is_free = match &prompt.choice {
        None | Some(Choice::Auto) => !prompt.tools.is_empty(),
        Some(Choice::None | Choice::Required | Choice::Tool(_)) => false,
    };
    let has_spoken = || prompt.turns.iter().any(|turn| turn.role == Role::Assistant);
    (prompt.cache_key.is_some() || is_free || has_spoken()) && length(prompt) >= LENGTH_MIN
}

/// About how many bytes the model reads.
fn length(prompt: &Prompt) -> usize {
    let system = prompt.system.iter().map(String::len);
    let turns = prompt.turns.iter().map(|turn| of_parts(&turn.parts));
    let tools = prompt.tools.iter().map(|tool| {
        let parameters = tool.parameters.as_ref().map_or(0, |raw| raw.get().len());
        tool.description.as_ref().map_or(0, String::len) + parameters
    });
    system.chain(turns).chain(tools).sum()
}

fn of_parts(parts: &[Part]) -> usize {
    let of = |part: &Part| match part {
        Part::Text(text) | Part::Refusal(text) | Part::Reasoning { text, .. } => text.len(),
        // Any of them is more than a thousand tokens.
        Part::Image(_) | Part::File(_) | Part::Audio(_) => LENGTH_MIN,
        Part::ToolCall { arguments, .. } => arguments.len(),
        Part::ToolResult { parts, .. } => of_parts(parts),
    };
    parts.iter().map(of).sum()
}

/// Sets the marks: three, of the four that there may be.
pub(super) fn mark(conversation: &mut Conversation<'_>, tools: &mut [Offered<'_>]) {
    let mark = Some(Mark::Ephemeral);
    match (conversation.system.last_mut(), tools.last_mut()) {
        (Some(block), _) => block.cache_control = mark,
        (None, Some(tool)) => tool.cache_control = mark,
        (None, None) => {}
    }
    let turns = conversation.messages.iter_mut().rev();
    let of_user = turns.filter(|turn| turn.role() == Role::User);
    for block in of_user
        .take(TURNS)
        .filter_map(|turn| turn.content.last_mut())
    {
        block.mark(Mark::Ephemeral);
    }
}
