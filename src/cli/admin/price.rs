//! `farebox admin price …`: what models cost. The options are shared with `model create`.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use domain::PricePerMtok;
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

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    let Command::Set {
        model,
        price,
        from,
        json,
    } = command;
    let from = from
        .as_deref()
        .map(parse_time)
        .transpose()
        .context("--from")?;
    let view = handles
        .catalog
        .acting(By::OPERATOR)
        .set_price(&model, price.read()?, from)
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
