//! From which address does a request come? The listener finds it out, trusted proxies considered, and puts this into
//! the request for whoever asks: pages and data plane alike.

use std::net::IpAddr;

/// The client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);
