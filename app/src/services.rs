//! What do pages need? Handles to the business and a few facts about this installation; the binary lays them out.

use std::collections::BTreeMap;
use std::sync::Arc;

use server::accounts::Accounts;
use server::audit::Audit;
use server::budgets::Budgets;
use server::calls::Calls;
use server::catalog::Catalog;
use server::clock::Clock;
use server::figures::Figures;
use server::keys::Keys;
use server::ledger::Ledger;
use server::mail::Mail;
use server::orders::Orders;
use server::policies::Policies;
use server::rates::Rates;
use server::receipts::Receipts;
use server::secrets::KeyRing;
use server::sessions::Sessions;
use server::statement::Statements;
use server::status::Status;
use server::trial::Trials;
use server::upstreams::Upstreams;
use texts::Texts;

/// Everything the pages use. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    pub accounts: Accounts,
    pub sessions: Sessions,
    pub keys: Keys,
    pub budgets: Budgets,
    pub ledger: Ledger,
    pub calls: Calls,
    /// What happened to a wallet, line by line.
    pub statements: Statements,
    pub catalog: Catalog,
    pub upstreams: Upstreams,
    /// What amounts are worth in other currencies.
    pub rates: Rates,
    /// What proves payments.
    pub receipts: Receipts,
    pub mail: Mail,
    /// Top-ups being paid.
    pub orders: Orders,
    /// What people and the operator agree on.
    pub policies: Policies,
    pub audit: Audit,
    /// Sums over the whole installation, for administrators.
    pub figures: Figures,
    /// How the service does and did, for everybody.
    pub status: Status,
    /// What calls models for the test zone.
    pub trials: Arc<dyn Trials>,
    pub texts: Texts,
    /// Seals the flash: what one answer tells the next page.
    pub ring: KeyRing,
    pub site: Arc<SiteConfig>,
    /// What calls are bounded by, for the documentation.
    pub limits: Limits,
    pub assets: Assets,
    pub clock: Clock,
}

/// What calls are bounded by here: seconds, tokens and counts, as the data plane has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    pub body_max_mib: u64,
    /// A caller's pause while sending.
    pub body_pause_s: u64,
    /// Until an upstream's first byte.
    pub first_byte_s: u64,
    /// An upstream's pause inside a stream.
    pub pause_s: u64,
    pub keep_alive_s: u64,
    /// How long a caller may take nothing.
    pub stall_s: u64,
    /// Running calls of one workspace.
    pub concurrent_calls: u64,
    /// Of one key.
    pub requests_per_minute: Option<u64>,
    pub tokens_per_minute: Option<u64>,
    /// Running questions about one account.
    pub readings: u64,
    /// Answer tokens that a stream holds ahead.
    pub step_tokens: u64,
    /// Answer tokens that a plain answer holds when it names no maximum.
    pub plain_tokens: u64,
    /// Beyond twice a model's context: a report of more tokens is not believed.
    pub believed_tokens: u64,
    /// A report of more uses of tools is not believed.
    pub believed_uses: u64,
    /// Tokens that an attachment counts as in a hold.
    pub attachment_tokens: u64,
    /// Uses of a provider's tools that a call holds when it names no maximum.
    pub tool_uses: u64,
    /// Whether owners can see their keys again.
    pub key_copies: bool,
}

/// The operator's face and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteConfig {
    /// The name people see.
    pub brand: String,
    /// Scheme, host and port without a trailing slash: `https://api.example.com`. Every absolute URL is made from it,
    /// never from a request's `Host`.
    pub public_url: String,
    /// Whether listen address and public URL are both loopback.
    pub local: bool,
    /// Where people write when something is wrong.
    pub support: Option<String>,
}

impl SiteConfig {
    /// Whether cookies carry `Secure` and the `__Host-` prefix.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The base URL that people give their tools.
    #[must_use]
    pub fn api_base(&self) -> String {
        format!("{}/v1", self.public_url)
    }

    /// The origins a form may come from: the public one, and when local the other names of loopback on its port.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins = vec![self.public_url.clone()];
        if self.local
            && let Some((scheme, host)) = self.public_url.split_once("://")
        {
            let port = host.rsplit_once(':').map_or(String::new(), |(_, port)| {
                if port.bytes().all(|b| b.is_ascii_digit()) {
                    format!(":{port}")
                } else {
                    String::new()
                }
            });
            origins.extend(
                ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{scheme}://{name}{port}")),
            );
        }
        origins
    }
}

/// Where the browser finds each file of the bundle: logical name (`app.css`) to path (`/assets/app.0123.css`).
#[derive(Debug, Clone, Default)]
pub struct Assets(Arc<BTreeMap<String, String>>);

impl Assets {
    /// From the bundle's manifest; paths are taken relative to the site's root.
    #[must_use]
    pub fn new(manifest: impl IntoIterator<Item = (String, String)>) -> Self {
        let rooted = |path: String| {
            if path.starts_with('/') {
                path
            } else {
                format!("/{path}")
            }
        };
        Self(Arc::new(
            manifest
                .into_iter()
                .map(|(name, path)| (name, rooted(path)))
                .collect(),
        ))
    }

    /// The path of a file. One that is not in the bundle is named as it would be without one: a page without its
    /// style is better than none.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.0
            .get(name)
            .cloned()
            .unwrap_or_else(|| format!("/assets/{name}"))
    }
}

/// Who is at the other end, as the binary worked it out and put into the request's extensions.
pub use server::client_ip::ClientIp;
