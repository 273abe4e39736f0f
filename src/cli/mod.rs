//! What can be typed after `farebox`? One file per command; each is a thin way to the verbs of the business.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 not understood, or (for checks) could not be checked.

pub mod admin;
mod calls;
mod config;
mod doctor;
mod ledger;
mod locales;
mod migrate;
mod output;
mod sandbox;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use sandbox::{Announcement, SECRET_VARIABLE};

use crate::config::{Config, Log, LogFormat};
use crate::telemetry;

/// A self-hosted storefront for AI APIs: prepaid balance, keys, one metered endpoint.
///
/// Settings come from the environment, else from farebox.toml in the current folder (or the file that FAREBOX_CONFIG
/// names), else from defaults; `farebox config check` shows each with its origin. The most used:
///
///   FAREBOX_DATA        data folder with the embedded database and the key files (default ./data)
///   FAREBOX_LISTEN      address and port to listen on (default 127.0.0.1:8787)
///   FAREBOX_PUBLIC_URL  the address people use (default http://<FAREBOX_LISTEN>)
///   DATABASE_URL        sqlite:PATH or postgres://… (default sqlite:<FAREBOX_DATA>/farebox.db)
///
/// Every command works whether or not the server is running; a running server sees its effect within five seconds.
#[derive(Debug, Parser)]
#[command(
    name = "farebox",
    version,
    verbatim_doc_comment,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: the metered endpoint under /v1, and the pages
    #[command(verbatim_doc_comment)]
    Serve(serve::Args),
    /// Bring the database's schema up, down, or compare it with this version
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Look for what would stop or endanger this installation, and say what to do about it
    Doctor(doctor::Args),
    /// Look at the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Work on the languages
    #[command(subcommand)]
    Locales(locales::Command),
    /// Stand-ins for the outside world, for the first look and for tests
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Accounts, credit, keys, upstreams, models and prices
    #[command(subcommand)]
    Admin(Box<admin::Command>),
    /// Look at served calls
    #[command(subcommand)]
    Calls(calls::Command),
    /// Prove that the money adds up
    #[command(subcommand)]
    Ledger(ledger::Command),
}

/// Runs one command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return output::failed(
                &anyhow::Error::from(error).context("no threads can be started"),
            );
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Migrate(command) => migrate::run(command, &settings()?).await,
            Command::Doctor(args) => Ok(doctor::run(args).await),
            Command::Config(command) => Ok(config::run(command)),
            Command::Locales(command) => locales::run(command),
            Command::Sandbox(command) => sandbox::run(command).await,
            Command::Admin(command) => admin::run(*command, &settings()?).await,
            Command::Calls(command) => calls::run(command, &settings()?).await,
            Command::Ledger(command) => Ok(ledger::run(command).await),
        }
    });
    // Nothing of a finished command is worth waiting for, such as a blocked read of standard input.
    runtime.shutdown_background();
    done.unwrap_or_else(|error| output::failed(&error))
}

/// The settings, and a log that says only what went wrong: a command's own words are its output.
fn settings() -> anyhow::Result<Config> {
    let config = Config::load()?;
    let filter = match std::env::var("FAREBOX_LOG") {
        Ok(filter) if !filter.is_empty() => filter,
        // An upstream of the server's own process is not there in a command's, and need not be.
        _ => "error,server::upstreams=off".to_owned(),
    };
    telemetry::start(&Log {
        filter,
        format: LogFormat::Pretty,
    });
    Ok(config)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_every_option_is_documented() {
        fn look(command: &clap::Command, path: &str, missing: &mut Vec<String>) {
            for argument in command
                .get_arguments()
                .filter(|argument| !argument.is_hide_set())
            {
                if argument.get_help().is_none() {
                    missing.push(format!("{path} --{}", argument.get_id()));
                }
            }
            for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
                let path = format!("{path} {}", sub.get_name());
                if sub.get_about().is_none() {
                    missing.push(path.clone());
                }
                look(sub, &path, missing);
            }
        }
        let mut missing = Vec::new();
        look(&super::Cli::command(), "farebox", &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }
}
