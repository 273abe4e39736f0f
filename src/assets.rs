//! Which files does the browser get? The bundle that `make bundle` wrote, embedded, compressed beforehand, cached for ever.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

/// `target/site`: `manifest.json`, and `assets/` and `pkg/` with a hash of the content in every name.
#[derive(RustEmbed)]
#[folder = "target/site"]
#[allow_missing = true]
struct Bundle;

/// A name with the hash of its content in it never gets another content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// What the pages need to name the files; empty when the binary was built without a bundle.
#[must_use]
pub fn for_pages() -> app::Assets {
    let manifest = Bundle::get("manifest.json");
    let names = manifest
        .and_then(|file| serde_json::from_slice::<BTreeMap<String, String>>(&file.data).ok());
    app::Assets::new(names.unwrap_or_default())
}

/// Whether a bundle is embedded at all.
#[must_use]
pub fn embedded() -> bool {
    Bundle::get("manifest.json").is_some()
}

/// `GET /assets/…` and `GET /pkg/…`.
pub async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let twin = [".br", ".gz"].into_iter().any(|end| path.ends_with(end));
    match Bundle::get(path).filter(|_| !twin) {
        Some(file) => answer(path, file, request.headers()),
        None => (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")]).into_response(),
    }
}

fn answer(path: &str, plain: EmbeddedFile, asked: &HeaderMap) -> Response {
    let kind = content_type(plain.metadata.mimetype());
    let (encoding, file) = smallest(path, asked).unwrap_or((None, plain));
    let tag = etag(&file);
    let mut response = if asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| *known == tag)
    {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.data.into_owned()).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, FOR_EVER);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The compressed twin that the browser takes, brotli first.
fn smallest(path: &str, asked: &HeaderMap) -> Option<(Option<&'static str>, EmbeddedFile)> {
    let accepted = asked.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .find_map(|(encoding, end)| {
            Some((
                Some(encoding),
                Bundle::get(&format!("{path}.{end}")).filter(|_| accepts(accepted, encoding))?,
            ))
        })
}

/// Whether `Accept-Encoding` names the encoding and does not refuse it (`;q=0`).
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let refused = |weight: &str| {
            weight
                .strip_prefix("q=")
                .is_some_and(|q| q.bytes().all(|b| matches!(b, b'0' | b'.')))
        };
        parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(encoding))
            && !parts.any(refused)
    })
}

fn content_type(mime: &str) -> HeaderValue {
    let text = if mime.starts_with("text/") {
        format!("{mime}; charset=utf-8")
    } else {
        mime.to_owned()
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn etag(file: &EmbeddedFile) -> HeaderValue {
    let hash = file.metadata.sha256_hash();
    HeaderValue::try_from(format!("\"{}\"", server::secrets::hex(&hash[..16])))
        .expect("hexadecimal digits are a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_taken_only_when_offered() {
        for (accepted, encoding, taken) in [
            ("gzip, deflate, br, zstd", "br", true),
            ("gzip;q=1.0, br;q=0", "br", false),
            ("br;q=0.0", "br", false),
            ("br;q=0.5", "br", true),
            ("identity", "gzip", false),
            ("brotli", "br", false),
            ("", "br", false),
        ] {
            assert_eq!(accepts(accepted, encoding), taken, "{accepted} {encoding}");
        }
    }
}
