//! Does a model of Anthropic's think about a request of another dialect, and how hard?
//!
//! The older ones are given a number of tokens, the newer ones find it out themselves and take an effort; each refuses the
//! other's way. The older are known by their names; whatever else stands behind this dialect gets the newer way.

use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;

use super::turns::{Block, Message};
use crate::fields::{given, number, pick, place, text};
use crate::neutral::{Choice, Effort, Prompt, Role};
use crate::request::TOKENS_MAX;
use crate::segments::Edit;

/// The least number of tokens that can be given.
const BUDGET_MIN: u64 = 1_024;

/// Parts of the names of models that cannot think.
const NEVER: [&str; 6] = [
    "claude-2",
    "claude-instant",
    "claude-3-opus",
    "claude-3-sonnet",
    "claude-3-haiku",
    "claude-3-5",
];
/// Parts of the names of models that think by a number of tokens.
const BY_BUDGET: [&str; 5] = ["claude-3-7", "-4-20", "-4-0", "-4-1", "-4-5"];

/// Whether `temperature` and its like may be given: Claude models from 4.7 on refuse them.
pub(super) fn takes_sampling(model: &str) -> bool {
    let name = model.replace('.', "-");
    let way = Way::of(&name);
    way != Way::Adaptive || !name.contains("claude") || name.contains("-4-6")
}

