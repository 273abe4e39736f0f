//! How do bytes stand inside a URL? `data:image/png;base64,…`, as OpenAI's dialects write images and files.

use super::Source;

/// What kind a `data:` URL is of that does not say it.
const UNTOLD: &str = "text/plain";

/// Where the bytes of this URL are: inside it, or where it points to. `None` when they are inside in another form than
/// base64.
#[must_use]
pub fn read(url: &str) -> Option<Source> {
    let inside = match url.get(..5) {
        Some(scheme) if scheme.eq_ignore_ascii_case("data:") => &url[5..],
        _ => return Some(Source::Url(url.to_owned())),
    };
    let (head, data) = inside.split_once(',')?;
    let (kind, form) = head.rsplit_once(';').unwrap_or(("", head));
    if !form.eq_ignore_ascii_case("base64") {
        return None;
    }
    // Behind the kind its parameters may stand, which nobody reads.
    let kind = kind.split(';').next().unwrap_or_default();
    Some(Source::Base64 {
        kind: if kind.is_empty() { UNTOLD } else { kind }.to_ascii_lowercase(),
        data: data.to_owned(),
    })
}

/// The URL; `None` for a file that is kept by its provider.
#[must_use]
pub fn write(source: &Source) -> Option<String> {
    match source {
        Source::Url(url) => Some(url.clone()),
        Source::Base64 { kind, data } => Some(format!("data:{kind};base64,{data}")),
        Source::Id(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn bytes_are_found_inside_and_elsewhere() {
        for (url, wanted) in [
            ("https://x/a.png", Some("https://x/a.png")),
            (
                "data:image/png;base64,AA==",
                Some("data:image/png;base64,AA=="),
            ),
            (
                "DATA:Image/PNG;name=a;BASE64,AA",
                Some("data:image/png;base64,AA"),
            ),
            ("data:;base64,AA", Some("data:text/plain;base64,AA")),
            ("data:base64,AA", Some("data:text/plain;base64,AA")),
            ("data:text/plain,hi", None),
            ("data:", None),
            ("é", Some("é")),
        ] {
            let found = read(url).map(|source| write(&source).unwrap());
            assert_eq!(found.as_deref(), wanted, "{url}");
        }
    }
}
