//! What shall go wrong? Chosen on the pay page or through `POST /control`, per payment or for those to come.

use serde::{Deserialize, Serialize};

/// How the shop is told what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Webhook {
    /// Once, at once; again later when the shop does not take it.
    #[default]
    Normal,
    /// Never: the shop has to ask.
    Lost,
    /// Five times the same event, all at once.
    Repeated,
    /// What happened last arrives first.
    Reordered,
    /// After [`Faults::delay_ms`].
    Delayed,
    /// Before we answer: a new payment is paid, and the shop told so, before the shop knows the payment's id.
    Early,
    /// Signed with another secret.
    Forged,
    /// Signed rightly, ten minutes ago.
    Stale,
}

/// What the shop is told when it asks for the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    #[default]
    Normal,
    /// Half of the amount.
    WrongAmount,
    WrongCurrency,
    /// As if real money had moved.
    Live,
}

/// How the shop's question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    #[default]
    Normal,
    /// With status 500.
    Fails,
    /// After [`Faults::slow_ms`].
    Slow,
}

/// Everything that can go wrong with one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub webhook: Webhook,
    pub object: Object,
    pub lookup: Lookup,
    /// How late a delayed webhook is, in milliseconds.
    pub delay_ms: u32,
    /// How long a slow answer takes, in milliseconds.
    pub slow_ms: u32,
    /// How long a payment that comes late is underway, in milliseconds.
    pub late_ms: u32,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            webhook: Webhook::Normal,
            object: Object::Normal,
            lookup: Lookup::Normal,
            delay_ms: 30_000,
            slow_ms: 8_000,
            late_ms: 20_000,
        }
    }
}