/// Whether an answer or a tool's input can be kept to a schema: the models before 4.1 refuse to be asked.
pub(super) fn keeps_to_schemas(model: &str) -> bool {
    let name = model.replace('.', "-");
    let mut older = NEVER.into_iter().chain(["claude-3-7", "-4-20", "-4-0"]);
    !name.contains("claude") || !(older.any(|part| name.contains(part)) || name.ends_with("-4"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Never,
    ByBudget,
    Adaptive,
}

impl Way {
    fn of(model: &str) -> Self {
        // Some sell them as `claude-3.7-sonnet`.
        let name = model.replace('.', "-");
        let has = |part: &str| name.contains(part);
        if NEVER.into_iter().any(has) {
            Self::Never
        } else if name.contains("claude")
            && (BY_BUDGET.into_iter().any(has) || name.ends_with("-4"))
        {
            Self::ByBudget
        } else {
            Self::Adaptive
        }
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Enabled { budget_tokens: u64 },
    Adaptive,
    Disabled,
}

impl Thinking {
    pub(super) const fn is_on(&self) -> bool {
        !matches!(self, Self::Disabled)
    }

    /// `None` where nothing is said about it: the caller did not, or the model would refuse it.
    pub(super) fn choose(
        prompt: &Prompt,
        model: &str,
        max_tokens: u64,
        messages: &[Message<'_>],
    ) -> Option<Self> {
        let way = Way::of(model);
        if way == Way::Never {
            return None;
        }
        if prompt.effort == Some(Effort::None) || prompt.thinking_budget == Some(0) {
            return Some(Self::Disabled);
        }
        let is_asked = prompt.effort.is_some() || prompt.thinking_budget.is_some();
        let is_forced = matches!(prompt.choice, Some(Choice::Required | Choice::Tool(_)))
            && !prompt.tools.is_empty();
        if !is_asked || is_forced || !may_begin(messages) {
            return None;
        }
        if way == Way::Adaptive {
            return Some(Self::Adaptive);
        }
        let wanted = prompt
            .thinking_budget
            .unwrap_or_else(|| prompt.effort.map_or(0, budget))
            .max(BUDGET_MIN);
        // It is a part of the answer's tokens, and something must be left to say.
        let budget_tokens = if wanted < max_tokens {
            wanted
        } else {
            max_tokens / 2
        };
        (budget_tokens >= BUDGET_MIN).then_some(Self::Enabled { budget_tokens })
    }
}

/// How many tokens a caller of the dialect's own lets the model think with, and where its body says so; `None` where it does
/// not, or lets it think with more than one answer may have, as it can when the model goes on thinking between tools.
fn own_budget(body: &Bytes, max_tokens: Option<u64>) -> Option<(Range<usize>, u64)> {
    let [thinking] = pick(body, ["thinking"]).ok()?;
    let fields = given(thinking)?.get().as_bytes();
    let [kind, budget] = pick(fields, ["type", "budget_tokens"]).ok()?;
    let tokens = number(budget, "budget_tokens", 0, TOKENS_MAX).ok()??;
    let counts = text(kind, "type").ok()? == "enabled" && tokens < max_tokens?;
    counts.then_some((place(body, budget?), tokens))
}

/// How many tokens an answer to a request of the dialect's own must have room for: with less to think with, it is refused.
pub(crate) fn least(body: &Bytes, max_tokens: Option<u64>) -> u64 {
    own_budget(body, max_tokens).map_or(0, |_| BUDGET_MIN)
}

/// Where the maximum is lowered to `lowered`, what the model thinks with must stay below it.
pub(crate) fn lower(body: &Bytes, max_tokens: Option<u64>, lowered: u64) -> Option<Edit> {
    let (at, tokens) = own_budget(body, max_tokens)?;
    let with = Bytes::from((lowered / 2).max(BUDGET_MIN).to_string());
    (tokens >= lowered).then_some(Edit { at, with })
}

/// An answer that goes on after tools must have begun with a thought, and one that the caller began has none.
fn may_begin(messages: &[Message<'_>]) -> bool {
    let Some((last, before)) = messages.split_last() else {
        return true;
    };
    let answers_tools = last
        .content
        .iter()
        .any(|block| matches!(block, Block::ToolResult { .. }));
    let began_with_a_thought = before.last().is_some_and(|turn| {
        matches!(
            turn.content.first(),
            Some(Block::Thinking { .. } | Block::RedactedThinking { .. })
        )
    });
    last.role() == Role::User && (!answers_tools || began_with_a_thought)
}

/// How many tokens an effort is worth.
const fn budget(effort: Effort) -> u64 {
    match effort {
        Effort::None => 0,
        Effort::Minimal => BUDGET_MIN,
        Effort::Low => 2_048,
        Effort::Medium => 8_192,
        Effort::High => 16_384,
        Effort::Most => 31_999,
    }
}

/// The effort in Anthropic's words, for the models that take one. A number of tokens is worth an effort too.
pub(super) fn effort(prompt: &Prompt, model: &str) -> Option<&'static str> {
    if Way::of(model) != Way::Adaptive {
        return None;
    }
    let by_budget = || match prompt.thinking_budget? {
        0 => None,
        1..=2_048 => Some(Effort::Low),
        2_049..=8_192 => Some(Effort::Medium),
        _ => Some(Effort::High),
    };
    match prompt.effort.or_else(by_budget)? {
        Effort::None => None,
        Effort::Minimal | Effort::Low => Some("low"),
        Effort::Medium => Some("medium"),
        Effort::High => Some("high"),
        Effort::Most => Some("max"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_is_asked_in_the_way_that_it_knows() {
        let asked = |effort, budget, max_tokens, model| {
            let prompt = Prompt {
                effort,
                thinking_budget: budget,
                ..Prompt::default()
            };
            let said = super::effort(&prompt, model);
            (Thinking::choose(&prompt, model, max_tokens, &[]), said)
        };
        let enabled = |budget_tokens| Some(Thinking::Enabled { budget_tokens });
        let medium = Some(Effort::Medium);
        for (effort, budget, max, model, wanted) in [
            (
                medium,
                None,
                32_000,
                "claude-opus-5",
                (Some(Thinking::Adaptive), Some("medium")),
            ),
            (
                None,
                Some(9_000),
                32_000,
                "claude-opus-4-6",
                (Some(Thinking::Adaptive), Some("high")),
            ),
            (
                medium,
                None,
                32_000,
                "anthropic/claude-3.7-sonnet",
                (enabled(8_192), None),
            ),
            (
                medium,
                None,
                32_000,
                "claude-sonnet-4-20250514",
                (enabled(8_192), None),
            ),
            (
                None,
                Some(9_000),
                6_000,
                "claude-haiku-4-5",
                (enabled(3_000), None),
            ),
            (medium, None, 1_500, "claude-haiku-4-5", (None, None)),
            (
                medium,
                None,
                32_000,
                "claude-3-5-haiku-latest",
                (None, None),
            ),
            (
                Some(Effort::None),
                None,
                32_000,
                "claude-opus-5",
                (Some(Thinking::Disabled), None),
            ),
            (None, None, 32_000, "claude-opus-5", (None, None)),
        ] {
            assert_eq!(asked(effort, budget, max, model), wanted, "{model}");
        }
    }
}
