//! How do values get into a sentence? Each `%{name}` is replaced once; nothing else is touched.
//!
//! Ours and not rust-i18n's: its fallback for a stray `%` copies bytes before a brace without looking at
//! character borders, which a translator's "5 %…{" could turn into invalid UTF-8.

/// The placeholders of a text in their order, and the plain pieces between them.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = rest
            .strip_prefix("%{")
            .and_then(|inner| inner.split_once('}'))
        {
            rest = after;
            return Some(Piece::Placeholder(name));
        }
        let skip = usize::from(rest.starts_with("%{")) * 2;
        let end = rest[skip..].find("%{").map_or(rest.len(), |at| at + skip);
        let (plain, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Plain(plain))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    Plain(&'a str),
    Placeholder(&'a str),
}

/// Replaces the placeholders that have a value; others stay visible, so that tests find them.
pub fn fill(text: &str, args: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => out.push_str(plain),
            Piece::Placeholder(name) => match args.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => out.push_str(value),
                None => {
                    out.push_str("%{");
                    out.push_str(name);
                    out.push('}');
                }
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_put_in_once_and_never_read_again() {
        let args = [("a", "%{b}"), ("b", "é")];
        assert_eq!(fill("%{a}-%{b}-%{c}", &args), "%{b}-é-%{c}");
        assert_eq!(fill("5 %—{a} 100% %{a", &args), "5 %—{a} 100% %{a");
        assert_eq!(fill("%{%{b}", &args), "%{%{b}");
    }

    proptest! {
        #[test]
        fn without_values_a_text_stays_as_it_is(text in "[%{}a-cé ]{0,24}") {
            prop_assert_eq!(fill(&text, &[]), text);
        }
    }
}
