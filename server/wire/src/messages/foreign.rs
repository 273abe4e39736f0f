//! Which thoughts in a request would Anthropic refuse? Those that another provider had, in a conversation that goes on
//! here after it was somewhere else: they come without a signature, or with a seal of ours around another's. Others
//! who speak the dialect sign nothing, and want their own thoughts back: to them those without a signature go.
//!
//! They are taken out of the caller's body, and nothing else is changed. A turn that was nothing but such thoughts goes as
//! a whole, because an empty one is refused; turns of one side that then follow each other are taken as one. A request
//! of nothing else is left as it is.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fields::{given, pick, place};
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

/// The edits that take them out, for this model.
pub(crate) fn edits(body: &Bytes, model: &str) -> Vec<Edit> {
    let signs = model.contains("claude");
    let unsigned: &[&str] = if signs { &UNSIGNED } else { &[] };
    if !seal::may_be_in(body, unsigned) {
        return Vec::new();
    }
    let [messages] = pick(body, ["messages"]).unwrap_or_default();
    let mut edits = Vec::new();
    let mut turns = Vec::new();
    for message in given(messages).and_then(list).unwrap_or_default() {
        let content = serde_json::from_str::<Message<'_>>(message.get())
            .ok()
            .and_then(|message| message.content);
        let blocks = content.and_then(list).unwrap_or_default();
        let blocks: Vec<_> = blocks
            .into_iter()
            .map(|block| (place(body, block), is_foreign(block, signs)))
            .collect();
        let is_all = !blocks.is_empty() && blocks.iter().all(|(_, goes)| *goes);
        if !is_all {
            edits.extend(without(&blocks));
        }
        turns.push((place(body, message), is_all));
    }
    if turns.iter().all(|(_, goes)| *goes) {
        return Vec::new();
    }
    edits.extend(without(&turns));
    edits
}

/// The values of a list; `None` for anything else.
fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// `signs`: the model's maker signs all of its thoughts.
fn is_foreign(block: &RawValue, signs: bool) -> bool {
    let Ok(block) = serde_json::from_str::<Block<'_>>(block.get()) else {
        return false;
    };
    match block.kind.as_ref() {
        "thinking" => match block.signature.filter(|signature| !signature.is_empty()) {
            Some(signature) => seal::is_marked(&signature),
            None => signs,
        },
        "redacted_thinking" => block.data.is_some_and(|data| seal::is_marked(&data)),
        _ => false,
    }
}
