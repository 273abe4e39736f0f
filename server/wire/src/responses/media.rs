//! How are images, files and sounds written? Inside the request as a `data:` address, elsewhere by their own.

use crate::neutral::Source;

/// What an address stands for.
pub(super) fn source(url: String) -> Source {
    let inside = url.strip_prefix("data:").and_then(|rest| {
        let (kind, data) = rest.split_once(";base64,")?;
        // Of `text/plain;charset=utf-8` the first part is the type.
        let kind = kind.split(';').next().unwrap_or_default();
        Some((kind.to_owned(), data.to_owned()))
    });
    match inside {
        Some((kind, data)) => Source::Base64 { kind, data },
        None => Source::Url(url),
    }
}

/// The address of what is inside the request.
pub(super) fn data_url(kind: &str, data: &str) -> String {
    format!("data:{kind};base64,{data}")
}

/// The media type of a sound by its format's name, and back.
pub(super) fn sound(format: &str) -> &'static str {
    match format {
        "mp3" => "audio/mpeg",
        _ => "audio/wav",
    }
}

pub(super) fn format(kind: &str) -> &'static str {
    match kind {
        "audio/mpeg" | "audio/mp3" => "mp3",
        _ => "wav",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_what_is_inside() {
        for (url, inside) in [
            (
                "data:image/png;base64,iVBO",
                Some(("image/png".to_owned(), "iVBO".to_owned())),
            ),
            (
                "data:text/plain;charset=utf-8;base64,aGk=",
                Some(("text/plain".to_owned(), "aGk=".to_owned())),
            ),
            ("https://example.com/a.png", None),
            ("data:,hi", None),
        ] {
            let read = match source(url.to_owned()) {
                Source::Base64 { kind, data } => Some((kind, data)),
                _ => None,
            };
            assert_eq!(read, inside, "{url}");
        }
    }
}
