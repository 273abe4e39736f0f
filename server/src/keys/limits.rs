//! Which limits are stored? Those that were checked, with every address range in its one canonical spelling.

use std::net::IpAddr;

use domain::views::UnixMs;
use domain::{KeyLimits, LimitFault};
use ipnet::IpNet;

use super::KeyError;

/// Checks limits and brings them into the form that is stored. An end date that stood there before may be past.
pub(super) fn canonical(
    limits: &KeyLimits,
    before: Option<UnixMs>,
    now: UnixMs,
) -> Result<KeyLimits, KeyError> {
    let mut limits = limits.clone();
    for model in &mut limits.models {
        *model = model.trim().to_owned();
    }
    limits.models.sort_unstable();
    limits.models.dedup();
    limits.check()?;
    if limits.expires_at.is_some_and(|end| end <= now) && limits.expires_at != before {
        return Err(LimitFault::Past.into());
    }
    let mut ranges = limits
        .ip_ranges
        .iter()
        .map(|text| range(text).ok_or_else(|| LimitFault::Range(text.chars().take(64).collect())))
        .collect::<Result<Vec<_>, _>>()?;
    ranges.sort_unstable();
    ranges.dedup();
    limits.ip_ranges = ranges.iter().map(ToString::to_string).collect();
    Ok(limits)
}

/// `192.0.2.0/24`, `2001:db8::/32` or a single address; host bits are cut off, IPv4 inside IPv6 is IPv4.
pub(super) fn range(text: &str) -> Option<IpNet> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    let net = text.parse::<IpNet>().ok()?;
    if let (IpAddr::V4(address), IpNet::V6(_)) = (net.addr().to_canonical(), net) {
        let bits = net.prefix_len().checked_sub(96)?;
        return IpNet::new(IpAddr::V4(address), bits)
            .ok()
            .map(|net| net.trunc());
    }
    Some(net.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_one_spelling() {
        for (typed, stored) in [
            ("192.0.2.7", Some("192.0.2.7/32")),
            (" 192.0.2.77/24 ", Some("192.0.2.0/24")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("2001:DB8::1/32", Some("2001:db8::/32")),
            ("2001:db8::1", Some("2001:db8::1/128")),
            ("::ffff:192.0.2.7", Some("192.0.2.7/32")),
            ("::ffff:192.0.2.7/120", Some("192.0.2.0/24")),
            ("::ffff:192.0.2.7/90", None),
            ("192.0.2.0/33", None),
            ("192.0.2", None),
            ("example.com", None),
            ("", None),
        ] {
            let found = range(typed).map(|net| net.to_string());
            assert_eq!(found.as_deref(), stored, "{typed:?}");
        }
    }

    #[test]
    fn an_end_in_the_past_is_refused_unless_it_stood_there() {
        let limits = KeyLimits {
            expires_at: Some(10),
            ip_ranges: vec!["192.0.2.9/24".to_owned(), "192.0.2.0/24".to_owned()],
            models: vec!["b".to_owned(), " a".to_owned(), "b".to_owned()],
            ..KeyLimits::default()
        };
        assert_eq!(
            canonical(&limits, None, 10),
            Err(KeyError::Limits(LimitFault::Past))
        );
        let stored = canonical(&limits, Some(10), 10).expect("it stood there");
        assert_eq!(stored.ip_ranges, ["192.0.2.0/24"]);
        assert_eq!(stored.models, ["a", "b"]);
        assert!(canonical(&limits, None, 9).is_ok());
    }
}
