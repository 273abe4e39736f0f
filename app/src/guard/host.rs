//! Was it us they meant? A request that names another host is answered 421, so that a foreign name pointed at this
//! address shows nothing. Links are never made from `Host` either.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{StatusCode, header};

use crate::pages::error_page;
use crate::services::{Services, SiteConfig};

pub async fn known_host_only(
    State(services): State<Services>,
    request: Request,
    next: Next,
) -> Response {
    // HTTP/2 carries the name in the address itself.
    let named = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned());
    let named = named.or_else(|| {
        Some(
            request
                .headers()
                .get(header::HOST)?
                .to_str()
                .ok()?
                .to_owned(),
        )
    });
    if named.is_some_and(|host| known(&host, &services.site)) {
        next.run(request).await
    } else {
        error_page(&services, &request, StatusCode::MISDIRECTED_REQUEST)
    }
}

fn known(host: &str, site: &SiteConfig) -> bool {
    site.origins().iter().any(|origin| {
        let Some((scheme, ours)) = origin.split_once("://") else {
            return false;
        };
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        let bare = |name: &str| {
            name.strip_suffix(default_port)
                .unwrap_or(name)
                .to_ascii_lowercase()
        };
        bare(ours) == bare(host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(public_url: &str, local: bool) -> SiteConfig {
        SiteConfig {
            brand: String::new(),
            public_url: public_url.to_owned(),
            local,
            support: None,
        }
    }

    #[test]
    fn only_our_names_are_answered() {
        let public = site("https://pay.example", false);
        for host in ["pay.example", "PAY.example", "pay.example:443"] {
            assert!(known(host, &public), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "pay.example:80",
            "pay.example.evil",
            "127.0.0.1",
            "x@pay.example",
        ] {
            assert!(!known(host, &public), "{host}");
        }
    }

    #[test]
    fn local_answers_to_every_name_of_loopback_on_its_port() {
        let local = site("http://127.0.0.1:8787", true);
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"] {
            assert!(known(host, &local), "{host}");
        }
        for host in ["localhost", "localhost:9999", "192.168.1.4:8787"] {
            assert!(!known(host, &local), "{host}");
        }
    }
}
