//! How does money get in? An order is a top-up being paid: written down before anybody is asked, credited once, by one
//! function, whoever brings the news.
//!
//! - `create`, `begin`: a customer wants to pay. `look`: the return page asks how it went.
//! - `provider`: those who take the money; `inbox`: what they say by themselves; `poll`: asking who says nothing.
//! - `settle`: the only door to credit (`fits`, `credit`). `refund`, `send`: the way back.
//! - `desk`: what administrators do. `rows`: the table. `tell`: the mail. `state`: what an operator should know.

mod begin;
mod config;
mod create;
mod credit;
mod desk;
mod error;
mod fits;
mod history;
mod inbox;
mod job;
mod look;
mod poll;
mod provider;
mod receipt;
mod reconcile;
mod refund;
mod rows;
mod send;
mod settle;
mod state;
mod tell;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Amount;
use domain::fx::{Coins, Quote};
use domain::order::ProviderId;
use tokio::sync::Notify;

use crate::audit::{Audit, By};
use crate::clock::Clock;
use crate::db::Db;
use crate::mail::Mail;
use crate::rates::Rates;
use crate::receipts::Seller;
use crate::secrets::Secret;

pub use config::{BonusTier, ManualConfig, PaymentsConfig, SandboxConfig};
pub use desk::{Confirmation, Desk};
pub use error::OrderError;
pub use history::OrderEvent;
pub use inbox::HookAnswer;
pub use reconcile::{DAYS_MAX, Reconciled, reconcile};
pub use refund::{RefundAsk, Refundable};
pub use rows::{OrderFilter, OrderRow};
pub use state::OrdersState;

use provider::Registry;
use settle::Outcome;

/// What somebody wants to pay, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    pub provider: ProviderId,
    pub paid: Coins,
}

/// What would arrive for it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub quote: Quote,
    /// On top; zero when there is none.
    pub bonus: Amount,
}

/// An order as a form asks for it.
#[derive(Debug, Clone)]
pub struct NewOrder {
    pub ask: Ask,
    /// What the person was shown, bonus included: the order is only made when at least this arrives.
    pub shown: Amount,
    /// Code of the language that receipt and mail are in.
    pub locale: String,
    /// Made with the form: sending it twice makes one order. At most 64 characters.
    pub idempotency_key: String,
}

/// What orders are made of.
pub struct OrdersParts {
    pub db: Db,
    pub clock: Clock,
    pub rates: Rates,
    pub mail: Mail,
    /// Who stands on receipts.
    pub seller: Seller,
    pub config: PaymentsConfig,
    /// Where people come back to, without a slash at the end.
    pub public_url: String,
}

/// Orders. Cheap to clone.
#[derive(Clone)]
pub struct Orders(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    rates: Rates,
    mail: Mail,
    seller: Seller,
    audit: Audit,
    config: PaymentsConfig,
    public_url: String,
    registry: Registry,
    /// Told when the inbox of this process got something.
    wake: Notify,
    figures: Counts,
}

/// What one process saw since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Orders that became credit here.
    pub credited: u64,
    /// What providers said and did not fit.
    pub mismatched: u64,
    /// Webhooks that were not believed.
    pub rejected: u64,
}

#[derive(Default)]
struct Counts {
    credited: AtomicU64,
    mismatched: AtomicU64,
    rejected: AtomicU64,
}

impl Orders {
    #[must_use]
    pub fn new(parts: OrdersParts) -> Self {
        let OrdersParts {
            db,
            clock,
            rates,
            mail,
            seller,
            config,
            public_url,
        } = parts;
        Self(Arc::new(Inner {
            audit: Audit::new(db.clone(), clock.clone()),
            registry: Registry::new(&config),
            db,
            clock,
            rates,
            mail,
            seller,
            config,
            public_url,
            wake: Notify::new(),
            figures: Counts::default(),
        }))
    }

    /// Tells where the sandbox provider listens, and the secret that it shares with us; nobody can pay by it before.
    /// Where Farebox is not local this does nothing.
    pub fn set_sandbox(&self, address: SocketAddr, secret: Secret) {
        let config = SandboxConfig { address, secret };
        self.0.registry.set_sandbox(config);
    }

    /// The verbs of administrators, each written into the audit log under this name.
    #[must_use]
    pub fn acting(&self, by: By) -> Desk<'_> {
        Desk { orders: self, by }
    }

    /// What this process saw since it started.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            credited: count(&self.0.figures.credited),
            mismatched: count(&self.0.figures.mismatched),
            rejected: count(&self.0.figures.rejected),
        }
    }

    fn count(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Credited => &self.0.figures.credited,
            Outcome::Mismatch(_) | Outcome::Unknown => &self.0.figures.mismatched,
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn count_rejected(&self) {
        self.0.figures.rejected.fetch_add(1, Ordering::Relaxed);
    }
}
