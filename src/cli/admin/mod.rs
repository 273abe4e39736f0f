//! What an operator does by hand: one file per noun.

mod account;
mod balance;
mod credit;
mod import;
mod key;
mod key_limits;
mod model;
mod order;
mod price;
mod price_args;
mod rate;
mod upstream;

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Subcommand;
use domain::views::{AccountView, UnixMs};
use server::accounts::Email;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::Config;
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// People who sign in
    #[command(subcommand)]
    Account(account::Command),
    /// Credit that you give
    #[command(subcommand)]
    Credit(credit::Command),
    /// Keys that call the endpoint
    #[command(subcommand)]
    Key(key::Command),
    /// Providers of models
    #[command(subcommand)]
    Upstream(upstream::Command),
    /// Models that callers can name
    #[command(subcommand)]
    Model(model::Command),
    /// What models cost
    #[command(subcommand)]
    Price(price::Command),
    /// Top-ups being paid
    #[command(subcommand)]
    Order(order::Command),
    /// What currencies are worth
    #[command(subcommand)]
    Rate(rate::Command),
    /// Show what a wallet holds
    ///
    /// `posted` is what it holds, `reserved` what running calls hold of it, `available` the difference; with --json in
    /// whole nano-dollars, as strings.
    Balance(balance::Args),
}

pub async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let handles = Handles::open(config).await?;
    match command {
        Command::Account(command) => account::run(command, config, &handles).await,
        Command::Credit(command) => credit::run(command, &handles).await,
        Command::Key(command) => key::run(command, &handles).await,
        Command::Upstream(command) => upstream::run(command, &handles).await,
        Command::Model(command) => model::run(command, &handles).await,
        Command::Price(command) => price::run(command, &handles).await,
        Command::Order(command) => order::run(command, config, &handles).await,
        Command::Rate(command) => rate::run(command, &handles).await,
        Command::Balance(args) => balance::run(args, &handles).await,
    }
}

/// The account that `--email` names.
///
/// # Errors
/// When there is none.
pub async fn account_named(handles: &Handles, email: &str) -> anyhow::Result<AccountView> {
    let email = Email::parse(email)?;
    handles.accounts.by_email(&email).await?.ok_or_else(|| {
        anyhow!(
            "there is no account with this e-mail; make one with `farebox admin account create`"
        )
    })
}

/// A time for people: UTC to the second.
#[must_use]
pub fn time(at: UnixMs) -> String {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1000))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.to_string())
}

/// A time as people type it: `2026-12-01T00:00:00Z`, or `2026-12-01` for its first moment in UTC.
///
/// # Errors
/// When it is neither.
pub fn parse_time(text: &str) -> anyhow::Result<UnixMs> {
    let full = if text.contains('T') {
        text.to_owned()
    } else {
        format!("{text}T00:00:00Z")
    };
    let time = OffsetDateTime::parse(&full, &Rfc3339)
        .context("write the time like 2026-12-01T00:00:00Z or 2026-12-01")?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000))
        .context("this time is out of range")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        assert_eq!(parse_time("2026-12-01").unwrap(), 1_796_083_200_000);
        assert_eq!(
            parse_time("2026-12-01T03:00:00+03:00").unwrap(),
            1_796_083_200_000
        );
        assert_eq!(time(1_796_083_200_999), "2026-12-01T00:00:00Z");
        assert!(parse_time("tomorrow").is_err());
    }
}
