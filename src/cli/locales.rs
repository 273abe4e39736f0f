//! `farebox locales check`: is a folder of locale files right? For translators, without a Rust toolchain.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Subcommand;

use super::output::{self, line};
use crate::config;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check every locale file of a folder: what is missing, misspelled, broken
    ///
    /// Looks at the folder given, else at FAREBOX_LOCALES, else at ./locales. Exits 0 when nothing is wrong (warnings are
    /// allowed), 1 otherwise.
    Check {
        /// The folder with en.json
        folder: Option<PathBuf>,
        /// Print one JSON object with everything that was found
        #[arg(long)]
        json: bool,
    },
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Check { folder, json } = command;
    // Not the whole settings: a translator has none, and needs none.
    let folder = folder
        .or_else(|| config::inspect().config.locales)
        .unwrap_or_else(|| PathBuf::from("locales"));
    ensure!(
        folder.is_dir(),
        "there is no folder {}; name the one with your locale files",
        folder.display()
    );
    let report = texts::check::run(&folder);
    if json {
        output::json(&report)?;
    } else {
        for finding in &report.findings {
            line(&finding.to_string());
        }
        for language in &report.languages {
            line(&format!(
                "{}: {} of {} texts",
                language.locale, language.have, language.need
            ));
        }
        line(&format!(
            "{} error(s), {} warning(s)",
            report.errors, report.warnings
        ));
    }
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
