//! `farebox admin price …`: what models cost. The options are shared with `model create`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use domain::PriceRule;
use server::audit::By;
use server::catalog::NewPrice;

use super::price_args::{PriceArgs, note_tools};
use super::{parse_time, time};
use crate::cli::output;
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Publish a new version of a model's price
    ///
    /// Versions are never changed. Calls in flight keep the version they began with, and every call names the one it was
    /// charged by.
    Set {
        /// Id of the model
        #[arg(long, value_name = "M")]
        model: String,
        #[command(flatten)]
        price: Box<PriceArgs>,
        /// When it starts: 2026-12-01T00:00:00Z, or 2026-12-01 (UTC); now when left out
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Print {"id","model","price","variants","effective_from"}
        #[arg(long)]
        json: bool,
    },
    /// Publish what a price rule makes of itself
    ///
    /// The file is JSON, prices in micro-dollars per million tokens:
    /// {"rule":"rate_card","price":{"input":5000000,"cached_input":5000000,"output":30000000}} or
    /// {"rule":"cost_plus","base":{…},"coefficient":"1.4","margin":"1.09","tiers":{"priority":"1.3","flex":"0.6"}}.
    /// Factors that are left out are 1. Every tier and effort with a factor gets a price of its own in the version, and so do
    /// long prompts: "long":{"from":200001,"price":{…}}, where uses of tools cost the same if nothing is said. Other buckets stand beside input and output under their names:
    /// cache_write, cache_write_1h, audio_input, image_input, reasoning, audio_output, image_output, tool_calls, units (with
    /// "unit"), call.
    Rule {
        /// Id of the model
        #[arg(long, value_name = "M")]
        model: String,
        /// The rule
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// When it starts: 2026-12-01T00:00:00Z, or 2026-12-01 (UTC); now when left out
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Print {"id","model","price","variants","effective_from"}
        #[arg(long)]
        json: bool,
    },
}

/// Uses of the provider's tools cost in long prompts what they cost in others, unless the file says otherwise: what nobody
/// thought of is not given away.
///
/// # Errors
/// Says what is wrong with the file.
fn by_rule(file: &Path) -> anyhow::Result<NewPrice> {
    let name = file.display();
    let json = std::fs::read(file).with_context(|| format!("{name} cannot be read"))?;
    let mut rule: PriceRule =
        serde_json::from_slice(&json).with_context(|| format!("{name} is no price rule"))?;
    let written: serde_json::Value = serde_json::from_slice(&json)?;
    let said = |at: &str| written.pointer(at).and_then(serde_json::Value::as_i64);
    let (base, long) = match &mut rule {
        PriceRule::RateCard(card) => (card.price, &mut card.long),
        PriceRule::CostPlus(rule) => (rule.base, &mut rule.long),
    };
    let of_long = said("/long/price/tool_calls");
    if let (Some(long), None) = (long, of_long) {
        long.price.tool_calls = base.tool_calls;
    }
    let is_free = match said("/base/tool_calls").or_else(|| said("/price/tool_calls")) {
        Some(0) => true,
        Some(_) => of_long == Some(0),
        None => false,
    };
    Ok(NewPrice {
        tools_free: is_free,
        ..NewPrice::of_list(rule.list()?)
    })
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    let (model, price, from, json) = match command {
        Command::Set {
            model,
            price,
            from,
            json,
        } => (model, price.read()?, from, json),
        Command::Rule {
            model,
            file,
            from,
            json,
        } => (model, by_rule(&file)?, from, json),
    };
    note_tools(&price);
    let from = from
        .as_deref()
        .map(parse_time)
        .transpose()
        .context("--from")?;
    let view = handles
        .catalog
        .acting(By::OPERATOR)
        .set_price(&model, price, from)
        .await?;
    let sentence = format!(
        "Published {}: {} costs {} in, {} cached, {} out (USD per million tokens) from {}; {} other prices.",
        view.id,
        view.model,
        view.price.input.to_usd_string(),
        view.price.cached_input.to_usd_string(),
        view.price.output.to_usd_string(),
        time(view.effective_from),
        view.variants.len(),
    );
    output::result(json, &view, &sentence)
}
