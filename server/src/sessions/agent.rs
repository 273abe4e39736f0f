//! Which browser is this? A short name by which its owner recognises it, and the network it came from.
//!
//! Never the whole `User-Agent`: that would be a fingerprint. The name has no words, so that it needs no translation.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What a session shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// As [`agent`] names it.
    pub agent: String,
    /// As [`crate::audit::network`] shortens it.
    pub network: String,
}

impl Seen {
    /// From a `User-Agent` header and the caller's address.
    #[must_use]
    pub fn new(user_agent: &str, from: IpAddr) -> Self {
        Self {
            agent: agent(user_agent),
            network: crate::audit::network(from),
        }
    }
}

/// Longer headers are cut: nothing that we look for stands so late.
const LONGEST: usize = 512;

/// Browsers by what only they say, most particular first: nearly all of them say `Chrome`, `Safari` and `Mozilla` too.
const BROWSERS: &[(&str, &str)] = &[
    ("YaBrowser", "Yandex Browser"),
    ("Yandex Browser", "Yandex Browser"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Samsung Internet", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("OPR/", "Opera"),
    ("Opera", "Opera"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("Edge", "Edge"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
];

/// Systems, most particular first: Android says `Linux` too, an iPhone `Mac OS X`.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPadOS", "iPadOS"),
    ("iPad", "iPadOS"),
    ("iPhone", "iOS"),
    ("iOS", "iOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("ChromeOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("macOS", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// `Firefox, Linux`; one of the two when the other is unknown, empty when both are. What it says of its own answer is
/// that answer again.
#[must_use]
pub fn agent(user_agent: &str) -> String {
    let cut = user_agent.floor_char_boundary(LONGEST);
    let text = &user_agent[..cut];
    let find = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(word, _)| text.contains(word))
            .map(|(_, name)| *name)
    };
    let parts: Vec<_> = [find(BROWSERS), find(SYSTEMS)]
        .into_iter()
        .flatten()
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_recognised_by_what_only_they_say() {
        for (header, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox, Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome, Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
                "Safari, macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
                "Chrome, iOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
                "Samsung Internet, Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 YaBrowser/25.10 Safari/537.36",
                "Yandex Browser, Windows",
            ),
            ("curl/8.14.1", "curl"),
            ("Something (Linux)", "Linux"),
            ("", ""),
            ("<script>alert(1)</script>", ""),
        ] {
            assert_eq!(agent(header), name, "{header}");
            assert_eq!(agent(name), name, "again");
        }
        assert_eq!(
            agent(&format!("{}Firefox", "é".repeat(400))),
            "",
            "cut within a character's bounds"
        );
    }
}
