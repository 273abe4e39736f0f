//! How does another provider's seal travel as a `thoughtSignature`? SDKs read that as bytes, so it is base64, also of
//! what is none.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use domain::Dialect;

use crate::neutral::seal;

/// Some SDKs send back the form for URLs.
const ANY: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The signature of a marked seal.
pub(super) fn signature(marked: &str) -> String {
    general_purpose::STANDARD.encode(marked)
}

/// Whose it is; `None` for one of Gemini's own, which no upstream of ours made.
pub(super) fn read(signature: &str) -> Option<(Dialect, String)> {
    let standard = signature.replace('-', "+").replace('_', "/");
    let marked = String::from_utf8(ANY.decode(standard).ok()?).ok()?;
    let (made_in, seal) = seal::whose(&marked, Dialect::Gemini);
    (made_in != Dialect::Gemini).then_some((made_in, seal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_comes_home_in_either_form() {
        let marked = seal::mark(Dialect::Messages, "a+/?~~>=");
        let signature = signature(&marked);
        let wanted = Some((Dialect::Messages, "a+/?~~>=".to_owned()));
        assert_eq!(read(&signature), wanted);
        let for_urls = signature.replace('+', "-").replace('/', "_");
        assert_eq!(read(for_urls.trim_end_matches('=')), wanted);
        for other in ["", "AAAA", "no base64!"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
