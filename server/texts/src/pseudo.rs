//! Which visible words are not in `locales/`? In a pseudo-locale every text of ours is disguised, so what is plain is hard-coded.

use crate::fill::{Piece, pieces};

/// English in disguise: accents on every letter, about 40 % longer, in brackets. Placeholders and `<0>` marks stay.
pub fn disguise(text: &str) -> String {
    let mut out = String::from("[");
    let mut letters = 0_usize;
    for piece in pieces(text) {
        match piece {
            Piece::Placeholder(name) => {
                out.push_str("%{");
                out.push_str(name);
                out.push('}');
            }
            Piece::Plain(plain) => {
                letters += plain.chars().filter(char::is_ascii_alphabetic).count();
                let mut in_mark = false;
                for c in plain.chars() {
                    in_mark = (in_mark || c == '<') && c != '>';
                    out.push(if in_mark { c } else { accented(c) });
                }
            }
        }
    }
    out.push(' ');
    out.extend(std::iter::repeat_n('·', (letters * 2).div_ceil(5)));
    out.push(']');
    out
}

const PLAIN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ACCENTED: &str = "åƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýžÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ";

fn accented(plain: char) -> char {
    let mut pairs = PLAIN.chars().zip(ACCENTED.chars());
    pairs
        .find(|(known, _)| *known == plain)
        .map_or(plain, |(_, accented)| accented)
}

/// The words of two or more plain letters in the visible text of a page shown in a pseudo-locale: each is either a
/// value (a name, a code, a currency) or a text that is missing from `locales/`.
#[must_use]
pub fn plain_words(visible: &str) -> Vec<&str> {
    let words = visible.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-' && c != '.');
    let words = words.map(|word| word.trim_matches(['.', '-', '_']));
    words
        .filter(|word| {
            word.is_ascii() && word.chars().filter(char::is_ascii_alphabetic).count() >= 2
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_disguised_and_marks_kept() {
        assert_eq!(
            disguise("Hi %{name}, <0>sign in</0>"),
            "[Ĥî %{name}, <0>šîĝñ îñ</0> ····]"
        );
    }

    #[test]
    fn what_is_not_disguised_is_found() {
        let page = format!(
            "{} Overview $18.42 v2.0-beta {}",
            disguise("Balance"),
            disguise("Spent today")
        );
        assert_eq!(plain_words(&page), ["Overview", "v2.0-beta"]);
    }
}
