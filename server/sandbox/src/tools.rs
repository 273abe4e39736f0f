//! Which tools does `sandbox-tools` call, with which arguments?
//!
//! The first tool given (or the one that `tool_choice` names), once for every thing the prompt names: "Weather in
//! Paris and New York?" makes two calls. Arguments are the smallest instance of the tool's JSON schema, with the
//! thing as every string and the prompt's first number as every number.

use serde_json::{Map, Value, json};

use crate::request::ChatRequest;

/// The most calls in one answer.
const MAX_CALLS: usize = 8;

/// How deep a schema is followed: one that refers to itself ends here.
const MAX_DEPTH: u8 = 8;

#[derive(Debug)]
pub(crate) struct Call {
    pub name: String,
    /// JSON text, as OpenAI sends it.
    pub arguments: String,
}

/// The calls a request provokes; none without tools, or when `tool_choice` says "none".
pub(crate) fn calls(request: &ChatRequest) -> Vec<Call> {
    let wanted = request
        .tool_choice
        .pointer("/function/name")
        .and_then(Value::as_str);
    let functions = || request.tools.iter().filter_map(|tool| tool.get("function"));
    let name_of = |function: &Value| {
        function
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let tool = match (request.tool_choice.as_str(), wanted) {
        (Some("none"), _) => None,
        (_, Some(wanted)) => {
            functions().find(|function| name_of(function).as_deref() == Some(wanted))
        }
        _ => functions().next(),
    };
    let Some((name, schema)) = tool.and_then(|function| {
        Some((
            name_of(function)?,
            function
                .get("parameters")
                .cloned()
                .unwrap_or_else(|| json!({"type": "object"})),
        ))
    }) else {
        return Vec::new();
    };
    let prompt = request.prompt();
    let mut things = things(&prompt);
    if things.is_empty() {
        things.push("sample".to_owned());
    }
    things.truncate(if request.parallel_tool_calls {
        MAX_CALLS
    } else {
        1
    });
    let number = first_number(&prompt);
    let arguments = |thing: String| instance(&schema, &Hints { thing, number }).to_string();
    things
        .into_iter()
        .map(|thing| Call {
            name: name.clone(),
            arguments: arguments(thing),
        })
        .collect()
}

/// What the tools answered: the messages at the end of the conversation that come from tools.
pub(crate) fn results(request: &ChatRequest) -> Option<String> {
    let from_tools = request
        .messages
        .iter()
        .rev()
        .take_while(|message| message.role == "tool");
    let mut texts: Vec<_> = from_tools.map(|message| message.text()).collect();
    texts.reverse();
    (!texts.is_empty()).then(|| texts.join(" | "))
}

/// What a schema's strings and numbers become.
pub(crate) struct Hints {
    pub thing: String,
    pub number: i64,
}

/// The smallest value a JSON schema accepts, as far as the sandbox understands it.
pub(crate) fn instance(schema: &Value, hints: &Hints) -> Value {
    build(schema, schema, hints, MAX_DEPTH)
}

fn build(schema: &Value, root: &Value, hints: &Hints, depth: u8) -> Value {
    let Some(depth) = depth.checked_sub(1) else {
        return Value::Null;
    };
    if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
        let target = path
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer));
        return target.map_or(Value::Null, |target| build(target, root, hints, depth));
    }
    if let Some(fixed) = schema
        .get("const")
        .or_else(|| schema.get("enum")?.get(0))
        .or_else(|| schema.get("default"))
    {
        return fixed.clone();
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(choice).and_then(|schemas| schemas.get(0)) {
            return build(first, root, hints, depth);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => schema.get("properties").map(|_| "object"),
    };
    match kind {
        Some("string") => Value::from(hints.thing.as_str()),
        Some("integer" | "number") => Value::from(hints.number),
        Some("boolean") => Value::Bool(true),
        Some("array") => {
            let item = schema
                .get("items")
                .map_or(Value::Null, |items| build(items, root, hints, depth));
            Value::Array(vec![item])
        }
        Some("object") => Value::Object(properties(schema, root, hints, depth)),
        _ => Value::Null,
    }
}

/// The required properties; all of them when the schema does not say which are.
fn properties(schema: &Value, root: &Value, hints: &Hints, depth: u8) -> Map<String, Value> {
    let Some(all) = schema.get("properties").and_then(Value::as_object) else {
        return Map::new();
    };
    let required = schema.get("required").and_then(Value::as_array);
    let wanted =
        |name: &str| required.is_none_or(|names| names.iter().any(|n| n.as_str() == Some(name)));
    all.iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, schema)| (name.clone(), build(schema, root, hints, depth)))
        .collect()
}

/// The things a prompt names: what stands in double quotes, else capitalised words (not its first word), neighbours
/// joined: "New York".
fn things(prompt: &str) -> Vec<String> {
    let quoted: Vec<String> = prompt
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect();
    if !quoted.is_empty() {
        return quoted;
    }
    let mut found: Vec<String> = Vec::new();
    let mut joins = false;
    for word in prompt.split_whitespace().skip(1) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let capital = bare != "I" && bare.chars().next().is_some_and(char::is_uppercase);
        match found.last_mut() {
            Some(last) if capital && joins => {
                last.push(' ');
                last.push_str(bare);
            }
            _ if capital => found.push(bare.to_owned()),
            _ => {}
        }
        // A comma or full stop after a word ends the thing.
        joins = capital && word.ends_with(bare);
    }
    found
}

fn first_number(prompt: &str) -> i64 {
    let digits = prompt
        .split(|c: char| !c.is_ascii_digit())
        .find(|run| !run.is_empty());
    digits.and_then(|run| run.parse().ok()).unwrap_or(1)
}
