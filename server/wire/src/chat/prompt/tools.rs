//! Which tools does a chat request offer, and which must be used?

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fields::given;
use crate::function::Function;
use crate::neutral::{Choice, Tool, ToolKind};
use crate::request::BadRequest;

#[derive(Deserialize)]
struct Offered {
    #[serde(rename = "type")]
    kind: Option<String>,
    function: Option<Function>,
    custom: Option<Custom>,
}

#[derive(Deserialize)]
struct Custom {
    name: String,
    description: Option<String>,
}

/// What `tool_choice` says when it is no single word.
#[derive(Deserialize)]
struct Chosen {
    #[serde(rename = "type")]
    kind: Option<String>,
    function: Option<Named>,
    custom: Option<Named>,
    allowed_tools: Option<Allowed>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Only these may be used.
#[derive(Deserialize)]
struct Allowed {
    mode: Option<String>,
    tools: Vec<Chosen>,
}

/// The tools, and the choice among them. Tools that the provider itself runs are no other dialect's: they are left out,
/// which is only wrong if one must be used.
pub(super) fn read(
    tools: Option<&RawValue>,
    choice: Option<&RawValue>,
) -> Result<(Vec<Tool>, Option<Choice>), BadRequest> {
    let mut offered = match given(tools) {
        None => Vec::new(),
        Some(raw) => serde_json::from_str::<Vec<&RawValue>>(raw.get())
            .map_err(|_| BadRequest::new("tools", "`tools` must be an array"))?
            .into_iter()
            .enumerate()
            .map(|(at, raw)| tool(at, raw))
            .filter_map(Result::transpose)
            .collect::<Result<Vec<Tool>, BadRequest>>()?,
    };
    let choice = match given(choice) {
        None => None,
        Some(raw) => Some(chosen(raw, &mut offered)?),
    };
    match &choice {
        Some(Choice::Tool(name)) if !offered.iter().any(|tool| tool.name == *name) => Err(
            BadRequest::new("tool_choice", "`tool_choice` names no tool of `tools`"),
        ),
        Some(Choice::Required) if offered.is_empty() => Err(BadRequest::new(
            "tool_choice",
            "`tool_choice` requires a tool, and `tools` holds none that this model can use",
        )),
        _ => Ok((offered, choice)),
    }
}

fn tool(at: usize, raw: &RawValue) -> Result<Option<Tool>, BadRequest> {
    let wrong = || {
        let detail =
            format!("`tools[{at}]` must be an object with a `type` and a tool of that type");
        BadRequest::new("tools", detail)
    };
    let offered: Offered = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    match (offered.kind.as_deref(), offered.function, offered.custom) {
        (Some("function") | None, Some(function), _) => Ok(Some(function.into())),
        (Some("custom"), _, Some(custom)) => Ok(Some(Tool {
            name: custom.name,
            description: custom.description,
            parameters: None,
            strict: None,
            kind: ToolKind::Custom,
        })),
        (Some("function" | "custom") | None, _, _) => Err(wrong()),
        (Some(_), _, _) => Ok(None),
    }
}

fn chosen(raw: &RawValue, offered: &mut Vec<Tool>) -> Result<Choice, BadRequest> {
    let wrong = || {
        let detail =
            "`tool_choice` must be none, auto, required, or an object that names a function";
        BadRequest::new("tool_choice", detail)
    };
    if let Ok(word) = serde_json::from_str::<String>(raw.get()) {
        return word_of(&word).ok_or_else(wrong);
    }
    let chosen: Chosen = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    let Some(allowed) = chosen.allowed_tools else {
        return name_of(chosen).map(Choice::Tool).ok_or_else(wrong);
    };
    let names: Vec<String> = allowed.tools.into_iter().filter_map(name_of).collect();
    offered.retain(|tool| names.contains(&tool.name));
    word_of(allowed.mode.as_deref().unwrap_or("auto")).ok_or_else(wrong)
}

fn word_of(word: &str) -> Option<Choice> {
    match word {
        "none" => Some(Choice::None),
        "auto" => Some(Choice::Auto),
        // Mistral's word.
        "required" | "any" => Some(Choice::Required),
        _ => None,
    }
}

fn name_of(chosen: Chosen) -> Option<String> {
    let named = match chosen.kind.as_deref() {
        Some("custom") => chosen.custom,
        _ => chosen.function,
    };
    named.map(|named| named.name)
}
