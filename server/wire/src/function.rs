//! How do OpenAI's two dialects offer a function? In the same words; only what stands around them differs.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::neutral::{Tool, ToolKind};

#[derive(Deserialize)]
pub(crate) struct Function {
    name: String,
    description: Option<String>,
    parameters: Option<Box<RawValue>>,
    strict: Option<bool>,
}

impl From<Function> for Tool {
    fn from(function: Function) -> Self {
        Self {
            name: function.name,
            description: function.description,
            parameters: function.parameters,
            strict: function.strict,
            kind: ToolKind::Function,
        }
    }
}
