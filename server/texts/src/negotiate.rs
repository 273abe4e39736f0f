//! Which of our languages does this browser want? RFC 9110's quality values over RFC 4647's lookup.

use crate::Locale;

/// A header longer than this is not read to its end; browsers send a tenth of it.
const MAX_BYTES: usize = 1_024;
/// So many languages are read at most.
const MAX_RANGES: usize = 32;

/// The best of `available` for an `Accept-Language` header; English when nothing fits. Any bytes are safe.
#[must_use]
pub fn negotiate(accept_language: &str, available: &[Locale]) -> Locale {
    let end = accept_language
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| *end <= MAX_BYTES)
        .last()
        .unwrap_or(0);
    let mut ranges: Vec<(&str, u16)> = accept_language[..end]
        .split(',')
        .filter_map(range)
        .take(MAX_RANGES)
        .collect();
    // Stable: among equals the header's order is the reader's.
    ranges.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
    let refused: Vec<&str> = ranges
        .iter()
        .filter(|(_, quality)| *quality == 0)
        .map(|(tag, _)| *tag)
        .collect();
    let open: Vec<Locale> = available
        .iter()
        .copied()
        .filter(|locale| {
            !refused
                .iter()
                .any(|tag| tag.eq_ignore_ascii_case(locale.code()))
        })
        .collect();
    ranges
        .iter()
        .filter(|(_, quality)| *quality > 0)
        .find_map(|(tag, _)| lookup(tag, &open))
        .unwrap_or_default()
}

/// A language range and its quality in thousandths.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';');
    let tag = parts.next()?.trim();
    let well_formed = !tag.is_empty()
        && tag.len() <= 35
        && tag
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'*');
    if !well_formed {
        return None;
    }
    let mut quality = 1_000;
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("q") {
            quality = thousandths(value.trim())?;
        }
    }
    Some((tag, quality))
}

/// `0.8` as 800; nothing for what is no quality value.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.len() <= 3 && s.bytes().all(|b| b.is_ascii_digit());
    match (whole, digits(part)) {
        ("0", true) => format!("{part:0<3}").parse().ok(),
        ("1", true) if part.bytes().all(|b| b == b'0') => Some(1_000),
        _ => None,
    }
}

/// The locale for one range: itself, else without its last part, else a regional form of its language.
fn lookup(tag: &str, available: &[Locale]) -> Option<Locale> {
    if tag == "*" {
        return available
            .iter()
            .copied()
            .find(|locale| *locale == Locale::EN);
    }
    let exact = |wanted: &str| {
        available
            .iter()
            .copied()
            .find(|locale| locale.code().eq_ignore_ascii_case(wanted))
    };
    let mut part = tag;
    loop {
        if let Some(found) = exact(part) {
            return Some(found);
        }
        match part.rsplit_once('-') {
            Some((shorter, _)) => part = shorter,
            None => break,
        }
    }
    let related = available
        .iter()
        .copied()
        .filter(|locale| locale.language().eq_ignore_ascii_case(part));
    // Chinese readers of the traditional script come before region: zh-HK is nearer to zh-TW than to zh-CN.
    let traditional = ["TW", "HK", "MO", "Hant"];
    let wants_traditional = tag
        .split('-')
        .any(|p| traditional.iter().any(|t| t.eq_ignore_ascii_case(p)));
    related.max_by_key(|locale| {
        let is_traditional = locale.code().split('-').any(|p| traditional.contains(&p));
        (
            part.eq_ignore_ascii_case("zh") && is_traditional == wants_traditional,
            std::cmp::Reverse(locale.code()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pick(header: &str) -> &'static str {
        let codes = ["en", "ru", "pt-BR", "zh-CN", "zh-TW", "es"];
        let available: Vec<_> = codes
            .iter()
            .map(|code| Locale::intern(code, code))
            .collect();
        negotiate(header, &available).code()
    }

    #[test]
    fn the_best_language_is_chosen() {
        let table = [
            ("ru", "ru"),
            ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
            ("en;q=0.5, ru;q=0.7", "ru"),
            ("en;q=0.5,RU;Q=0.500", "en"),
            ("pt", "pt-BR"),
            ("pt-PT", "pt-BR"),
            ("es-419", "es"),
            ("zh-HK", "zh-TW"),
            ("zh-Hant-SG", "zh-TW"),
            ("zh", "zh-CN"),
            ("fr, de;q=0.9", "en"),
            ("fr, *;q=0.1", "en"),
            ("ru;q=0, *", "en"),
            ("ru;q=0", "en"),
            ("", "en"),
        ];
        for (header, wanted) in table {
            assert_eq!(pick(header), wanted, "{header:?}");
        }
    }

    #[test]
    fn hostile_headers_give_english() {
        for header in [
            "ru;q=NaN",
            "ru;q=1e9",
            "ru;q=-1",
            "ru;q=2",
            "ru\0",
            "р\u{443}",
            "../ru",
            ";;;,,,=",
            "ru;q=0.0001",
        ] {
            assert_eq!(pick(header), "en", "{header:?}");
        }
        assert_eq!(pick(&format!("{},ru", "x,".repeat(100_000))), "en");
        assert_eq!(pick(&"ru-".repeat(100_000)), "en");
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "\\PC{0,1100}") {
            pick(&header);
        }
    }
}
