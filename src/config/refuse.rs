//! Which settings are readable but not to be served with? What would put customers at risk is refused, with a reason.

use std::net::SocketAddr;

use anyhow::bail;

use super::{Config, PublicUrl, is_local};

/// Where the installation stands, known once the listener is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub public_url: PublicUrl,
    /// See [`is_local`].
    pub local: bool,
}

/// Judges the addresses together.
///
/// # Errors
/// When people would send their keys and passwords over a network in the clear.
pub fn site(config: &Config, bound: SocketAddr) -> anyhow::Result<Site> {
    let public_url = config.public_url_at(bound);
    if let Some(wrong) = refusal(config, bound, &public_url) {
        bail!(wrong);
    }
    Ok(Site {
        local: is_local(bound, &public_url),
        public_url,
    })
}

/// The same judgement before anything is bound, for `config check` and `doctor`.
pub(super) fn refusal(
    config: &Config,
    listen: SocketAddr,
    public_url: &PublicUrl,
) -> Option<String> {
    let local = is_local(listen, public_url);
    if let Some(wrong) = config.rates_refusal(local) {
        return Some(wrong);
    }
    if let Some(wrong) = config.payments_refusal(local) {
        return Some(wrong);
    }
    if public_url.is_https() || local {
        return None;
    }
    let advice = "set FAREBOX_PUBLIC_URL to the https:// address at which a proxy with a certificate hands requests on to Farebox, \
                  or listen on 127.0.0.1 to use it from this machine alone";
    Some(if config.public_url.is_none() {
        format!(
            "FAREBOX_LISTEN={listen} is open to the network, and no public https address is set: keys and passwords would travel unencrypted; {advice}"
        )
    } else {
        format!(
            "the public address {public_url} is plain http and reachable from elsewhere: keys and passwords would travel unencrypted; {advice}"
        )
    })
}

impl Config {
    /// What `serve` would refuse, without trying.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        refusal(self, self.listen, &self.public_url_at(self.listen))
    }
}
