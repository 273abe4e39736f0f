//! Which language, currency and theme? The address says it before the reader's cookie, that before the browser.
//!
//! The cookie is plain and functional: nothing of an anonymous visitor is kept on the server.

use domain::Currency;
use domain::views::UnixMs;
use texts::{Locale, Texts, negotiate};

/// The cookie's base name.
pub const COOKIE: &str = "prefs";

/// Which of the two faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the reader's system.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.code() == text)
    }
}

/// What the reader chose by hand, as the cookie keeps it: `ru.RUB.dark`, with `-` for what was not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Choice {
    pub locale: Option<Locale>,
    pub currency: Option<Currency>,
    pub theme: Option<Theme>,
}

impl Choice {
    /// Reads what it knows; a language that is gone, or nonsense, counts as not chosen.
    pub fn parse(text: &str, texts: &Texts) -> Self {
        let mut parts = text.split('.');
        let mut part = || parts.next().unwrap_or_default();
        Self {
            locale: texts.locale(part()),
            currency: part().parse().ok(),
            theme: Theme::parse(part()),
        }
    }

    pub fn to_cookie(self) -> String {
        let locale = self.locale.map_or("-", Locale::code);
        let currency = self.currency.map_or("-", Currency::code);
        format!(
            "{locale}.{currency}.{}",
            self.theme.map_or("-", Theme::code)
        )
    }
}

/// How this request is answered. Nothing that renders asks the clock or the browser again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefs {
    pub locale: Locale,
    pub currency: Currency,
    pub theme: Theme,
    pub now: UnixMs,
    /// What was chosen by hand, to be kept when one of the three changes.
    pub choice: Choice,
}

impl Prefs {
    /// `prefix` is the language in the address, `accept` the `Accept-Language` header.
    pub fn resolve(
        prefix: Option<Locale>,
        choice: &Choice,
        accept: Option<&str>,
        texts: &Texts,
        now: UnixMs,
    ) -> Self {
        let negotiated = || negotiate(accept.unwrap_or_default(), &offered(texts));
        Self {
            locale: prefix.or(choice.locale).unwrap_or_else(negotiated),
            currency: choice.currency.unwrap_or_default(),
            theme: choice.theme.unwrap_or_default(),
            now,
            choice: *choice,
        }
    }
}

/// The languages that are offered by themselves; the pseudo-locales only come when asked for by name.
pub fn offered(texts: &Texts) -> Vec<Locale> {
    texts
        .locales()
        .into_iter()
        .filter(|locale| !locale.code().starts_with("qps"))
        .collect()
}

/// The language's prefix of a path, and the path without it: `/ru/login` is Russian and `/login`. English has none.
pub fn split_locale<'a>(texts: &Texts, path: &'a str) -> (Option<Locale>, &'a str) {
    let first = path
        .strip_prefix('/')
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default();
    match texts.locale(first) {
        Some(locale) if locale != Locale::EN && locale.code() == first => {
            let rest = &path[1 + first.len()..];
            (Some(locale), if rest.is_empty() { "/" } else { rest })
        }
        _ => (None, path),
    }
}

/// The path of a public page in a language: `/login` in Russian is `/ru/login`.
pub fn localized(locale: Locale, path: &str) -> String {
    if locale == Locale::EN {
        path.to_owned()
    } else {
        format!("/{}{path}", locale.code())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_address_wins_then_the_cookie_then_the_browser() {
        let texts = Texts::embedded();
        let ru = texts.locale("ru").unwrap();
        let resolve = |prefix, cookie: &str, accept| {
            Prefs::resolve(prefix, &Choice::parse(cookie, &texts), accept, &texts, 0)
                .locale
                .code()
        };
        assert_eq!(resolve(Some(ru), "en.-.-", Some("en")), "ru");
        assert_eq!(resolve(None, "ru.-.-", Some("en")), "ru");
        assert_eq!(resolve(None, "en.-.-", Some("ru")), "en");
        assert_eq!(resolve(None, "", Some("ru-RU,ru;q=0.9")), "ru");
        assert_eq!(resolve(None, "xx.-.-", Some("xx")), "en");
        assert_eq!(resolve(None, "", None), "en");
    }

    #[test]
    fn a_choice_survives_its_cookie() {
        let texts = Texts::embedded();
        for text in ["-.-.-", "ru.RUB.dark", "en.-.light", "-.EUR.-"] {
            assert_eq!(Choice::parse(text, &texts).to_cookie(), text);
        }
        for nonsense in ["", "...", "ru", "../../x", "ru.rub;dark", "RU;x.?.?"] {
            let choice = Choice::parse(nonsense, &texts);
            assert_eq!(
                (choice.currency, choice.theme),
                (None, None),
                "{nonsense:?}"
            );
        }
    }

    #[test]
    fn only_a_whole_first_part_is_a_language() {
        let texts = Texts::embedded();
        let split = |path| {
            let (locale, rest) = split_locale(&texts, path);
            (locale.map(Locale::code), rest)
        };
        assert_eq!(split("/ru/login"), (Some("ru"), "/login"));
        assert_eq!(split("/ru"), (Some("ru"), "/"));
        assert_eq!(split("/ru/"), (Some("ru"), "/"));
        for path in ["/", "/login", "/rush", "/en/login", "/RU/login", ""] {
            assert_eq!(split(path), (None, path));
        }
        assert_eq!(localized(texts.locale("ru").unwrap(), "/"), "/ru/");
        assert_eq!(localized(Locale::EN, "/login"), "/login");
    }
}
