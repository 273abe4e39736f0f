//! `farebox admin balance`: what does a wallet hold?

use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use super::account_named;
use crate::cli::output;
use crate::state::Handles;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// E-mail of the account
    #[arg(long, value_name = "E")]
    email: String,
    /// Print {"posted_nusd","reserved_nusd","available_nusd"}
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, handles: &Handles) -> anyhow::Result<ExitCode> {
    let account = account_named(handles, &args.email).await?;
    let balance = handles
        .ledger
        .balance(account.workspace)
        .await?
        .context("this workspace has no wallet")?;
    let object = json!({"posted_nusd": balance.posted, "reserved_nusd": balance.reserved, "available_nusd": balance.available});
    let sentence = format!(
        "{} available ({} held, {} of it reserved by running calls)",
        balance.available, balance.posted, balance.reserved
    );
    output::result(args.json, &object, &sentence)
}
