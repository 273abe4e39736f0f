//! `farebox ledger verify`: does the money add up? Many questions to one moment of the database, and with `--online` one
//! to each provider of payments.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use server::clock::Clock;
use server::db::Db;
use server::ledger::{Check, Report};
use server::orders::{self, PaymentsConfig, Reconciled};

use super::output::{self, line};
use crate::config::Config;
use crate::{database, sandbox_note};

/// What `verify` exits with when it could not ask.
const COULD_NOT_CHECK: u8 = 2;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check every invariant of the ledger, in one read-only moment
    ///
    /// Exits 0 when all hold, 1 when one is violated (and prints the ids of what breaks it), 2 when it could not check.
    /// It changes nothing and may run beside a server.
    Verify {
        /// Also ask the providers of payments for their lists of the last days, and compare them with our orders (I13)
        ///
        /// A provider that cannot be asked makes it exit 2, unless something is violated. Bank transfers are confirmed by
        /// hand: nobody can be asked about them.
        #[arg(long)]
        online: bool,
        /// With --online: so many days, the last of them today (UTC)
        #[arg(long, value_name = "DAYS", default_value_t = 7, requires = "online",
            value_parser = clap::value_parser!(u16).range(1..=i64::from(orders::DAYS_MAX)))]
        days: u16,
        /// Print one JSON object per check: {"id","title","holds","offenders"}
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command) -> ExitCode {
    let Command::Verify { online, days, json } = command;
    match verify(online.then_some(days), json).await {
        Ok(exit) => exit,
        Err(error) => {
            if json {
                line(&json!({"error": format!("{error:#}")}).to_string());
            }
            output::failed(&error);
            ExitCode::from(COULD_NOT_CHECK)
        }
    }
}

/// With `days` also online.
async fn verify(days: Option<u16>, json: bool) -> anyhow::Result<ExitCode> {
    let config = super::settings()?;
    let db = database::open_existing(&config).await?;
    let mut report = server::ledger::verify(&db).await?;
    let mut asked = Reconciled::default();
    if let Some(days) = days {
        asked = reconcile(&config, &db, days).await?;
        let offenders = std::mem::take(&mut asked.offenders);
        report.checks.push(Check::online(offenders));
    }
    for check in &report.checks {
        tell(check, &asked, json)?;
    }
    if !json {
        line(last_word(&report, &asked));
    }
    Ok(match (report.holds(), asked.unasked.is_empty()) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(COULD_NOT_CHECK),
        (true, true) => ExitCode::SUCCESS,
    })
}

async fn reconcile(config: &Config, db: &Db, days: u16) -> anyhow::Result<Reconciled> {
    let local = config.local();
    let expected = config.sandbox_payments(local);
    let sandbox = sandbox_note::read(&config.data).filter(|_| expected);
    let absent = expected && sandbox.is_none();
    let payments = PaymentsConfig {
        sandbox,
        ..config.payments_config(local)
    };
    let now = Clock::system().now_ms();
    let mut asked = orders::reconcile(db, &payments, now, days)
        .await
        .context("the orders cannot be read")?;
    if absent {
        asked.unasked = vec![
            "sandbox: it runs only beside a server; start `farebox serve`, and ask again"
                .to_owned(),
        ];
    }
    Ok(asked)
}

fn tell(check: &Check, asked: &Reconciled, json: bool) -> anyhow::Result<()> {
    let online = check.id == Check::ONLINE;
    if json {
        if !online {
            return output::json(check);
        }
        return output::json(&json!({
            "id": check.id, "title": check.title, "holds": check.holds, "offenders": check.offenders,
            "compared": asked.compared, "waiting": asked.waiting, "unasked": asked.unasked,
        }));
    }
    let mark = match (check.holds, online && !asked.unasked.is_empty()) {
        (false, _) => "VIOLATED",
        (true, true) => "unknown ",
        (true, false) => "holds   ",
    };
    line(&format!("{mark}  {:4} {}", check.id, check.title));
    for offender in &check.offenders {
        line(&format!("               {offender}"));
    }
    if online {
        for why in &asked.unasked {
            line(&format!("               could not ask {why}"));
        }
        for order in &asked.waiting {
            line(&format!("               {order} yet"));
        }
    }
    Ok(())
}

fn last_word(report: &Report, asked: &Reconciled) -> &'static str {
    match (report.holds(), asked.unasked.is_empty()) {
        (false, _) => "The ledger is violated: stop serving and look at the ids above.",
        (true, false) => "The ledger holds, but not every provider of payments could be asked.",
        (true, true) => "The ledger holds.",
    }
}
