//! How is a request of another dialect written for an upstream that speaks responses?

use std::collections::BTreeSet;

use bytes::Bytes;
use domain::Dialect;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::media::{data_url, format};
use super::object::Object;
use crate::neutral::{Choice, Format, Media, Part, Prompt, Role, Source, Tool, ToolKind, Turn};
use crate::request::BadRequest;

/// The body. Sampling that the dialect has no words for (`top_k`, penalties, a seed) is a hint and left out.
///
/// # Errors
/// [`BadRequest`] when it asks for what this dialect cannot say.
pub(crate) fn write(prompt: &Prompt, model: &str) -> Result<Bytes, BadRequest> {
    if !prompt.stop.is_empty() {
        return Err(BadRequest::new(
            "stop",
            "this model's provider cannot stop at a sequence: leave the stop sequences out",
        ));
    }
    let mut body = Object::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("model", Some(model.into()));
    // Nobody would ask for it again.
    set("store", Some(false.into()));
    set("stream", prompt.stream.then_some(true.into()));
    let instructions = prompt.system.join("\n\n");
    set(
        "instructions",
        (!instructions.is_empty()).then_some(instructions.into()),
    );
    set("input", Some(input(&prompt.turns).into()));
    set("max_output_tokens", prompt.max_tokens.map(Value::from));
    set("temperature", prompt.temperature.map(Value::from));
    set("top_p", prompt.top_p.map(Value::from));
    set("service_tier", prompt.service_tier.clone().map(Value::from));
    // It may be no longer; Anthropic's clients put whole objects there.
    let user = prompt.user.clone().filter(|user| user.len() <= 64);
    set("safety_identifier", user.map(Value::from));
    if !prompt.tools.is_empty() {
        let tools: Vec<Value> = prompt.tools.iter().map(tool).collect();
        set("tools", Some(tools.into()));
        let choice = prompt.choice.as_ref();
        set(
            "tool_choice",
            choice.map(|choice| chosen(choice, &prompt.tools)),
        );
        set(
            "parallel_tool_calls",
            prompt.parallel_tools.map(Value::from),
        );
    }
    let effort = prompt.effort_in_words();
    if let Some(word) = effort.and_then(|effort| effort.for_model(model)) {
        set("reasoning", Some(json!({"effort": word})));
        // Only models that think can seal what they thought; others refuse to be asked.
        set("include", Some(json!(["reasoning.encrypted_content"])));
    }
    let wanted = prompt
        .format
        .as_ref()
        .map(|format| json!({"format": answer_format(format)}));
    set("text", wanted);
    Ok(Bytes::from(Value::Object(body).to_string()))
}

fn input(turns: &[Turn]) -> Vec<Value> {
    let mut items = Vec::new();
    // What a tool said is written as what it was called as.
    let mut custom = BTreeSet::new();
    for turn in turns {
        let mut said = Vec::new();
        for part in &turn.parts {
            let item = match part {
                Part::ToolCall {
                    id,
                    name,
                    arguments,
                    kind: ToolKind::Function,
                } => {
                    json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments})
                }
                Part::ToolCall {
                    id,
                    name,
                    arguments,
                    kind: ToolKind::Custom,
                } => {
                    custom.insert(id.as_str());
                    json!({"type": "custom_tool_call", "call_id": id, "name": name, "input": arguments})
                }
                Part::ToolResult { id, parts, .. } => {
                    let kind = match custom.contains(id.as_str()) {
                        true => "custom_tool_call_output",
                        false => "function_call_output",
                    };
                    json!({"type": kind, "call_id": id, "output": output(parts)})
                }
                Part::Reasoning { text, seal } => match seal {
                    Some((Dialect::Responses, sealed)) => {
                        let summary: Vec<Value> = (!text.is_empty())
                            .then(|| json!({"type": "summary_text", "text": text}))
                            .into_iter()
                            .collect();
                        json!({"type": "reasoning", "summary": summary, "encrypted_content": sealed})
                    }
                    // Without a seal of its own the provider would refuse it.
                    _ => continue,
                },
                part => {
                    said.extend(content(turn.role, part));
                    continue;
                }
            };
            message(turn.role, &mut said, &mut items);
            items.push(item);
        }
        message(turn.role, &mut said, &mut items);
    }
    items
}

