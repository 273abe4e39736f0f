//! Does this look like one of our keys? `sk-fb_live_` + 43 random letters and digits + 6 of checksum.
//!
//! The prefix is what secret scanners and tools look for (`sk-`), underscores let a double click select the whole, and
//! the checksum refuses junk and typing errors without asking the database.

use std::fmt;

use crate::secrets::{RandomnessFailed, Secret, base62_u32};

const LIVE: &str = "sk-fb_live_";
const TEST: &str = "sk-fb_test_";
const RANDOM: usize = 43;
const CHECKSUM: usize = 6;

/// Every key has exactly this many bytes.
pub const LENGTH: usize = LIVE.len() + RANDOM + CHECKSUM;

/// The published pattern, for secret scanners. What matches it is a key only if its checksum fits, too.
pub const PATTERN: &str = "sk-fb_(live|test)_[0-9A-Za-z]{43}[0-9A-Za-z]{6}";

/// A key in full. Prints as `***`.
#[derive(Clone)]
pub struct KeySecret(Secret);

impl KeySecret {
    /// A new random key.
    pub(super) fn generate(test: bool) -> Result<Self, RandomnessFailed> {
        let mut text = Secret::random_after(if test { TEST } else { LIVE }, RANDOM, CHECKSUM)?;
        let sum = checksum(text.expose().as_bytes());
        text.append(std::str::from_utf8(&sum).expect("base62 is ASCII"));
        Ok(Self(text))
    }

    /// A key that was just decrypted; `None` when it is not one.
    pub(super) fn opened(plain: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(plain)
            .ok()
            .filter(|text| plausible(text))?;
        Some(Self(Secret::new(text.to_owned())))
    }

    /// The whole key. Hand it to its owner and to nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// `sk-fb_live_Ab…9xYz`: enough to recognise, not to use.
    pub(super) fn masked(&self) -> String {
        let text = self.expose();
        format!("{}…{}", &text[..LIVE.len() + 2], &text[LENGTH - 4..])
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(***)")
    }
}

/// Whether prefix, alphabet, length and checksum are right. Constant work, nothing is looked up.
pub(super) fn plausible(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == LENGTH
        && (text.starts_with(LIVE) || text.starts_with(TEST))
        && bytes[LIVE.len()..].iter().all(u8::is_ascii_alphanumeric)
        && bytes[LENGTH - CHECKSUM..] == checksum(&bytes[..LENGTH - CHECKSUM])
}

fn checksum(preceding: &[u8]) -> [u8; CHECKSUM] {
    base62_u32(crc32fast::hash(preceding))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_known_key_stays_valid_forever() {
        // Written down once: a change of alphabet or checksum would kill every key out there.
        let preceding = "sk-fb_live_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
        let sum = String::from_utf8(checksum(preceding.as_bytes()).to_vec()).unwrap();
        assert_eq!(sum, "0g4pjh");
        assert!(plausible(&format!("{preceding}{sum}")));
    }

    #[test]
    fn generated_keys_are_of_the_published_form_and_differ() {
        let (live, test) = (
            KeySecret::generate(false).unwrap(),
            KeySecret::generate(true).unwrap(),
        );
        assert!(live.expose().starts_with("sk-fb_live_") && live.expose().len() == LENGTH);
        assert!(test.expose().starts_with("sk-fb_test_") && test.expose().len() == LENGTH);
        assert!(plausible(live.expose()) && plausible(test.expose()));
        assert_ne!(live.expose(), KeySecret::generate(false).unwrap().expose());
    }

    #[test]
    fn every_letter_and_digit_is_drawn() {
        let many: String = (0..200)
            .map(|_| KeySecret::generate(false).unwrap().expose()[LIVE.len()..].to_owned())
            .collect();
        let distinct: std::collections::BTreeSet<char> = many.chars().collect();
        assert_eq!(distinct.len(), 62);
    }

    #[test]
    fn nothing_prints_a_key() {
        let key = KeySecret::generate(false).unwrap();
        assert_eq!(format!("{key:?}"), "KeySecret(***)");
        let masked = key.masked();
        assert!(
            masked.starts_with("sk-fb_live_") && masked.chars().count() == LIVE.len() + 2 + 1 + 4
        );
        assert_eq!(&masked[..LIVE.len() + 2], &key.expose()[..LIVE.len() + 2]);
        assert!(
            key.expose()
                .ends_with(masked.split('…').next_back().unwrap())
        );
    }

    proptest! {
        #[test]
        fn what_matches_the_pattern_is_a_key_exactly_when_its_checksum_fits(text in PATTERN) {
            let preceding = &text[..LENGTH - CHECKSUM];
            let sum = String::from_utf8(checksum(preceding.as_bytes()).to_vec()).unwrap();
            prop_assert_eq!(plausible(&text), text.ends_with(&sum));
            let fitting = format!("{preceding}{sum}");
            prop_assert!(plausible(&fitting));
        }

        #[test]
        fn one_wrong_character_is_noticed(place in 0..LENGTH, wrong in proptest::char::range(' ', '~')) {
            let key = KeySecret::generate(false).unwrap();
            let mut changed = key.expose().as_bytes().to_vec();
            let wrong = u8::try_from(wrong).unwrap();
            prop_assume!(changed[place] != wrong);
            changed[place] = wrong;
            prop_assert!(!plausible(std::str::from_utf8(&changed).unwrap()));
        }

        #[test]
        fn two_swapped_neighbours_are_noticed(place in 0..LENGTH - 1) {
            let key = KeySecret::generate(true).unwrap();
            let mut changed = key.expose().as_bytes().to_vec();
            prop_assume!(changed[place] != changed[place + 1]);
            changed.swap(place, place + 1);
            prop_assert!(!plausible(std::str::from_utf8(&changed).unwrap()));
        }

        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            prop_assert!(!plausible(&text));
        }

        #[test]
        fn text_of_the_right_length_is_answered(text in "sk-fb_live_.{40,50}") {
            // Cutting at a byte inside a character must not panic.
            let _ = plausible(&text);
        }
    }
}
