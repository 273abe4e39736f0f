//! What may stand in `farebox.toml`? Exactly this; any other word is refused, because it would be ignored in silence.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The file as written. Every value is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub data: Option<String>,
    pub listen: Option<String>,
    pub public_url: Option<String>,
    pub database_url: Option<String>,
    pub locales: Option<String>,
    pub log: Option<String>,
    pub log_format: Option<String>,
    pub drain_seconds: Option<u64>,
    pub trusted_proxies: Option<Vec<String>>,
    #[serde(default)]
    pub brand: BrandTable,
    #[serde(default)]
    pub upstreams: UpstreamsTable,
    #[serde(default)]
    pub metrics: MetricsTable,
    #[serde(default)]
    pub connections: ConnectionsTable,
    #[serde(default)]
    pub limits: LimitsTable,
    #[serde(default)]
    pub keys: KeysTable,
    #[serde(default)]
    pub mail: MailTable,
    #[serde(default)]
    pub welcome: WelcomeTable,
    #[serde(default)]
    pub policies: PoliciesTable,
    #[serde(default)]
    pub ledger: LedgerTable,
    #[serde(default)]
    pub rates: RatesTable,
    #[serde(default)]
    pub payments: PaymentsTable,
    #[serde(default)]
    pub seller: SellerTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentsTable {
    pub min: Option<String>,
    pub max: Option<String>,
    pub bonus_percent: Option<BTreeMap<String, String>>,
    pub sandbox: Option<bool>,
    #[serde(default)]
    pub manual: ManualTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManualTable {
    pub holder: Option<String>,
    pub accounts: Option<BTreeMap<String, Vec<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SellerTable {
    pub name: Option<String>,
    pub address: Option<Vec<String>>,
    pub tax_id: Option<String>,
    pub tax: Option<String>,
    pub tax_note: Option<String>,
    pub email: Option<String>,
    pub receipt_prefix: Option<String>,
    pub credit_note_prefix: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoliciesTable {
    pub hosting: Option<String>,
    pub law: Option<String>,
    pub answer_days: Option<u64>,
    pub backup_days: Option<u64>,
    pub log_days: Option<u64>,
    pub recipients: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerTable {
    pub verify_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatesTable {
    pub sources: Option<Vec<String>>,
    pub openexchangerates_key_file: Option<String>,
    pub proxy: Option<String>,
    pub stand_in: Option<String>,
    pub spread_percent: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WelcomeTable {
    pub credit: Option<String>,
    pub per_network_per_day: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailTable {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub security: Option<String>,
    pub user: Option<String>,
    pub password_file: Option<String>,
    pub from: Option<String>,
    pub ca_file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysTable {
    pub reveal: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsTable {
    pub concurrent_calls: Option<u64>,
    pub requests_per_minute: Option<u64>,
    pub tokens_per_minute: Option<u64>,
    pub first_byte_seconds: Option<u64>,
    pub pause_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrandTable {
    pub name: Option<String>,
    pub support: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamsTable {
    pub private_ranges: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsTable {
    pub token_file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionsTable {
    pub total: Option<u64>,
    pub per_address: Option<u64>,
    pub header_seconds: Option<u64>,
}