/// Writes what was said since the last item that is no message.
fn message(role: Role, said: &mut Vec<Value>, items: &mut Vec<Value>) {
    if !said.is_empty() {
        let role = match role {
            Role::System => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        items.push(json!({"type": "message", "role": role, "content": std::mem::take(said)}));
    }
}

/// A part of a message; nothing for what is an item of its own.
fn content(role: Role, part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text(text) if role == Role::Assistant => json!({"type": "output_text", "text": text}),
        Part::Text(text) => json!({"type": "input_text", "text": text}),
        Part::Refusal(text) => json!({"type": "refusal", "refusal": text}),
        Part::Image(media) => image(media),
        Part::File(media) => file(media),
        Part::Audio(media) => sound(media)?,
        Part::Reasoning { .. } | Part::ToolCall { .. } | Part::ToolResult { .. } => return None,
    })
}

/// What a tool said: a text where it is one.
fn output(parts: &[Part]) -> Value {
    match parts {
        [] => "".into(),
        [Part::Text(text)] => text.as_str().into(),
        parts => parts
            .iter()
            .filter_map(|part| content(Role::User, part))
            .collect(),
    }
}

fn image(media: &Media) -> Value {
    let mut part =
        json!({"type": "input_image", "detail": media.detail.as_deref().unwrap_or("auto")});
    match &media.source {
        Source::Url(url) => part["image_url"] = url.as_str().into(),
        Source::Base64 { kind, data } => part["image_url"] = data_url(kind, data).into(),
        Source::Id(id) => part["file_id"] = id.as_str().into(),
    }
    part
}

fn file(media: &Media) -> Value {
    let mut part = json!({"type": "input_file"});
    match &media.source {
        Source::Url(url) => part["file_url"] = url.as_str().into(),
        Source::Base64 { kind, data } => {
            part["file_data"] = data_url(kind, data).into();
            // The dialect wants a name for bytes, by which it knows what they are.
            let end = kind.rsplit('/').next().unwrap_or("pdf");
            part["filename"] = format!("file.{end}").into();
        }
        Source::Id(id) => part["file_id"] = id.as_str().into(),
    }
    if let (Some(name), Source::Base64 { .. }) = (&media.name, &media.source) {
        part["filename"] = name.as_str().into();
    }
    part
}

/// Sounds come only as bytes.
fn sound(media: &Media) -> Option<Value> {
    let Source::Base64 { kind, data } = &media.source else {
        return None;
    };
    let heard = json!({"data": data, "format": format(kind)});
    Some(json!({"type": "input_audio", "input_audio": heard}))
}

fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn tool(tool: &Tool) -> Value {
    let mut written = match tool.kind {
        ToolKind::Custom => json!({"type": "custom", "name": tool.name}),
        ToolKind::Function => {
            let none = || json!({"type": "object", "properties": {}});
            let parameters = tool.parameters.as_deref().map_or_else(none, value);
            // What is left out means strict here, and lax in the other dialects.
            let strict = tool.strict.unwrap_or(false);
            json!({"type": "function", "name": tool.name, "parameters": parameters, "strict": strict})
        }
    };
    if let Some(description) = &tool.description {
        written["description"] = description.as_str().into();
    }
    written
}

fn chosen(choice: &Choice, tools: &[Tool]) -> Value {
    match choice {
        Choice::Auto => "auto".into(),
        Choice::None => "none".into(),
        Choice::Required => "required".into(),
        Choice::Tool(name) => {
            let tool = tools.iter().find(|tool| tool.name == *name);
            let kind = match tool.map(|tool| tool.kind) {
                Some(ToolKind::Custom) => "custom",
                _ => "function",
            };
            json!({"type": kind, "name": name})
        }
    }
}

