//! `farebox admin credit …`: credit that the operator gives.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use domain::Amount;
use serde_json::json;
use server::audit::By;
use server::ledger::Bonus;

use super::account_named;
use crate::cli::output;
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give adjustment credit to an account's wallet
    ///
    /// It is a transfer with your reason on it and cannot be edited afterwards. With --id, repeating the command credits
    /// once: use the number of the invoice or ticket.
    Grant(Gift),
    /// Give bonus credit, which may end
    ///
    /// Like grant, out of the book of what is given away. With --days, what is left of it after so many days leaves the
    /// wallet again; calls spend what ends first before anything else.
    Bonus {
        #[command(flatten)]
        gift: Gift,
        /// It ends so many days from now; without, it does not end
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3_660))]
        days: Option<u16>,
    },
}

#[derive(Debug, Args)]
pub struct Gift {
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
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// An amount and a reason as they were typed.
fn given(amount: &str, reason: &str) -> anyhow::Result<Amount> {
    let amount = Amount::parse_usd(amount).context("--amount")?;
    ensure!(
        !reason.trim().is_empty(),
        "--reason is empty; say why the credit is given"
    );
    ensure!(amount > Amount::ZERO, "the amount must be more than zero");
    Ok(amount)
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    let (Command::Grant(gift) | Command::Bonus { gift, .. }) = &command;
    let workspace = account_named(handles, &gift.email).await?.workspace;
    let amount = given(&gift.amount, &gift.reason)?;
    let (reason, id) = (gift.reason.trim(), gift.id.as_deref());
    let audit = &handles.audit;
    let granted = match &command {
        Command::Grant(_) => {
            let ledger = &handles.ledger;
            ledger
                .grant_audited(workspace, amount, reason, id, By::OPERATOR, audit)
                .await?
        }
        Command::Bonus { days, .. } => {
            let now = handles.clock.now_ms();
            let bonus = Bonus {
                workspace,
                amount,
                reason,
                id,
                ends_at: days.map(|days| now + i64::from(days) * DAY_MS),
            };
            bonus.give(&handles.db, now, By::OPERATOR, audit).await?
        }
    };
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
        gift.json,
        &object,
        &format!("{done} The wallet holds {}.", balance.posted),
    )
}
