//! How is this Farebox set up? The only reader of the environment and of `farebox.toml`.
//!
//! Every value comes from the environment, else from the file, else from its default; where it came from is kept, so
//! that `farebox config check` can say it.

mod address;
mod file;
mod ledger;
mod load;
mod mail;
mod payments;
mod policies;
mod rates;
mod refuse;
mod seller;
mod welcome;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use proxy::ProxyConfig;
use server::mail::SmtpConfig;
use server::night::TimeOfDay;
use server::rates::RatesConfig;
use server::receipts::SellerFacts;
use server::secrets::Secret;

pub use address::{PublicUrl, is_local};
pub use load::{Loaded, Origin, Setting};
pub use payments::Payments;
pub use policies::Sayings;
pub use refuse::{Site, site};
pub use welcome::Welcome;

/// Everything an operator can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder: the embedded database, the key files, the lock.
    pub data: PathBuf,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    /// The address people type; unset means `http://<listen>`.
    pub public_url: Option<PublicUrl>,
    /// `sqlite:…` or `postgres://…`.
    pub database_url: String,
    /// A folder of locale files that reloads, instead of the embedded ones.
    pub locales: Option<PathBuf>,
    pub log: Log,
    pub brand: Brand,
    /// Private networks that upstreams may be in; by default none.
    pub upstream_private_ranges: Vec<IpNet>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Who may read `/metrics` from elsewhere: the bearer of this.
    pub metrics_token: Option<Secret>,
    /// The server that takes our mail; without one mail is only shown, and only locally.
    pub mail: Option<SmtpConfig>,
    /// Whether owners can see the secrets of their keys again; without, no copy is kept.
    pub key_copies: bool,
    /// What a new person gets for a first look.
    pub welcome: Welcome,
    /// What only the operator knows, for the policies.
    pub sayings: Sayings,
    /// When the books are checked every day; `None` never.
    pub verify_at: Option<TimeOfDay>,
    /// Who says what currencies are worth.
    pub rates: RatesConfig,
    /// How customers pay.
    pub payments: Payments,
    /// Who stands on receipts.
    pub seller: SellerFacts,
    pub connections: Connections,
    /// Patience and limits of the metered calls.
    pub calls: ProxyConfig,
    /// How long a stopping server lets running calls finish.
    pub drain: Duration,
}

/// What the log shows and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// `info`, or per part: `info,proxy=debug`.
    pub filter: String,
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For eyes.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// What the operator calls this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// Where people write when they need help; unset hides it.
    pub support: Option<String>,
}

/// Bounds of the accept loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// Open connections in total.
    pub total: usize,
    /// Open connections of one address; loopback and trusted proxies are not counted.
    pub per_address: usize,
    /// How long a client may take to send the headers of a request.
    pub header_timeout: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            total: 10_000,
            per_address: 256,
            header_timeout: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// Reads the environment and the file.
    ///
    /// # Errors
    /// One sentence for each setting that cannot be read.
    pub fn load() -> anyhow::Result<Self> {
        load::load(&|name| std::env::var(name).ok()).into_config()
    }

    /// The embedded database's file, `None` on PostgreSQL.
    #[must_use]
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        server::db::sqlite_path(&self.database_url).map(PathBuf::from)
    }

    /// Whether this installation is *local* by its settings alone; port 0 is judged like any other.
    #[must_use]
    pub fn local(&self) -> bool {
        is_local(self.listen, &self.public_url_at(self.listen))
    }

    /// The public address once it is known where we listen (port 0 means any free one).
    #[must_use]
    pub fn public_url_at(&self, bound: SocketAddr) -> PublicUrl {
        self.public_url
            .clone()
            .unwrap_or_else(|| PublicUrl::of(bound))
    }
}

/// Reads the settings and keeps where each came from, for `config check` and `doctor`.
#[must_use]
pub fn inspect() -> Loaded {
    load::load(&|name| std::env::var(name).ok())
}

#[cfg(test)]
mod tests;
