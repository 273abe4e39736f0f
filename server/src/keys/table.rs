//! The rows of keys, as `migrations/src/m008_key_limits.rs` describes them.

use std::sync::Arc;

use domain::views::{KeyStatus, KeyView, PreviousSecret, UnixMs};
use domain::{Amount, KeyLimits};
use ipnet::IpNet;
use sea_orm::entity::prelude::*;

use super::KeyRecord;

/// `kind` of what people make.
pub(super) const KEY: &str = "key";
/// `kind` of the one per workspace that the browser uses.
pub(super) const ZONE: &str = "zone";

#[derive(Clone, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub workspace_id: String,
    pub kind: String,
    pub name: String,
    pub test: bool,
    pub lookup: String,
    pub sealed: Option<String>,
    pub masked: String,
    pub scopes: String,
    pub models: Option<String>,
    pub ip_ranges: Option<String>,
    pub day_nusd: Option<i64>,
    pub week_nusd: Option<i64>,
    pub month_nusd: Option<i64>,
    pub total_nusd: Option<i64>,
    pub requests_per_minute: Option<i64>,
    pub tokens_per_minute: Option<i64>,
    pub concurrency: Option<i64>,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub disabled_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub previous_lookup: Option<String>,
    pub previous_masked: Option<String>,
    pub previous_until: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Rows hold a key's hash and ciphertext: logs get the id.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "api_key {}", self.id)
    }
}

/// What stops all keys of a workspace.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stops {
    pub(super) frozen: bool,
    pub(super) blocked: bool,
}

impl Model {
    pub(super) fn key_id(&self) -> Result<domain::ids::KeyId, DbErr> {
        self.id.parse().map_err(|_| broken("id"))
    }

    pub(super) fn owner(&self) -> Result<domain::ids::WorkspaceId, DbErr> {
        self.workspace_id
            .parse()
            .map_err(|_| broken("workspace_id"))
    }

    pub(super) fn limits(&self) -> Result<KeyLimits, DbErr> {
        let rate = |number: Option<i64>| -> Result<Option<u32>, DbErr> {
            number
                .map(u32::try_from)
                .transpose()
                .map_err(|_| broken("rates"))
        };
        Ok(KeyLimits {
            day: self.day_nusd.map(Amount::from_nanos),
            week: self.week_nusd.map(Amount::from_nanos),
            month: self.month_nusd.map(Amount::from_nanos),
            total: self.total_nusd.map(Amount::from_nanos),
            requests_per_minute: rate(self.requests_per_minute)?,
            tokens_per_minute: rate(self.tokens_per_minute)?,
            concurrency: rate(self.concurrency)?,
            models: listed(self.models.as_deref(), "models")?,
            ip_ranges: listed(self.ip_ranges.as_deref(), "ip_ranges")?,
            expires_at: self.expires_at,
            scopes: self.scopes.parse().map_err(|_| broken("scopes"))?,
        })
    }

    /// What calls need to know. `presented` is the hash of the caller's secret, where there is one.
    pub(super) fn record(self, presented: Option<&str>, stops: Stops) -> Result<KeyRecord, DbErr> {
        let limits = self.limits()?;
        let expires_at = if presented.is_none_or(|hash| hash == self.lookup) {
            self.expires_at
        } else {
            // The secret before the last roll.
            [self.expires_at, self.previous_until]
                .into_iter()
                .flatten()
                .min()
        };
        let ip_ranges = limits
            .ip_ranges
            .iter()
            .map(|range| range.parse::<IpNet>())
            .collect::<Result<_, _>>()
            .map_err(|_| broken("ip_ranges"))?;
        Ok(KeyRecord {
            id: self.key_id()?,
            workspace: self.owner()?,
            test: self.test,
            name: self.name,
            expires_at,
            limits: Arc::new(limits),
            ip_ranges,
            disabled: self.disabled_at.is_some(),
            frozen: stops.frozen,
            blocked: stops.blocked,
            locale: None,
            zone: self.kind == ZONE,
        })
    }

    /// The key as lists show it at `now`.
    pub(super) fn view(self, frozen: bool, now: UnixMs) -> Result<KeyView, DbErr> {
        let status = if self.revoked_at.is_some() {
            KeyStatus::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyStatus::Expired
        } else if self.disabled_at.is_some() {
            KeyStatus::Disabled
        } else if frozen {
            KeyStatus::Frozen
        } else {
            KeyStatus::Active
        };
        let previous = self
            .previous_masked
            .clone()
            .zip(self.previous_until.filter(|until| *until > now))
            .map(|(masked, until)| PreviousSecret { masked, until });
        Ok(KeyView {
            id: self.key_id()?,
            limits: self.limits()?,
            name: self.name,
            masked: self.masked,
            test: self.test,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            revoked_at: self.revoked_at,
            disabled_at: self.disabled_at,
            expires_at: self.expires_at,
            previous,
            status,
            zone: self.kind == ZONE,
            copy_kept: self.sealed.is_some(),
        })
    }
}

/// A list as it is stored: none at all when it is empty.
pub(super) fn stored(list: &[String]) -> Option<String> {
    (!list.is_empty()).then(|| serde_json::Value::from(list).to_string())
}

fn listed(text: Option<&str>, column: &str) -> Result<Vec<String>, DbErr> {
    text.map_or(Ok(Vec::new()), |text| {
        serde_json::from_str(text).map_err(|_| broken(column))
    })
}

fn broken(column: &str) -> DbErr {
    DbErr::Type(format!(
        "api_key.{column} holds what was never written there"
    ))
}
