//! `farebox admin price …`: what models cost. The options are shared with `model create`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use domain::price_rule::{Asked, Tier};
use domain::{PricePerMtok, PriceRule};
use server::audit::By;
use server::catalog::NewPrice;

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
        price: PriceArgs,
        /// When it starts: 2026-12-01T00:00:00Z, or 2026-12-01 (UTC); now when left out
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Print {"id","model","price","effective_from"}
        #[arg(long)]
        json: bool,
    },
    /// Publish what a price rule makes of itself
    ///
    /// The file is JSON, prices in micro-dollars per million tokens:
    /// {"rule":"rate_card","price":{"input":5000000,"cached_input":5000000,"output":30000000}} or
    /// {"rule":"cost_plus","base":{…},"coefficient":"1.4","margin":"1.09","tiers":{"priority":"1.3","flex":"0.6"}}.
    /// Factors that are left out are 1. Calls are charged by what is published, whatever effort they ask for.
    Rule {
        /// Id of the model
        #[arg(long, value_name = "M")]
        model: String,
        /// The rule
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// The tier at which the model is served
        #[arg(long, value_enum, default_value = "default")]
        tier: TierArg,
        /// When it starts: 2026-12-01T00:00:00Z, or 2026-12-01 (UTC); now when left out
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Print {"id","model","price","effective_from"}
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TierArg {
    Default,
    Priority,
    Flex,
}

impl From<TierArg> for Tier {
    fn from(tier: TierArg) -> Self {
        match tier {
            TierArg::Default => Self::Default,
            TierArg::Priority => Self::Priority,
            TierArg::Flex => Self::Flex,
        }
    }
}

/// Prices in US dollars per million tokens.
#[derive(Debug, Args)]
pub struct PriceArgs {
    /// US dollars per million prompt tokens
    #[arg(long, value_name = "2.50")]
    input_per_mtok: String,
    /// US dollars per million prompt tokens that the provider read from its cache; the input price when left out
    #[arg(long, value_name = "P")]
    cached_input_per_mtok: Option<String>,
    /// US dollars per million answer tokens, reasoning included
    #[arg(long, value_name = "10.00")]
    output_per_mtok: String,
    /// What you pay per million prompt tokens
    #[arg(long, value_name = "P")]
    cost_input_per_mtok: Option<String>,
    /// What you pay per million cached prompt tokens
    #[arg(long, value_name = "P")]
    cost_cached_input_per_mtok: Option<String>,
    /// What you pay per million answer tokens
    #[arg(long, value_name = "P")]
    cost_output_per_mtok: Option<String>,
}

impl PriceArgs {
    /// # Errors
    /// Names the option that is no price.
    pub fn read(&self) -> anyhow::Result<NewPrice> {
        let read = |option: &'static str, text: &str| PricePerMtok::parse_usd(text).context(option);
        let maybe = |option: &'static str, text: &Option<String>| {
            text.as_deref().map(|text| read(option, text)).transpose()
        };
        Ok(NewPrice {
            input: read("--input-per-mtok", &self.input_per_mtok)?,
            cached_input: maybe("--cached-input-per-mtok", &self.cached_input_per_mtok)?,
            output: read("--output-per-mtok", &self.output_per_mtok)?,
            cost_input: maybe("--cost-input-per-mtok", &self.cost_input_per_mtok)?,
            cost_cached_input: maybe(
                "--cost-cached-input-per-mtok",
                &self.cost_cached_input_per_mtok,
            )?,
            cost_output: maybe("--cost-output-per-mtok", &self.cost_output_per_mtok)?,
            markup: None,
        })
    }
}

/// # Errors
/// Says what is wrong with the file.
fn by_rule(file: &Path, tier: Tier) -> anyhow::Result<NewPrice> {
    let name = file.display();
    let json = std::fs::read(file).with_context(|| format!("{name} cannot be read"))?;
    let rule: PriceRule =
        serde_json::from_slice(&json).with_context(|| format!("{name} is no price rule"))?;
    // Reasoning is not priced apart here: without an effort it costs what the rest of the answer does.
    let price = rule.sheet(Asked { tier, effort: None })?.price;
    Ok(NewPrice {
        input: price.input,
        cached_input: Some(price.cached_input),
        output: price.output,
        ..NewPrice::default()
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
            tier,
            from,
            json,
        } => (model, by_rule(&file, tier.into())?, from, json),
    };
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
        "Published {}: {} costs {} in, {} cached, {} out (USD per million tokens) from {}.",
        view.id,
        view.model,
        view.price.input.to_usd_string(),
        view.price.cached_input.to_usd_string(),
        view.price.output.to_usd_string(),
        time(view.effective_from),
    );
    output::result(json, &view, &sentence)
}
