//! Who is calling when a proxy stands between us? The nearest address that no trusted proxy vouched for.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// The client's address. `X-Forwarded-For` counts only as far as trusted proxies wrote it: read from its end, because
/// whatever stands further to the left was sent by the client.
#[must_use]
pub fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let mut nearest = peer.to_canonical();
    if !is_trusted(&nearest) {
        return nearest;
    }
    let hops = headers.get_all("x-forwarded-for");
    let hops = hops
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for hop in hops.collect::<Vec<_>>().into_iter().rev() {
        // What is no address ends the chain: better the proxy's address than an invented one.
        let Some(ip) = address(hop.trim()) else { break };
        nearest = ip;
        if !is_trusted(&ip) {
            break;
        }
    }
    nearest
}

/// `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]:443` or `192.0.2.1:443`.
fn address(text: &str) -> Option<IpAddr> {
    let ip = text.parse::<IpAddr>().ok().or_else(|| {
        text.parse::<std::net::SocketAddr>()
            .ok()
            .map(|socket| socket.ip())
    });
    ip.map(|ip| ip.to_canonical())
}
