//! Who serves the models? Upstreams: their address, dialect and credential.

mod address;
mod desk;
mod store;
#[cfg(test)]
mod tests;

pub use address::{AddressError, AddressRule, BaseUrl};
pub use desk::Desk;
pub use store::{Credential, EditUpstream, NewUpstream, UpstreamError, UpstreamRow, UpstreamView};

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use domain::Speaks;
use domain::ids::UpstreamId;
use sea_orm::DbErr;

use crate::audit::{Audit, By};
use crate::clock::Clock;
use crate::db::Db;
use crate::secrets::{KeyRing, Secret};

/// The base URL of the upstream that `serve` runs beside itself; its real address is known only at run time.
pub const SANDBOX_URL: &str = "sandbox:";

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Upstreams(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    audit: Audit,
    ring: KeyRing,
    rule: AddressRule,
    sandbox: ArcSwapOption<SocketAddr>,
    snapshot: ArcSwap<HashMap<UpstreamId, Arc<Upstream>>>,
}

/// An upstream ready to be called.
#[derive(Debug)]
pub struct Upstream {
    pub id: UpstreamId,
    pub name: String,
    pub dialect: Speaks,
    pub base: BaseUrl,
    pub api_key: Option<Secret>,
}

impl Upstream {
    /// The one that this process runs for test keys: it has conversations only.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.id.as_uuid().is_nil()
    }
}

impl Upstreams {
    #[must_use]
    pub fn new(db: Db, clock: Clock, ring: KeyRing, rule: AddressRule) -> Self {
        Self(Arc::new(Inner {
            audit: Audit::new(db.clone(), clock.clone()),
            db,
            clock,
            ring,
            rule,
            sandbox: ArcSwapOption::empty(),
            snapshot: ArcSwap::default(),
        }))
    }

    /// Which addresses may be called; the connector asks again for what a name resolves to.
    #[must_use]
    pub fn rule(&self) -> &AddressRule {
        &self.0.rule
    }

    /// Where the sandbox upstream of this process listens.
    pub fn set_sandbox_address(&self, address: SocketAddr) {
        self.0.sandbox.store(Some(Arc::new(address)));
    }

    /// Reads all upstreams anew. One that is switched off is left out; so is one that cannot be used (a broken
    /// credential, a forbidden address), which is logged.
    ///
    /// # Errors
    /// When the database cannot be read; what was known stays.
    pub async fn reload(&self) -> Result<(), DbErr> {
        let mut upstreams = HashMap::new();
        for row in store::rows(self.0.db.read()).await? {
            if row.disabled_at.is_some() {
                continue;
            }
            match row.ready(&self.0.ring, &self.0.rule, self.sandbox_address()) {
                Ok(upstream) => {
                    upstreams.insert(upstream.id, Arc::new(upstream));
                }
                Err(error) => {
                    tracing::error!(upstream.name = %row.name, error = %error, "An upstream cannot be used")
                }
            }
        }
        self.0.snapshot.store(Arc::new(upstreams));
        Ok(())
    }

    #[must_use]
    pub fn get(&self, id: UpstreamId) -> Option<Arc<Upstream>> {
        self.0.snapshot.load().get(&id).cloned()
    }

    /// The upstream that this process runs for test keys.
    #[must_use]
    pub fn sandbox(&self) -> Option<Arc<Upstream>> {
        self.sandbox_address().map(|address| {
            Arc::new(Upstream {
                id: UpstreamId::from_uuid(uuid::Uuid::nil()),
                name: "sandbox".to_owned(),
                // Other endpoints are translated to this one.
                dialect: Speaks::OpenAiChat,
                base: BaseUrl::sandbox(address),
                api_key: None,
            })
        })
    }

    /// The verbs that change upstreams, each written into the audit log under this name.
    #[must_use]
    pub fn acting(&self, by: By) -> Desk<'_> {
        Desk {
            upstreams: self,
            by,
        }
    }

    /// Adds an upstream as Farebox itself; its credential is sealed to this row and this address.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn create(&self, new: NewUpstream) -> Result<UpstreamView, UpstreamError> {
        self.acting(By::SYSTEM).create(new).await
    }

    /// Every upstream, by name, without credentials.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self) -> Result<Vec<UpstreamView>, DbErr> {
        store::rows(self.0.db.read())
            .await
            .map(|rows| rows.iter().map(store::Row::view).collect())
    }

    /// Every upstream, by name, as administrators see them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rows(&self) -> Result<Vec<UpstreamRow>, DbErr> {
        let rows = store::rows(self.0.db.read()).await?;
        let usable = |row: &store::Row| {
            // The sandbox runs beside the server, not beside a command.
            let sandbox = self
                .sandbox_address()
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 1)));
            row.ready(&self.0.ring, &self.0.rule, Some(sandbox)).is_ok()
        };
        Ok(rows.iter().map(|row| row.listed(usable(row))).collect())
    }

    /// The hosts that calls can be sent to, apart from the sandbox; in no order, one per upstream.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let sandbox = self.sandbox_address().map(BaseUrl::sandbox);
        let snapshot = self.0.snapshot.load();
        let bases = snapshot.values().map(|upstream| &upstream.base);
        bases
            .filter(|base| Some(base.as_str()) != sandbox.as_ref().map(BaseUrl::as_str))
            .filter_map(BaseUrl::host)
            .collect()
    }

    fn sandbox_address(&self) -> Option<SocketAddr> {
        self.0.sandbox.load().as_deref().copied()
    }
}
