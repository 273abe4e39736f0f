//! Did the form come from our own page? Leptos does not ask (on purpose); this layer does, for everything it guards.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site`; old ones at least in `Origin`. A request that changes
//! something and says neither is refused.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};

use crate::pages::error_page;
use crate::services::Services;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// It comes from elsewhere, or does not say where from.
    Foreign,
    /// A body that no form and no island of ours sends.
    ContentType,
}

pub async fn same_site_only(
    State(services): State<Services>,
    request: Request,
    next: Next,
) -> Response {
    match verdict(
        request.method(),
        request.headers(),
        &services.site.origins(),
    ) {
        Ok(()) => next.run(request).await,
        Err(Refused::Foreign) => error_page(&services, &request, StatusCode::FORBIDDEN),
        Err(Refused::ContentType) => {
            error_page(&services, &request, StatusCode::UNSUPPORTED_MEDIA_TYPE)
        }
    }
}

fn verdict(method: &Method, headers: &HeaderMap, origins: &[String]) -> Result<(), Refused> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let ours = match headers.get("sec-fetch-site") {
        // Not "same-site": other ports and subdomains count as the same site.
        Some(site) => site == "same-origin",
        None => headers
            .get(header::ORIGIN)
            .is_some_and(|origin| origins.iter().any(|ours| origin == ours.as_str())),
    };
    if !ours {
        return Err(Refused::Foreign);
    }
    match headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or("?"))
    {
        // Without a body there is nothing to disagree about.
        None => Ok(()),
        Some(value) => {
            let essence = value.split(';').next().unwrap_or_default().trim();
            let known = ["application/x-www-form-urlencoded", "application/json"];
            if known.iter().any(|one| one.eq_ignore_ascii_case(essence)) {
                Ok(())
            } else {
                Err(Refused::ContentType)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn ask(
        method: Method,
        site: Option<&str>,
        origin: Option<&str>,
        content_type: Option<&str>,
    ) -> Result<(), Refused> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("sec-fetch-site", site),
            ("origin", origin),
            ("content-type", content_type),
        ] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        verdict(&method, &headers, &["https://pay.example".to_owned()])
    }

    #[test]
    fn the_table_holds() {
        let (ok, foreign, odd) = (Ok(()), Err(Refused::Foreign), Err(Refused::ContentType));
        let table = [
            (Some("same-origin"), None, Some(FORM), ok),
            (
                Some("same-origin"),
                Some("https://pay.example"),
                Some("application/x-www-form-urlencoded; charset=UTF-8"),
                ok,
            ),
            (Some("same-origin"), None, None, ok),
            (
                Some("same-site"),
                Some("https://pay.example"),
                Some(FORM),
                foreign,
            ),
            (
                Some("cross-site"),
                Some("https://pay.example"),
                Some(FORM),
                foreign,
            ),
            (Some("none"), None, Some(FORM), foreign),
            (Some(""), Some("https://pay.example"), Some(FORM), foreign),
            (None, Some("https://pay.example"), Some(FORM), ok),
            (None, Some("https://pay.example:444"), Some(FORM), foreign),
            (None, Some("http://pay.example"), Some(FORM), foreign),
            (None, Some("https://pay.example.evil"), Some(FORM), foreign),
            (None, Some("null"), Some(FORM), foreign),
            (None, None, Some(FORM), foreign),
            (Some("same-origin"), None, Some("text/plain"), odd),
            (
                Some("same-origin"),
                None,
                Some("multipart/form-data; boundary=x"),
                odd,
            ),
        ];
        for (site, origin, content_type, wanted) in table {
            let got = ask(Method::POST, site, origin, content_type);
            assert_eq!(
                got, wanted,
                "site {site:?}, origin {origin:?}, type {content_type:?}"
            );
        }
    }

    #[test]
    fn every_method_that_changes_something_is_asked() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(
                ask(method.clone(), None, None, None),
                Err(Refused::Foreign),
                "{method}"
            );
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert_eq!(ask(method, Some("cross-site"), None, None), Ok(()));
        }
    }
}