fn answer_format(format: &Format) -> Value {
    match format {
        Format::Json => json!({"type": "json_object"}),
        Format::Schema {
            name,
            schema,
            strict,
        } => {
            let mut written = json!({"type": "json_schema", "name": name, "schema": value(schema)});
            if let Some(strict) = strict {
                written["strict"] = (*strict).into();
            }
            written
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn written(prompt: &Prompt) -> Value {
        let body = write(prompt, "gpt-5")
            .map_err(|error| error.detail)
            .unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// What this dialect reads and writes again is what it was.
    #[test]
    fn a_conversation_survives() {
        let body = json!({
            "model": "gpt-5", "store": false, "stream": true, "instructions": "Be brief.",
            "input": [
                {"type": "message", "role": "user", "content": [
                    {"type": "input_text", "text": "Look."},
                    {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,AAAA"},
                    {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
                    {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                ]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "gAAA"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I do."}]},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
                {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
                {"type": "function_call_output", "call_id": "c1", "output": "ok"},
                {"type": "custom_tool_call_output", "call_id": "c2", "output": [
                    {"type": "input_text", "text": "see"}, {"type": "input_image", "detail": "auto", "image_url": "https://x/a.png"},
                ]},
                {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Now."}]},
                {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            ],
            "max_output_tokens": 9, "temperature": 0.5, "top_p": 0.25, "service_tier": "flex",
            "tools": [
                {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true, "description": "d"},
                {"type": "custom", "name": "g"},
            ],
            "tool_choice": {"type": "custom", "name": "g"}, "parallel_tool_calls": false,
            "reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"],
            "text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": true}},
        });
        let request = super::super::request::read(Bytes::from(body.to_string()))
            .map_err(|error| error.detail)
            .unwrap();
        let prompt = super::super::prompt::read(&request)
            .map_err(|error| error.detail)
            .unwrap();
        assert_eq!(written(&prompt), body);
    }

    #[test]
    fn what_this_dialect_means_otherwise_is_said() {
        let tool = |strict| Tool {
            name: "f".to_owned(),
            description: None,
            parameters: None,
            strict,
            kind: ToolKind::Function,
        };
        let said = written(&Prompt {
            tools: vec![tool(None)],
            ..Prompt::default()
        });
        assert_eq!(said["tools"][0]["strict"], false);
        assert_eq!(said["tools"][0]["parameters"]["type"], "object");
        assert_eq!((&said["store"], said.get("stream")), (&json!(false), None));
        let foreign = Part::Reasoning {
            text: "Hm".to_owned(),
            seal: Some((Dialect::Messages, "c2ln".to_owned())),
        };
        let turns = vec![Turn {
            role: Role::Assistant,
            parts: vec![foreign],
        }];
        let said = written(&Prompt {
            turns,
            thinking_budget: Some(10_000),
            ..Prompt::default()
        });
        assert_eq!(said["input"], json!([]), "its seal is not of this provider");
        assert_eq!(said["reasoning"]["effort"], "medium");
        let stop = Prompt {
            stop: vec!["\n".to_owned()],
            ..Prompt::default()
        };
        assert_eq!(write(&stop, "m").unwrap_err().param, Some("stop"));
    }

    proptest! {
        #[test]
        fn every_word_arrives(text in crate::neutral::any::any_words(), arguments in crate::neutral::any::any_words()) {
            let call = Part::ToolCall { id: "c".to_owned(), name: "f".to_owned(), arguments: arguments.clone(), kind: ToolKind::Function };
            let turns = vec![Turn { role: Role::Assistant, parts: vec![Part::Text(text.clone()), call] }];
            let said = written(&Prompt { turns, ..Prompt::default() });
            prop_assert_eq!(&said["input"][0]["content"][0]["text"], &json!(text));
            prop_assert_eq!(&said["input"][1]["arguments"], &json!(arguments));
        }
    }
}
