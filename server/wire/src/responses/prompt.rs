//! What does a request ask for, told so that every dialect can say it?

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::input::Talk;
use super::tools::Tools;
use crate::fields::{effort, flag, given, pick};
use crate::neutral::{Effort, Format, Prompt};
use crate::request::{BadRequest, Request};

/// Reads a request that another dialect is asked in. What is a mere hint (`store`, `include`, `truncation`, verbosity,
/// cache keys, tools that only OpenAI runs) is left out.
///
/// # Errors
/// [`BadRequest`] when it asks for what no other dialect can say, or is not of this one.
pub(crate) fn read(request: &Request) -> Result<Prompt, BadRequest> {
    let [
        input,
        instructions,
        tools,
        tool_choice,
        parallel_tool_calls,
        temperature,
        top_p,
        reasoning,
        format,
        service_tier,
        user,
        previous_response_id,
        top_logprobs,
        cache_key,
    ] = pick(
        &request.body,
        [
            "input",
            "instructions",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "temperature",
            "top_p",
            "reasoning",
            "text",
            "service_tier",
            "user",
            "previous_response_id",
            "top_logprobs",
            "prompt_cache_key",
        ],
    )?;
    if given(previous_response_id).is_some() {
        return Err(BadRequest::new(
            "previous_response_id",
            "this model's provider keeps no answers: send the earlier turns in `input` instead of `previous_response_id`",
        ));
    }
    if field::<u64>(top_logprobs, "top_logprobs")?.is_some_and(|count| count > 0) {
        return Err(BadRequest::new(
            "top_logprobs",
            "this model's provider tells no probabilities: leave `top_logprobs` out",
        ));
    }
    let mut tools = Tools::read(tools)?;
    let mut talk = Talk::default();
    talk.system
        .extend(field::<String>(instructions, "instructions")?);
    if let Some(input) = given(input) {
        talk.read(input, &tools)?;
    }
    let choice = tools.choose(tool_choice)?;
    Ok(Prompt {
        stream: request.stream,
        system: talk.system,
        turns: talk.turns,
        tools: tools.0.into_iter().map(|offered| offered.tool).collect(),
        choice,
        parallel_tools: match given(parallel_tool_calls) {
            Some(raw) => Some(flag(Some(raw), "parallel_tool_calls")?),
            None => None,
        },
        max_tokens: request.max_tokens,
        temperature: field(temperature, "temperature")?,
        top_p: field(top_p, "top_p")?,
        effort: effort(reasoning)?.as_deref().and_then(Effort::read),
        format: answer_format(format)?,
        service_tier: field(service_tier, "service_tier")?,
        user: field(user, "user")?,
        // A hint: what is no text is as good as not said.
        cache_key: field(cache_key, "prompt_cache_key").ok().flatten(),
        ..Prompt::default()
    })
}

fn field<T: DeserializeOwned>(
    raw: Option<&RawValue>,
    name: &'static str,
) -> Result<Option<T>, BadRequest> {
    let read = given(raw).map(|raw| serde_json::from_str(raw.get()));
    read.transpose()
        .map_err(|_| BadRequest::new(name, format!("`{name}` is not of the right kind")))
}

