//! How large is an image that was sent? Read from the first bytes of its file: that is what it is charged by.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// So much of a file is looked at; a multiple of four characters. A camera's notes may stand before the size.
const HEAD_MAX: usize = 96 << 10;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What was attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attached {
    /// Its width and height in pixels, where they are known. Whatever is no document is taken for one.
    Image(Option<(u64, u64)>),
    /// A document, whose pages are not known.
    File,
}

/// `sent` is base64, a data URL, or an address where it lies.
pub(super) fn look(sent: &str) -> Attached {
    let base64 = match sent.strip_prefix("data:") {
        Some(url) => match url.split_once(',') {
            Some((kind, _)) if kind.starts_with("application/") => return Attached::File,
            Some((_, data)) => data,
            None => return Attached::Image(None),
        },
        None => sent,
    };
    // An address, or another alphabet, does not decode.
    let head = base64.as_bytes();
    let head = &head[..head.len().min(HEAD_MAX)];
    match LENIENT.decode(head) {
        Ok(file) if file.starts_with(b"%PDF") => Attached::File,
        Ok(file) => Attached::Image(size(&file)),
        Err(_) => Attached::Image(None),
    }
}

fn size(file: &[u8]) -> Option<(u64, u64)> {
    let size = match file {
        [0x89, b'P', b'N', b'G', ..] => (big(file, 16, 4)?, big(file, 20, 4)?),
        [b'G', b'I', b'F', b'8', ..] => (little(file, 6, 2)?, little(file, 8, 2)?),
        [b'R', b'I', b'F', b'F', ..] => webp(file)?,
        [0xff, 0xd8, ..] => jpeg(file)?,
        _ => return None,
    };
    (size.0 > 0 && size.1 > 0).then_some(size)
}

fn webp(file: &[u8]) -> Option<(u64, u64)> {
    match file.get(12..16)? {
        b"VP8X" => Some((1 + little(file, 24, 3)?, 1 + little(file, 27, 3)?)),
        b"VP8L" => {
            let bits = little(file, 21, 4)?;
            Some((1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)))
        }
        b"VP8 " => Some((little(file, 26, 2)? & 0x3fff, little(file, 28, 2)? & 0x3fff)),
        _ => None,
    }
}

/// The size stands in the first frame, behind any number of segments.
fn jpeg(file: &[u8]) -> Option<(u64, u64)> {
    let mut at = 2;
    loop {
        let marker = big(file, at, 2)?;
        match marker {
            0xffc4 | 0xffc8 | 0xffcc => {}
            0xffc0..=0xffcf => return Some((big(file, at + 7, 2)?, big(file, at + 5, 2)?)),
            0xff00..=0xffff => {}
            _ => return None,
        }
        // The length counts itself, so each step goes on.
        at += 2 + usize::try_from(big(file, at + 2, 2)?).ok()?;
    }
}

fn big(file: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = file.get(at..at + len)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
    )
}

fn little(file: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = file.get(at..at + len)?;
    let last_first = bytes.iter().rev();
    Some(last_first.fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stand_in_the_first_bytes() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x07\x80\0\0\x04\x38\x08\x06".to_vec();
        let gif = b"GIF89a\x40\x01\xf0\0".to_vec();
        let jpeg =
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x02\xff\xc2\0\x11\x08\x02\x58\x03\x20".to_vec();
        let vp8 = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x41".to_vec();
        let vp8l = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x3f\xc1\x3b\0".to_vec();
        let vp8x = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x03\0\xff\x02\0".to_vec();
        for (file, size) in [
            (png, Some((1920, 1080))),
            (gif, Some((320, 240))),
            (jpeg, Some((800, 600))),
            (vp8, Some((640, 480))),
            (vp8l, Some((320, 240))),
            (vp8x, Some((1024, 768))),
            (b"\x89PNG".to_vec(), None),
            (b"\xff\xd8\xff\xe0\0\0".to_vec(), None),
            (b"other".to_vec(), None),
        ] {
            let base64 = LENIENT.encode(&file);
            assert_eq!(look(&base64), Attached::Image(size), "{file:?}");
            let url = format!("data:image/x;base64,{base64}");
            assert_eq!(look(&url), Attached::Image(size), "{file:?}");
        }
        let long = LENIENT.encode(vec![0; HEAD_MAX]);
        for (sent, attached) in [
            ("JVBERi0xLjcK", Attached::File),
            ("data:application/pdf;base64,AAAA", Attached::File),
            ("https://example.org/a.png", Attached::Image(None)),
            ("data:", Attached::Image(None)),
            ("", Attached::Image(None)),
            (long.as_str(), Attached::Image(None)),
        ] {
            assert_eq!(look(sent), attached);
        }
    }
}
