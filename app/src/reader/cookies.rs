//! Which cookies are there, and how is one kept? Only those of [`Cookie`] can be set: scripts cannot read them, and where
//! https allows they are bound to this host. The table of the cookie policy is made from the same list.

use http::{HeaderMap, header};
use server::policies::{self, Lifetime};
use server::sessions::ABSOLUTE_MS;

use crate::flash;
use crate::services::SiteConfig;

const DAY_S: i64 = 86_400;

/// Every cookie of this site. Each does something that its reader asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Who is signed in here.
    Session,
    /// Language, currency, theme and time zone, chosen by hand.
    Prefs,
    /// Somebody has signed in with this browser before.
    Browser,
    /// What a form answers, for the next page.
    Flash,
    /// What somebody put away of the line about a low balance.
    Low,
}

impl Cookie {
    pub const ALL: [Self; 5] = [
        Self::Session,
        Self::Prefs,
        Self::Browser,
        Self::Flash,
        Self::Low,
    ];

    const fn base(self) -> &'static str {
        match self {
            Self::Session => "sid",
            Self::Prefs => "prefs",
            Self::Browser => "dev",
            Self::Flash => "flash",
            Self::Low => "low",
        }
    }

    /// As the browser knows it. `__Host-` keeps subdomains and plain http from setting it; browsers take the prefix only
    /// over https.
    pub fn name(self, secure: bool) -> String {
        if secure {
            format!("__Host-{}", self.base())
        } else {
            self.base().to_owned()
        }
    }

    /// How long a browser keeps it, in seconds.
    pub const fn lifetime_s(self) -> i64 {
        match self {
            // As long as a session can live; the database decides when one has ended.
            Self::Session => ABSOLUTE_MS / 1_000,
            Self::Prefs | Self::Browser => 365 * DAY_S,
            Self::Flash => flash::LIFETIME_S,
            Self::Low => DAY_S,
        }
    }

    /// The key of the text that says what it is for.
    const fn purpose(self) -> &'static str {
        match self {
            Self::Session => "policies.cookies.session",
            Self::Prefs => "policies.cookies.prefs",
            Self::Browser => "policies.cookies.browser",
            Self::Flash => "policies.cookies.flash",
            Self::Low => "policies.cookies.low",
        }
    }
}

/// Every cookie, for the table of the cookie policy.
#[must_use]
pub fn cookies(secure: bool) -> Vec<policies::Cookie> {
    Cookie::ALL
        .into_iter()
        .map(|cookie| {
            let seconds = cookie.lifetime_s().unsigned_abs();
            policies::Cookie {
                name: cookie.name(secure),
                purpose: cookie.purpose(),
                lifetime: if seconds % DAY_S.unsigned_abs() == 0 {
                    Lifetime::Days(seconds / DAY_S.unsigned_abs())
                } else {
                    Lifetime::Minutes(seconds.div_ceil(60))
                },
            }
        })
        .collect()
}

/// The value of one of our cookies in a request.
pub fn cookie(headers: &HeaderMap, site: &SiteConfig, cookie: Cookie) -> Option<String> {
    let wanted = cookie.name(site.secure());
    let all = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == wanted)
        .map(|(_, value)| value.to_owned())
}

/// A `Set-Cookie` line that keeps a value for the cookie's lifetime.
pub fn set_cookie(site: &SiteConfig, cookie: Cookie, value: &str) -> String {
    line(site, cookie, value, cookie.lifetime_s())
}

/// A `Set-Cookie` line that removes a cookie.
pub fn forget_cookie(site: &SiteConfig, cookie: Cookie) -> String {
    line(site, cookie, "", 0)
}

fn line(site: &SiteConfig, cookie: Cookie, value: &str, max_age: i64) -> String {
    let secure = site.secure();
    let only = if secure { "; Secure" } else { "" };
    format!(
        "{}={value}; HttpOnly{only}; SameSite=Lax; Path=/; Max-Age={max_age}",
        cookie.name(secure)
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
        let line = set_cookie(&site("https://a.example"), Cookie::Flash, "x");
        assert_eq!(
            line,
            "__Host-flash=x; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=60"
        );
        let line = forget_cookie(&site("http://localhost"), Cookie::Flash);
        assert_eq!(line, "flash=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "xprefs=1; __Host-prefs=2".parse().unwrap());
        headers.append(header::COOKIE, "prefs=3".parse().unwrap());
        assert_eq!(
            cookie(&headers, &site("http://localhost"), Cookie::Prefs).as_deref(),
            Some("3")
        );
        assert_eq!(
            cookie(&headers, &site("https://a.example"), Cookie::Prefs).as_deref(),
            Some("2")
        );
        let none = cookie(&headers, &site("http://localhost"), Cookie::Session);
        assert_eq!(none, None);
    }
}
