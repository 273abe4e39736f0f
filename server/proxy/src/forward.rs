//! Which of a caller's headers reach an upstream? Those that change what its dialect means, and none that tell who asks.

use axum::http::{HeaderMap, HeaderName};
use domain::Dialect;

/// By which Anthropic's SDKs choose the version and features of the dialect.
const ANTHROPIC: [&str; 2] = ["anthropic-version", "anthropic-beta"];
const OPENAI: [&str; 1] = ["openai-beta"];

/// The version that is asked for when a caller of another dialect is translated, or names none.
pub(crate) const ANTHROPIC_VERSION: &str = "2023-06-01";

/// The headers to be sent on, each line of them.
pub(crate) fn headers(dialect: Dialect, from: &HeaderMap) -> HeaderMap {
    let names: &[&'static str] = match dialect {
        Dialect::Messages => &ANTHROPIC,
        Dialect::Chat | Dialect::Responses => &OPENAI,
        Dialect::Gemini => &[],
    };
    let mut to = HeaderMap::new();
    for name in names {
        for value in from.get_all(*name) {
            to.append(HeaderName::from_static(name), value.clone());
        }
    }
    to
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn every_line_of_a_known_header_goes_on_and_nothing_else() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("anthropic-beta", "a,b"),
            ("anthropic-beta", "c"),
            ("x-api-key", "secret"),
            ("x-app", "cli"),
        ] {
            from.append(name, value.parse().unwrap());
        }
        let to = headers(Dialect::Messages, &from);
        assert_eq!(to.len(), 2);
        assert_eq!(to.get_all("anthropic-beta").iter().count(), 2);
        assert!(headers(Dialect::Chat, &from).is_empty());
    }
}
