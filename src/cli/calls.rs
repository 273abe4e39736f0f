//! `farebox calls list`: what was served to an account, and what did it cost?

use std::process::ExitCode;

use clap::Subcommand;
use domain::Bucket;
use server::calls::CallRow;

use super::admin::account_named;
use super::output::{self, line};
use crate::config::Config;
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the calls of an account's own workspace, newest first
    ///
    /// Each call has its id, model, status, tokens per bucket, the version of the price it was charged by, the charge in
    /// nano-dollars, the rule by which it was charged, whether its tokens were estimated, and the tries at upstreams.
    /// There is no prompt and no answer: Farebox does not keep them.
    List {
        /// E-mail of the account
        #[arg(long, value_name = "E")]
        email: String,
        /// How many calls at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Print one JSON object per call
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let Command::List { email, limit, json } = command;
    let handles = Handles::open(config).await?;
    let account = account_named(&handles, &email).await?;
    for call in handles.calls.list(account.workspace, limit).await? {
        if json {
            output::json(&call)?;
        } else {
            line(&sentence(&call));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What it used beside that.
fn others(call: &CallRow) -> String {
    let usage = call.usage();
    let flag = if call.flagged {
        " (report corrected)"
    } else {
        ""
    };
    let others: String = Bucket::ALL
        .into_iter()
        .filter(|bucket| !bucket.is_usual() && *bucket != Bucket::Call)
        .filter(|bucket| usage.count(*bucket) > 0)
        .map(|bucket| format!(", {} {}", usage.count(bucket), bucket.id()))
        .collect();
    others + flag
}

fn sentence(call: &CallRow) -> String {
    let attempts: Vec<String> = call
        .attempts
        .iter()
        .map(|attempt| format!("{} {}", attempt.upstream, attempt.outcome))
        .collect();
    format!(
        "{}  {}  {}  {}  {} in + {} cached, {} out{}  {}  {}  {}",
        super::admin::time(call.created_at),
        call.id,
        call.model,
        call.status,
        call.input_tokens,
        call.cached_input_tokens,
        call.output_tokens,
        others(call),
        call.charge_nusd,
        call.rule,
        attempts.join(", "),
    )
}