fn answer_format(raw: Option<&RawValue>) -> Result<Option<Format>, BadRequest> {
    #[derive(Deserialize)]
    struct Text {
        format: Option<Written>,
    }
    #[derive(Deserialize)]
    struct Written {
        #[serde(rename = "type")]
        kind: String,
        name: Option<String>,
        schema: Option<Box<RawValue>>,
        strict: Option<bool>,
    }
    let text: Option<Text> = field(raw, "text")?;
    let Some(written) = text.and_then(|text| text.format) else {
        return Ok(None);
    };
    match (written.kind.as_str(), written.schema) {
        ("text", _) => Ok(None),
        ("json_object", _) => Ok(Some(Format::Json)),
        ("json_schema", Some(schema)) => Ok(Some(Format::Schema {
            name: written.name.unwrap_or_else(|| "answer".to_owned()),
            schema,
            strict: written.strict,
        })),
        _ => Err(BadRequest::new(
            "text",
            "`text.format` must be text, json_object, or a json_schema with its schema",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::neutral::{Choice, Part, Role, Source, ToolKind};
    use bytes::Bytes;
    use domain::Dialect;

    fn prompt(json: &serde_json::Value) -> Result<Prompt, BadRequest> {
        read(&super::super::request::read(Bytes::from(json.to_string()))?)
    }

    fn good(json: &serde_json::Value) -> Prompt {
        prompt(json).map_err(|error| error.detail).unwrap()
    }

    /// The second request of a tool loop, as Codex sends it.
    #[test]
    fn a_tool_loop_of_codex_is_understood() {
        let prompt = good(&serde_json::json!({
            "model": "m", "stream": true, "instructions": "You are Codex.", "store": false, "tool_choice": "auto",
            "parallel_tool_calls": true, "reasoning": {"effort": "xhigh", "summary": "auto"},
            "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k", "client_metadata": {"a": "b"},
            "text": {"verbosity": "low"},
            "tools": [
                {"type": "function", "name": "shell", "parameters": {"type": "object"}, "strict": false},
                {"type": "namespace", "name": "mcp__git", "description": "", "tools": [{"type": "function", "name": "log", "parameters": {}}]},
                {"type": "custom", "name": "apply_patch", "description": "Edits."},
                {"type": "web_search"}, {"type": "unheard_of", "name": 7},
            ],
            "input": [
                {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Rules."}]},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Do it."}]},
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}, {"type": "summary_text", "text": "so"}],
                 "content": null, "encrypted_content": "farebox.messages.c2ln"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
                {"type": "function_call", "name": "log", "namespace": "mcp__git", "arguments": "{}", "call_id": "c1"},
                {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin", "call_id": "c2"},
                {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search"}},
                {"type": "function_call_output", "call_id": "c1", "output": "ok"},
                {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "done"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]},
                {"role": "user", "content": "Go on."},
            ],
        }));
        assert_eq!(prompt.system, ["You are Codex.", "Rules."]);
        assert_eq!(
            (prompt.effort, prompt.parallel_tools),
            (Some(Effort::Most), Some(true))
        );
        assert!(prompt.choice == Some(Choice::Auto) && prompt.format.is_none());
        let tools: Vec<(&str, ToolKind)> = prompt
            .tools
            .iter()
            .map(|tool| (tool.name.as_str(), tool.kind))
            .collect();
        assert_eq!(
            tools,
            [
                ("shell", ToolKind::Function),
                ("mcp__git__log", ToolKind::Function),
                ("apply_patch", ToolKind::Custom)
            ]
        );
        let roles: Vec<(Role, usize)> = prompt
            .turns
            .iter()
            .map(|turn| (turn.role, turn.parts.len()))
            .collect();
        assert_eq!(
            roles,
            [
                (Role::User, 1),
                (Role::Assistant, 4),
                (Role::User, 2),
                (Role::User, 1)
            ]
        );
        let [thought, said, called, custom] = &prompt.turns[1].parts[..] else {
            panic!("an answer of four parts")
        };
        let sealed = Some((Dialect::Messages, "c2ln".to_owned()));
        assert!(
            matches!(thought, Part::Reasoning { text, seal } if text == "Hm\n\nso" && *seal == sealed)
        );
        assert!(matches!(said, Part::Text(text) if text == "I look."));
        assert!(
            matches!(called, Part::ToolCall { id, name, .. } if id == "c1" && name == "mcp__git__log")
        );
        assert!(
            matches!(custom, Part::ToolCall { arguments, kind: ToolKind::Custom, .. } if arguments == "*** Begin")
        );
        let Part::ToolResult { id, parts, .. } = &prompt.turns[2].parts[1] else {
            panic!("what the second tool said")
        };
        assert_eq!((id.as_str(), parts.len()), ("c2", 2));
    }

    #[test]
    fn media_and_formats_are_understood() {
        let prompt = good(&serde_json::json!({
            "model": "m", "text": {"format": {"type": "json_schema", "name": "a", "strict": true, "schema": {"type": "object"}}},
            "input": [{"role": "user", "content": [
                {"type": "input_image", "image_url": "https://x/a.png", "detail": "low"},
                {"type": "input_image", "file_id": "file_1"},
                {"type": "input_file", "file_data": "data:text/plain;base64,aGk=", "filename": "a.txt"},
                {"type": "input_file", "file_data": "JVBE"},
                {"type": "input_file", "file_url": "https://x/a.pdf"},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
            ]}],
        }));
        assert!(
            matches!(&prompt.format, Some(Format::Schema { name, strict: Some(true), .. }) if name == "a")
        );
        let sources: Vec<String> = prompt.turns[0]
            .parts
            .iter()
            .map(|part| match part {
                Part::Image(media) | Part::File(media) | Part::Audio(media) => {
                    match &media.source {
                        Source::Url(url) => url.clone(),
                        Source::Base64 { kind, data } => format!("{kind} {data}"),
                        Source::Id(id) => id.clone(),
                    }
                }
                _ => String::new(),
            })
            .collect();
        assert_eq!(
            sources,
            [
                "https://x/a.png",
                "file_1",
                "text/plain aGk=",
                "application/pdf JVBE",
                "https://x/a.pdf",
                "audio/mpeg UklG"
            ]
        );
    }

    #[test]
    fn what_no_other_dialect_can_say_is_refused_by_its_name() {
        for (field, value, param) in [
            (
                "previous_response_id",
                r#""resp_1""#,
                "previous_response_id",
            ),
            ("top_logprobs", "2", "top_logprobs"),
            (
                "tool_choice",
                r#"{"type":"web_search_preview"}"#,
                "tool_choice",
            ),
            ("tool_choice", r#""required""#, "tool_choice"),
            ("text", r#"{"format":{"type":"grammar"}}"#, "text"),
            ("temperature", r#""hot""#, "temperature"),
            (
                "input",
                r#"[{"type":"item_reference","id":"msg_1"}]"#,
                "input",
            ),
            (
                "input",
                r#"[{"type":"image_generation_call","id":"ig","result":"AAAA"}]"#,
                "input",
            ),
            (
                "input",
                r#"[{"role":"user","content":[{"type":"input_smell"}]}]"#,
                "input",
            ),
            ("input", r#"[{"role":"narrator","content":"x"}]"#, "input"),
            (
                "input",
                r#"[{"type":"function_call","call_id":"c"}]"#,
                "input",
            ),
        ] {
            let mut body = serde_json::json!({"model": "m", "input": "x"});
            body[field] = serde_json::from_str(value).unwrap();
            let Err(error) = prompt(&body) else {
                panic!("{field}: {value} was accepted")
            };
            assert_eq!(error.param, Some(param), "{value}");
            assert!(!error.detail.contains("smell") && !error.detail.contains("narrator"));
        }
        // Hints are not.
        let hints = serde_json::json!({
            "model": "m", "input": "x", "store": true, "truncation": "auto", "top_logprobs": 0, "metadata": {"a": "b"},
            "max_tool_calls": 3, "tools": [{"type": "web_search"}], "prompt_cache_key": "k",
        });
        assert!(good(&hints).tools.is_empty());
    }
}
