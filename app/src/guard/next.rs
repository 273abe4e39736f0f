//! Where may a form send people afterwards? Only to a path of ours, whatever the address bar was made to say.

/// Longer than any path of ours with its query.
const LONGEST: usize = 1_024;

/// The path when it is one of ours to redirect to: it begins with exactly one slash and has only characters that no
/// browser reads as part of a host.
pub fn safe_next(text: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/_-.~?&=%+".contains(&b);
    let lower = text.to_ascii_lowercase();
    // An encoded slash at the start would become a host for whoever decodes once too often.
    let decodes_to_host = ["//", "/%2f", "/%5c", "/%09", "/%0a", "/%0d"]
        .iter()
        .any(|bad| lower.starts_with(bad));
    // Browsers tidy dots away: what was `/.//evil` is `//evil` then, which names a host for whoever joins strings.
    let path = lower.split('?').next().unwrap_or_default();
    let untidy = path.contains("//")
        || path
            .split('/')
            .any(|segment| matches!(segment.replace("%2e", ".").as_str(), "." | ".."));
    let ours = text.starts_with('/')
        && text.len() <= LONGEST
        && text.bytes().all(plain)
        && !decodes_to_host
        && !untidy;
    ours.then_some(text)
}

/// `path` with the page to go to afterwards, unless that is where it leads anyway (the overview) or not a path of ours.
pub fn with_next(path: &str, next: &str) -> String {
    match safe_next(next) {
        // Only characters that mean themselves within a query, but for these three.
        Some(next) if next != "/overview" => format!(
            "{path}?next={}",
            next.replace('%', "%25")
                .replace('&', "%26")
                .replace('+', "%2B")
        ),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_survives_the_query() {
        assert_eq!(with_next("/login", "/overview"), "/login");
        assert_eq!(with_next("/login", "//evil"), "/login");
        assert_eq!(
            with_next("/ru/login", "/usage?range=7d&group=key&q=a%2Bb"),
            "/ru/login?next=/usage?range=7d%26group=key%26q=a%252Bb"
        );
    }

    #[test]
    fn our_own_paths_pass() {
        for path in [
            "/",
            "/overview",
            "/ru/",
            "/login?next=%2Foverview",
            "/a/b-c_d.e~f",
            "/keys?x=1&y=2",
        ] {
            assert_eq!(safe_next(path), Some(path), "{path}");
        }
    }

    #[test]
    fn whatever_could_leave_is_refused() {
        let long = format!("/{}", "a".repeat(8_192));
        let bad = [
            "",
            "overview",
            "//evil",
            "/\\evil",
            "\\\\evil",
            "/%2f%2fevil",
            "/%2F/evil",
            "/%5cevil",
            "https:evil",
            "https://evil",
            "javascript:alert(1)",
            "\t//evil",
            "/\t/evil",
            "/\n/evil",
            "/%09/evil",
            " /overview",
            "/x@evil",
            "/over view",
            "/é",
            "/a\0",
            "///evil",
            "/#//evil",
            "/.//evil",
            "/..//evil",
            "/%2E//evil",
            "/./evil",
            "/a/../evil",
            "/a//evil",
            long.as_str(),
        ];
        for path in bad {
            assert_eq!(safe_next(path), None, "{path:?}");
        }
    }
}
