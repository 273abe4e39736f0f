//! `farebox config check`: every setting, where it came from, and what is wrong with it. Secrets are masked.

use std::process::ExitCode;

use clap::Subcommand;

use super::output::line;
use crate::config;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show every setting with its origin, and what is wrong
    ///
    /// Secrets are masked. Exits 0 when the server would start with these settings, 1 when it would refuse.
    Check,
}

pub fn run(command: Command) -> ExitCode {
    let Command::Check = command;
    let loaded = config::inspect();
    let width = loaded
        .settings
        .iter()
        .map(|setting| setting.name.len())
        .max()
        .unwrap_or(0);
    for setting in &loaded.settings {
        let shown = if setting.shown.is_empty() {
            "(unset)"
        } else {
            &setting.shown
        };
        line(&format!(
            "{:width$}  {shown}  [{}]",
            setting.name, setting.origin
        ));
    }
    let refusal = loaded.config.refusal();
    let problems: Vec<&String> = loaded.problems.iter().chain(&refusal).collect();
    for problem in &problems {
        line(&format!("problem: {problem}"));
    }
    for note in &loaded.notes {
        line(&format!("note: {note}"));
    }
    if !problems.is_empty() {
        return ExitCode::FAILURE;
    }
    let local = if loaded.config.local() {
        "local: this machine alone reaches it"
    } else {
        "public: others reach it"
    };
    line(&format!("The settings are in order; {local}."));
    ExitCode::SUCCESS
}
