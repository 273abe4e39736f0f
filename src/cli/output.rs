//! How does a command speak? Results to standard output, one JSON object a line with `--json`; errors to standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use server::secrets::Secret;
use zeroize::Zeroizing;

/// Prints one line. A reader that went away (`| head`) is not an error.
pub fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints one JSON object on a line of its own.
///
/// # Errors
/// When the value cannot be written as JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value).context("the result cannot be written as JSON")?);
    Ok(())
}

/// One object with `--json`, else a sentence.
///
/// # Errors
/// When the value cannot be written as JSON.
pub fn result(as_json: bool, value: &impl Serialize, sentence: &str) -> anyhow::Result<ExitCode> {
    if as_json {
        json(value)?;
    } else {
        line(sentence);
    }
    Ok(ExitCode::SUCCESS)
}

/// What somebody should know who asked for something else. Standard output stays what was asked for.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "note: {text}");
}

/// Says what happened, and what to do where it is known.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(io::stderr().lock(), "error: {error:#}");
    ExitCode::FAILURE
}

/// The first line of standard input, without its end: a secret is never an argument, because other users of the machine
/// can read those.
///
/// # Errors
/// When there is none.
pub fn secret_from_stdin(what: &str) -> anyhow::Result<Secret> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    io::stdin()
        .read_line(&mut text)
        .with_context(|| format!("{what} cannot be read from standard input"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(
        !text.is_empty(),
        "standard input is empty; write {what} into it, followed by a new line"
    );
    Ok(Secret::new(text.to_owned()))
}
