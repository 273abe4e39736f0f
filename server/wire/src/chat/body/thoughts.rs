//! What of its own thoughts is given back to a model, and what stands for thoughts that nobody has any more? See
//! [`super::super::kept`].

use domain::Dialect;
use serde_json::{Value, json};

use super::is_openais;
use crate::chat::kept::{self, CONTENT, DETAILS, EXTRA, Kept, Object, REASONING};
use crate::neutral::{Part, Prompt};

/// What stands for thoughts where a provider wants some: Moonshot takes an empty text for none.
const NO_WORDS: &str = " ";

/// What Google documents for calls that another model made.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// How the providers of a model take its thoughts.
#[derive(Default)]
pub(super) struct Habit {
    takes: bool,
    /// Which messages they refuse without [`CONTENT`].
    wants_words: Wants,
    /// They refuse a call of tools without a signature.
    wants_signature: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Wants {
    #[default]
    Nothing,
    InCalls,
    Always,
}

impl Habit {
    pub(super) fn of(model: &str, prompt: &Prompt) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = name.to_ascii_lowercase();
        // Those who sell them under such names may be others than OpenAI.
        let is_openais_own = is_openais(model) && !model.contains('/');
        // Whoever says it in other words refuses these.
        let speaks_otherwise = sealed(prompt).any(|seal| {
            let field = Kept::field(seal);
            field == REASONING || field == DETAILS
        });
        let is = |start: &str, but_not: &str| name.starts_with(start) && !name.contains(but_not);
        let wants_words = if speaks_otherwise {
            Wants::Nothing
        } else if is("deepseek", "distill") || name.starts_with("mimo") {
            Wants::Always
        } else if is("kimi", "instruct") {
            Wants::InCalls
        } else {
            Wants::Nothing
        };
        let is_old = ["gemini-1", "gemini-2"]
            .iter()
            .any(|old| name.starts_with(old));
        Self {
            takes: !is_openais_own,
            wants_words,
            wants_signature: name.starts_with("gemini-") && !is_old && !speaks_otherwise,
        }
    }

    /// What goes with the calls of one message, if none of them has anything.
    pub(super) fn sign(&self, calls: &mut [Value]) {
        let is_signed = calls.iter().any(|call| call.get(EXTRA).is_some());
        if self.wants_signature
            && !is_signed
            && let Some(first) = calls.first_mut()
        {
            first[EXTRA] = json!({"google": {"thought_signature": NO_SIGNATURE}});
        }
    }
}

/// The seals that an upstream of this dialect made.
fn sealed(prompt: &Prompt) -> impl Iterator<Item = &str> {
    let parts = prompt.turns.iter().flat_map(|turn| &turn.parts);
    parts.filter_map(|part| match part {
        Part::Reasoning {
            seal: Some((Dialect::Chat, seal)),
            ..
        } => Some(seal.as_str()),
        _ => None,
    })
}

/// What the model thought for one message.
#[derive(Default)]
pub(super) struct Thoughts {
    content: String,
    reasoning: String,
    details: Vec<Object>,
    /// For the next call.
    extra: Option<Object>,
}

impl Thoughts {
    /// Thoughts that were not sealed by an upstream of this dialect are left out.
    pub(super) fn add(&mut self, text: &str, seal: Option<&(Dialect, String)>) {
        let Some((Dialect::Chat, seal)) = seal else {
            return;
        };
        match Kept::read(seal) {
            Some(Kept::Words(CONTENT)) => self.content.push_str(text),
            Some(Kept::Words(_)) => self.reasoning.push_str(text),
            Some(Kept::Details(mut details)) => {
                kept::lengthen(&mut details, text);
                // Each seal is whole: details that are numbered alike came with another answer.
                self.details.extend(details);
            }
            Some(Kept::Extra(extra)) => self.extra = Some(extra),
            None => {}
        }
    }

    /// Puts into a call what was thought for it.
    pub(super) fn sign(&mut self, habit: &Habit, call: &mut Value) {
        if let Some(extra) = self.extra.take().filter(|_| habit.takes) {
            call[EXTRA] = extra.into();
        }
    }

    /// Puts them into their message.
    pub(super) fn write(self, habit: &Habit, message: &mut Value) {
        if habit.takes {
            for (field, words) in [(CONTENT, self.content), (REASONING, self.reasoning)] {
                if !words.is_empty() {
                    message[field] = words.into();
                }
            }
            if !self.details.is_empty() {
                message[DETAILS] = self.details.into_iter().map(Value::Object).collect();
            }
        }
        let is_wanted = match habit.wants_words {
            Wants::Nothing => false,
            Wants::InCalls => message.get("tool_calls").is_some(),
            Wants::Always => true,
        };
        if is_wanted && message.get(CONTENT).is_none() {
            message[CONTENT] = NO_WORDS.into();
        }
    }
}
