//! Which reasoning in a request would OpenAI refuse? That of another provider, in a conversation that goes on here after
//! it was somewhere else: sealed by us, or named by us and not sealed at all, which OpenAI looks for among its own and
//! does not find.
//!
//! Such items are taken out of the caller's body, and nothing else is changed. A request of nothing else is left as it is.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fields::{elements, pick, place};
use crate::neutral::seal;
use crate::segments::{Edit, without};

/// How the ids begin of reasoning that was written here: after the call that it came with.
pub(super) const OURS: &str = "rs_call_";

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    encrypted_content: Option<Cow<'a, str>>,
}

/// The edits that take them out.
pub(crate) fn edits(body: &Bytes) -> Vec<Edit> {
    if !seal::may_be_in(body, &[OURS]) {
        return Vec::new();
    }
    let [input] = pick(body, ["input"]).unwrap_or_default();
    let items: Vec<_> = elements(input)
        .into_iter()
        .map(|item| (place(body, item), is_foreign(item)))
        .collect();
    match items.iter().all(|(_, goes)| *goes) {
        true => Vec::new(),
        false => without(&items),
    }
}

fn is_foreign(item: &RawValue) -> bool {
    let Ok(item) = serde_json::from_str::<Item<'_>>(item.get()) else {
        return false;
    };
    let sealed = item.encrypted_content.filter(|sealed| !sealed.is_empty());
    item.kind == "reasoning"
        && match sealed {
            Some(sealed) => seal::is_marked(&sealed),
            None => item.id.is_some_and(|id| id.starts_with(OURS)),
        }
}
