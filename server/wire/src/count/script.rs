//! In which script is a text written? Tokenizers differ by script more than by anything else: what is one token of
//! OpenAI's may be two of another maker's in Hebrew, and one in English.

/// How many scripts are told apart.
pub(super) const SCRIPTS: usize = 14;

/// The order is that of the factors in [`super::families`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// English, code, JSON: letters of ASCII, with all that is neither a letter nor a digit.
    Latin,
    /// Latin letters of a text in which some have marks: German, French, Spanish, Polish …
    European,
    Vietnamese,
    Digits,
    Cyrillic,
    Greek,
    Hebrew,
    Arabic,
    Devanagari,
    /// Bengali, Tamil and the other scripts of India.
    Indic,
    Han,
    Kana,
    Hangul,
    Other,
}

/// Hands the text to `each` in runs of one script, in order and complete. What belongs to no script stays with the run
/// before it, but for the space before a word, which every tokenizer counts with the word.
pub(super) fn each_run(text: &str, each: &mut dyn FnMut(Script, &str)) {
    let latin = latin_of(text);
    let (mut start, mut running) = (0, None);
    for (at, letter) in text.char_indices() {
        let script = match script_of(letter) {
            None => continue,
            Some(Script::Latin | Script::European | Script::Vietnamese) => latin,
            Some(script) => script,
        };
        if running == Some(script) {
            continue;
        }
        if let Some(before) = running {
            let space = script != Script::Digits && text[start..at].ends_with(' ');
            let cut = at - usize::from(space);
            if cut > start {
                each(before, &text[start..cut]);
                start = cut;
            }
        }
        running = Some(script);
    }
    if start < text.len() {
        each(running.unwrap_or(Script::Latin), &text[start..]);
    }
}

/// What Latin letters of this text are: more than one in two hundred with marks is no English.
fn latin_of(text: &str) -> Script {
    let (mut letters, mut marked, mut vietnamese) = (0_usize, 0_usize, 0_usize);
    for letter in text.chars() {
        match script_of(letter) {
            Some(Script::Latin) => letters += 1,
            Some(Script::European) => marked += 1,
            Some(Script::Vietnamese) => vietnamese += 1,
            _ => {}
        }
    }
    let all = letters + marked + vietnamese;
    if vietnamese * 20 > all {
        Script::Vietnamese
    } else if (marked + vietnamese) * 200 > all {
        Script::European
    } else {
        Script::Latin
    }
}

/// `None` for spaces, punctuation and signs that every script has.
fn script_of(letter: char) -> Option<Script> {
    Some(match letter {
        '0'..='9' => Script::Digits,
        'a'..='z' | 'A'..='Z' => Script::Latin,
        '\0'..='\u{bf}' | '\u{2000}'..='\u{206f}' => return None,
        'ơ' | 'Ơ' | 'ư' | 'Ư' | 'đ' | 'Đ' | '\u{1ea0}'..='\u{1ef9}' => Script::Vietnamese,
        '\u{c0}'..='\u{24f}' | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}' => Script::European,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{590}'..='\u{5ff}' | '\u{fb1d}'..='\u{fb4f}' => Script::Hebrew,
        '\u{600}'..='\u{8ff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => Script::Arabic,
        '\u{900}'..='\u{97f}' => Script::Devanagari,
        '\u{980}'..='\u{dff}' => Script::Indic,
        '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' => Script::Kana,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => {
            Script::Hangul
        }
        '\u{2e80}'..='\u{303f}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{3ffff}' => Script::Han,
        _ => Script::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_complete_and_a_space_goes_with_its_word() {
        use Script::{Cyrillic, Digits, European, Han, Hangul, Kana, Latin, Vietnamese};
        for (text, runs) in [
            ("", &[][..]),
            (" — !", &[(Latin, " — !")]),
            ("see page 12.", &[(Latin, "see page "), (Digits, "12.")]),
            (
                "слово word, «ещё»",
                &[(Cyrillic, "слово"), (Latin, " word, «"), (Cyrillic, "ещё»")],
            ),
            ("Straße", &[(European, "Straße")]),
            ("Tiếng Việt", &[(Vietnamese, "Tiếng Việt")]),
            (
                "東京です。한국",
                &[(Han, "東京"), (Kana, "です"), (Han, "。"), (Hangul, "한국")],
            ),
        ] {
            let mut found = Vec::new();
            each_run(text, &mut |script, run| {
                found.push((script, run.to_owned()))
            });
            let found: Vec<_> = found
                .iter()
                .map(|(script, run)| (*script, run.as_str()))
                .collect();
            assert_eq!(found, runs, "{text}");
        }
    }
}
