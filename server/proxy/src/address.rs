//! Which address is meant? Base URLs are typed with `/v1`, without it and with two of it, with slashes doubled and at the
//! end. All of them mean the same endpoint, and none is answered by a page.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// What is found without `/v1` too: no page has these addresses.
const AT_ROOT: [&str; 7] = [
    "chat/completions",
    "completions",
    "embeddings",
    "images/generations",
    "audio/speech",
    "audio/transcriptions",
    "moderations",
];
/// The same, with everything below them.
const BELOW_ROOT: [&str; 4] = ["models", "responses", "messages", "dashboard/billing"];

/// Paths that answer JSON, whether they exist or not.
#[must_use]
pub fn is_api(path: &str) -> bool {
    straight(path).is_some()
}

/// Writes the path as the endpoints know it; one that is not of the API stays as it is.
pub(crate) fn straighten(uri: &mut Uri) {
    let Some(path) = straight(uri.path()).filter(|path| path != uri.path()) else {
        return;
    };
    let written = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let Ok(written) = PathAndQuery::try_from(written) else {
        return;
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(written);
    if let Ok(straight) = Uri::from_parts(parts) {
        *uri = straight;
    }
}

/// `None` for a path that is not of the API.
fn straight(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let versions = parts.iter().take_while(|part| **part == "v1").count();
    parts.drain(..versions);
    let path = parts.join("/");
    if parts.first() == Some(&"v1beta") {
        // Google's SDKs name their version behind whatever base they are given.
        return Some(format!("/{path}"));
    }
    let known = AT_ROOT.contains(&path.as_str())
        || BELOW_ROOT.iter().any(|known| {
            let rest = path.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
    (versions > 0 || known).then(|| {
        if path.is_empty() {
            "/v1".to_owned()
        } else {
            format!("/v1/{path}")
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn every_way_to_write_a_base_leads_to_the_endpoint() {
        for (written, meant) in [
            ("/v1/chat/completions", "/v1/chat/completions"),
            ("/v1/v1/messages?beta=true", "/v1/messages?beta=true"),
            ("//v1//messages/", "/v1/messages"),
            ("/chat/completions/", "/v1/chat/completions"),
            ("/models/maker/gpt", "/v1/models/maker/gpt"),
            ("/v1/models/", "/v1/models"),
            ("/v1/models/a%2Fb", "/v1/models/a%2Fb"),
            (
                "/v1/v1beta/models/m:generateContent",
                "/v1beta/models/m:generateContent",
            ),
            ("/v1", "/v1"),
            // Pages.
            ("/", "/"),
            ("/prices/gpt/", "/prices/gpt/"),
            ("/chat", "/chat"),
            ("/v1x/models", "/v1x/models"),
            ("/modelsx", "/modelsx"),
        ] {
            let mut uri: Uri = written.parse().unwrap();
            straighten(&mut uri);
            assert_eq!(uri.to_string(), meant, "{written}");
        }
        assert!(is_api("/v1") && is_api("/v1/what/ever") && is_api("/embeddings"));
        assert!(!is_api("/") && !is_api("/wallet") && !is_api("/v1x"));
    }
}
