//! What does an upstream of this dialect want back of what its model thought?
//!
//! OpenAI has no word for it, and each provider its own: DeepSeek, Moonshot, Xiaomi, Z.ai and Qwen take
//! `reasoning_content`, and the first three refuse a loop of tools without it; Groq, Cerebras and vLLM take `reasoning`,
//! and the first two refuse the other; OpenRouter takes `reasoning_details` as they were; Google takes a tool call's `extra_content`, which holds a
//! signature that Gemini 3 refuses to be without.
//!
//! So each gets back what it said itself, in the field in which it said it. The seal of the reasoning names the field, and
//! the model, because another one may stand behind another provider.

use domain::Dialect;
use serde_json::{Map, Value};

use crate::neutral::{Part, Prompt, seal};

pub(super) type Object = Map<String, Value>;

pub(super) const CONTENT: &str = "reasoning_content";
pub(super) const REASONING: &str = "reasoning";
pub(super) const DETAILS: &str = "reasoning_details";
pub(super) const EXTRA: &str = "extra_content";

/// What a seal of this dialect says about its block of reasoning.
pub(super) enum Kept {
    /// The words go into the field of this name: [`CONTENT`] or [`REASONING`].
    Words(&'static str),
    /// These go into [`DETAILS`]. What says `true` where its words were says what the block says.
    Details(Vec<Object>),
    /// The [`EXTRA`] of the next tool call. The block says nothing itself.
    Extra(Object),
}

impl Kept {
    /// The marked seal. `model` is as the caller named it.
    pub(super) fn seal(self, model: &str) -> String {
        let (field, json) = match self {
            Self::Words(field) => (field, String::new()),
            Self::Details(details) => {
                let details = details.into_iter().map(Value::Object).collect::<Value>();
                (DETAILS, details.to_string())
            }
            Self::Extra(extra) => (EXTRA, Value::Object(extra).to_string()),
        };
        seal::mark(Dialect::Chat, &format!("{field}.{model}{json}"))
    }

    /// Reads a seal that [`keep_own`] let through.
    pub(super) fn read(seal: &str) -> Option<Self> {
        let (field, json) = seal.split_once('.')?;
        match field {
            CONTENT if json.is_empty() => Some(Self::Words(CONTENT)),
            REASONING if json.is_empty() => Some(Self::Words(REASONING)),
            DETAILS => serde_json::from_str(json).ok().map(Self::Details),
            EXTRA => serde_json::from_str(json).ok().map(Self::Extra),
            _ => None,
        }
    }

