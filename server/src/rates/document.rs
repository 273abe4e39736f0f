//! What does a source's document say? Bytes in, published rates out; every surprise is refused with its reason.

use std::fmt;

use domain::Currency;
use domain::fx::{Known, PerUsd, Rate, Source};
use domain::views::UnixMs;
use encoding_rs::Encoding;
use quick_xml::events::Event;
use sha2::{Digest, Sha256};
use thiserror::Error;
use time::{Date, Month};

/// What a source published for a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) source: Source,
    /// The first moment, in UTC, of the day that it is for.
    pub(super) date: UnixMs,
    /// Only of the currencies that Farebox shows; the dollar is among them, or the anchor is the dollar.
    pub(super) rates: Vec<Published>,
    /// Of the bytes as they came, in hexadecimal.
    pub(super) raw_sha256: String,
}

/// So many of `quote` for one `base`, as it was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) base: Currency,
    pub(super) quote: Currency,
    pub(super) rate: Rate,
}

/// Why a document is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum DocumentError {
    #[error("it is not text in the encoding that it names")]
    Encoding,
    #[error("it is not well-formed: {0}")]
    Syntax(String),
    #[error("it declares a document type or entities, which a list of rates never needs")]
    Declarations,
    #[error("it names no day")]
    NoDay,
    #[error("it has no rate of the US dollar")]
    NoDollar,
    #[error("it is not in terms of {0}")]
    Anchor(Currency),
    #[error("its rate of {0} is not a number above zero")]
    Rate(Currency),
    #[error("it gives two rates of {0}")]
    Twice(Currency),
    #[error("its rate of {0} per unit is not its rate divided by its number of units")]
    Units(Currency),
}

impl From<quick_xml::Error> for DocumentError {
    fn from(error: quick_xml::Error) -> Self {
        Self::Syntax(error.to_string())
    }
}

/// In terms of which currency does a source publish?
pub(super) const fn anchor(source: Source) -> Currency {
    match source {
        Source::Ecb => Currency::Eur,
        Source::Cbr => Currency::Rub,
        Source::First | Source::OpenExchangeRates | Source::Manual => Currency::Usd,
    }
}

/// What a dollar is in each of these currencies, by rates of one source and day; each with its place in `rates`. A
/// currency without a way to the dollar is left out.
pub(super) fn per_usd(source: Source, rates: &[Published]) -> Vec<(Currency, PerUsd, usize)> {
    let anchor = anchor(source);
    let of = |currency| {
        if currency == anchor {
            return Some((Rate::ONE, None));
        }
        rates
            .iter()
            .position(|rate| rate.base == currency || rate.quote == currency)
            .map(|place| (rates[place].rate, Some(place)))
    };
    let Some((dollar, dollar_place)) = of(Currency::Usd) else {
        return Vec::new();
    };
    let others = Currency::ALL
        .into_iter()
        .filter(|currency| *currency != Currency::Usd);
    others
        .filter_map(|currency| {
            let (rate, place) = of(currency)?;
            // The rouble's rates are roubles per unit, all others units per anchor.
            let ratio = if source == Source::Cbr {
                PerUsd::cross(dollar, rate)
            } else {
                PerUsd::cross(rate, dollar)
            };
            Some((currency, ratio, place.or(dollar_place)?))
        })
        .collect()
}

/// The same as rates that the table can choose from; `rows` are the rows' numbers.
pub(super) fn known(
    source: Source,
    date: UnixMs,
    rates: &[Published],
    rows: &[i64],
) -> Vec<(Currency, Known)> {
    per_usd(source, rates)
        .into_iter()
        .map(|(currency, rate, place)| {
            let row = rows.get(place).copied().unwrap_or_default();
            let known = Known {
                rate,
                source,
                date,
                row,
            };
            (currency, known)
        })
        .collect()
}

/// What is refused in any XML: declarations, entities, and an end before everything was closed.
#[derive(Default)]
pub(super) struct Guard {
    open: usize,
}

