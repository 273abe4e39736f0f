//! What can be wrong inside one text, and between a text and its English?

use std::collections::BTreeSet;

use super::report::Rule;
use crate::fill::{Piece, pieces};

/// A rule that is broken, and the sentence about it.
pub type Fault = (Rule, String);

/// What is wrong with a text taken by itself, in the language `code`.
pub fn alone(code: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if text.trim().is_empty() {
        faults.push((
            Rule::Missing,
            "The text is empty. Write it, or remove the key so that the English one is shown."
                .to_owned(),
        ));
        return faults;
    }
    forbidden(text, &mut faults);
    placeholder_syntax(text, &mut faults);
    if let Err(fault) = tags(text) {
        faults.push((Rule::Tag, fault));
    }
    spaces(text, &mut faults);
    typography(code, text, &mut faults);
    faults
}

fn forbidden(text: &str, faults: &mut Vec<Fault>) {
    let lower = text.to_lowercase();
    let html = text.match_indices('<').any(|(at, _)| {
        let inner = text[at + 1..].strip_prefix('/').unwrap_or(&text[at + 1..]);
        inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?')
    });
    let entity = text.split('&').skip(1).any(|after| {
        let name = after.split(';').next().unwrap_or_default();
        after.len() > name.len()
            && !name.is_empty()
            && name.len() < 12
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#')
    });
    if html || entity {
        faults.push((
            Rule::Forbidden,
            "HTML is shown as it stands here. Write plain text; links are marked <0>like this</0>."
                .to_owned(),
        ));
    }
    if ["javascript:", "vbscript:", "data:text"]
        .iter()
        .any(|scheme| lower.contains(scheme))
    {
        faults.push((
            Rule::Forbidden,
            "Addresses that run code (javascript: and the like) may not stand in a text."
                .to_owned(),
        ));
    }
    for c in text.chars() {
        let why = match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                "changes the direction of what follows, which can disguise a text"
            }
            '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{00ad}' => "is invisible",
            c if c.is_control() => "is a control character or a line break",
            _ => continue,
        };
        faults.push((
            Rule::Forbidden,
            format!("The character U+{:04X} {why}. Remove it.", u32::from(c)),
        ));
    }
}

fn placeholder_syntax(text: &str, faults: &mut Vec<Fault>) {
    let well_named = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    for piece in pieces(text) {
        match piece {
            Piece::Placeholder(name) if !well_named(name) => {
                faults.push((Rule::Placeholder, format!("%{{{name}}} is no placeholder: its name has small Latin letters only, like %{{count}}.")));
            }
            Piece::Plain(plain) if plain.contains("%{") || plain.contains("% {") => {
                faults.push((
                    Rule::Placeholder,
                    "A placeholder is not written right. It looks like %{count}, without spaces."
                        .to_owned(),
                ));
            }
            Piece::Plain(plain) if plain.contains(['{', '}']) => {
                faults.push((
                    Rule::Placeholder,
                    "A brace stands alone. A placeholder looks like %{count}.".to_owned(),
                ));
            }
            _ => {}
        }
    }
}

fn spaces(text: &str, faults: &mut Vec<Fault>) {
    if text.trim() != text {
        faults.push((
            Rule::Spaces,
            "There is a space at the beginning or the end. Remove it.".to_owned(),
        ));
    }
    let mut pairs = text.chars().zip(text.chars().skip(1));
    if pairs.any(|(a, b)| a.is_whitespace() && b.is_whitespace()) {
        faults.push((
            Rule::Spaces,
            "Two spaces stand side by side. Keep one.".to_owned(),
        ));
    }
}

fn typography(code: &str, text: &str, faults: &mut Vec<Fault>) {
    let mut add = |message: &str| faults.push((Rule::Typography, message.to_owned()));
    if text.contains("...") {
        add("Three points: write the one character … instead.");
    }
    if text.contains('"') {
        add("A straight quote: use the language’s own quotes, such as “ ” or « ».");
    }
    let apostrophe = text
        .char_indices()
        .any(|(at, c)| c == '\'' && text[..at].ends_with(char::is_alphabetic));
    if apostrophe {
        add("A straight apostrophe: write ’ instead.");
    }
    let french_space_missing = |(at, c): (usize, char)| {
        let before = text[..at].chars().next_back();
        let ends_word = text[at + c.len_utf8()..]
            .chars()
            .next()
            .is_none_or(char::is_whitespace);
        matches!(c, ':' | ';' | '!' | '?')
            && ends_word
            && !matches!(before, None | Some('\u{a0}' | '\u{202f}' | '!' | '?'))
    };
    if code.split('-').next() == Some("fr") && text.char_indices().any(french_space_missing) {
        add("French puts a no-break space before : ; ! and ?.");
    }
}

/// The numbers of the `<0>…</0>` marks in a text, or what is wrong with them.
pub fn tags(text: &str) -> Result<BTreeSet<&str>, String> {
    let (mut open, mut seen) = (Vec::new(), BTreeSet::new());
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        let Some((inner, behind)) = after.split_once('>') else {
            break;
        };
        let (closing, number) = inner
            .strip_prefix('/')
            .map_or((false, inner), |number| (true, number));
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        rest = behind;
        if !closing {
            if !seen.insert(number) {
                return Err(format!("The mark <{number}> stands twice."));
            }
            open.push(number);
        } else if open.pop() != Some(number) {
            return Err(format!("The mark </{number}> closes nothing that is open."));
        }
    }
    match open.pop() {
        Some(number) => Err(format!(
            "The mark <{number}> is not closed: write </{number}> behind the words of the link."
        )),
        None => Ok(seen),
    }
}

/// The names of the placeholders in a text.
pub fn placeholders(text: &str) -> BTreeSet<&str> {
    pieces(text)
        .filter_map(|piece| {
            if let Piece::Placeholder(name) = piece {
                Some(name)
            } else {
                None
            }
        })
        .collect()
}

/// What differs between a text and its English: placeholders and marks. `may_omit_count`: the plural form stands for one number.
pub fn against_english(text: &str, english: &str, may_omit_count: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (ours, theirs) = (placeholders(text), placeholders(english));
    for name in theirs
        .difference(&ours)
        .filter(|name| !(may_omit_count && **name == "count"))
    {
        faults.push((
            Rule::Placeholder,
            format!("The placeholder %{{{name}}} is missing. English: “{english}”"),
        ));
    }
    for name in ours.difference(&theirs) {
        faults.push((Rule::Placeholder, format!("English has no placeholder %{{{name}}}, so nothing will be put there. English: “{english}”")));
    }
    if let (Ok(ours), Ok(theirs)) = (tags(text), tags(english))
        && ours != theirs
    {
        faults.push((
            Rule::Tag,
            format!("The link marks differ from the English text: “{english}”"),
        ));
    }
    faults
}

/// What a reader sees of a text, without placeholders and marks.
pub fn visible(text: &str) -> String {
    let mut in_mark = false;
    let plain = pieces(text).map(|piece| {
        if let Piece::Plain(plain) = piece {
            plain
        } else {
            ""
        }
    });
    let seen = plain.flat_map(str::chars).filter(|c| {
        let was = in_mark;
        in_mark = (in_mark || *c == '<') && *c != '>';
        !was && *c != '<'
    });
    seen.collect()
}
