//! How does a tool that takes free text pass through a dialect that has only functions? As one with a single field.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Block, Content, Tool, ToolKind};

/// The parameters of a custom tool that is written as a function.
#[must_use]
pub fn parameters() -> Box<RawValue> {
    const SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;
    RawValue::from_string(SCHEMA.to_owned()).expect("the schema is JSON")
}

/// A custom tool's input as that function's arguments.
#[must_use]
pub fn arguments(input: &str) -> String {
    serde_json::json!({ "input": input }).to_string()
}

/// The input of a custom tool that was called as a function. Arguments of another shape are the input themselves: the
/// model wrote them.
#[must_use]
pub fn input(arguments: &str) -> String {
    #[derive(Deserialize)]
    struct Arguments {
        input: String,
    }
    match serde_json::from_str::<Arguments>(arguments) {
        Ok(read) => read.input,
        Err(_) => arguments.to_owned(),
    }
}

/// Whether the caller offered this tool as a custom one but it was called as a function.
#[must_use]
pub fn was_custom(block: &Block, offered: &[Tool]) -> bool {
    match block {
        Block::Tool { name, kind, .. } if *kind == ToolKind::Function => offered
            .iter()
            .any(|tool| tool.kind == ToolKind::Custom && tool.name == *name),
        _ => false,
    }
}

/// The block as the caller offered its tool.
#[must_use]
pub fn restored(mut content: Content, offered: &[Tool]) -> Content {
    if was_custom(&content.block, offered) {
        content.text = input(&content.text);
        if let Block::Tool { kind, .. } = &mut content.block {
            *kind = ToolKind::Custom;
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_survives_as_a_functions_field() {
        for text in ["", "*** Begin \"Patch\"\n\u{2028}é", "{}"] {
            assert_eq!(input(&arguments(text)), text);
        }
        for other in ["", "[1]", r#"{"cmd":"ls"}"#] {
            assert_eq!(input(other), other);
        }
    }
}
