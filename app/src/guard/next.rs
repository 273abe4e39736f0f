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

#[cfg(test)]
mod tests {
    use super::*;

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
