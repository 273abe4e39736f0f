//! Which language is this, how is it called in itself, and which way does it run?

use std::collections::BTreeMap;
use std::fmt;

use parking_lot::Mutex;

/// The pseudo-locale that shows hard-coded texts: accented, longer English.
pub const PSEUDO: &str = "qps-ploc";
/// The same, running from right to left.
pub const PSEUDO_RTL: &str = "qps-plocm";

/// A language that has a file in `locales/`; cheap to copy. Two are equal when their codes are.
#[derive(Clone, Copy)]
pub struct Locale(&'static Facts);

struct Facts {
    code: &'static str,
    autonym: &'static str,
}

/// Every locale ever seen. Locales are few and live as long as the process, so their names are never freed.
static SEEN: Mutex<BTreeMap<(&'static str, &'static str), &'static Facts>> =
    Mutex::new(BTreeMap::new());

impl Locale {
    /// English: the language texts are written in first, and the one shown where a translation is missing.
    pub const EN: Self = Self(&Facts {
        code: "en",
        autonym: "English",
    });

    pub(crate) fn intern(code: &str, autonym: &str) -> Self {
        let mut seen = SEEN.lock();
        if let Some(facts) = seen.get(&(code, autonym)) {
            return Self(facts);
        }
        let facts: &'static Facts = Box::leak(Box::new(Facts {
            code: String::leak(code.to_owned()),
            autonym: String::leak(autonym.to_owned()),
        }));
        seen.insert((facts.code, facts.autonym), facts);
        Self(facts)
    }

    /// The BCP-47 code, as in the name of the file and in `<html lang>`: `en`, `pt-BR`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0.code
    }

    /// The language's name in itself, for the language menu: `Русский`.
    #[must_use]
    pub const fn autonym(self) -> &'static str {
        self.0.autonym
    }

    /// `ltr` or `rtl`, for `<html dir>`.
    #[must_use]
    pub fn dir(self) -> &'static str {
        const RTL: [&str; 10] = ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"];
        if self.code() == PSEUDO_RTL || RTL.contains(&self.language()) {
            "rtl"
        } else {
            "ltr"
        }
    }

    /// The first part of the code: `pt` of `pt-BR`.
    pub(crate) fn language(self) -> &'static str {
        self.code().split('-').next().unwrap_or_default()
    }

    /// The code by which numbers, dates and plurals are looked up; the pseudo-locales count and write as English does.
    pub(crate) fn format_code(self) -> &'static str {
        if self.language() == "qps" {
            "en"
        } else {
            self.code()
        }
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self::EN
    }
}

impl PartialEq for Locale {
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code()
    }
}

impl Eq for Locale {}

impl std::hash::Hash for Locale {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.code().hash(state);
    }
}

impl PartialOrd for Locale {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Locale {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locale({})", self.code())
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
