//! How are secrets spelled? In digits and letters only, so that a double click selects the whole of one.

use zeroize::Zeroizing;

use super::secret::RandomnessFailed;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The largest multiple of 62 that a byte can hold: bytes from here on are drawn again, or the first letters would be
/// likelier than the last.
const FAIR: u8 = 248;

/// Appends `length` characters, each drawn evenly. 43 of them hold 256 bits.
pub(super) fn push_random(text: &mut String, length: usize) -> Result<(), RandomnessFailed> {
    let mut wanted = length;
    let mut drawn = Zeroizing::new([0_u8; 64]);
    while wanted > 0 {
        getrandom::fill(drawn.as_mut_slice()).map_err(|_| RandomnessFailed)?;
        for &byte in drawn.iter().filter(|&&byte| byte < FAIR).take(wanted) {
            text.push(char::from(ALPHABET[usize::from(byte % 62)]));
            wanted -= 1;
        }
    }
    Ok(())
}

/// Six characters for any 32-bit number, with leading zeros, so that the length never varies.
#[must_use]
pub fn encode_u32(number: u32) -> [u8; 6] {
    let mut rest = number;
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    text
}
