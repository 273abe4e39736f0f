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

/// Whether the category `one` stands for other numbers too (21, 31 in Russian; 0 in French), so its text must show the number.
pub fn one_is_many_numbers(code: &str) -> bool {
    let rules = rules(code);
    (0..=200_u64)
        .filter(|n| rules.category_for(*n) == PluralCategory::One)
        .count()
        > 1
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
    fn one_covers_other_numbers_in_some_languages() {
        assert!(
            one_is_many_numbers("ru") && one_is_many_numbers("uk") && one_is_many_numbers("fr")
        );
        assert!(
            !one_is_many_numbers("en") && !one_is_many_numbers("pl") && !one_is_many_numbers("ar")
        );
    }
}
