//! What does a person write into a bank transfer? Eight characters that cannot be confused, and one that finds mistakes.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Digits and capitals without 0 and O, 1, I and L. A prime number of them, so that the weighted sum below finds every
/// wrong character and every two that were swapped.
const LETTERS: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const RANDOM: usize = 8;
const LENGTH: usize = RANDOM + 1;

/// The short name of an order, shown as `7K3-M9Q-2XC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference([u8; LENGTH]);

/// The text is no reference, or has a mistake in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a reference: nine letters and digits like 7K3-M9Q-2XC; one of them may be wrong")]
pub struct ReferenceError;

impl Reference {
    /// From random bits that the caller made; about 2^39 of them count.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        let mut text = [LETTERS[0]; LENGTH];
        let mut left = bits;
        for letter in text.iter_mut().take(RANDOM) {
            let digit = usize::try_from(left % 31).unwrap_or(0);
            *letter = LETTERS[digit];
            left /= 31;
        }
        text[RANDOM] = check(&text);
        Self(text)
    }

    /// As it is stored: nine characters.
    ///
    /// # Panics
    /// Never: they are all ASCII.
    #[must_use]
    pub fn compact(&self) -> &str {
        std::str::from_utf8(&self.0).expect("every letter is ASCII")
    }
}

/// The character that belongs to the first eight.
fn check(text: &[u8; LENGTH]) -> u8 {
    let sum: usize = text
        .iter()
        .take(RANDOM)
        .enumerate()
        .map(|(place, letter)| (place + 1) * value(*letter).unwrap_or(0))
        .sum();
    LETTERS[sum % 31]
}

fn value(letter: u8) -> Option<usize> {
    LETTERS.iter().position(|known| *known == letter)
}

/// For eyes: in groups of three.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.compact();
        write!(f, "{}-{}-{}", &text[..3], &text[3..6], &text[6..])
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// Small letters, spaces and dashes are understood, as banks print them.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let letters: Vec<u8> = text
            .bytes()
            .filter(|byte| !matches!(byte, b' ' | b'-'))
            .map(|byte| byte.to_ascii_uppercase())
            .collect();
        let letters: [u8; LENGTH] = letters.try_into().map_err(|_| ReferenceError)?;
        let known = letters.iter().all(|letter| value(*letter).is_some());
        if !known || check(&letters) != letters[RANDOM] {
            return Err(ReferenceError);
        }
        Ok(Self(letters))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_survives_its_text_and_no_slip_of_the_pen(bits in any::<u64>(), place in 0..9_usize, other in 0..31_usize) {
            let reference = Reference::from_random(bits);
            let shown = reference.to_string();
            prop_assert_eq!(shown.parse::<Reference>().unwrap(), reference);
            prop_assert_eq!(shown.to_lowercase().replace('-', " ").parse::<Reference>().unwrap(), reference);

            let mut wrong = reference.0;
            wrong[place] = LETTERS[other];
            let wrong = String::from_utf8(wrong.to_vec()).unwrap();
            prop_assert_eq!(wrong.parse::<Reference>().is_ok(), wrong == reference.compact());

            let mut swapped = reference.0;
            swapped.swap(place, (place + 1) % 8);
            let swapped = String::from_utf8(swapped.to_vec()).unwrap();
            if place < 8 {
                prop_assert_eq!(swapped.parse::<Reference>().is_ok(), swapped == reference.compact());
            }
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "7K3",
            "7K3-M9Q-2X",
            "000-000-000",
            "2222222222",
            "ёлочка",
        ] {
            assert_eq!(text.parse::<Reference>(), Err(ReferenceError), "{text}");
        }
    }
}
