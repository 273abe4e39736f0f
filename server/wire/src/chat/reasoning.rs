//! How does sealed reasoning travel in a dialect that has no place for it? As OpenRouter's `reasoning_details`: clients
//! that send the assistant's message back as they got it send these too, so that a loop of tools can go on.

use serde::{Deserialize, Serialize};

/// A block of reasoning, or a piece of one: those of the same `index` belong together.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct Detail {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    index: Option<u64>,
}

impl Detail {
    /// The block with this number. Thoughts that their provider keeps to itself have a seal only.
    pub(super) fn of_block(index: u64, text: &str, seal: &str) -> Self {
        let (kind, data, signature) = match text {
            "" => ("reasoning.encrypted", Some(seal.to_owned()), None),
            _ => ("reasoning.text", None, Some(seal.to_owned())),
        };
        Self {
            kind: kind.to_owned(),
            text: (!text.is_empty()).then(|| text.to_owned()),
            summary: None,
            data,
            signature,
            index: Some(index),
        }
    }
}

/// The text and the seal of each block, in their order.
pub(super) fn parts(details: Vec<Detail>) -> Vec<(String, Option<String>)> {
    let mut blocks = Vec::<(Option<u64>, String, Option<String>)>::new();
    for detail in details {
        let text = detail.text.or(detail.summary).unwrap_or_default();
        let seal = detail.signature.or(detail.data);
        match blocks.last_mut() {
            Some((index, earlier, sealed))
                if index.is_some() && *index == detail.index && sealed.is_none() =>
            {
                earlier.push_str(&text);
                *sealed = seal;
            }
            _ => blocks.push((detail.index, text, seal)),
        }
    }
    blocks
        .into_iter()
        .filter(|(_, text, seal)| !text.is_empty() || seal.is_some())
        .map(|(_, text, seal)| (text, seal))
        .collect()
}
