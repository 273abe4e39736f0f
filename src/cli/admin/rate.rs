//! `farebox admin rate …`: what currencies are worth, who says so, and what is set by hand.

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Subcommand;
use domain::Currency;
use domain::fx::{Charging, Known, Rate, Source};
use serde_json::{Value, json};
use server::audit::By;
use server::clock::Clock;
use server::rates::Desk;

use super::{parse_time, time};
use crate::cli::output::{self, line};
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the rate of every currency, and how its sources did
    List {
        /// Print {"currency","per_usd","source","date","chargeable"} per currency, then {"source","checked_at","refused"}
        /// per source
        #[arg(long)]
        json: bool,
    },
    /// Set a rate by hand
    ///
    /// It comes before every source for a month, or until `rate clear`. Written into the audit log.
    Set {
        /// The currency, like KWD
        #[arg(long, value_name = "CUR")]
        currency: String,
        /// What one US dollar is in it, like 0.3068
        #[arg(long, value_name = "R")]
        per_usd: String,
        /// The day of the rate, like 2026-12-01; today when left out
        #[arg(long, value_name = "DAY")]
        date: Option<String>,
        /// It is right, even ten times as much as before
        #[arg(long)]
        sure: bool,
        /// Print {"currency","per_usd","source","date","chargeable"}
        #[arg(long)]
        json: bool,
    },
    /// End a rate that was set by hand
    Clear {
        /// The currency, like KWD
        #[arg(long, value_name = "CUR")]
        currency: String,
        /// Print {"currency","per_usd","source","date","chargeable"} of the rate that holds now
        #[arg(long)]
        json: bool,
    },
    /// Ask the sources now, whenever they were asked last. Written into the audit log
    Fetch {
        /// Print {"source","stored","kept","error"} per source; `kept` are the currencies whose new rate is not believed
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    let desk = handles.rates.acting(By::OPERATOR);
    match command {
        Command::List { json } => list(handles, json).await,
        Command::Set {
            currency,
            per_usd,
            date,
            sure,
            json,
        } => {
            let currency = currency.parse::<Currency>().context("--currency")?;
            let rate = Rate::parse(&per_usd, '.').context("--per-usd")?;
            let date = date.as_deref().map(parse_time).transpose();
            let date = date
                .context("--date")?
                .unwrap_or_else(|| Clock::system().now_ms());
            let known = desk.set(currency, rate, date, sure).await?;
            tell(currency, &known, json)
        }
        Command::Clear { currency, json } => {
            let currency = currency.parse::<Currency>().context("--currency")?;
            let known = desk.clear(currency).await?;
            tell(currency, &known, json)
        }
        Command::Fetch { json } => fetch(handles, &desk, json).await,
    }
}

async fn list(handles: &Handles, as_json: bool) -> anyhow::Result<ExitCode> {
    let table = handles.rates.table();
    for currency in Currency::ALL {
        if currency != Currency::Usd {
            tell(currency, &table.known(currency), as_json)?;
        }
    }
    let asked = handles.rates.asked();
    for state in handles.rates.sources().await? {
        let checked = state.checked_at.map(time);
        if as_json {
            output::json(&json!({
                "source": state.source,
                "checked_at": checked,
                "refused": state.refused,
            }))?;
            continue;
        }
        let unused = !asked.iter().any(|source| source.code() == state.source);
        line(&format!(
            "{}{}: asked {}, {}",
            state.source,
            if unused { " (not asked any more)" } else { "" },
            checked.as_deref().unwrap_or("never"),
            state.refused.as_deref().unwrap_or("fine"),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn fetch(handles: &Handles, desk: &Desk<'_>, as_json: bool) -> anyhow::Result<ExitCode> {
    let asked = handles.rates.asked();
    if asked.is_empty() {
        return Err(anyhow!(
            "nobody is asked for rates: name sources in [rates] of farebox.toml"
        ));
    }
    let mut all_well = true;
    for source in asked {
        let outcome = desk.fetch(source).await;
        let (object, sentence) = match &outcome {
            Ok(fetched) => {
                let kept: Vec<&str> = fetched.moved.iter().map(|moved| moved.code()).collect();
                let mut sentence = format!("{source}: {} new rates", fetched.stored);
                if !kept.is_empty() {
                    sentence = format!(
                        "{sentence}; {} moved too far and keep their old ones",
                        kept.join(", ")
                    );
                }
                let object = json!({"source": source.code(), "stored": fetched.stored, "kept": kept, "error": null});
                (object, sentence)
            }
            Err(error) => {
                let object = json!({"source": source.code(), "stored": 0, "kept": [], "error": error.to_string()});
                (object, error.to_string())
            }
        };
        all_well &= outcome.is_ok();
        output::result(as_json, &object, &sentence)?;
    }
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One currency's rate.
fn tell(currency: Currency, known: &Known, as_json: bool) -> anyhow::Result<ExitCode> {
    let chargeable = known.charging(Clock::system().now_ms()) == Charging::Chargeable;
    let day = time(known.date).chars().take(10).collect::<String>();
    let per_usd = decimal(known.rate.e9());
    let object: Value = json!({
        "currency": currency.code(),
        "per_usd": per_usd,
        "source": known.source.code(),
        "date": day,
        "chargeable": chargeable,
    });
    let from = match known.source {
        Source::First => "what is built in".to_owned(),
        other => other.to_string(),
    };
    let charged = if chargeable {
        ""
    } else {
        "; too old to charge by"
    };
    output::result(
        as_json,
        &object,
        &format!("1 USD = {per_usd} {currency}, {from} of {day}{charged}"),
    )
}

/// Billionths with all their digits.
fn decimal(e9: i128) -> String {
    let part = format!("{:09}", e9 % 1_000_000_000);
    let kept = part.trim_end_matches('0').len().max(1);
    format!("{}.{}", e9 / 1_000_000_000, &part[..kept])
}
