//! Is a webhook from whom it says, and of now? `t=<unix seconds>,v1=<hex HMAC-SHA256(secret, "{t}.{raw body}")>`, checked
//! on the raw bytes before anything of them is read.

use domain::views::UnixMs;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Reject;
use crate::secrets::Secret;

/// How far the signer's clock may be from ours, either way, in seconds.
const TOLERANCE_S: i64 = 300;
/// A header has one signature, or a few while a secret is changed.
const SIGNATURES_MAX: usize = 5;

/// # Errors
/// [`Reject::Signature`] unless one of the signatures fits; [`Reject::Time`] when it fits, but is not of now.
pub(super) fn check(
    header: Option<&str>,
    body: &[u8],
    secret: &Secret,
    now: UnixMs,
) -> Result<(), Reject> {
    if secret.expose().is_empty() {
        return Err(Reject::Signature);
    }
    let (mut at, mut signatures) = (None, Vec::new());
    for part in header.ok_or(Reject::Signature)?.split(',') {
        match part.split_once('=') {
            // Said twice, it could be checked once and used the other time.
            Some(("t", _)) if at.is_some() => return Err(Reject::Signature),
            Some(("t", digits)) => at = Some(digits),
            Some(("v1", hex)) => signatures.push(hex),
            _ => {}
        }
    }
    let at = at.ok_or(Reject::Signature)?;
    if at.is_empty() || !at.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reject::Signature);
    }
    let genuine = signatures
        .into_iter()
        .take(SIGNATURES_MAX)
        .filter_map(unhex)
        .any(|signature| {
            let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.expose().as_bytes())
                .expect("HMAC takes keys of any length");
            mac.update(at.as_bytes());
            mac.update(b".");
            mac.update(body);
            // Compares without telling by its time how much was right.
            mac.verify_slice(&signature).is_ok()
        });
    if !genuine {
        return Err(Reject::Signature);
    }
    let at: i64 = at.parse().map_err(|_| Reject::Time)?;
    let off = now.div_euclid(1_000).saturating_sub(at);
    if (-TOLERANCE_S..=TOLERANCE_S).contains(&off) {
        Ok(())
    } else {
        Err(Reject::Time)
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of Stripe's scheme, computed with Python's hmac module.
    const SECRET: &str = "whsec_test_1";
    const BODY: &[u8] = br#"{"id":"evt_1","object":"event","type":"checkout.session.completed"}"#;
    const V1: &str = "01a57c2a6e15a9a90ebc06cde4ff0ffebc1ab58c7031372b68b3203483c2fe2f";
    const AT_MS: UnixMs = 1_800_000_000_000;

    fn judge(header: &str, secret: &str, now: UnixMs) -> Result<(), Reject> {
        check(Some(header), BODY, &Secret::new(secret.to_owned()), now)
    }

    #[test]
    fn only_the_signature_of_now_is_believed() {
        let good = format!("t=1800000000,v1={V1}");
        for (header, secret, now, verdict) in [
            (good.as_str(), SECRET, AT_MS, Ok(())),
            (&good, SECRET, AT_MS + 300_999, Ok(())),
            (&good, SECRET, AT_MS - 300_000, Ok(())),
            (&good, SECRET, AT_MS + 301_000, Err(Reject::Time)),
            (&good, SECRET, AT_MS - 301_000, Err(Reject::Time)),
            (&good, "whsec_test_2", AT_MS, Err(Reject::Signature)),
            (&good, "", AT_MS, Err(Reject::Signature)),
            ("", SECRET, AT_MS, Err(Reject::Signature)),
            ("t=1800000000", SECRET, AT_MS, Err(Reject::Signature)),
            (&format!("v1={V1}"), SECRET, AT_MS, Err(Reject::Signature)),
            (
                &format!("t=1800000001,v1={V1}"),
                SECRET,
                AT_MS,
                Err(Reject::Signature),
            ),
            (
                &format!("t=1800000000,t=1800000000,v1={V1}"),
                SECRET,
                AT_MS,
                Err(Reject::Signature),
            ),
            (
                &format!("t=+1800000000,v1={V1}"),
                SECRET,
                AT_MS,
                Err(Reject::Signature),
            ),
            (
                &format!("t=1800000000,v0={V1}"),
                SECRET,
                AT_MS,
                Err(Reject::Signature),
            ),
            (
                &format!("t=1800000000,v1={}", &V1[..62]),
                SECRET,
                AT_MS,
                Err(Reject::Signature),
            ),
            (
                &format!("t=1800000000,v1=zz,v1={V1}"),
                SECRET,
                AT_MS,
                Ok(()),
            ),
        ] {
            assert_eq!(judge(header, secret, now), verdict, "{header} at {now}");
        }
        let secret = Secret::new(SECRET.to_owned());
        assert_eq!(check(None, BODY, &secret, AT_MS), Err(Reject::Signature));
        let spaced = [BODY, b" "].concat();
        assert_eq!(
            check(Some(&good), &spaced, &secret, AT_MS),
            Err(Reject::Signature),
            "one more space is another body"
        );
    }
}