    /// The field that a seal names.
    pub(super) fn field(seal: &str) -> &str {
        seal.split_once('.').map_or("", |(field, _)| field)
    }
}

/// Takes the model's name out of the seals of its own reasoning, and takes away those of other models.
pub(crate) fn keep_own(prompt: &mut Prompt, model: &str) {
    let parts = prompt.turns.iter_mut().flat_map(|turn| &mut turn.parts);
    for part in parts {
        let Part::Reasoning { seal, .. } = part else {
            continue;
        };
        if let Some((Dialect::Chat, made)) = seal {
            let own = made.split_once('.').and_then(|(field, rest)| {
                let json = rest.strip_prefix(model)?;
                Some((Dialect::Chat, format!("{field}.{json}")))
            });
            *seal = own;
        }
    }
}

/// Whether a seal says no more than that its block's words are what the model of this name thought.
pub(crate) fn is_only_words(seal: &str, model: &str) -> bool {
    [CONTENT, REASONING]
        .into_iter()
        .any(|field| Kept::Words(field).seal(model) == seal)
}

fn is_words(name: &str) -> bool {
    matches!(name, "text" | "summary")
}

/// Adds a detail to those before it. A stream brings a text in many pieces, which have one index.
pub(super) fn add(details: &mut Vec<Object>, piece: Object) {
    let is_text = matches!(
        piece.get("type").and_then(Value::as_str),
        Some("reasoning.text" | "reasoning.summary")
    );
    let goes_on = |last: &&mut Object| {
        let same = |name: &str| {
            piece
                .get(name)
                .is_some_and(|own| last.get(name) == Some(own))
        };
        is_text && same("type") && same("index")
    };
    let Some(last) = details.last_mut().filter(goes_on) else {
        details.push(piece);
        return;
    };
    for (name, value) in piece {
        if let (Some(Value::String(whole)), Value::String(more)) = (last.get_mut(&name), &value)
            && is_words(&name)
        {
            whole.push_str(more);
        } else if !value.is_null() {
            last.insert(name, value);
        }
    }
}

fn each_words(details: &mut [Object]) -> impl Iterator<Item = &mut Value> {
    let fields = details.iter_mut().flatten();
    fields.filter_map(|(name, value)| is_words(name).then_some(value))
}

/// Leaves out words that the block says itself.
pub(super) fn shorten(details: &mut [Object], said: &str) {
    let is_something = |value: &&mut Value| value.as_str().is_some_and(|text| !text.is_empty());
    let mut all = each_words(details).filter(is_something);
    if let (Some(words), None) = (all.next(), all.next())
        && words.as_str() == Some(said)
    {
        *words = true.into();
    }
}

/// Puts the words of the block back, once: nobody's seal may make more of them.
pub(super) fn lengthen(details: &mut [Object], said: &str) {
    let left_out = each_words(details).find(|value| **value == Value::Bool(true));
    if let Some(words) = left_out {
        *words = said.into();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::neutral::{Role, Turn};
    use serde_json::json;

    fn object(value: Value) -> Object {
        serde_json::from_value(value).unwrap()
    }

    /// The seals of a conversation that came back, as a model of this name gets them.
    fn back(marked: &str, model: &str) -> Option<String> {
        let (made_in, made) = seal::whose(marked, Dialect::Messages);
        let part = Part::Reasoning {
            text: "hm".to_owned(),
            seal: Some((made_in, made)),
        };
        let mut prompt = Prompt {
            turns: vec![Turn {
                role: Role::Assistant,
                parts: vec![part],
            }],
            ..Prompt::default()
        };
        keep_own(&mut prompt, model);
        match prompt.turns.remove(0).parts.remove(0) {
            Part::Reasoning { seal, .. } => seal.map(|(_, seal)| seal),
            _ => None,
        }
    }

    #[test]
    fn only_the_model_that_thought_it_gets_it_back() {
        let extra = object(json!({"google": {"thought_signature": "a.b="}}));
        for kept in [
            Kept::Words(CONTENT),
            Kept::Words(REASONING),
            Kept::Details(vec![extra.clone()]),
            Kept::Extra(extra),
        ] {
            let marked = kept.seal("kimi-k2.5");
            let own = back(&marked, "kimi-k2.5").unwrap();
            let again = Kept::read(&own).unwrap().seal("kimi-k2.5");
            assert_eq!(again, marked);
            for other in ["kimi-k2", "kimi", "", "kimi-k2.5-turbo", "other"] {
                let got = back(&marked, other).and_then(|seal| Kept::read(&seal));
                assert!(got.is_none(), "{marked} for {other}");
            }
        }
        assert_eq!(
            back("c2ln", "m").as_deref(),
            Some("c2ln"),
            "Anthropic's own"
        );
        for wrong in [
            "farebox.chat.",
            "farebox.chat.x.m",
            "farebox.chat.reasoning_details.m{",
        ] {
            assert!(
                back(wrong, "m")
                    .and_then(|seal| Kept::read(&seal))
                    .is_none()
            );
        }
    }

    #[test]
    fn details_come_together_as_they_were() {
        let mut all = Vec::new();
        for piece in [
            json!({"type": "reasoning.text", "text": "h", "index": 0, "format": "f"}),
            json!({"type": "reasoning.text", "text": "m", "index": 0, "signature": null}),
            json!({"type": "reasoning.text", "signature": "s", "index": 0}),
            json!({"type": "reasoning.encrypted", "data": "a", "index": 1}),
            json!({"type": "reasoning.encrypted", "data": "b", "index": 1}),
            json!({"type": "reasoning.text", "text": ""}),
            json!({"type": "reasoning.text", "text": ""}),
        ] {
            add(&mut all, object(piece));
        }
        let wanted = json!([
            {"type": "reasoning.text", "text": "hm", "index": 0, "format": "f", "signature": "s"},
            {"type": "reasoning.encrypted", "data": "a", "index": 1},
            {"type": "reasoning.encrypted", "data": "b", "index": 1},
            {"type": "reasoning.text", "text": ""},
            {"type": "reasoning.text", "text": ""},
        ]);
        assert_eq!(json!(all), wanted);
        shorten(&mut all, "other");
        assert_eq!(json!(all), wanted);
        shorten(&mut all, "hm");
        assert_eq!(all[0]["text"], true);
        let mut twice = vec![all[0].clone(), all[0].clone()];
        lengthen(&mut all, "hm");
        assert_eq!(json!(all), wanted);
        lengthen(&mut twice, "hm");
        assert_eq!(twice[1]["text"], true, "a forged seal multiplies nothing");
    }
}
