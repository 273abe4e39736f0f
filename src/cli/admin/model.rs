//! `farebox admin model …`: models that callers can name.

use std::process::ExitCode;

use clap::Subcommand;
use server::audit::By;
use server::catalog::NewModel;

use super::price_args::{PriceArgs, note_tools};
use crate::cli::output;
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Offer a model, served by an upstream, at a price
    ///
    ///   farebox admin model create --id gpt-5 --upstream openai --input-per-mtok 2.50 --output-per-mtok 10.00 \
    ///     --tool-calls-per-million 12000 --context 128000
    ///
    ///   farebox admin model create --id claude --upstream anthropic --input-per-mtok 3 --cached-input-per-mtok 0.30 \
    ///     --cache-write-per-mtok 3.75 --cache-write-1h-per-mtok 6 --output-per-mtok 15 --tool-calls-per-million 10000 \
    ///     --long-prompt-above 200000 --long-input-per-mtok 6 --long-output-per-mtok 22.50 --fast-factor 6 --context 1000000
    #[command(verbatim_doc_comment)]
    Create {
        /// The name that callers use
        #[arg(long, value_name = "M")]
        id: String,
        /// Name of the upstream that serves it
        #[arg(long, value_name = "N")]
        upstream: String,
        /// The model's name there, when it differs
        #[arg(long, value_name = "X")]
        upstream_model: Option<String>,
        #[command(flatten)]
        price: Box<PriceArgs>,
        /// How many tokens prompt and answer may have together
        #[arg(long, value_name = "128000")]
        context: u64,
        /// Print {"id","context","created_at","price_version","price"}
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    let Command::Create {
        id,
        upstream,
        upstream_model,
        price,
        context,
        json,
    } = command;
    let price = price.read()?;
    note_tools(&price);
    let new = NewModel {
        id,
        upstream,
        upstream_model,
        price,
        context,
    };
    let view = handles
        .catalog
        .acting(By::OPERATOR)
        .create_model(new)
        .await?;
    output::result(
        json,
        &view,
        &format!(
            "Callers can use {} now, at the price {}.",
            view.id, view.price_version
        ),
    )
}
