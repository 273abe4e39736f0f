//! How does a part of Farebox say something? It asks [`Texts`] for a key in a locale.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::catalogue::Catalogue;
use crate::content::{ContentError, Library};
use crate::folder::{self, FileProblem, FolderError};
use crate::{Locale, fill, format, lookup, plural};

/// Misses are logged once each, up to this many different ones.
const MAX_LOGGED: usize = 1_000;

/// The texts of every language. Clones share one catalogue.
#[derive(Clone)]
pub struct Texts(Arc<Shared>);

struct Shared {
    source: Source,
    pseudo: AtomicBool,
    catalogue: ArcSwap<Catalogue>,
    library: ArcSwap<Library>,
    problems: ArcSwap<Vec<FileProblem>>,
    logged: Mutex<HashSet<String>>,
    /// One reload at a time.
    reloading: Mutex<()>,
}

enum Source {
    Embedded,
    Folder(PathBuf),
}

impl Texts {
    /// The texts that are built into the binary.
    #[must_use]
    pub fn embedded() -> Self {
        Self::open(Source::Embedded)
    }

    /// The texts of a folder, read again within a second when a file in it changes. A broken file keeps the last
    /// good texts of its language (at first those built in) and is told by [`Texts::problems`] and the log.
    ///
    /// # Errors
    /// [`FolderError`] when the folder cannot be read or holds no locale file.
    pub fn folder(path: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let path = path.into();
        match folder::stamps(&path) {
            Err(error) => Err(FolderError::Unreadable(path, error)),
            Ok(found) if found.is_empty() => Err(FolderError::Empty(path)),
            Ok(found) => {
                let texts = Self::open(Source::Folder(path.clone()));
                let shared = Arc::downgrade(&texts.0);
                folder::watch(path, found, move |changed| {
                    let Some(shared) = shared.upgrade() else {
                        return false;
                    };
                    if changed {
                        Self(shared).reload();
                    }
                    true
                });
                Ok(texts)
            }
        }
    }

    fn open(source: Source) -> Self {
        let texts = Self(Arc::new(Shared {
            source,
            pseudo: AtomicBool::new(false),
            catalogue: ArcSwap::default(),
            library: ArcSwap::default(),
            problems: ArcSwap::default(),
            logged: Mutex::default(),
            reloading: Mutex::default(),
        }));
        texts.reload();
        texts
    }

    /// With or without the pseudo-locales `qps-ploc` and `qps-plocm`, which show texts that are not in `locales/`.
    #[must_use]
    pub fn with_pseudo(self, wanted: bool) -> Self {
        self.0.pseudo.store(wanted, Ordering::Relaxed);
        self.reload();
        self
    }

    /// The text of `key` in `locale`, with `%{name}` replaced by the value of `name`.
    ///
    /// A missing text comes in English, an unknown key as itself; both are logged once.
    #[must_use]
    pub fn t(&self, locale: Locale, key: &str, args: &[(&str, &str)]) -> String {
        let catalogue = self.0.catalogue.load_full();
        if catalogue.text(locale.code(), key).is_none() {
            self.log_miss(locale, key);
        }
        match lookup::find(&catalogue, locale.code(), key) {
            Some(text) => fill::fill(&text, args),
            None => key.to_owned(),
        }
    }

    /// The text of `key` for `count` things: the plural form the locale demands, `%{count}` written as it writes numbers.
    #[must_use]
    pub fn n(&self, locale: Locale, key: &str, count: u64, args: &[(&str, &str)]) -> String {
        let catalogue = self.0.catalogue.load_full();
        let form_in = |locale: Locale| {
            let exact = format!("{key}_{}", plural::category(locale.format_code(), count));
            let other = format!("{key}_other");
            [exact, other]
                .into_iter()
                .find(|form| catalogue.text(locale.code(), form).is_some())
        };
        let (locale, form) = match form_in(locale) {
            Some(form) => (locale, form),
            // A whole sentence in English, with English plurals, rather than one form of two languages.
            None => (
                Locale::EN,
                form_in(Locale::EN).unwrap_or_else(|| format!("{key}_other")),
            ),
        };
        let written = format::number(locale, count);
        let mut all = args.to_vec();
        if !args.iter().any(|(name, _)| *name == "count") {
            all.push(("count", &written));
        }
        self.t(locale, &form, &all)
    }

    /// A count of tokens or calls in few characters: `950`, `12.4K`, `3,1 млн`.
    #[must_use]
    pub fn compact(&self, locale: Locale, count: u64) -> String {
        match format::compact(locale, count) {
            (number, None) => number,
            (number, Some(unit)) => self.t(locale, unit.key(), &[("n", &number)]),
        }
    }

