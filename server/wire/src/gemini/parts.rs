//! What is in a content, for an upstream of another dialect?

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::seal;
use crate::neutral::{Media, Part, Source, ToolKind};

/// What is wrong with a content: the end of a sentence that names the place.
pub(super) struct Wrong(pub(super) &'static str);

const NOT_PARTS: Wrong = Wrong("must hold an array of parts");
const UNKNOWN: Wrong = Wrong("has a part of a kind that cannot be used with this model");
const UNASKED: Wrong = Wrong("answers a function that was not called");

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parts: Option<Vec<Written<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thought: Option<bool>,
    #[serde(borrow, default, alias = "thought_signature")]
    thought_signature: Option<Cow<'a, str>>,
    #[serde(default, alias = "inline_data")]
    inline_data: Option<Blob>,
    #[serde(default, alias = "file_data")]
    file_data: Option<FileData>,
    #[serde(borrow, default, alias = "function_call")]
    function_call: Option<Call<'a>>,
    #[serde(borrow, default, alias = "function_response")]
    function_response: Option<Reply<'a>>,
    /// What Google ran, and what came of it.
    #[serde(borrow, default, alias = "executable_code")]
    executable_code: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "code_execution_result")]
    code_execution_result: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    #[serde(alias = "mime_type")]
    mime_type: String,
    data: String,
    #[serde(default, alias = "display_name")]
    display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileData {
    #[serde(default, alias = "mime_type")]
    mime_type: Option<String>,
    #[serde(alias = "file_uri")]
    file_uri: String,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(default)]
    id: Option<String>,
    name: String,
    #[serde(borrow, default)]
    args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

/// The calls that wait for their answers. Callers need not give them ids; all others do.
#[derive(Default)]
pub(super) struct Calls {
    made: u64,
    /// Id and name.
    waiting: VecDeque<(String, String)>,
}

impl Calls {
    fn called(&mut self, id: Option<String>, name: &str) -> String {
        self.made += 1;
        let id = id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| format!("call_{}", self.made));
        self.waiting.push_back((id.clone(), name.to_owned()));
        id
    }

    /// The call that this answers: the one of that id, else the first that waits under that name.
    fn answered(&mut self, id: Option<&str>, name: Option<&str>) -> Option<String> {
        let by_id = |(waits, _): &(String, String)| Some(waits.as_str()) == id;
        let by_name = |(_, waits): &(String, String)| Some(waits.as_str()) == name;
        let at = self.waiting.iter().position(by_id);
        let at = at.or_else(|| self.waiting.iter().position(by_name))?;
        self.waiting.remove(at).map(|(id, _)| id)
    }
}

impl<'a> Content<'a> {
    pub(super) fn read(raw: &'a RawValue) -> Result<Self, Wrong> {
        serde_json::from_str(raw.get()).map_err(|_| NOT_PARTS)
    }

    pub(super) fn role(&self) -> Option<&str> {
        self.role.as_deref().filter(|role| !role.is_empty())
    }

    pub(super) fn parts(self, calls: &mut Calls) -> Result<Vec<Part>, Wrong> {
        let mut out = Vec::new();
        for written in self.parts.ok_or(NOT_PARTS)? {
            written.read(calls, &mut out)?;
        }
        Ok(out)
    }
}

impl Written<'_> {
    fn read(self, calls: &mut Calls, out: &mut Vec<Part>) -> Result<(), Wrong> {
        let made = self.thought_signature.as_deref().and_then(seal::read);
        if self.thought == Some(true) {
            let text = self.text.unwrap_or_default();
            // A stream brings one thought in many parts, the signature with the last.
            if let Some(Part::Reasoning {
                text: earlier,
                seal: open @ None,
            }) = out.last_mut()
            {
                earlier.push_str(&text);
                *open = made;
            } else {
                out.push(Part::Reasoning { text, seal: made });
            }
            return Ok(());
        }
        if self.executable_code.is_some() || self.code_execution_result.is_some() {
            return Ok(());
        }
        let part = if let Some(text) = self.text {
            Part::Text(text)
        } else if let Some(call) = self.function_call {
            if made.is_some() {
                let text = String::new();
                out.push(Part::Reasoning { text, seal: made });
            }
            Part::ToolCall {
                id: calls.called(call.id, &call.name),
                name: call.name,
                arguments: call.args.map_or("{}", RawValue::get).to_owned(),
                kind: ToolKind::Function,
            }
        } else if let Some(reply) = self.function_response {
            let id = calls.answered(reply.id.as_deref(), reply.name.as_deref());
            let said = reply.response.map_or("{}", RawValue::get);
            Part::ToolResult {
                id: id.ok_or(UNASKED)?,
                parts: vec![Part::Text(said.to_owned())],
                is_error: false,
            }
        } else if let Some(blob) = self.inline_data {
            let kind = blob.mime_type;
            // Its base64 may be the form for URLs.
            let data = match blob.data.contains(['-', '_']) {
                true => blob.data.replace('-', "+").replace('_', "/"),
                false => blob.data,
            };
            media(
                &kind.clone(),
                Source::Base64 { kind, data },
                blob.display_name,
            )
        } else if let Some(file) = self.file_data {
            let kind = file.mime_type.unwrap_or_default();
            media(&kind, Source::Url(file.file_uri), None)
        } else {
            return Err(UNKNOWN);
        };
        out.push(part);
        Ok(())
    }
}

fn media(kind: &str, source: Source, name: Option<String>) -> Part {
    let media = Media {
        source,
        name,
        detail: None,
    };
    match kind.split('/').next() {
        Some("image") => Part::Image(media),
        Some("audio") => Part::Audio(media),
        _ => Part::File(media),
    }
}
