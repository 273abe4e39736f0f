//! `[payments]`: how can customers pay, between which bounds, and what is given on top?

use std::collections::BTreeMap;

use domain::{Amount, Currency};
use server::orders::{BonusTier, ManualConfig, PaymentsConfig};

use super::Config;
use super::file::{ManualTable, PaymentsTable};
use super::load::{Loader, optional};

/// Lines of a bank account at most, and characters of one.
const LINES_MAX: usize = 8;
const LINE_MAX: usize = 120;
/// Nobody gives more on top than is paid.
const BONUS_MAX_BP: i64 = 10_000;

/// The settings as they are written; what is there depends on where Farebox stands, too.
#[derive(Debug, Clone)]
pub struct Payments {
    /// In US dollars of credit.
    pub min: Amount,
    pub max: Amount,
    pub bonus: Vec<BonusTier>,
    pub manual: Option<ManualConfig>,
    /// Play money; `None` is wherever Farebox is local.
    pub sandbox: Option<bool>,
}

pub(super) fn settings(l: &mut Loader<'_>, file: PaymentsTable) -> Payments {
    let raw = l.raw(Some("FAREBOX_PAYMENTS_MIN"), file.min, "1");
    let min = l.read("payments.min", raw, "1", bound);
    let raw = l.raw(Some("FAREBOX_PAYMENTS_MAX"), file.max, "10000");
    let max = l.read("payments.max", raw, "10000", bound);
    if min > max {
        l.problems
            .push("payments.min is more than payments.max: nobody could pay".to_owned());
    }
    let raw = l.raw(
        None,
        file.bonus_percent.map(|table| {
            let parts: Vec<String> = table
                .iter()
                .map(|(from, percent)| format!("{from}={percent}"))
                .collect();
            parts.join(",")
        }),
        "",
    );
    let bonus = l.read("payments.bonus_percent", raw, "", bonus);
    let raw = l.raw(
        Some("FAREBOX_PAYMENTS_SANDBOX"),
        file.sandbox.map(|on| on.to_string()),
        "",
    );
    let sandbox = l.read("payments.sandbox", raw, "", |text| optional(text, switch));
    let manual = manual(l, file.manual);
    Payments {
        min,
        max,
        bonus,
        manual,
        sandbox,
    }
}

fn manual(l: &mut Loader<'_>, file: ManualTable) -> Option<ManualConfig> {
    let raw = l.raw(None, file.holder, "");
    let holder = l.read("payments.manual.holder", raw, "", |text| {
        optional(text, line)
    });
    let accounts = file.accounts.map(|table| {
        let lines: Vec<String> = table
            .iter()
            .flat_map(|(currency, lines)| {
                lines.iter().map(move |line| format!("{currency}: {line}"))
            })
            .collect();
        lines.join("\n")
    });
    let raw = l.raw(None, accounts, "");
    let accounts = l.read("payments.manual.accounts", raw, "", accounts_of);
    match (holder, accounts.is_empty()) {
        (Some(holder), false) => Some(ManualConfig { holder, accounts }),
        (None, true) => None,
        (Some(_), true) => {
            l.problems.push(
                "payments.manual.accounts is missing: customers would not know where to transfer money to"
                    .to_owned(),
            );
            None
        }
        (None, false) => {
            l.problems.push(
                "payments.manual.holder is missing: a bank transfer needs the name of who gets it"
                    .to_owned(),
            );
            None
        }
    }
}

fn bound(text: &str) -> Result<Amount, String> {
    Amount::parse_usd(text)
        .ok()
        .filter(|amount| *amount > Amount::ZERO)
        .ok_or_else(|| "write US dollars above zero, like 5 or 2.50".to_owned())
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "on" => Ok(true),
        "false" | "off" => Ok(false),
        _ => Err("choose true or false".to_owned()),
    }
}

/// `25=5,100=10`: from 25 US dollars on five per cent on top.
fn bonus(text: &str) -> Result<Vec<BonusTier>, String> {
    let mut tiers = Vec::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let wrong = || {
            format!(
                "{part} is no bonus: write the credit from which it is given, and per cent, like \"25\" = \"5\""
            )
        };
        let (from, percent) = part.split_once('=').ok_or_else(wrong)?;
        let from = bound(from.trim()).map_err(|_| wrong())?;
        let bp = percent_bp(percent.trim()).ok_or_else(wrong)?;
        tiers.push(BonusTier { from, bp });
    }
    Ok(tiers)
}

/// Per cent with at most two digits after the point, from 0 to 100, in basis points.
fn percent_bp(text: &str) -> Option<u16> {
    domain::money::parse_decimal(text, 2)
        .ok()
        .filter(|bp| (0..=BONUS_MAX_BP).contains(bp))
        .and_then(|bp| u16::try_from(bp).ok())
}

/// Lines of `EUR: IBAN …`.
fn accounts_of(text: &str) -> Result<BTreeMap<Currency, Vec<String>>, String> {
    let mut accounts: BTreeMap<Currency, Vec<String>> = BTreeMap::new();
    for part in text.lines() {
        let (currency, rest) = part
            .split_once(": ")
            .ok_or_else(|| "a line of an account is empty".to_owned())?;
        let currency: Currency = currency
            .trim()
            .parse()
            .map_err(|wrong| format!("{currency}: {wrong}"))?;
        let lines = accounts.entry(currency).or_default();
        lines.push(line(rest)?);
        if lines.len() > LINES_MAX {
            return Err(format!("{currency} has more than {LINES_MAX} lines"));
        }
    }
    Ok(accounts)
}

fn line(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits =
        !text.is_empty() && text.chars().count() <= LINE_MAX && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("a line has 1 to {LINE_MAX} characters"))
    }
}

impl Config {
    /// What orders are made of, where Farebox is local or not.
    #[must_use]
    pub fn payments_config(&self, local: bool) -> PaymentsConfig {
        PaymentsConfig {
            local,
            min: self.payments.min,
            max: self.payments.max,
            bonus: self.payments.bonus.clone(),
            manual: self.payments.manual.clone(),
            sandbox: None,
        }
    }

    /// Whether the sandbox provider of payments runs beside the server.
    #[must_use]
    pub fn sandbox_payments(&self, local: bool) -> bool {
        local && self.payments.sandbox.unwrap_or(true)
    }

    /// Play money buys real calls: only where nobody but this machine pays.
    pub(super) fn payments_refusal(&self, local: bool) -> Option<String> {
        (self.payments.sandbox == Some(true) && !local).then(|| {
            "payments.sandbox takes play money for real calls, which is only for trying things out on this machine; \
             remove it, or listen on 127.0.0.1 without a public address"
                .to_owned()
        })
    }
}
