//! `farebox ledger verify`: does the money add up? Seven kinds of questions to one moment of the database.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::output::{self, line};
use crate::database;

/// What `verify` exits with when it could not ask.
const COULD_NOT_CHECK: u8 = 2;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check every invariant of the ledger, in one read-only moment
    ///
    /// Exits 0 when all hold, 1 when one is violated (and prints the ids of what breaks it), 2 when it could not check.
    /// It changes nothing and may run beside a server.
    Verify {
        /// Print one JSON object per check: {"id","title","holds","offenders"}
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command) -> ExitCode {
    let Command::Verify { json } = command;
    match verify(json).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            if json {
                line(&json!({"error": format!("{error:#}")}).to_string());
            }
            output::failed(&error);
            ExitCode::from(COULD_NOT_CHECK)
        }
    }
}

async fn verify(json: bool) -> anyhow::Result<bool> {
    let config = super::settings()?;
    let db = database::open_existing(&config).await?;
    let report = server::ledger::verify(&db).await?;
    for check in &report.checks {
        if json {
            output::json(check)?;
            continue;
        }
        line(&format!(
            "{}  {:4} {}",
            if check.holds { "holds   " } else { "VIOLATED" },
            check.id,
            check.title
        ));
        for offender in &check.offenders {
            line(&format!("               {offender}"));
        }
    }
    if !json {
        line(if report.holds() {
            "The ledger holds."
        } else {
            "The ledger is violated: stop serving and look at the ids above."
        });
    }
    Ok(report.holds())
}
