//! Which providers are there? Those that are set up completely; any other does not exist, and has no hook.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use domain::order::ProviderId;

use super::manual::Manual;
use super::sandbox::Sandbox;
use super::{Provider, usable};
use crate::orders::config::{PaymentsConfig, SandboxConfig};

pub(in crate::orders) struct Registry {
    /// Play money only where nobody but this machine pays.
    local: bool,
    /// Empty until it is known where it listens.
    sandbox: ArcSwapOption<Sandbox>,
    manual: Option<Arc<Manual>>,
}

impl Registry {
    pub(in crate::orders) fn new(config: &PaymentsConfig) -> Self {
        let registry = Self {
            local: config.local,
            sandbox: ArcSwapOption::empty(),
            manual: config
                .manual
                .clone()
                .filter(|manual| !manual.accounts.is_empty())
                .map(|manual| Arc::new(Manual::new(manual))),
        };
        if let Some(sandbox) = &config.sandbox {
            registry.set_sandbox(sandbox.clone());
        }
        registry
    }

    pub(in crate::orders) fn set_sandbox(&self, config: SandboxConfig) {
        if !self.local {
            return;
        }
        if !is_here(config.address) || !usable(&config.secret) {
            tracing::error!(
                "The sandbox provider of payments needs an address of this machine and a secret of sixteen characters or more; it is left out"
            );
            return;
        }
        match Sandbox::new(config) {
            Ok(sandbox) => self.sandbox.store(Some(Arc::new(sandbox))),
            Err(error) => {
                tracing::error!(error = %error.without_url(), "The sandbox provider of payments cannot be asked; it is left out");
            }
        }
    }

    /// `None`: nobody can pay that way.
    pub(in crate::orders) fn get(&self, id: ProviderId) -> Option<Arc<dyn Provider>> {
        match id {
            ProviderId::Sandbox => self
                .sandbox
                .load_full()
                .map(|sandbox| sandbox as Arc<dyn Provider>),
            ProviderId::Manual => self
                .manual
                .clone()
                .map(|manual| manual as Arc<dyn Provider>),
        }
    }

    /// All that can be paid by, in the order of the page.
    pub(in crate::orders) fn all(&self) -> Vec<(ProviderId, Arc<dyn Provider>)> {
        ProviderId::ALL
            .into_iter()
            .filter_map(|id| self.get(id).map(|provider| (id, provider)))
            .collect()
    }
}

fn is_here(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::secrets::Secret;

    #[test]
    fn play_money_exists_only_here_and_with_a_secret() {
        for (local, address, secret, there) in [
            (true, "127.0.0.1:9", "0123456789abcdef", true),
            (true, "[::1]:9", "0123456789abcdef", true),
            (false, "127.0.0.1:9", "0123456789abcdef", false),
            (true, "192.0.2.1:9", "0123456789abcdef", false),
            (true, "127.0.0.1:9", "0123456789abcde", false),
            (true, "127.0.0.1:9", "", false),
        ] {
            let config = PaymentsConfig {
                local,
                sandbox: Some(SandboxConfig {
                    address: address.parse().unwrap(),
                    secret: Secret::new(secret.to_owned()),
                }),
                ..PaymentsConfig::default()
            };
            let registry = Registry::new(&config);
            assert_eq!(
                registry.get(ProviderId::Sandbox).is_some(),
                there,
                "{local} {address} {secret:?}"
            );
            assert!(registry.get(ProviderId::Manual).is_none());
        }
    }
}
