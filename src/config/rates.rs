//! `[rates]`: who says what currencies are worth, how are they reached, and what does the operator keep?

use std::collections::BTreeMap;
use std::net::SocketAddr;

use domain::Currency;
use domain::fx::{Source, Spread};
use http::Uri;
use server::rates::{RatesConfig, Spreads};
use server::secrets::Secret;

use super::Config;
use super::file::RatesTable;
use super::load::{Loader, optional, secret};

pub(super) fn settings(l: &mut Loader<'_>, file: RatesTable) -> RatesConfig {
    let usual = "ecb,cbr";
    let raw = l.raw(
        Some("FAREBOX_RATES_SOURCES"),
        // An empty list is nobody, not the default.
        file.sources.map(|list| match list.is_empty() {
            true => "none".to_owned(),
            false => list.join(","),
        }),
        usual,
    );
    let sources = l.read("rates.sources", raw, usual, sources);
    let openexchangerates_key = secret(
        l,
        (
            "rates.openexchangerates_key",
            "FAREBOX_RATES_OPENEXCHANGERATES_KEY",
        ),
        (
            "rates.openexchangerates_key_file",
            "FAREBOX_RATES_OPENEXCHANGERATES_KEY_FILE",
        ),
        file.openexchangerates_key_file,
    );
    let raw = l.raw(Some("FAREBOX_RATES_PROXY"), file.proxy, "");
    let proxy = l.read("rates.proxy", raw, "", |text| optional(text, proxy));
    let raw = l.raw(Some("FAREBOX_RATES_STAND_IN"), file.stand_in, "");
    let stand_in = l.read("rates.stand_in", raw, "", |text| optional(text, stand_in));
    let raw = l.raw(None, file.spread_percent.map(|table| written(&table)), "0");
    let spreads = l.read("rates.spread_percent", raw, "0", spreads);
    RatesConfig {
        sources,
        openexchangerates_key,
        proxy,
        stand_in,
        spreads,
    }
}

/// `ecb,cbr`, or `none`.
fn sources(text: &str) -> Result<Vec<Source>, String> {
    if text.trim() == "none" {
        return Ok(Vec::new());
    }
    let mut sources = Vec::new();
    for name in text.split(',').map(str::trim) {
        let source = name
            .parse::<Source>()
            .ok()
            .filter(|source| matches!(source, Source::Ecb | Source::Cbr))
            .ok_or_else(|| {
                format!(
                    "{name} is no central bank that Farebox knows: choose of ecb and cbr, or none"
                )
            })?;
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    Ok(sources)
}

fn proxy(text: &str) -> Result<Secret, String> {
    let fits = text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
    });
    fits.then(|| Secret::new(text.to_owned()))
        .ok_or_else(|| "write the proxy like http://proxy.example.com:3128".to_owned())
}

fn stand_in(text: &str) -> Result<SocketAddr, String> {
    text.parse::<SocketAddr>()
        .ok()
        .filter(|address| address.ip().is_loopback())
        .ok_or_else(|| {
            "write an address and a port of this machine, like 127.0.0.1:9797".to_owned()
        })
}

/// The table of the file as one text: `usual=1,RUB=2.5`.
fn written(table: &BTreeMap<String, String>) -> String {
    let parts: Vec<String> = table
        .iter()
        .map(|(of, percent)| format!("{of}={percent}"))
        .collect();
    parts.join(",")
}

/// `usual=1,RUB=2.5`; a number alone is the usual one.
fn spreads(text: &str) -> Result<Spreads, String> {
    let mut spreads = Spreads::default();
    for part in text.split(',') {
        let (of, percent) = part.split_once('=').unwrap_or(("usual", part));
        let spread = Spread::parse_percent(percent.trim()).map_err(|_| {
            format!("{percent} is no spread: per cent from 0 to 20, with at most two digits after the point")
        })?;
        if of.trim() == "usual" {
            spreads.usual = spread;
            continue;
        }
        let currency = of
            .trim()
            .parse::<Currency>()
            .map_err(|wrong| format!("{of}: {wrong}"))?;
        spreads.of.insert(currency, spread);
    }
    Ok(spreads)
}

impl Config {
    /// A stand-in says what money is worth: only where nobody but this machine pays.
    pub(super) fn rates_refusal(&self, local: bool) -> Option<String> {
        (self.rates.stand_in.is_some() && !local).then(|| {
            "rates.stand_in answers for all sources of rates, which is only for trying things out on this machine; \
             remove it, or listen on 127.0.0.1 without a public address"
                .to_owned()
        })
    }
}
