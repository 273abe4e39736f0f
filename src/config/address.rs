//! Under which address do people reach us, and is that this machine alone?

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::Uri;

/// An origin: scheme, host and port, nothing behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    host: String,
    https: bool,
}

impl PublicUrl {
    /// `http://` and the address we listen on.
    #[must_use]
    pub fn of(listen: SocketAddr) -> Self {
        let host = match listen.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self {
            text: format!("http://{listen}"),
            host,
            https: false,
        }
    }

    /// Without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.https
    }

    /// Does the name lead to this machine, wherever it is read?
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write the address like https://ai.example.com, without a path".to_owned();
        let uri: Uri = text.trim().parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        let plain = matches!(scheme, "http" | "https")
            && !authority.as_str().contains('@')
            && !authority.host().is_empty();
        if !plain || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong());
        }
        // The default port of the scheme is not part of an origin: a browser leaves it out too.
        let port = authority
            .port_u16()
            .filter(|port| *port != if scheme == "https" { 443 } else { 80 });
        let host = authority.host().to_lowercase();
        let text = port.map_or_else(
            || format!("{scheme}://{host}"),
            |port| format!("{scheme}://{host}:{port}"),
        );
        Ok(Self {
            text,
            host,
            https: scheme == "https",
        })
    }
}

/// The one function that says whether this installation is *local*: nobody but this machine reaches it.
///
/// Loopback upstreams, sandbox payments and the outbox page exist only where this is true.
#[must_use]
pub fn is_local(listen: SocketAddr, public_url: &PublicUrl) -> bool {
    listen.ip().is_loopback() && public_url.is_loopback()
}
