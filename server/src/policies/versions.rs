//! Which versions of a policy are there, and which one counts? What their files say, at a given moment.
//!
//! The newest version is `policies/<name>.md`, older ones `policies/history/<name>/<number>.md`. English has them all, so
//! its front matter decides; `farebox locales check` keeps the other languages in step.

use domain::views::UnixMs;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use texts::{Locale, Texts};

use super::Name;

/// Whether a version counts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its day is still to come.
    Announced,
    InForce,
    Replaced,
}

/// One version, as its front matter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub name: Name,
    /// From 1.
    pub number: u32,
    /// The first moment, in UTC, of the day from which it counts.
    pub effective_at: UnixMs,
    pub state: State,
    /// Of the file, without language and ending: `policies/history/terms/1`.
    pub(super) path: String,
}

/// Newest first. A file whose front matter cannot be read is left out.
pub(super) fn of(texts: &Texts, name: Name, now: UnixMs) -> Vec<Version> {
    let newest = format!("policies/{}", name.code());
    let older = format!("policies/history/{}/", name.code());
    let mut versions: Vec<_> = texts
        .documents()
        .into_iter()
        .filter(|path| *path == newest || path.starts_with(&older))
        .filter_map(|path| {
            let original = texts.original(Locale::EN.code(), &path)?;
            Some(Version {
                name,
                number: original.meta.get("version")?.parse().ok()?,
                effective_at: day(original.meta.get("effective")?)?,
                state: State::Announced,
                path,
            })
        })
        .collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.number));
    let mut found = false;
    for version in &mut versions {
        version.state = if version.effective_at > now {
            State::Announced
        } else if found {
            State::Replaced
        } else {
            found = true;
            State::InForce
        };
    }
    versions
}

/// The first moment of a day written like `2026-11-22`.
fn day(text: &str) -> Option<UnixMs> {
    let date: Date = text.parse().ok()?;
    let start = date.to_zoned(TimeZone::UTC).ok()?;
    Some(start.timestamp().as_millisecond())
}