impl Guard {
    pub(super) fn see(&mut self, event: &Event<'_>) -> Result<(), DocumentError> {
        match event {
            Event::DocType(_) | Event::GeneralRef(_) => return Err(DocumentError::Declarations),
            Event::Start(_) => self.open += 1,
            // The reader itself refuses an end that closes nothing.
            Event::End(_) => self.open = self.open.saturating_sub(1),
            Event::Eof if self.open > 0 => {
                return Err(DocumentError::Syntax("it ends too early".to_owned()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Collects rates on their way from a document.
pub(super) struct Collector {
    source: Source,
    rates: Vec<Published>,
}

impl Collector {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            rates: Vec::new(),
        }
    }

    /// One rate against the anchor. Currencies that Farebox does not show, and the anchor itself, are passed over.
    pub(super) fn add(
        &mut self,
        code: &str,
        rate: impl FnOnce(Currency) -> Result<Rate, DocumentError>,
    ) -> Result<(), DocumentError> {
        let anchor = anchor(self.source);
        let Some(currency) = Currency::ALL
            .into_iter()
            .find(|currency| currency.code() == code && *currency != anchor)
        else {
            return Ok(());
        };
        let known = |rate: &Published| rate.base == currency || rate.quote == currency;
        if self.rates.iter().any(known) {
            return Err(DocumentError::Twice(currency));
        }
        let rate = rate(currency)?;
        let (base, quote) = if self.source == Source::Cbr {
            (currency, anchor)
        } else {
            (anchor, currency)
        };
        self.rates.push(Published { base, quote, rate });
        Ok(())
    }

    pub(super) fn finish(self, date: UnixMs, raw: &[u8]) -> Result<Document, DocumentError> {
        let dollar = |rate: &Published| rate.base == Currency::Usd || rate.quote == Currency::Usd;
        // Where the dollar is the anchor, it is in every rate: a document without any has none of it.
        if !self.rates.iter().any(dollar) {
            return Err(DocumentError::NoDollar);
        }
        Ok(Document {
            source: self.source,
            date,
            rates: self.rates,
            raw_sha256: sha256(raw),
        })
    }
}

/// Sixty-four hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    use fmt::Write;
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes any text");
            text
        })
}

/// The text of an XML document: by its byte order mark, else by the encoding it declares, else as `usual`.
pub(super) fn decode(raw: &[u8], usual: &'static Encoding) -> Result<String, DocumentError> {
    let (encoding, raw) = match Encoding::for_bom(raw) {
        Some((encoding, length)) => (encoding, &raw[length..]),
        None => (declared(raw).unwrap_or(usual), raw),
    };
    encoding
        .decode_without_bom_handling_and_without_replacement(raw)
        .map(std::borrow::Cow::into_owned)
        .ok_or(DocumentError::Encoding)
}

/// The encoding in `<?xml … encoding="…"?>`.
fn declared(raw: &[u8]) -> Option<&'static Encoding> {
    let head = &raw[..raw.len().min(200)];
    let end = head.windows(2).position(|two| two == b"?>")?;
    let head = std::str::from_utf8(&head[..end]).ok()?;
    let (_, rest) = head.strip_prefix("<?xml")?.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = rest[1..].split_once(quote)?;
    Encoding::for_label(label.as_bytes())
}

/// The first moment of a day in UTC: `2026-11-20` with `-`, `20.11.2026` with `.`.
pub(super) fn day(text: &str, mark: char) -> Option<UnixMs> {
    let parts: Vec<&str> = text.split(mark).collect();
    let (year, month, day) = match (mark, parts.as_slice()) {
        ('-', [year, month, day]) | ('.', [day, month, year]) => (year, month, day),
        _ => return None,
    };
    let number = |text: &str, digits: usize| {
        let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let month = Month::try_from(u8::try_from(number(month, 2)?).ok()?).ok()?;
    let day = u8::try_from(number(day, 2)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(year, 4)?), month, day).ok()?;
    Some(date.midnight().assume_utc().unix_timestamp() * 1_000)
}
