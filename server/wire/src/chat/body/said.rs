//! How is a conversation written as chat messages?
//!
//! The dialect's rule: behind a message that calls tools stand their results and nothing else, one for each call. The
//! others let words stand between, split the results, or cut a conversation so that one comes without the other.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::parts::{text_of, user_part};
use super::thoughts::{Habit, Thoughts};
use crate::neutral::{Part, Prompt, Role, ToolKind, Turn, custom};
use crate::request::BadRequest;

/// Between texts that were separate ones.
const BETWEEN: &str = "\n\n";

/// What is said of a call whose result never came: providers refuse a call without one.
const NO_RESULT: &str = "(no result)";

pub(super) fn messages(prompt: &Prompt, model: &str) -> Result<Vec<Value>, BadRequest> {
    let mut messages = Messages {
        habit: Habit::of(model, prompt),
        ..Messages::default()
    };
    if !prompt.system.is_empty() {
        // As one: the templates of many models take only one.
        messages.push("system", prompt.system.join(BETWEEN).into());
    }
    for turn in &prompt.turns {
        match turn.role {
            Role::System => messages.system(turn),
            Role::User => messages.user(turn)?,
            Role::Assistant => messages.assistant(turn)?,
        }
    }
    messages.close();
    let mut out = Vec::with_capacity(messages.out.len());
    let mut calls = messages.calls.into_iter();
    for entry in messages.out {
        match entry {
            Entry::Message(message) => out.push(message),
            Entry::Said(said) => said.write(&messages.habit, &mut calls, &mut out),
        }
    }
    Ok(out)
}

#[derive(Default)]
struct Messages {
    habit: Habit,
    out: Vec<Entry>,
    /// What the model said and did since the user's last turn, however many turns it took: chat wants all calls of
    /// tools in one message, their results behind it.
    said: Said,
    /// All of its calls, in their order.
    calls: Vec<Call>,
    /// Of each id the calls that have no result yet, by their places in `calls`.
    waiting: BTreeMap<String, VecDeque<usize>>,
    /// What results of tools hold beside text: it goes to the user's next message, results may hold text only.
    left: Vec<Value>,
}

enum Entry {
    Message(Value),
    /// Not written until the end: results of its calls may still come.
    Said(Said),
}

#[derive(Default)]
struct Said {
    text: String,
    refusal: String,
    thoughts: Thoughts,
    /// How many.
    calls: usize,
}

struct Call {
    id: String,
    written: Value,
    result: Option<String>,
}

impl Said {
    const fn is_empty(&self) -> bool {
        self.text.is_empty() && self.refusal.is_empty() && self.calls == 0
    }

    /// The message and the results behind it. `calls` are those that were not written yet.
    fn write(self, habit: &Habit, calls: &mut impl Iterator<Item = Call>, out: &mut Vec<Value>) {
        let content = match self.text.is_empty() {
            true => Value::Null,
            false => self.text.into(),
        };
        let mut message = json!({"role": "assistant", "content": content});
        if !self.refusal.is_empty() {
            message["refusal"] = self.refusal.into();
        }
        let (mut written, mut results) = (Vec::new(), Vec::new());
        for call in calls.take(self.calls) {
            let content = call.result.unwrap_or_else(|| NO_RESULT.to_owned());
            results.push(json!({"role": "tool", "tool_call_id": call.id, "content": content}));
            written.push(call.written);
        }
        if !written.is_empty() {
            habit.sign(&mut written);
            message["tool_calls"] = written.into();
        }
        self.thoughts.write(habit, &mut message);
        out.push(message);
        out.extend(results);
    }
}

impl Messages {
    fn push(&mut self, role: &str, content: Value) {
        let message = json!({"role": role, "content": content});
        self.out.push(Entry::Message(message));
    }

    /// Whatever comes next comes behind what was said by now.
    fn close(&mut self) {
        self.close_said();
        if !self.left.is_empty() {
            let content = std::mem::take(&mut self.left).into();
            self.push("user", content);
        }
    }

    fn close_said(&mut self) {
        let said = std::mem::take(&mut self.said);
        if !said.is_empty() {
            self.out.push(Entry::Said(said));
        }
    }

