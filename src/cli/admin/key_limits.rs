//! The options that limit a key, shared by `key create` and `key limit`.

use anyhow::Context;
use clap::Args;
use domain::{Amount, KeyLimits, Scope, Scopes};

use super::parse_time;

/// What a key may spend, how fast, on what, from where and until when. What is left out is not limited.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// US dollars per UTC day
    #[arg(long, value_name = "USD")]
    day_usd: Option<String>,
    /// US dollars per ISO week, from Monday in UTC
    #[arg(long, value_name = "USD")]
    week_usd: Option<String>,
    /// US dollars per calendar month, UTC
    #[arg(long, value_name = "USD")]
    month_usd: Option<String>,
    /// US dollars in all
    #[arg(long, value_name = "USD")]
    total_usd: Option<String>,
    /// Requests per minute
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u32>,
    /// Tokens per minute, prompt and answer together
    #[arg(long, value_name = "N")]
    tokens_per_minute: Option<u32>,
    /// Calls at the same time
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,
    /// A model that may be called; may be repeated, all when left out
    #[arg(long = "model", value_name = "M")]
    models: Vec<String>,
    /// A network that calls may come from, like 192.0.2.0/24; may be repeated, anywhere when left out
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// When the key ends: 2026-12-01T00:00:00Z, or 2026-12-01 (UTC)
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// What the key may be used for: chat:write, responses:write, models:read or billing:read; may be repeated, all when
    /// left out
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
}

impl LimitArgs {
    /// # Errors
    /// Names the option that is no amount or no time.
    pub fn read(self) -> anyhow::Result<KeyLimits> {
        let usd = |option: &'static str, text: Option<String>| {
            text.map(|text| Amount::parse_usd(&text).context(option))
                .transpose()
        };
        Ok(KeyLimits {
            day: usd("--day-usd", self.day_usd)?,
            week: usd("--week-usd", self.week_usd)?,
            month: usd("--month-usd", self.month_usd)?,
            total: usd("--total-usd", self.total_usd)?,
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            concurrency: self.concurrency,
            models: self.models,
            ip_ranges: self.networks,
            expires_at: self
                .expires
                .map(|text| parse_time(&text).context("--expires"))
                .transpose()?,
            scopes: if self.scopes.is_empty() {
                Scopes::all()
            } else {
                self.scopes.into_iter().collect()
            },
        })
    }
}
