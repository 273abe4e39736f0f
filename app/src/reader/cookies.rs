//! How is a small value kept in the browser? In a cookie that scripts cannot read, bound to this host where https allows.

use http::{HeaderMap, header};

use crate::services::SiteConfig;

/// `__Host-` keeps subdomains and plain http from setting it; browsers take the prefix only over https.
pub fn name(site: &SiteConfig, base: &str) -> String {
    if site.secure() {
        format!("__Host-{base}")
    } else {
        base.to_owned()
    }
}

/// The value of our cookie `base` in a request.
pub fn cookie(headers: &HeaderMap, site: &SiteConfig, base: &str) -> Option<String> {
    let wanted = name(site, base);
    let all = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == wanted)
        .map(|(_, value)| value.to_owned())
}

/// A `Set-Cookie` line. `max_age` is in seconds; 0 removes the cookie.
pub fn set_cookie(site: &SiteConfig, base: &str, value: &str, max_age: i64) -> String {
    let secure = if site.secure() { "; Secure" } else { "" };
    format!(
        "{}={value}; HttpOnly{secure}; SameSite=Lax; Path=/; Max-Age={max_age}",
        name(site, base)
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn site(public_url: &str) -> SiteConfig {
        SiteConfig {
            brand: String::new(),
            public_url: public_url.to_owned(),
            local: false,
            support: None,
        }
    }

    #[test]
    fn https_binds_the_cookie_to_the_host() {
        let line = set_cookie(&site("https://a.example"), "prefs", "x", 60);
        assert_eq!(
            line,
            "__Host-prefs=x; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=60"
        );
        let line = set_cookie(&site("http://localhost"), "prefs", "x", 0);
        assert_eq!(line, "prefs=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "xprefs=1; __Host-prefs=2".parse().unwrap());
        headers.append(header::COOKIE, "prefs=3".parse().unwrap());
        assert_eq!(
            cookie(&headers, &site("http://localhost"), "prefs").as_deref(),
            Some("3")
        );
        assert_eq!(
            cookie(&headers, &site("https://a.example"), "prefs").as_deref(),
            Some("2")
        );
        assert_eq!(cookie(&headers, &site("http://localhost"), "pref"), None);
    }
}
