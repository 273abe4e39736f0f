//! `farebox admin credit …`: credit that the operator gives.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Subcommand;
use domain::Amount;
use serde_json::json;
use server::audit::By;

use super::account_named;
use crate::cli::output;
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give adjustment credit to an account's wallet
    ///
    /// It is a transfer with your reason on it and cannot be edited afterwards. With --id, repeating the command credits
    /// once: use the number of the invoice or ticket.
    Grant {
        /// E-mail of the account
        #[arg(long, value_name = "E")]
        email: String,
        /// US dollars, with at most nine digits after the point
        #[arg(long, value_name = "25.00")]
        amount: String,
        /// Why, for whoever reads the ledger later
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The same id twice credits once
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Print {"credited","posted_nusd","reserved_nusd","available_nusd"}
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    let Command::Grant {
        email,
        amount,
        reason,
        id,
        json,
    } = command;
    let account = account_named(handles, &email).await?;
    let amount = Amount::parse_usd(&amount).context("--amount")?;
    ensure!(
        !reason.trim().is_empty(),
        "--reason is empty; say why the credit is given"
    );
    ensure!(amount > Amount::ZERO, "the amount must be more than zero");
    let granted = handles
        .ledger
        .grant_audited(
            account.workspace,
            amount,
            reason.trim(),
            id.as_deref(),
            By::OPERATOR,
            &handles.audit,
        )
        .await?;
    let balance = granted.balance;
    let object = json!({
        "credited": granted.credited,
        "posted_nusd": balance.posted,
        "reserved_nusd": balance.reserved,
        "available_nusd": balance.available,
    });
    let done = if granted.credited {
        format!("Credited {amount}.")
    } else {
        "Credited before under this id: nothing changed.".to_owned()
    };
    output::result(
        json,
        &object,
        &format!("{done} The wallet holds {}.", balance.posted),
    )
}
