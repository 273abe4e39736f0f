//! What in a line looks like a secret? Keys, bearers, long random words, addresses of people; also in free text.

/// Random words at least this long are masked. The longest public id (`price_` and 32 digits) is shorter, a SHA-256 in
/// hexadecimal, a session's cookie, a one-time link and every API key are longer.
const LONGEST_ID: usize = 39;

/// What stands in place of a secret.
const MASK: &str = "***";

/// The line without secrets: keys (`sk-…`, `sk_…`, `whsec_…`), what follows `Bearer`, long random words and e-mail
/// addresses become `***`, control characters become visible.
#[must_use]
pub fn redact(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut after_bearer = false;
    for piece in pieces(line) {
        match piece {
            Piece::Other(c) if c.is_control() => out.extend(c.escape_default()),
            Piece::Other(c) => {
                after_bearer &= c == ' ' || c == ':' || c == '"' || c == '=';
                out.push(c);
            }
            Piece::Word(word) => {
                mask_word(word, after_bearer, &mut out);
                after_bearer =
                    word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
            }
        }
    }
    out
}

enum Piece<'a> {
    /// A run of characters that could be a key, an id or an e-mail address.
    Word(&'a str),
    Other(char),
}

fn pieces(line: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        if end == 0 {
            rest = &rest[first.len_utf8()..];
            return Some(Piece::Other(first));
        }
        let (word, left) = rest.split_at(end);
        rest = left;
        Some(Piece::Word(word))
    })
}

/// Letters of any script, because the name in an e-mail address may have them.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '@' | '.' | '+' | '%' | '/' | '~')
}

fn mask_word(word: &str, after_bearer: bool, out: &mut String) {
    if after_bearer {
        out.push_str(MASK);
        return;
    }
    if let Some((name, domain)) = word.split_once('@')
        && !name.is_empty()
        && !domain.is_empty()
    {
        out.push_str(MASK);
        return;
    }
    // A path or an address is judged part by part: `/claim/<token>` keeps its beginning.
    for (n, part) in word
        .split_inclusive(['/', '.', '%', '+', '~', '@'])
        .enumerate()
    {
        let bare = part.trim_end_matches(['/', '.', '%', '+', '~', '@']);
        if secret(bare) || (n > 0 && bare.len() > LONGEST_ID) {
            out.push_str(shown_start(bare));
            out.push_str(MASK);
            out.push_str(&part[bare.len()..]);
        } else {
            out.push_str(part);
        }
    }
}

fn secret(word: &str) -> bool {
    let starts = |prefix: &str| {
        word.len() > prefix.len() + 4
            && word
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    word.len() > LONGEST_ID
        || ["sk-", "sk_", "rk_", "whsec_"].into_iter().any(starts)
        || ["sk-fb_"].into_iter().any(|key| word.contains(key))
}

/// Enough to see that it was a key of ours.
fn shown_start(word: &str) -> &'static str {
    if word.starts_with("sk-fb_") {
        "sk-fb_"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        for (line, shown) in [
            (
                "key sk-fb_live_0123456789abcdefghijklmnopqrstuvwxyz",
                "key sk-fb_***",
            ),
            (
                "{\"authorization\":\"Bearer abc.def\"}",
                "{\"authorization\":\"Bearer ***\"}",
            ),
            (
                "authorization: bearer  t0k3n next",
                "authorization: bearer  *** next",
            ),
            (
                "upstream said sk-proj-abcdefgh is wrong",
                "upstream said *** is wrong",
            ),
            ("from ada.lovelace+x@example.com.", "from ***"),
            ("почта ада@пример.рф пришла", "почта *** пришла"),
            (
                "GET /claim/0123456789012345678901234567890123456789012 done",
                "GET /claim/*** done",
            ),
            (
                "postgres://farebox:tangerine@db/farebox",
                "postgres://farebox:***",
            ),
            ("two\nlines\u{1b}[31m", "two\\nlines\\u{1b}[31m"),
        ] {
            assert_eq!(redact(line), shown);
        }
    }

    #[test]
    fn ordinary_lines_stay_readable() {
        for line in [
            "call_0193f0c2000070008000000000000001 took 12 ms at price_0193f0c2000070008000000000000001",
            "2026-11-21T19:50:43.123456Z  INFO farebox::cli::serve: listening address=127.0.0.1:8787",
            "src/listen/mod.rs:120:9",
            "task-based disk-backed",
        ] {
            assert_eq!(redact(line), line);
        }
    }

    proptest! {
        #[test]
        fn a_key_never_survives(before in "\\PC{0,20}", secret in "[0-9A-Za-z]{49}", after in "\\PC{0,20}") {
            let key = format!("sk-fb_live_{secret}");
            let shown = redact(&format!("{before}{key}{after}"));
            prop_assert!(!shown.contains(&secret), "{shown}");
        }

        #[test]
        fn a_line_stays_one_line(text in any::<String>()) {
            prop_assert!(!redact(&text).chars().any(char::is_control));
        }
    }
}
