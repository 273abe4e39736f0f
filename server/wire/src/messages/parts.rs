//! What is in the content of a message, for an upstream of another dialect?

use std::borrow::Cow;

use domain::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::seal::redacted;
use crate::neutral::{Media, Part, Source, ToolKind, seal};

/// What is wrong with the content: the end of a sentence that names the place.
pub(super) struct Wrong(pub(super) &'static str);

const NOT_CONTENT: Wrong = Wrong("must have a string or blocks as its content");
const UNKNOWN: Wrong = Wrong("has a block of a type that cannot be used with this model");
const INCOMPLETE: Wrong = Wrong("has a block that is not complete");

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    title: Option<String>,
    /// An object, but in a search result an address.
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(default)]
    tool_use_id: Option<String>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
}

/// The parts of a string or of blocks.
pub(super) fn parts(content: &RawValue) -> Result<Vec<Part>, Wrong> {
    if let Ok(text) = serde_json::from_str::<String>(content.get()) {
        return Ok(vec![Part::Text(text)]);
    }
    let blocks: Vec<&RawValue> = serde_json::from_str(content.get()).map_err(|_| NOT_CONTENT)?;
    let mut parts = Vec::with_capacity(blocks.len());
    for raw in blocks {
        let block: Block<'_> = serde_json::from_str(raw.get()).map_err(|_| INCOMPLETE)?;
        block.read(&mut parts)?;
    }
    Ok(parts)
}

/// The texts of a string or of blocks of text.
pub(super) fn texts(content: &RawValue) -> Option<Vec<String>> {
    let parts = parts(content).ok()?;
    let text = |part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    };
    parts.into_iter().map(text).collect()
}

impl Block<'_> {
    fn read(self, out: &mut Vec<Part>) -> Result<(), Wrong> {
        let kind = match self.kind.as_ref() {
            "text" => Part::Text(self.text.ok_or(INCOMPLETE)?),
            "image" => Part::Image(media(self.source, None)?),
            "document" => return self.document(out),
            "search_result" => return self.search_result(out),
            "thinking" => Part::Reasoning {
                text: self.thinking.unwrap_or_default(),
                seal: self
                    .signature
                    .filter(|signature| !signature.is_empty())
                    .map(|signature| seal::whose(&signature, Dialect::Messages)),
            },
            "redacted_thinking" => Part::Reasoning {
                text: String::new(),
                seal: Some((Dialect::Messages, redacted(&self.data.ok_or(INCOMPLETE)?))),
            },
            "tool_use" => Part::ToolCall {
                id: self.id.ok_or(INCOMPLETE)?,
                name: self.name.ok_or(INCOMPLETE)?,
                arguments: self.input.map_or("{}", RawValue::get).to_owned(),
                kind: ToolKind::Function,
            },
            "tool_result" => Part::ToolResult {
                id: self.tool_use_id.ok_or(INCOMPLETE)?,
                parts: self.content.map_or(Ok(Vec::new()), parts)?,
                is_error: self.is_error.unwrap_or(false),
            },
            // What a provider's own tool was asked and said, and which tools it found: nobody else can read it.
            "server_tool_use" | "mcp_tool_use" | "tool_reference" | "tool_addition"
            | "tool_removal" => return Ok(()),
            other if other.ends_with("_tool_result") => return Ok(()),
            _ => return Err(UNKNOWN),
        };
        out.push(kind);
        Ok(())
    }

    /// A document of plain text is text, under its title; one of blocks is these blocks.
    fn document(self, out: &mut Vec<Part>) -> Result<(), Wrong> {
        let source: Written<'_> = read_source(self.source)?;
        if !matches!(source.kind.as_ref(), "text" | "content") {
            out.push(Part::File(media(self.source, self.title)?));
            return Ok(());
        }
        out.extend(self.title.map(Part::Text));
        match source.content {
            Some(content) => out.extend(parts(content)?),
            None => out.push(Part::Text(source.data.ok_or(INCOMPLETE)?)),
        }
        Ok(())
    }

    fn search_result(self, out: &mut Vec<Part>) -> Result<(), Wrong> {
        out.extend(self.title.map(Part::Text));
        let address = self
            .source
            .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        out.extend(address.map(Part::Text));
        out.extend(self.content.map_or(Ok(Vec::new()), parts)?);
        Ok(())
    }
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    file_id: Option<String>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

fn read_source(raw: Option<&RawValue>) -> Result<Written<'_>, Wrong> {
    let raw = raw.ok_or(INCOMPLETE)?;
    serde_json::from_str(raw.get()).map_err(|_| INCOMPLETE)
}

fn media(source: Option<&RawValue>, name: Option<String>) -> Result<Media, Wrong> {
    let written = read_source(source)?;
    let source = match written.kind.as_ref() {
        "base64" => Source::Base64 {
            kind: written.media_type.ok_or(INCOMPLETE)?,
            data: written.data.ok_or(INCOMPLETE)?,
        },
        "url" => Source::Url(written.url.ok_or(INCOMPLETE)?),
        "file" => Source::Id(written.file_id.ok_or(INCOMPLETE)?),
        _ => return Err(UNKNOWN),
    };
    Ok(Media {
        source,
        name,
        detail: None,
    })
}
