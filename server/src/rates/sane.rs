//! May these rates take the place of those before? A mistake of a source, or of our reading, must not sell dollars cheap.
//!
//! A currency that moved by more than a tenth within days keeps its old rate until the source says otherwise or an
//! administrator confirms the new level by setting a rate near it.

use domain::Currency;
use domain::fx::{DAY_MS, Known, Source, Table};
use domain::views::UnixMs;
use thiserror::Error;

use super::document::{Document, Published, anchor, known};

/// More than a tenth against the last rate of the same source.
const MOST_BP: u32 = 1_000;
/// A rate that is older than this says nothing about today: then only mistaken units are looked for.
const RECENT_MS: i64 = 10 * DAY_MS;
/// Against a rate of whatever age: ten times as much is a matter of units, not of markets.
const MOST_TIMES: u32 = 10;

/// What may be stored, and which currencies may not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) rates: Vec<Published>,
    /// These keep their old rates.
    pub(super) moved: Vec<Currency>,
}

/// Why nothing of a document is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Insane {
    #[error("it is dated days ahead: is this machine's clock right?")]
    Ahead,
    #[error("{0}, in terms of which it is written, moved too far against the dollar")]
    Anchor(Currency),
}

/// `published` is what is in the database, `first` what is built in.
pub(super) fn judge(
    document: &Document,
    published: &[(Currency, Known)],
    first: &Table,
    now: UnixMs,
) -> Result<Judged, Insane> {
    let fresh = known(document.source, document.date, &document.rates, &[]);
    if fresh.iter().any(|(_, known)| known.too_far_ahead(now)) {
        return Err(Insane::Ahead);
    }
    let moved: Vec<Currency> = fresh
        .iter()
        .filter(|(currency, known)| !follows(*currency, known, published, first))
        .map(|(currency, _)| *currency)
        .collect();
    let anchor = anchor(document.source);
    if moved.contains(&anchor) {
        return Err(Insane::Anchor(anchor));
    }
    let keeps = |rate: &Published| moved.contains(&rate.base) || moved.contains(&rate.quote);
    let rates = document.rates.iter().filter(|rate| !keeps(rate));
    Ok(Judged {
        rates: rates.copied().collect(),
        moved,
    })
}

/// Is this rate a believable next one?
fn follows(
    currency: Currency,
    new: &Known,
    published: &[(Currency, Known)],
    first: &Table,
) -> bool {
    let newest = |source: Source| {
        published
            .iter()
            .filter(|(of, known)| *of == currency && known.source == source)
            .map(|(_, known)| known)
            .max_by_key(|known| (known.date, known.row))
    };
    let near = |old: &Known| !new.rate.moved_more_than(MOST_BP, old.rate);
    let confirmed_ms = Source::Manual.max_age_days() * DAY_MS;
    if newest(Source::Manual).is_some_and(|set| new.date - set.date <= confirmed_ms && near(set)) {
        return true;
    }
    match newest(new.source) {
        Some(old) if new.date - old.date <= RECENT_MS => near(old),
        Some(old) => !new.rate.beyond_times(MOST_TIMES, old.rate),
        None => !new
            .rate
            .beyond_times(MOST_TIMES, first.known(currency).rate),
    }
}
