//! `[policies]`: what must the policies say that only the operator knows?

use std::collections::BTreeMap;

use server::policies::Recipient;

use super::file::PoliciesTable;
use super::load::{Loader, optional, positive};

/// Characters of one saying at most.
const LONGEST: usize = 300;
/// Unless the operator says otherwise: what laws on data rights usually give.
const ANSWER_DAYS: u64 = 30;

/// What the operator says for the policies. What is `None` is not claimed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sayings {
    /// Whose servers these are and where.
    pub hosting: Option<String>,
    /// Which law applies.
    pub law: Option<String>,
    /// Within how many days people get an answer about their data and money.
    pub answer_days: u64,
    /// How many days backups are kept.
    pub backup_days: Option<u64>,
    /// How many days logs are kept.
    pub log_days: Option<u64>,
    /// Whose the hosts are that prompts are sent to.
    pub recipients: Vec<Recipient>,
}

impl Default for Sayings {
    fn default() -> Self {
        Self {
            hosting: None,
            law: None,
            answer_days: ANSWER_DAYS,
            backup_days: None,
            log_days: None,
            recipients: Vec::new(),
        }
    }
}

pub(super) fn settings(l: &mut Loader<'_>, file: PoliciesTable) -> Sayings {
    let raw = l.raw(None, file.hosting, "");
    let hosting = l.read("policies.hosting", raw, "", |text| optional(text, saying));
    let raw = l.raw(None, file.law, "");
    let law = l.read("policies.law", raw, "", |text| optional(text, saying));
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let usual = ANSWER_DAYS.to_string();
    let raw = l.raw(None, number(file.answer_days), &usual);
    let answer_days = l.read("policies.answer_days", raw, &usual, positive);
    let raw = l.raw(None, number(file.backup_days), "");
    let backup_days = l.read("policies.backup_days", raw, "", |text| {
        optional(text, positive)
    });
    let raw = l.raw(None, number(file.log_days), "");
    let log_days = l.read("policies.log_days", raw, "", |text| {
        optional(text, positive)
    });
    let raw = l.raw(None, file.recipients.map(|table| written(&table)), "");
    let recipients = l.read("policies.recipients", raw, "", recipients);
    Sayings {
        hosting,
        law,
        answer_days,
        backup_days,
        log_days,
        recipients,
    }
}

fn saying(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("write one line of at most {LONGEST} characters"))
}

/// The table of the file as one text, an entry a line: `api.example.com = Example, USA`.
fn written(table: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = table
        .iter()
        .map(|(host, who)| format!("{} = {}", host.trim(), who.replace('\n', " ").trim()))
        .collect();
    entries.join("\n")
}

fn recipients(text: &str) -> Result<Vec<Recipient>, String> {
    let entry = |line: &str| {
        let (host, who) = line
            .split_once(" = ")
            .filter(|(host, who)| !host.is_empty() && !host.contains('/') && !who.is_empty())
            .ok_or_else(|| {
                format!(
                    "write {line:?} as host and owner, like \"api.example.com\" = \"Example, USA\""
                )
            })?;
        Ok(Recipient {
            host: host.to_ascii_lowercase(),
            who: saying(who)?,
        })
    };
    text.lines().map(entry).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn recipients_are_hosts_and_their_owners() {
        let table = BTreeMap::from([
            ("API.example.com".to_owned(), "Example, USA".to_owned()),
            ("10.0.0.5".to_owned(), "ours = here".to_owned()),
        ]);
        let read = recipients(&written(&table)).unwrap();
        let found: Vec<_> = read
            .iter()
            .map(|entry| (entry.host.as_str(), entry.who.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("10.0.0.5", "ours = here"),
                ("api.example.com", "Example, USA")
            ]
        );
        for wrong in ["https://a.example = x", "a.example = ", "a.example"] {
            assert!(recipients(wrong).is_err(), "{wrong}");
        }
        assert_eq!(recipients("").unwrap(), Vec::new());
    }
}
