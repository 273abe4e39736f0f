//! How is an answer written for Gemini's callers: its parts, its end, its report?

use domain::Usage;
use serde_json::{Map, Value, json};

use super::seal::signature;
use crate::neutral::{Block, Content, Stop, ToolKind, custom};
use crate::request::Caller;

/// A response with these parts. `stop` ends it.
pub(super) fn response(
    caller: &Caller,
    parts: Vec<Value>,
    ending: Option<(&Stop, &Usage)>,
) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    let mut response = Map::new();
    if let Some((stop, usage)) = ending {
        candidate["finishReason"] = reason(stop).into();
        response.insert("usageMetadata".to_owned(), report(usage));
    }
    response.insert("candidates".to_owned(), json!([candidate]));
    response.insert("modelVersion".to_owned(), caller.model.as_str().into());
    response.insert("responseId".to_owned(), caller.call.as_str().into());
    response.into()
}

const fn reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Tools | Stop::Sequence(_) => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Filtered | Stop::Refused => "SAFETY",
    }
}

/// The dialect counts cached tokens in the prompt's, and thoughts beside the candidates'.
fn report(usage: &Usage) -> Value {
    json!({
        "promptTokenCount": usage.prompt(),
        "cachedContentTokenCount": usage.cached_input,
        "candidatesTokenCount": usage.answer().saturating_sub(usage.reasoning),
        "thoughtsTokenCount": usage.reasoning,
        "totalTokenCount": usage.total(),
    })
}

pub(super) fn text(text: &str) -> Value {
    json!({ "text": text })
}

pub(super) fn thought(text: &str) -> Value {
    json!({"text": text, "thought": true})
}

/// The part of a thought that carries what its provider wants back.
pub(super) fn sealed(text: &str, seal: &str) -> Value {
    json!({"text": text, "thought": true, "thoughtSignature": signature(seal)})
}

/// The part of a call with what its provider wants back with it: Google's clients keep it there, and leave out thoughts.
pub(super) fn signed(mut call: Value, seal: Option<String>) -> Value {
    if let Some(seal) = seal {
        call["thoughtSignature"] = signature(&seal).into();
    }
    call
}

/// Arguments that are no object are kept as the input of a custom tool is.
pub(super) fn call(id: &str, name: &str, arguments: &str, kind: ToolKind) -> Value {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let args = match kind {
        ToolKind::Function if arguments.trim().is_empty() => Some(Map::new()),
        ToolKind::Function => object(arguments),
        ToolKind::Custom => None,
    };
    let args = args.or_else(|| object(&custom::arguments(arguments)));
    json!({"functionCall": {"id": id, "name": name, "args": args}})
}

/// The parts of a whole answer.
pub(super) fn parts(blocks: &[Content]) -> Vec<Value> {
    let mut parts = Vec::new();
    // Of thoughts without words, for the call behind them.
    let mut wordless: Option<String> = None;
    for content in blocks {
        let part = match (&content.block, &content.seal) {
            (Block::Text | Block::Refusal, _) => text(&content.text),
            (Block::Reasoning, None) => thought(&content.text),
            (Block::Reasoning, Some(seal)) if content.text.is_empty() => {
                let earlier = wordless.replace(seal.clone());
                parts.extend(earlier.map(|seal| sealed("", &seal)));
                continue;
            }
            (Block::Reasoning, Some(seal)) => sealed(&content.text, seal),
            (Block::Tool { id, name, kind }, _) => {
                signed(call(id, name, &content.text, *kind), wordless.take())
            }
        };
        parts.extend(wordless.take().map(|seal| sealed("", &seal)));
        parts.push(part);
    }
    parts.extend(wordless.map(|seal| sealed("", &seal)));
    parts
}
