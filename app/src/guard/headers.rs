//! Which headers does every answer carry? What a browser may load, who may frame us, what may be kept.
//!
//! No page has an inline script or style: rendering is synchronous (see `shell/render.rs`) and islands are started by
//! a file of our own, so the policy needs neither nonces nor hashes.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::reader::{Cookie, REQUEST_NUMBER, forget_cookie};
use crate::services::{Services, SiteConfig};

/// Pages without islands: no script at all.
const CSP_PLAIN: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
/// Pages with islands: our own files, wasm, and calls back to us.
pub const CSP_ISLANDS: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const FIXED: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), usb=(), publickey-credentials-get=(self)",
    ),
];

pub async fn answer_headers(
    State(services): State<Services>,
    mut request: Request,
    next: Next,
) -> Response {
    let number = server::ids::request_number();
    let number = HeaderValue::from_str(&number).expect("letters and digits fit into a header");
    request.headers_mut().insert(REQUEST_NUMBER, number.clone());
    let mut response = next.run(request).await;
    if response.status().is_server_error() {
        // Not its path, in which a one-time link may stand.
        tracing::warn!(request.id = ?number, status = response.status().as_u16(), "A page could not be shown");
    }
    response.headers_mut().insert(REQUEST_NUMBER, number);
    dress(response.headers_mut(), services.site.secure());
    end_session_cookie(response.headers_mut(), &services.site);
    response
}

/// The session's layer ends its cookie without the marks that it was set with. Browsers refuse such a line for a name
/// that begins with `__Host-`, and the cookie would stay: so it is written again, whole.
fn end_session_cookie(headers: &mut HeaderMap, site: &SiteConfig) {
    let bare = format!("{}=;", Cookie::Session.name(site.secure()));
    let all: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .cloned()
        .collect();
    if !all
        .iter()
        .any(|line| line.as_bytes().starts_with(bare.as_bytes()))
    {
        return;
    }
    headers.remove(header::SET_COOKIE);
    for line in all {
        let ends = line.as_bytes().starts_with(bare.as_bytes());
        let whole = ends.then(|| HeaderValue::from_str(&forget_cookie(site, Cookie::Session)));
        headers.append(
            header::SET_COOKIE,
            whole.and_then(Result::ok).unwrap_or(line),
        );
    }
}

/// A page whose address is a secret (a mailed link): nobody is told where its reader came from, us included.
pub fn keep_to_itself(site: &SiteConfig, mut response: Response) -> Response {
    // Without `Sec-Fetch-Site` (plain http elsewhere than on loopback) a form must say its origin, which it does not
    // under this policy. There the address goes to ourselves at most.
    if site.secure() || site.local {
        response.headers_mut().insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
    }
    response
}

fn dress(headers: &mut HeaderMap, secure: bool) {
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("same-origin"));
    for (name, value) in FIXED {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(CSP_PLAIN));
    // What does not say otherwise may hold something personal.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if secure {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn only_https_promises_https() {
        for secure in [true, false] {
            let mut headers = HeaderMap::new();
            dress(&mut headers, secure);
            assert_eq!(
                headers.contains_key(header::STRICT_TRANSPORT_SECURITY),
                secure
            );
            assert_eq!(headers.get("x-frame-options").unwrap(), "DENY");
        }
    }

    #[test]
    fn no_policy_allows_inline_code() {
        for policy in [CSP_PLAIN, CSP_ISLANDS] {
            assert!(
                !policy.contains("unsafe-inline")
                    && !policy.contains("'unsafe-eval'")
                    && !policy.contains('*'),
                "{policy}"
            );
        }
        assert!(
            !CSP_PLAIN.contains("script-src"),
            "plain pages fall back to default-src 'none'"
        );
    }
}
