//! Which thoughts in a request would Anthropic refuse? Those that another provider had, in a conversation that goes on
//! here after it was somewhere else: they come without a signature, or with a seal of ours around another's. Others
//! who speak the dialect sign nothing, and want their own thoughts back: to them those without a signature go, and those
//! that the same model had where it was asked in chat, whose seal says nothing else.
//!
//! They are taken out of the caller's body, and nothing else is changed. A turn that was nothing but such thoughts goes as
//! a whole, because an empty one is refused; turns of one side that then follow each other are taken as one. A request
//! of nothing else is left as it is.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::kept;
use crate::fields::{elements, pick, place};
use crate::neutral::seal;
use crate::segments::{Edit, without};

/// How SDKs write a signature that is not there.
const UNSIGNED: [&str; 2] = [r#""signature":"""#, r#""signature": """#];

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
}

/// What becomes of a block.
enum Fate<'a> {
    Stays,
    Goes,
    /// It stays without its signature, which is this.
    Unsigned(&'a RawValue),
}

/// The edits that take them out, for the model that the caller calls `named` and its upstream `model`.
pub(crate) fn edits(body: &Bytes, named: &str, model: &str) -> Vec<Edit> {
    let signs = model.contains("claude");
    let unsigned: &[&str] = if signs { &UNSIGNED } else { &[] };
    if !seal::may_be_in(body, unsigned) {
        return Vec::new();
    }
    let [messages] = pick(body, ["messages"]).unwrap_or_default();
    let mut edits = Vec::new();
    let mut turns = Vec::new();
    for message in elements(messages) {
        let content = serde_json::from_str::<Message<'_>>(message.get())
            .ok()
            .and_then(|message| message.content);
        let blocks = elements(content);
        let mut places = Vec::with_capacity(blocks.len());
        for block in blocks {
            let fate = fate(block, signs, named);
            places.push((place(body, block), matches!(fate, Fate::Goes)));
            if let Fate::Unsigned(signature) = fate {
                edits.push(Edit {
                    at: place(body, signature),
                    with: Bytes::from_static(b"\"\""),
                });
            }
        }
        let is_all = !places.is_empty() && places.iter().all(|(_, goes)| *goes);
        if !is_all {
            edits.extend(without(&places));
        }
        turns.push((place(body, message), is_all));
    }
    if turns.iter().all(|(_, goes)| *goes) {
        return Vec::new();
    }
    edits.extend(without(&turns));
    edits
}

/// `signs`: the model's maker signs all of its thoughts.
fn fate<'a>(raw: &'a RawValue, signs: bool, named: &str) -> Fate<'a> {
    let Ok(block) = serde_json::from_str::<Block<'_>>(raw.get()) else {
        return Fate::Stays;
    };
    let goes = match block.kind.as_ref() {
        "thinking" => match block.signature.filter(|signature| !signature.is_empty()) {
            Some(signature) if !signs && kept::is_only_words(&signature, named) => {
                let [signature] = pick(raw.get().as_bytes(), ["signature"]).unwrap_or_default();
                return signature.map_or(Fate::Goes, Fate::Unsigned);
            }
            Some(signature) => seal::is_marked(&signature),
            None => signs,
        },
        "redacted_thinking" => block.data.is_some_and(|data| seal::is_marked(&data)),
        _ => false,
    };
    match goes {
        true => Fate::Goes,
        false => Fate::Stays,
    }
}
