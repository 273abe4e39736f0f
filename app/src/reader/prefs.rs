//! Which language, currency and theme? The address says it before the reader's cookie, that before the browser.
//!
//! The cookie is plain and functional: nothing of an anonymous visitor is kept on the server.

use domain::Currency;
use domain::views::{Chosen, UnixMs};
use texts::format::Zone;
use texts::{Locale, Texts, negotiate};

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

/// What the reader chose by hand, as the cookie keeps it: `ru.RUB.dark.Europe/Berlin`, with `-` for what was not
/// chosen. Cookies of before there were time zones have three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Choice {
    pub locale: Option<Locale>,
    pub currency: Option<Currency>,
    pub theme: Option<Theme>,
    pub zone: Option<Zone>,
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
            zone: Zone::named(part()),
        }
    }

    /// What an account keeps of it.
    pub fn of_account(chosen: &Chosen, texts: &Texts) -> Self {
        Self {
            locale: chosen.locale.as_deref().and_then(|code| texts.locale(code)),
            currency: chosen
                .currency
                .as_deref()
                .and_then(|code| code.parse().ok()),
            theme: chosen.theme.as_deref().and_then(Theme::parse),
            zone: chosen.time_zone.as_deref().and_then(Zone::named),
        }
    }

    /// What was chosen here, and for the rest what was chosen there.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            locale: self.locale.or(other.locale),
            currency: self.currency.or(other.currency),
            theme: self.theme.or(other.theme),
            zone: self.zone.or(other.zone),
        }
    }

    pub fn to_cookie(self) -> String {
        let locale = self.locale.map_or("-", Locale::code);
        let currency = self.currency.map_or("-", Currency::code);
        format!(
            "{locale}.{currency}.{}.{}",
            self.theme.map_or("-", Theme::code),
            self.zone.map_or("-", Zone::name)
        )
    }
}

/// How this request is answered. Nothing that renders asks the clock or the browser again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefs {
    pub locale: Locale,
    pub currency: Currency,
    pub theme: Theme,
    /// In which days are counted and times are shown; UTC until one was chosen.
    pub zone: Zone,
    pub now: UnixMs,
    /// What was chosen by hand, to be kept when one of them changes.
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
            zone: choice.zone.unwrap_or_default(),
            now,
            choice: *choice,
        }
    }
}

impl Prefs {
    /// The same for somebody who is signed in: what the account says comes before the cookie, and the address (`prefix`)
    /// before both.
    #[must_use]
    pub fn of_account(mut self, prefix: Option<Locale>, chosen: &Chosen, texts: &Texts) -> Self {
        self.choice = Choice::of_account(chosen, texts).or(self.choice);
        self.locale = prefix.or(self.choice.locale).unwrap_or(self.locale);
        self.currency = self.choice.currency.unwrap_or_default();
        self.theme = self.choice.theme.unwrap_or_default();
        self.zone = self.choice.zone.unwrap_or_default();
        self
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
        for text in [
            "-.-.-.-",
            "ru.RUB.dark.Europe/Berlin",
            "en.-.light.-",
            "-.EUR.-.UTC",
        ] {
            assert_eq!(Choice::parse(text, &texts).to_cookie(), text);
        }
        assert_eq!(
            Choice::parse("ru.RUB.dark", &texts).to_cookie(),
            "ru.RUB.dark.-",
            "a cookie of before there were zones"
        );
        for nonsense in ["", "...", "ru", "../../x", "ru.rub;dark", "RU;x.?.?.?"] {
            let choice = Choice::parse(nonsense, &texts);
            assert_eq!(
                (choice.currency, choice.theme, choice.zone),
                (None, None, None),
                "{nonsense:?}"
            );
        }
    }

    #[test]
    fn the_account_comes_before_the_cookie_and_the_address_before_both() {
        let texts = Texts::embedded();
        let ru = texts.locale("ru").unwrap();
        let cookie = Choice::parse("en.EUR.dark.Asia/Tokyo", &texts);
        let prefs = Prefs::resolve(None, &cookie, None, &texts, 0);
        let chosen = Chosen {
            locale: Some("ru".to_owned()),
            time_zone: Some("Europe/Berlin".to_owned()),
            ..Chosen::default()
        };
        let mine = prefs.of_account(None, &chosen, &texts);
        assert_eq!((mine.locale, mine.zone.name()), (ru, "Europe/Berlin"));
        assert_eq!(
            (mine.currency, mine.theme),
            (Currency::Eur, Theme::Dark),
            "what the account does not say"
        );
        let at_address = prefs.of_account(Some(Locale::EN), &chosen, &texts);
        assert_eq!(at_address.locale, Locale::EN);
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
