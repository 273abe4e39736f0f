//! What does Codex want to know of a model? It asks `GET /v1/models?client_version=…` and reads `models` there: what is in
//! its picker, how long a conversation may grow before it sums it up, which tools a model gets. A model that it finds
//! nowhere gets a warning and the window of another one.
//!
//! The shape is that of Codex CLI 0.169, measured by what its decoder refuses to miss. OpenAI's own models are left out:
//! Codex brings their instructions with it, and what a server says of them would replace these.

use serde::Serialize;
use server::catalog::ModelView;

/// Each model must come with instructions. These are ours and name no maker: they say what Codex is and how to work in it.
const INSTRUCTIONS: &str = include_str!("codex_instructions.md");

/// A model as Codex reads it.
#[derive(Serialize)]
pub(crate) struct Model {
    slug: String,
    display_name: String,
    description: Option<String>,
    base_instructions: &'static str,
    /// Tokens.
    context_window: u64,
    max_context_window: u64,
    /// Lower ones come first in the picker.
    priority: u16,
    visibility: &'static str,
    supported_in_api: bool,
    shell_type: &'static str,
    apply_patch_tool_type: &'static str,
    supports_parallel_tool_calls: bool,
    /// What is not known of a model is not offered.
    supported_reasoning_levels: [(); 0],
    experimental_supported_tools: [(); 0],
    support_verbosity: bool,
    default_verbosity: Option<()>,
    /// How much of a command's output the model gets to see.
    truncation_policy: Truncation,
    upgrade: Option<()>,
    availability_nux: Option<()>,
}

#[derive(Serialize)]
struct Truncation {
    mode: &'static str,
    limit: u32,
}

/// Those that answer conversations, in the order of the catalogue, which is that of their names.
pub(crate) fn models(models: &[ModelView]) -> Vec<Model> {
    let models = models.iter().filter(|model| converses(model));
    let others = models.filter(|model| !wire::is_openais(&model.id));
    (1..)
        .zip(others)
        .map(|(place, model)| Model::of(model, place))
        .collect()
}

/// Only they have a price for what they write. One that costs nothing at all may be anything.
fn converses(model: &ModelView) -> bool {
    let price = &model.price;
    price.output.micro_usd() > 0 || *price == domain::Price::default()
}

impl Model {
    fn of(model: &ModelView, priority: u16) -> Self {
        Self {
            slug: model.id.clone(),
            display_name: model.id.clone(),
            description: None,
            base_instructions: INSTRUCTIONS,
            context_window: model.context,
            max_context_window: model.context,
            priority,
            visibility: "list",
            supported_in_api: true,
            shell_type: "unified_exec",
            apply_patch_tool_type: "freeform",
            supports_parallel_tool_calls: true,
            supported_reasoning_levels: [],
            experimental_supported_tools: [],
            support_verbosity: false,
            default_verbosity: None,
            truncation_policy: Truncation {
                mode: "tokens",
                limit: 10_000,
            },
            upgrade: None,
            availability_nux: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_codex_brings_itself_and_what_does_not_converse_is_left_out() {
        let price = |output| {
            let stated = |micro| domain::PricePerMtok::from_micro_usd(micro).expect("a price");
            domain::Price::of(stated(100), stated(100), stated(output))
        };
        let view = |id: &str, output| ModelView {
            id: id.to_owned(),
            context: 200_000,
            created_at: 0,
            price_version: domain::ids::PriceId::from_uuid(uuid::Uuid::nil()),
            price: price(output),
        };
        let told = models(&[
            view("claude-opus", 5),
            view("gpt-6-sol", 5),
            view("house/qwen", 5),
            view("text-embedding", 0),
        ]);
        let told = serde_json::to_value(told).expect("it serialises");
        let slugs: Vec<_> = told
            .as_array()
            .into_iter()
            .flatten()
            .map(|model| (model["slug"].clone(), model["priority"].clone()))
            .collect();
        assert_eq!(
            slugs,
            [
                ("claude-opus".into(), 1.into()),
                ("house/qwen".into(), 2.into())
            ]
        );
        assert_eq!(told[0]["context_window"], 200_000);
    }
}
