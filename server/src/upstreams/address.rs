//! May Farebox connect there? Public https addresses; loopback only when local; private ranges only from the file.
//!
//! A name is judged twice: its text when the upstream is added, and every address it resolves to when connecting, so
//! that a name which answers differently the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use thiserror::Error;
use url::{Host, Url};

/// What this installation allows.
#[derive(Debug, Clone, Default)]
pub struct AddressRule {
    /// Listening and public address are both loopback: then loopback upstreams are fine.
    pub local: bool,
    /// Ranges that the operator allows in the configuration file, for a model server in the own network.
    pub private_ranges: Vec<IpNet>,
}

/// An address that was allowed, without a trailing slash: `https://api.example.com/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why an address is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    #[error("not an address: write it like https://api.example.com/v1")]
    NotAnAddress,
    #[error(
        "an address has no user name, password, query or fragment; the key is given with --api-key-stdin"
    )]
    Extras,
    #[error(
        "plain http is only for loopback (when Farebox is local) and for allowed private ranges; use https"
    )]
    PlainHttp,
    #[error("{0} is not a public address; allow its range with `private_ranges` in farebox.toml")]
    NotPublic(IpAddr),
}

impl AddressRule {
    /// Is this address allowed?
    #[must_use]
    pub fn allows(&self, ip: IpAddr) -> bool {
        let ip = unmapped(ip);
        (self.local && ip.is_loopback())
            || self.private_ranges.iter().any(|range| range.contains(&ip))
            || is_public(ip)
    }

    /// Judges the text of an address.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn check(&self, text: &str) -> Result<BaseUrl, AddressError> {
        let mut url = Url::parse(text).map_err(|_| AddressError::NotAnAddress)?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(AddressError::NotAnAddress);
        }
        let extras = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        if extras {
            return Err(AddressError::Extras);
        }
        // The parser turns `127.1`, `2130706433` and `[::ffff:7f00:1]` into the address they mean.
        let literal = match url.host().ok_or(AddressError::NotAnAddress)? {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(name) if is_localhost(name) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Host::Domain(_) => None,
        };
        if let Some(ip) = literal
            && !self.allows(ip)
        {
            return Err(AddressError::NotPublic(ip));
        }
        let near = literal.is_some_and(|ip| !is_public(unmapped(ip)));
        if url.scheme() == "http" && !near {
            return Err(AddressError::PlainHttp);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(BaseUrl(url))
    }
}

impl BaseUrl {
    /// The sandbox upstream of this very process; exempt from the rule.
    #[must_use]
    pub fn sandbox(address: std::net::SocketAddr) -> Self {
        Self(
            Url::parse(&format!("http://{address}/v1"))
                .expect("a socket address makes a valid URL"),
        )
    }

    /// The address of an endpoint below the base: `chat/completions`.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}/{path}", self.0.as_str().trim_end_matches('/'))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Its name or address, without a port.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        self.0.host_str().map(ToOwned::to_owned)
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// `::ffff:127.0.0.1` is 127.0.0.1 to the kernel, so it is to us.
fn unmapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// The special-purpose registries of IANA, as far as they are not global. `IpAddr::is_global` is unstable.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // shared address space of providers
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)); // benchmarking
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    let special = ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || (first & 0xfe00) == 0xfc00 // unique local
        || (first & 0xffc0) == 0xfe80 // link local
        || (first == 0x0064 && second == 0xff9b) // NAT64: would reach any IPv4 address
        || first == 0x2002 // 6to4: likewise
        || (first == 0x2001 && second == 0x0db8) // documentation
        || (first == 0x2001 && second < 0x0200) // Teredo and friends
        || first == 0; // IPv4-compatible and other remains
    !special
}
