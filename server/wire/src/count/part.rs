//! What of a prompt has tokens? Its texts, what tools are and what they are given, and what is attached; but not the
//! names and marks by which its JSON is kept in order.

use domain::Dialect;
use serde_json::value::RawValue;

use super::walk::{self, compact};
use crate::fields::{elements, given, pick};

/// A piece of a prompt. No `Debug`: it carries the caller's words.
pub(super) enum Part<'a> {
    /// What the model is told beforehand begins.
    Instructions,
    /// A message begins.
    Message,
    Text(&'a str),
    /// What a tool is called with, or answers, as JSON.
    Json(&'a str),
    /// What a tool is, or what form the answer must have, as JSON.
    Tool(&'a str),
    Form(&'a str),
    /// The id by which a call of a tool and its result belong together.
    CallId,
    /// An image, a sound or a file: base64, a data URL or an address.
    Attached(&'a str),
    /// The model must call a tool.
    Forced,
}

pub(super) type Each<'a> = &'a mut dyn FnMut(Part<'_>);

/// Hands all that the model reads to `each`. What is no JSON has nothing of it.
pub(super) fn each_part(dialect: Dialect, body: &[u8], each: Each<'_>) {
    match dialect {
        Dialect::Chat => chat(body, each),
        Dialect::Responses => responses(body, each),
        Dialect::Messages => messages(body, each),
        Dialect::Gemini => gemini(body, each),
    }
}

fn chat(body: &[u8], each: Each<'_>) {
    let names = ["messages", "tools", "functions", "response_format"];
    let [messages, tools, functions, form] = pick(body, names).unwrap_or_default();
    turns(messages, each);
    defined(tools, each);
    defined(functions, each);
    form_of(form, "json_schema", each);
    forced(field(body, "tool_choice"), &["\"required\"", "{"], each);
}

fn responses(body: &[u8], each: Each<'_>) {
    let names = ["input", "instructions", "tools", "text"];
    let [input, instructions, tools, text] = pick(body, names).unwrap_or_default();
    told(instructions, each);
    turns(input, each);
    defined(tools, each);
    form_of(text, "format", each);
    forced(field(body, "tool_choice"), &["\"required\"", "{"], each);
}

fn messages(body: &[u8], each: Each<'_>) {
    let [messages, system, tools] = pick(body, ["messages", "system", "tools"]).unwrap_or_default();
    told(system, each);
    turns(messages, each);
    defined(tools, each);
    form_of(field(body, "output_config"), "format", each);
    let choice = field(body, "tool_choice").and_then(|choice| inner(choice, "type"));
    forced(choice, &["\"any\"", "\"tool\""], each);
}

fn gemini(body: &[u8], each: Each<'_>) {
    let names = [
        "contents",
        "systemInstruction",
        "system_instruction",
        "tools",
    ];
    let [contents, system, system_too, tools] = pick(body, names).unwrap_or_default();
    told(given(system).or(system_too), each);
    turns(contents, each);
    defined(tools, each);
    let config = field(body, "generationConfig").or(field(body, "generation_config"));
    form_of(config, "responseSchema", each);
}

/// A field that whoever read the body may not have looked at; one that is there twice is nothing.
fn field<'a>(body: &'a [u8], name: &'static str) -> Option<&'a RawValue> {
    let [found] = pick(body, [name]).unwrap_or_default();
    given(found)
}

pub(super) fn inner<'a>(raw: &'a RawValue, name: &'static str) -> Option<&'a RawValue> {
    field(raw.get().as_bytes(), name)
}

/// A list of messages, or a single one that is a text.
fn turns(raw: Option<&RawValue>, each: Each<'_>) {
    match given(raw).map(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get())) {
        Some(Ok(list)) => list.into_iter().for_each(|one| turn(Some(one), each)),
        Some(Err(_)) => turn(raw, each),
        None => {}
    }
}

fn told(raw: Option<&RawValue>, each: Each<'_>) {
    if let Some(raw) = given(raw) {
        each(Part::Instructions);
        walk::message(raw, each);
    }
}

fn turn(raw: Option<&RawValue>, each: Each<'_>) {
    if let Some(raw) = given(raw) {
        each(Part::Message);
        walk::message(raw, each);
    }
}

/// Tools, each in the wrapping that its dialect has for it.
fn defined(raw: Option<&RawValue>, each: Each<'_>) {
    for tool in elements(raw) {
        let several = inner(tool, "functionDeclarations").or(inner(tool, "function_declarations"));
        if several.is_some() {
            for tool in elements(several) {
                each(Part::Tool(&compact(tool.get())));
            }
        } else {
            let tool = inner(tool, "function").unwrap_or(tool);
            each(Part::Tool(&compact(tool.get())));
        }
    }
}

fn form_of(raw: Option<&RawValue>, name: &'static str, each: Each<'_>) {
    if let Some(form) = given(raw).and_then(|raw| inner(raw, name)) {
        each(Part::Form(&compact(form.get())));
    }
}

fn forced(raw: Option<&RawValue>, begins: &[&str], each: Each<'_>) {
    if given(raw).is_some_and(|raw| begins.iter().any(|begin| raw.get().starts_with(begin))) {
        each(Part::Forced);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(dialect: Dialect, json: &str) -> Vec<String> {
        let mut said = Vec::new();
        each_part(dialect, json.as_bytes(), &mut |part| {
            said.push(match part {
                Part::Instructions => "instructions".to_owned(),
                Part::Message => "message".to_owned(),
                Part::Text(text) => format!("text {text}"),
                Part::Json(json) => format!("json {json}"),
                Part::Tool(json) => format!("tool {json}"),
                Part::Form(json) => format!("form {json}"),
                Part::CallId => "id".to_owned(),
                Part::Attached(sent) => format!("attached {sent}"),
                Part::Forced => "forced".to_owned(),
            });
        });
        said
    }

    #[test]
    fn every_dialect_hands_over_what_its_model_reads() {
        let messages = r#"{"model": "m", "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2VhbA=="},
                {"type": "redacted_thinking", "data": "c2VhbA=="},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
              {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain"}}]}],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}}"#;
        let chat = r#"{"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"},
                {"type": "image_url", "image_url": {"url": "data:,", "detail": "low"}}]},
              {"role": "assistant", "content": null, "reasoning_details": [{"type": "reasoning.encrypted", "data": "c2VhbA==", "id": null}],
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
              {"role": "tool", "tool_call_id": "c", "content": "ok"}],
            "tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "auto",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}"#;
        let responses = r#"{"model": "m", "instructions": "I", "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
              {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gAAA"},
              {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
              {"type": "function_call_output", "call_id": "c", "output": "ok"}],
            "tools": [{"type": "function", "name": "f"}], "tool_choice": "required"}"#;
        let gemini = r#"{"systemInstruction": {"parts": [{"text": "S"}]}, "contents": [{"role": "user", "parts": [{"text": "h\u0069"},
                {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
              {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "x"}]}],
            "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]}"#;
        for (dialect, json, parts) in [
            (
                Dialect::Messages,
                messages,
                &[
                    "instructions",
                    "text S",
                    "message",
                    "text hi",
                    "message",
                    "text hm",
                    "id",
                    "text f",
                    r#"json {"a":1}"#,
                    "message",
                    "id",
                    "text ok",
                    "attached AA==",
                    "text plain",
                    r#"tool {"name":"f","input_schema":{"type":"object"}}"#,
                    "forced",
                ][..],
            ),
            (
                Dialect::Chat,
                chat,
                &[
                    "message",
                    "text hi",
                    "attached data:,",
                    "message",
                    "id",
                    "text f",
                    "text {}",
                    "message",
                    "id",
                    "text ok",
                    r#"tool {"name":"f"}"#,
                    r#"form {"name":"n"}"#,
                ][..],
            ),
            (
                Dialect::Responses,
                responses,
                &[
                    "instructions",
                    "text I",
                    "message",
                    "text hi",
                    "message",
                    "id",
                    "message",
                    "id",
                    "text f",
                    "text {}",
                    "message",
                    "id",
                    "text ok",
                    r#"tool {"type":"function","name":"f"}"#,
                    "forced",
                ][..],
            ),
            (
                Dialect::Responses,
                r#"{"model": "m", "input": "hi"}"#,
                &["message", "text hi"][..],
            ),
            (
                Dialect::Gemini,
                gemini,
                &[
                    "instructions",
                    "text S",
                    "message",
                    "text hi",
                    "attached AA==",
                    "message",
                    "text f",
                    r#"json {"a":1}"#,
                    r#"tool {"name":"f"}"#,
                    r#"tool {"name":"g"}"#,
                ][..],
            ),
            (Dialect::Chat, "canary", &[][..]),
        ] {
            assert_eq!(said(dialect, json), parts, "{dialect:?}");
        }
    }
}
