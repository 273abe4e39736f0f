//! What do people see of each noun? Plain values without secrets, shared by pages, server functions and the CLI.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, KeyId, WorkspaceId};
use crate::key_limits::KeyLimits;
use crate::money::Amount;

/// A point in time: milliseconds since 1970-01-01 UTC.
pub type UnixMs = i64;

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    pub id: AccountId,
    pub workspace: WorkspaceId,
    pub email: String,
    pub name: String,
    pub admin: bool,
    /// Whether the address was proved to be theirs.
    pub verified: bool,
    pub blocked: bool,
    pub created_at: UnixMs,
    /// Grows when everybody who was signed in is out: what was proved in an earlier one counts no more.
    pub epoch: i64,
    pub chosen: Chosen,
    /// A mail is sent when the balance falls below it.
    pub low_balance: Option<Amount>,
}

/// What a person chose for their pages; `None` is "as the browser has it".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    pub locale: Option<String>,
    pub currency: Option<String>,
    /// A name of the time zone database: `Europe/Berlin`.
    pub time_zone: Option<String>,
    pub theme: Option<String>,
    /// Whether keyboard shortcuts of one key are on.
    pub shortcuts: bool,
}

impl Default for Chosen {
    fn default() -> Self {
        Self {
            locale: None,
            currency: None,
            time_zone: None,
            theme: None,
            shortcuts: true,
        }
    }
}

/// A wallet. Credit that a node has leased but no running call holds counts as available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BalanceView {
    /// What the wallet holds.
    pub posted: Amount,
    /// How much of it running calls hold.
    pub reserved: Amount,
    /// `posted - reserved`.
    pub available: Amount,
}

/// A key as lists show it; the secret is never here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    pub id: KeyId,
    pub name: String,
    /// `sk-fb_live_Ab…9xYz`: enough to recognise, not to use.
    pub masked: String,
    pub test: bool,
    pub created_at: UnixMs,
    pub last_used_at: Option<UnixMs>,
    pub revoked_at: Option<UnixMs>,
    /// Off until it is switched on again.
    pub disabled_at: Option<UnixMs>,
    /// From this time on calls are refused; the same as in `limits`.
    pub expires_at: Option<UnixMs>,
    /// The secret before the last roll, while it still works.
    pub previous: Option<PreviousSecret>,
    pub limits: KeyLimits,
    /// As of the moment it was read.
    pub status: KeyStatus,
    /// The one through which the workspace tries models in the browser: it has no secret, and lists leave it out.
    pub zone: bool,
    /// Whether its secret can be shown again.
    pub copy_kept: bool,
}

/// A secret that a newer one of the same key has replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSecret {
    pub masked: String,
    /// From this time on calls with it are refused.
    pub until: UnixMs,
}

/// Whether a key works, and if not, why: the most final reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStatus {
    Active,
    Disabled,
    Expired,
    Revoked,
    /// All keys of the workspace are stopped.
    Frozen,
}

/// Spend of one day of the reader's time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySpend {
    /// When the day begins.
    pub day_start: UnixMs,
    pub amount: Amount,
    pub calls: u64,
    pub tokens: u64,
}

/// Spend of one model within a range, dearest first in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSpend {
    pub model: String,
    /// One amount per day of the range, oldest first, aligned with [`SpendView::days`].
    pub by_day: Vec<Amount>,
    pub amount: Amount,
}

/// The spend part of the overview.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpendView {
    pub today: Amount,
    pub last_7_days: Amount,
    pub last_30_days: Amount,
    pub calls_today: u64,
    pub tokens_today: u64,
    /// The last 30 days, oldest first, today last; days without a call included.
    pub days: Vec<DaySpend>,
    /// The dearest models of those days.
    pub models: Vec<ModelSpend>,
}