    fn system(&mut self, turn: &Turn) {
        self.close();
        let texts: Vec<&str> = turn.parts.iter().filter_map(text_of).collect();
        self.push("system", texts.join(BETWEEN).into());
    }

    fn user(&mut self, turn: &Turn) -> Result<(), BadRequest> {
        let mut said = Vec::new();
        let mut answers_last = false;
        for part in &turn.parts {
            match part {
                // The call may be gone with the beginning of the conversation. What came of it is still worth reading.
                Part::ToolResult { id, parts, .. } => match self.answer(id, parts)? {
                    Some(is_last) => answers_last |= is_last,
                    None => said.extend(parts),
                },
                part => said.push(part),
            }
        }
        // Results of earlier calls go to where these are, and part nothing here.
        let moves_away = !turn.parts.is_empty() && said.is_empty() && !answers_last;
        if !moves_away {
            self.close_said();
        }
        if said.is_empty() {
            if turn.parts.is_empty() {
                self.push("user", "".into());
            }
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.left);
        let texts: Vec<&str> = said.iter().copied().filter_map(text_of).collect();
        if all.is_empty() && texts.len() == said.len() {
            self.push("user", texts.join(BETWEEN).into());
            return Ok(());
        }
        for part in said {
            all.extend(user_part(part)?);
        }
        if !all.is_empty() {
            self.push("user", all.into());
        }
        Ok(())
    }

    /// Puts a result to its call. Answers whether the model did no more since, or `None` where no call waits for it. What
    /// is no text of the result is left for the user's next message.
    fn answer(&mut self, id: &str, parts: &[Part]) -> Result<Option<bool>, BadRequest> {
        let waiting = self.waiting.get_mut(id).and_then(VecDeque::pop_front);
        let Some(at) = waiting else {
            return Ok(None);
        };
        let mut texts = Vec::new();
        for part in parts {
            match text_of(part) {
                Some(text) => texts.push(text),
                None => self.left.extend(user_part(part)?),
            }
        }
        self.calls[at].result = Some(texts.join(BETWEEN));
        Ok(Some(at >= self.first_call()))
    }

    /// The place of the first call of the message that is not closed yet.
    fn first_call(&self) -> usize {
        self.calls.len() - self.said.calls
    }

    fn call(&mut self, id: &str, written: Value) {
        let (at, first) = (self.calls.len(), self.first_call());
        let waiting = self.waiting.entry(id.to_owned()).or_default();
        // Some count their calls anew in each message: a result is of the last one.
        while waiting.front().is_some_and(|earlier| *earlier < first) {
            waiting.pop_front();
        }
        waiting.push_back(at);
        self.calls.push(Call {
            id: id.to_owned(),
            written,
            result: None,
        });
        self.said.calls += 1;
    }

    fn assistant(&mut self, turn: &Turn) -> Result<(), BadRequest> {
        if !self.left.is_empty() {
            self.close();
        }
        let mut goes_on = false;
        for part in &turn.parts {
            match part {
                Part::Text(text) => {
                    if !goes_on && !self.said.text.is_empty() {
                        self.said.text.push_str(BETWEEN);
                    }
                    self.said.text.push_str(text);
                }
                Part::Refusal(text) => self.said.refusal.push_str(text),
                Part::ToolCall {
                    id,
                    name,
                    arguments,
                    kind,
                } => {
                    let arguments = match kind {
                        ToolKind::Custom => custom::arguments(arguments),
                        // Templates read them as JSON.
                        ToolKind::Function if arguments.trim().is_empty() => "{}".to_owned(),
                        ToolKind::Function => arguments.clone(),
                    };
                    let function = json!({"name": name, "arguments": arguments});
                    let mut call = json!({"id": id, "type": "function", "function": function});
                    self.said.thoughts.sign(&self.habit, &mut call);
                    self.call(id, call);
                }
                Part::Reasoning { text, seal } => self.said.thoughts.add(text, seal.as_ref()),
                Part::Image(_) | Part::File(_) | Part::Audio(_) | Part::ToolResult { .. } => {
                    let detail =
                        "the assistant's turns may hold only text and tool calls for this model";
                    return Err(BadRequest::new("messages", detail));
                }
            }
            goes_on = matches!(part, Part::Text(_));
        }
        Ok(())
    }
}
