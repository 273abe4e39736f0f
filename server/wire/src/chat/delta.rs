//! What may a message hold, whole or in pieces? Everything under the names that providers use.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny};
use serde_json::value::RawValue;

use super::kept::{CONTENT, Object, REASONING};

/// The message of a plain answer, or what a chunk adds to it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
    #[serde(borrow)]
    pub(super) function_call: Option<Function<'a>>,
    audio: Option<IgnoredAny>,
    images: Option<IgnoredAny>,
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ToolCall<'a> {
    pub(super) index: Option<u64>,
    #[serde(borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) function: Option<Function<'a>>,
    #[serde(borrow)]
    pub(super) custom: Option<Custom<'a>>,
    #[serde(borrow)]
    pub(super) extra_content: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) arguments: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Custom<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) input: Option<Cow<'a, str>>,
}

/// A text, or a list of parts, in which Mistral's models think.
pub(super) struct Content<'a> {
    pub(super) thoughts: Option<Cow<'a, str>>,
    pub(super) text: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Thinking<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Thinking<'a> {
    Parts(#[serde(borrow)] Vec<Thought<'a>>),
    Text(String),
}

#[derive(Deserialize)]
struct Thought<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        if !raw.starts_with('[') {
            return Ok(Self {
                thoughts: None,
                text: serde_json::from_str(raw).map_err(de::Error::custom)?,
            });
        }
        let parts: Vec<Part<'de>> = serde_json::from_str(raw).map_err(de::Error::custom)?;
        let (mut thoughts, mut text) = (String::new(), String::new());
        for part in parts {
            text.push_str(part.text.as_deref().unwrap_or_default());
            match part.thinking {
                Some(Thinking::Text(thought)) => thoughts.push_str(&thought),
                Some(Thinking::Parts(all)) => all
                    .iter()
                    .filter_map(|thought| thought.text.as_deref())
                    .for_each(|thought| thoughts.push_str(thought)),
                None => {}
            }
        }
        Ok(Self {
            thoughts: Some(thoughts.into()),
            text: Some(text.into()),
        })
    }
}

impl Delta<'_> {
    /// Something is delivered that is not text.
    pub(super) fn has_media(&self) -> bool {
        self.audio.is_some() || self.images.is_some() || self.reasoning_details.is_some()
    }

    /// What was thought. Servers that send it under both names send the same twice.
    pub(super) fn thoughts(&self) -> Option<&str> {
        self.thoughts_in().map(|(text, _)| text)
    }

    /// What was thought, and in which field it was said if it is one that takes it back.
    pub(super) fn thoughts_in(&self) -> Option<(&str, Option<&'static str>)> {
        let of_content = self
            .content
            .as_ref()
            .and_then(|content| content.thoughts.as_ref());
        [
            (self.reasoning_content.as_ref(), Some(CONTENT)),
            (self.reasoning.as_ref(), Some(REASONING)),
            (of_content, None),
        ]
        .into_iter()
        .find_map(|(text, field)| {
            let text: &str = text?;
            (!text.is_empty()).then_some((text, field))
        })
    }

    /// What else was said of the thoughts. What is of another shape says nothing.
    pub(super) fn details(&self) -> Vec<Object> {
        self.reasoning_details
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.content.as_ref()?.text.as_deref()
    }

    /// Hands every piece of text to `each`, for a tokenizer.
    pub(super) fn each_text(&self, each: &mut dyn FnMut(&str)) {
        let words = [self.text(), self.refusal.as_deref(), self.thoughts()];
        words.into_iter().flatten().for_each(&mut *each);
        let calls = self.tool_calls.iter().flatten();
        for call in calls {
            let function = call.function.iter().flat_map(Function::words);
            let custom = call
                .custom
                .iter()
                .flat_map(|custom| [custom.name.as_deref(), custom.input.as_deref()]);
            function.chain(custom).flatten().for_each(&mut *each);
        }
        let legacy = self.function_call.iter().flat_map(Function::words);
        legacy.flatten().for_each(&mut *each);
    }
}

impl ToolCall<'_> {
    /// What goes with the call and is wanted back.
    pub(super) fn extra(&self) -> Option<Object> {
        let read = self
            .extra_content
            .and_then(|raw| serde_json::from_str::<Object>(raw.get()).ok());
        read.filter(|extra| !extra.is_empty())
    }
}

impl Function<'_> {
    fn words(&self) -> [Option<&str>; 2] {
        [self.name.as_deref(), self.arguments.as_deref()]
    }
}