    /// How long ago `then` was, seen from `now` (both unix milliseconds): "5 min ago", "yesterday", then the date there.
    #[must_use]
    pub fn ago(&self, locale: Locale, then: i64, now: i64, zone: format::Zone) -> String {
        let minutes = u64::try_from(now.saturating_sub(then) / 60_000).unwrap_or(0);
        match minutes {
            0 => self.t(locale, "time.just_now", &[]),
            1..60 => self.n(locale, "time.minutes_ago", minutes, &[]),
            60..1_440 => self.n(locale, "time.hours_ago", minutes / 60, &[]),
            1_440..2_880 => self.t(locale, "time.yesterday", &[]),
            2_880..43_200 => self.n(locale, "time.days_ago", minutes / 1_440, &[]),
            _ => format::date(locale, then, zone),
        }
    }

    /// Every language, English first, then by code.
    #[must_use]
    pub fn locales(&self) -> Vec<Locale> {
        let mut all: Vec<_> = self.0.catalogue.load().locales().collect();
        all.sort_by_key(|locale| (*locale != Locale::EN, locale.code()));
        all
    }

    /// The language with this code, whatever its letters' case.
    #[must_use]
    pub fn locale(&self, code: &str) -> Option<Locale> {
        let catalogue = self.0.catalogue.load();
        let found = catalogue.locale(code);
        found.or_else(|| {
            catalogue
                .locales()
                .find(|locale| locale.code().eq_ignore_ascii_case(code))
        })
    }

    /// Whether `locale` itself has this text; when not, a page marks the English one with `lang="en"`.
    #[must_use]
    pub fn has(&self, locale: Locale, key: &str) -> bool {
        self.0.catalogue.load().text(locale.code(), key).is_some()
    }

    /// Every key that `locale` itself has a text for.
    #[must_use]
    pub fn keys(&self, locale: Locale) -> BTreeSet<String> {
        let catalogue = self.0.catalogue.load();
        let messages = catalogue.messages(locale.code()).into_iter().flatten();
        messages.map(|(key, _)| key.clone()).collect()
    }

    /// The files that could not be read at the last look.
    #[must_use]
    pub fn problems(&self) -> Vec<FileProblem> {
        self.0.problems.load().to_vec()
    }

    /// The long texts; [`Texts::document`] makes pages of them.
    pub(crate) fn library(&self) -> Arc<Library> {
        self.0.library.load_full()
    }

    pub(crate) fn log_once(&self, broken: &ContentError) {
        let mut logged = self.0.logged.lock();
        if logged.len() < MAX_LOGGED && logged.insert(broken.to_string()) {
            tracing::warn!(
                file = broken.file,
                line = broken.line,
                message = broken.message,
                "long text not shown"
            );
        }
    }

    fn log_miss(&self, locale: Locale, key: &str) {
        let mut logged = self.0.logged.lock();
        if logged.len() < MAX_LOGGED && logged.insert(format!("{locale} {key}")) {
            tracing::warn!(locale = locale.code(), key, "text missing in locales/");
        }
    }

    /// Builds the catalogue anew and swaps it in.
    fn reload(&self) {
        let _one_at_a_time = self.0.reloading.lock();
        let (mut next, mut problems) = Catalogue::embedded();
        let (mut library, mut broken) = Library::embedded();
        if let Source::Folder(path) = &self.0.source {
            // What was good stays good: the last catalogue lies between the built-in texts and the folder's.
            let last = self.0.catalogue.load_full();
            if last.locales().next().is_some() {
                next = Catalogue::clone(&last);
            }
            let (files, unreadable) = folder::files(path);
            next.retain(|code| {
                files.iter().any(|file| file.code == code)
                    || unreadable.iter().any(|p| p.file == format!("{code}.json"))
            });
            (next, problems) = next.updated(files.into_iter());
            problems.extend(unreadable);
            let (long, unreadable) = folder::long_texts(path);
            (library, broken) = library.over(long, Some(&self.library()));
            broken.extend(unreadable);
        }
        problems.extend(broken);
        if self.0.pseudo.load(Ordering::Relaxed) {
            next.add_pseudo();
        }
        for problem in &problems {
            tracing::warn!(
                file = problem.file,
                line = problem.line,
                message = problem.message,
                "locale file not read"
            );
        }
        self.0.catalogue.store(Arc::new(next));
        self.0.library.store(Arc::new(library));
        self.0.problems.store(Arc::new(problems));
    }
}
