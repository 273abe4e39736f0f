//! How is a conversation written as chat messages?

use serde_json::{Value, json};

use crate::neutral::{Media, Part, Prompt, Role, Source, ToolKind, Turn, custom, data_url};
use crate::request::BadRequest;

/// Between texts that were separate ones.
const BETWEEN: &str = "\n\n";

pub(super) fn messages(prompt: &Prompt) -> Result<Vec<Value>, BadRequest> {
    let mut messages = Messages::default();
    if !prompt.system.is_empty() {
        // As one: the templates of many models take only one.
        messages.push("system", prompt.system.join(BETWEEN).into());
    }
    for turn in &prompt.turns {
        match turn.role {
            Role::System => messages.system(turn),
            Role::User => messages.user(turn)?,
            Role::Assistant => messages.assistant(turn)?,
        }
    }
    messages.close();
    Ok(messages.out)
}

#[derive(Default)]
struct Messages {
    out: Vec<Value>,
    /// What the model said and did since the user's last turn, however many turns it took: chat wants all calls of
    /// tools in one message, their results behind it.
    said: Said,
    /// What results of tools hold beside text: it goes to the user's next message, results may hold text only.
    left: Vec<Value>,
}

#[derive(Default)]
struct Said {
    text: String,
    refusal: String,
    calls: Vec<Value>,
}

impl Messages {
    fn push(&mut self, role: &str, content: Value) {
        self.out.push(json!({"role": role, "content": content}));
    }

    /// Writes what is still to be written.
    fn close(&mut self) {
        self.close_said();
        if !self.left.is_empty() {
            let content = std::mem::take(&mut self.left).into();
            self.push("user", content);
        }
    }

    fn close_said(&mut self) {
        let Said {
            text,
            refusal,
            calls,
        } = std::mem::take(&mut self.said);
        if text.is_empty() && refusal.is_empty() && calls.is_empty() {
            return;
        }
        let content = if text.is_empty() {
            Value::Null
        } else {
            text.into()
        };
        let mut message = json!({"role": "assistant", "content": content});
        if !refusal.is_empty() {
            message["refusal"] = refusal.into();
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        self.out.push(message);
    }

    fn system(&mut self, turn: &Turn) {
        self.close();
        let texts: Vec<&str> = turn.parts.iter().filter_map(text_of).collect();
        self.push("system", texts.join(BETWEEN).into());
    }

    fn user(&mut self, turn: &Turn) -> Result<(), BadRequest> {
        self.close_said();
        // A result stands right behind its call, so before what else the user says.
        for part in &turn.parts {
            if let Part::ToolResult { id, parts, .. } = part {
                let content = self.result(parts)?;
                self.out
                    .push(json!({"role": "tool", "tool_call_id": id, "content": content}));
            }
        }
        let said = || {
            turn.parts
                .iter()
                .filter(|part| !matches!(part, Part::ToolResult { .. }))
        };
        if said().next().is_none() {
            if turn.parts.is_empty() {
                self.push("user", "".into());
            }
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.left);
        let texts: Vec<&str> = said().filter_map(text_of).collect();
        if all.is_empty() && texts.len() == said().count() {
            self.push("user", texts.join(BETWEEN).into());
            return Ok(());
        }
        for part in said() {
            all.extend(user_part(part)?);
        }
        self.push("user", all.into());
        Ok(())
    }

    /// The text of a tool's result. What is no text is left for the user's next message.
    fn result(&mut self, parts: &[Part]) -> Result<String, BadRequest> {
        let mut texts = Vec::new();
        for part in parts {
            match text_of(part) {
                Some(text) => texts.push(text),
                None => self.left.extend(user_part(part)?),
            }
        }
        Ok(texts.join(BETWEEN))
    }

    fn assistant(&mut self, turn: &Turn) -> Result<(), BadRequest> {
        if !self.left.is_empty() {
            self.close();
        }
        let mut goes_on = false;
        for part in &turn.parts {
            match part {
                Part::Text(text) => {
                    if !goes_on && !self.said.text.is_empty() {
                        self.said.text.push_str(BETWEEN);
                    }
                    self.said.text.push_str(text);
                }
                Part::Refusal(text) => self.said.refusal.push_str(text),
                Part::ToolCall {
                    id,
                    name,
                    arguments,
                    kind,
                } => {
                    let arguments = match kind {
                        ToolKind::Custom => custom::arguments(arguments),
                        // Templates read them as JSON.
                        ToolKind::Function if arguments.trim().is_empty() => "{}".to_owned(),
                        ToolKind::Function => arguments.clone(),
                    };
                    self.said.calls.push(json!({
                        "id": id,
                        "type": "function",
                        "function": {"name": name, "arguments": arguments},
                    }));
                }
                // The dialect has no place for it, and servers that have one differ in whether they take it back.
                Part::Reasoning { .. } => {}
                Part::Image(_) | Part::File(_) | Part::Audio(_) | Part::ToolResult { .. } => {
                    let detail =
                        "the assistant's turns may hold only text and tool calls for this model";
                    return Err(BadRequest::new("messages", detail));
                }
            }
            goes_on = matches!(part, Part::Text(_));
        }
        Ok(())
    }
}

fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) | Part::Refusal(text) => Some(text),
        _ => None,
    }
}

fn user_part(part: &Part) -> Result<Option<Value>, BadRequest> {
    Ok(Some(match part {
        Part::Text(text) | Part::Refusal(text) => json!({"type": "text", "text": text}),
        Part::Image(media) => image(media)?,
        Part::File(media) => file(media)?,
        Part::Audio(media) => audio(media)?,
        Part::Reasoning { .. } | Part::ToolCall { .. } | Part::ToolResult { .. } => {
            return Ok(None);
        }
    }))
}

fn kept() -> BadRequest {
    let detail = "a `file_id` cannot be used with this model: send the file itself";
    BadRequest::new("file_id", detail)
}

fn image(media: &Media) -> Result<Value, BadRequest> {
    let mut image = json!({"url": data_url::write(&media.source).ok_or_else(kept)?});
    if let Some(detail @ ("low" | "high" | "auto")) = media.detail.as_deref() {
        image["detail"] = detail.into();
    }
    Ok(json!({"type": "image_url", "image_url": image}))
}

fn file(media: &Media) -> Result<Value, BadRequest> {
    let Source::Base64 { kind, .. } = &media.source else {
        return Err(match media.source {
            Source::Url(_) => BadRequest::new(
                "file_url",
                "a file cannot be given by its URL to this model: send the file itself",
            ),
            _ => kept(),
        });
    };
    // A name is required; its ending is told by the kind.
    let name = media.name.clone().unwrap_or_else(|| {
        let ending = match kind.as_str() {
            "text/plain" => "txt",
            kind => kind.rsplit('/').next().unwrap_or("pdf"),
        };
        format!("file.{ending}")
    });
    let data = data_url::write(&media.source).ok_or_else(kept)?;
    Ok(json!({"type": "file", "file": {"filename": name, "file_data": data}}))
}

fn audio(media: &Media) -> Result<Value, BadRequest> {
    let format = match &media.source {
        Source::Base64 { kind, .. } => match kind.as_str() {
            "audio/wav" | "audio/x-wav" | "audio/wave" => Some("wav"),
            "audio/mpeg" | "audio/mp3" => Some("mp3"),
            _ => None,
        },
        _ => None,
    };
    match (format, &media.source) {
        (Some(format), Source::Base64 { data, .. }) => {
            Ok(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
        }
        _ => Err(BadRequest::new(
            "input_audio",
            "audio must be sent to this model as base64 of wav or mp3",
        )),
    }
}
