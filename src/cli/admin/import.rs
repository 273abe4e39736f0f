//! `farebox admin account import`: how does a CSV of another system become accounts? Line by line, all or nothing.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use csv::StringRecord;
use serde_json::json;
use server::accounts::{Email, Import, ImportError};
use server::audit::Actor;

use super::parse_time;
use crate::cli::output;
use crate::state::Handles;

/// The columns that there may be, in any order; the first three have to be.
const COLUMNS: [&str; 5] = ["email", "name", "password_hash", "verified", "created_at"];
const NEEDED: usize = 3;
/// Lines that are named; whoever has more mistakes than this has one mistake.
const SHOWN: usize = 20;

pub async fn run(file: &Path, as_json: bool, handles: &Handles) -> anyhow::Result<ExitCode> {
    let table =
        std::fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let (people, lines) = read(table)?;
    match handles
        .accounts
        .import(&handles.audit, Actor::Operator, &people)
        .await
    {
        Ok(imported) => output::result(
            as_json,
            &json!({"imported": imported}),
            &format!("Imported {imported} accounts."),
        ),
        Err(ImportError::Faults(faults)) => {
            let faults = faults.into_iter();
            let faults = faults.map(|(place, fault)| (lines[place], fault.to_string()));
            Err(refused(faults.collect()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The accounts of a table, and the line that each stands on.
fn read(table: impl std::io::Read) -> anyhow::Result<(Vec<Import>, Vec<u64>)> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(table);
    let header = reader.headers().context("the first line cannot be read")?;
    let header: Vec<String> = header
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_lowercase())
        .collect();
    if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        bail!(
            "line 1: there is no column \"{unknown}\"; there are {}",
            COLUMNS.join(", ")
        );
    }
    let place = |column: &str| header.iter().position(|name| name == column);
    if let Some(missing) = COLUMNS[..NEEDED]
        .iter()
        .find(|column| place(column).is_none())
    {
        bail!("line 1: the column {missing} is missing");
    }
    let (mut people, mut lines, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.context("nothing was imported")?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: &str| {
            place(column)
                .and_then(|place| record.get(place))
                .unwrap_or_default()
                .trim()
        };
        match person(&record, header.len(), field) {
            Ok(person) => {
                people.push(person);
                lines.push(line);
            }
            Err(fault) => faults.push((line, format!("{fault:#}"))),
        }
    }
    if faults.is_empty() {
        Ok((people, lines))
    } else {
        Err(refused(faults))
    }
}

fn person<'a>(
    record: &StringRecord,
    columns: usize,
    field: impl Fn(&str) -> &'a str,
) -> anyhow::Result<Import> {
    if record.len() != columns {
        bail!("{} values stand under {columns} columns", record.len());
    }
    let verified = match field("verified").to_lowercase().as_str() {
        "" | "false" | "no" | "0" => false,
        "true" | "yes" | "1" => true,
        _ => bail!("verified is neither true nor false"),
    };
    let created_at = Some(field("created_at")).filter(|text| !text.is_empty());
    Ok(Import {
        email: Email::parse(field("email"))?,
        name: field("name").to_owned(),
        password_hash: field("password_hash").to_owned(),
        verified,
        created_at: created_at
            .map(parse_time)
            .transpose()
            .context("created_at")?,
    })
}

fn refused(faults: Vec<(u64, String)>) -> anyhow::Error {
    let count = faults.len();
    let mut said: Vec<String> = faults
        .into_iter()
        .take(SHOWN)
        .map(|(line, fault)| format!("  line {line}: {fault}"))
        .collect();
    if count > SHOWN {
        said.push(format!("  … and {} more", count - SHOWN));
    }
    anyhow::anyhow!("nothing was imported:\n{}", said.join("\n"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn columns_come_in_any_order_and_lines_are_named() {
        let table = "\u{feff}Name,email,password_hash,created_at\n\"Ada,\nCountess\",ada@example.com,$2b$,2026-12-01\nBob,bob@example.com,x,\n";
        let (people, lines) = read(table.as_bytes()).unwrap();
        assert_eq!(lines, [2, 4], "a value may have two lines");
        assert_eq!(people[0].created_at, Some(1_796_083_200_000));
        assert_eq!((people[0].verified, people[1].created_at), (false, None));
    }

    #[test]
    fn what_is_wrong_is_said_for_every_line() {
        let said = |table: &str| read(table.as_bytes()).err().map(|error| error.to_string());
        let head = "email,name,password_hash,verified,created_at\n";
        let table = format!(
            "{head}ada,Ada,x,,\nbob@example.com,Bob,x,perhaps,\neve@example.com,Eve,x,yes,yesterday\njoe@example.com,Joe\n"
        );
        let told = said(&table).unwrap();
        for part in [
            "line 2: an e-mail",
            "line 3: verified",
            "line 4: created_at",
            "line 5: 2 values",
        ] {
            assert!(told.contains(part), "{told}");
        }
        assert!(
            said("email,name\n")
                .unwrap()
                .contains("password_hash is missing")
        );
        assert!(
            said("email,name,password\n")
                .unwrap()
                .contains("no column \"password\"")
        );
    }
}
