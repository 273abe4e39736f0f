//! `farebox admin upstream …`: providers of models.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use domain::Speaks;
use server::audit::By;
use server::upstreams::NewUpstream;

use crate::cli::output;
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a provider of models
    ///
    /// Public addresses need https. Loopback works when this installation is local; a private network must be allowed in
    /// farebox.toml first ([upstreams] private_ranges). The credential is encrypted to this provider and its address.
    Create {
        /// A name of your choice, unique
        #[arg(long, value_name = "N")]
        name: String,
        /// What it speaks
        ///
        /// openai: all of OpenAI's endpoints. openai-chat: those without /responses, as most compatible servers.
        /// openai-responses: those without /chat/completions. anthropic: Anthropic's. Callers may use any dialect with any
        /// of them.
        #[arg(long, value_name = "D", value_parser = PossibleValuesParser::new(Speaks::ALL.map(Speaks::id)))]
        dialect: String,
        /// The address that /chat/completions or /messages is added to, like https://api.example.com/v1
        #[arg(long, value_name = "U")]
        base_url: String,
        /// Read its API key from the first line of standard input
        #[arg(long)]
        api_key_stdin: bool,
        /// Print {"id","name","dialect","base_url","has_api_key","disabled_at"}
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    let Command::Create {
        name,
        dialect,
        base_url,
        api_key_stdin,
        json,
    } = command;
    let dialect = Speaks::find(&dialect).context("no such dialect")?;
    let api_key = if api_key_stdin {
        Some(output::secret_from_stdin("the API key")?)
    } else {
        None
    };
    let view = handles
        .upstreams
        .acting(By::OPERATOR)
        .create(NewUpstream {
            name,
            dialect,
            base_url,
            api_key,
        })
        .await?;
    output::result(
        json,
        &view,
        &format!(
            "Added the upstream {} ({}). Next: `farebox admin model create`.",
            view.name, view.id
        ),
    )
}
