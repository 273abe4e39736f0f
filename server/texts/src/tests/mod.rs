//! Do the shipped texts say everything that is asked of them?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod folder;
mod formats;
mod used;

use std::time::Duration;

use domain::Problem;

use crate::format::Zone;
use crate::locale::{PSEUDO, PSEUDO_RTL};
use crate::{Locale, Texts, pseudo};

fn ru(texts: &Texts) -> Locale {
    texts.locale("ru").unwrap()
}

#[test]
fn english_and_russian_are_built_in() {
    let texts = Texts::embedded();
    assert_eq!(texts.problems(), []);
    let names: Vec<_> = texts
        .locales()
        .iter()
        .map(|l| (l.code(), l.autonym(), l.dir()))
        .collect();
    assert_eq!(
        names[..2],
        [("en", "English", "ltr"), ("ru", "Русский", "ltr")]
    );
    assert_eq!(texts.t(Locale::EN, "wallet.balance", &[]), "Balance");
    assert_eq!(texts.t(ru(&texts), "wallet.balance", &[]), "Баланс");
    assert_eq!(texts.locale("RU"), Some(ru(&texts)));
    assert_eq!(texts.locale("../en"), None);
}

#[test]
fn every_problem_has_both_sentences_in_both_languages() {
    let texts = Texts::embedded();
    for code in Problem::CODES {
        for key in [
            format!("problems.{code}"),
            format!("problems.{code}_action"),
        ] {
            for locale in [Locale::EN, ru(&texts)] {
                assert!(texts.has(locale, &key), "{key} is missing in {locale}");
            }
        }
    }
}

/// Where one code has several sentences.
#[test]
fn every_exact_sentence_of_a_problem_is_there_and_whole() {
    let texts = Texts::embedded();
    let limits = domain::Period::ALL.map(|period| Problem::KeyLimitReached { period });
    let tokens = Problem::TokensLimited {
        retry_after: Duration::from_secs(1),
    };
    for problem in limits.into_iter().chain([tokens]) {
        assert_ne!(problem.text(), problem.code());
        let args = problem.args();
        let args: Vec<_> = args
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        for key in [
            format!("problems.{}", problem.text()),
            format!("problems.{}_action", problem.text()),
        ] {
            for locale in [Locale::EN, ru(&texts)] {
                assert!(texts.has(locale, &key), "{key} is missing in {locale}");
                let sentence = texts.t(locale, &key, &args);
                assert!(!sentence.contains("%{"), "{key} in {locale}: {sentence}");
            }
        }
    }
}

#[test]
fn the_sentences_of_problems_use_only_values_that_problems_give() {
    let texts = Texts::embedded();
    let second = Duration::from_secs(1);
    let with_values = [
        Problem::ModelNotFound { model: "m".into() },
        Problem::ModelNotAllowed { model: "m".into() },
        Problem::ToolNotPriced {
            tool: "t",
            model: "m".into(),
        },
        Problem::ScopeMissing {
            scope: domain::Scope::ChatWrite,
        },
        Problem::InvalidBody {
            detail: "d".into(),
            param: None,
        },
        Problem::BodyTooLarge { max_mib: 32 },
        Problem::RateLimited {
            retry_after: second,
        },
        Problem::TooManyAtOnce { max: 4 },
        Problem::UpstreamRefused {
            status: 400,
            message: "m".into(),
            kind: None,
            param: None,
            code: None,
        },
    ];
    for code in Problem::CODES {
        let args = with_values
            .iter()
            .find(|problem| problem.code() == code)
            .map(Problem::args)
            .unwrap_or_default();
        let args: Vec<_> = args
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        for key in [
            format!("problems.{code}"),
            format!("problems.{code}_action"),
        ] {
            for locale in [Locale::EN, ru(&texts)] {
                let sentence = texts.t(locale, &key, &args);
                assert!(!sentence.contains("%{"), "{key} in {locale}: {sentence}");
            }
        }
    }
}

#[test]
fn plurals_follow_each_language() {
    let texts = Texts::embedded();
    let ru = ru(&texts);
    for (count, en, russian) in [
        (0, "0 keys", "0 ключей"),
        (1, "1 key", "1 ключ"),
        (2, "2 keys", "2 ключа"),
        (5, "5 keys", "5 ключей"),
        (11, "11 keys", "11 ключей"),
        (21, "21 keys", "21 ключ"),
        (1_002, "1,002 keys", "1\u{a0}002 ключа"),
    ] {
        assert_eq!(texts.n(Locale::EN, "keys.count", count, &[]), en);
        assert_eq!(texts.n(ru, "keys.count", count, &[]), russian);
    }
    assert_eq!(
        texts.n(ru, "keys.count", 1, &[("count", "один")]),
        "один ключ"
    );
}

#[test]
fn times_and_counts_are_told_shortly() {
    let texts = Texts::embedded();
    let ru = ru(&texts);
    let minute = 60_000;
    let now = 1_795_273_445_678;
    for (age, en, russian) in [
        (0, "Just now", "Только что"),
        (-5, "Just now", "Только что"),
        (5 * minute, "5\u{a0}min ago", "5\u{a0}мин. назад"),
        (61 * minute, "1 hour ago", "1 час назад"),
        (25 * 60 * minute, "Yesterday", "Вчера"),
        (4 * 1_440 * minute, "4 days ago", "4 дня назад"),
        (
            31 * 1_440 * minute,
            "Oct 21, 2026",
            "21 окт. 2026\u{202f}г.",
        ),
    ] {
        assert_eq!(texts.ago(Locale::EN, now - age, now, Zone::UTC), en);
        assert_eq!(texts.ago(ru, now - age, now, Zone::UTC), russian);
    }
    assert_eq!(texts.compact(Locale::EN, 3_100_000), "3.1M");
    assert_eq!(texts.compact(ru, 12_449), "12,4\u{a0}тыс.");
    assert_eq!(texts.compact(ru, 950), "950");
}

#[test]
fn pseudo_locales_exist_only_when_asked_for() {
    let plain = Texts::embedded();
    assert_eq!(
        (plain.locale(PSEUDO), plain.locale(PSEUDO_RTL)),
        (None, None)
    );
    let texts = Texts::embedded().with_pseudo(true);
    let (ltr, rtl) = (
        texts.locale(PSEUDO).unwrap(),
        texts.locale(PSEUDO_RTL).unwrap(),
    );
    assert_eq!((ltr.dir(), rtl.dir()), ("ltr", "rtl"));
    let shown = texts.t(rtl, "currency.approximate", &[("date", "1 2")]);
    assert_ne!(
        shown,
        texts.t(Locale::EN, "currency.approximate", &[("date", "1 2")])
    );
    assert_eq!(pseudo::plain_words(&shown), [""; 0]);
    assert!(texts.n(ltr, "keys.count", 2, &[]).contains('2'));
    assert_eq!(texts.with_pseudo(false).locale(PSEUDO), None);
}
