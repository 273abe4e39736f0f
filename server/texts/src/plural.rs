//! Which plural form does a number take? CLDR's categories, as suffixes of keys: `_one`, `_few`, `_many` …

use icu_plurals::{PluralCategory, PluralRules};

/// Every suffix that can mark a plural form, in CLDR's order.
pub const SUFFIXES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

const fn suffix(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

fn rules(code: &str) -> PluralRules {
    let locale = code.parse().unwrap_or(icu_locale_core::Locale::UNKNOWN);
    PluralRules::try_new_cardinal((&locale).into())
        .expect("the compiled-in data has rules for every locale, at least the root's")
}

/// The suffix for `count` things in the language `code`.
pub fn category(code: &str, count: u64) -> &'static str {
    suffix(rules(code).category_for(count))
}

/// The suffixes that the language `code` needs, in CLDR's order.
pub fn categories(code: &str) -> Vec<&'static str> {
    let mut found: Vec<_> = rules(code).categories().map(suffix).collect();
    found.sort_by_key(|suffix| SUFFIXES.iter().position(|known| known == suffix));
    found
}

/// Numbers that take a form; enough of them to know a form that stands for a single number.
fn numbers(code: &str, form: &str) -> impl Iterator<Item = u64> {
    let rules = rules(code);
    // Some languages keep a form for millions.
    (0..=200)
        .chain([1_000_000])
        .filter(move |n| suffix(rules.category_for(*n)) == form)
}

/// Whether a form stands for one number only, so that its text may say it in words ("a key"). In Russian `one` is also 21.
pub fn is_one_number(code: &str, form: &str) -> bool {
    numbers(code, form).take(2).count() == 1
}

/// The first numbers that take a form: `2, 3, 4`.
pub fn examples(code: &str, form: &str) -> String {
    let first: Vec<_> = numbers(code, form).take(3).map(|n| n.to_string()).collect();
    if first.is_empty() {
        "fractions".to_owned()
    } else {
        first.join(", ")
    }
}

/// `keys.count` and `few` of `keys.count_few`.
pub fn split(key: &str) -> Option<(&str, &str)> {
    let (base, suffix) = key.rsplit_once('_')?;
    SUFFIXES.contains(&suffix).then_some((base, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_follow_cldr() {
        assert_eq!(categories("en"), ["one", "other"]);
        assert_eq!(categories("ru"), ["one", "few", "many", "other"]);
        assert_eq!(
            categories("ar"),
            ["zero", "one", "two", "few", "many", "other"]
        );
        assert_eq!(categories("ja"), ["other"]);
        assert_eq!(categories("pt-BR"), ["one", "many", "other"]);
    }

    #[test]
    fn numbers_take_their_category() {
        let table = [
            (
                "en",
                vec![(0, "other"), (1, "one"), (2, "other"), (21, "other")],
            ),
            (
                "ru",
                vec![
                    (0, "many"),
                    (1, "one"),
                    (2, "few"),
                    (5, "many"),
                    (11, "many"),
                    (21, "one"),
                    (22, "few"),
                    (112, "many"),
                ],
            ),
            (
                "pl",
                vec![
                    (1, "one"),
                    (3, "few"),
                    (5, "many"),
                    (21, "many"),
                    (22, "few"),
                ],
            ),
            (
                "ar",
                vec![
                    (0, "zero"),
                    (1, "one"),
                    (2, "two"),
                    (3, "few"),
                    (11, "many"),
                    (100, "other"),
                ],
            ),
        ];
        for (code, rows) in table {
            for (count, wanted) in rows {
                assert_eq!(category(code, count), wanted, "{code} {count}");
            }
        }
    }

    #[test]
    fn forms_of_a_single_number_are_known() {
        for (code, form) in [
            ("en", "one"),
            ("pl", "one"),
            ("ar", "zero"),
            ("ar", "one"),
            ("ar", "two"),
        ] {
            assert!(is_one_number(code, form), "{code} {form}");
        }
        for (code, form) in [
            ("ru", "one"),
            ("uk", "one"),
            ("fr", "one"),
            ("en", "other"),
            ("ru", "other"),
            ("ar", "few"),
        ] {
            assert!(!is_one_number(code, form), "{code} {form}");
        }
        assert_eq!(examples("ru", "few"), "2, 3, 4");
        assert_eq!(examples("ru", "other"), "fractions");
    }
}
