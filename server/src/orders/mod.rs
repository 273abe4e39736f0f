//! How does money get in? An order is a top-up being paid: written down before anybody is asked, credited once, by one
//! function, whoever brings the news.
//!
//! - `create`, `begin`: a customer wants to pay. `look`: the return page asks how it went.
//! - `provider`: those who take the money; `inbox`: what they say by themselves; `poll`: asking who says nothing.
//! - `settle`: the only place where an order becomes credit. `refund`: the way back.
//! - `desk`: what administrators do. `rows`: the table.

mod config;
mod error;

use std::net::SocketAddr;
use std::sync::Arc;

use domain::Amount;
use domain::fx::{Coins, Quote};
use domain::ids::{AccountId, OrderId, WorkspaceId};
use domain::order::{Method, Next, OrderStatus, OrderView, ProviderId, Reference};
use domain::views::UnixMs;
use sea_orm::DbErr;

use crate::audit::By;
use crate::clock::Clock;
use crate::db::Db;
use crate::mail::Mail;
use crate::rates::Rates;
use crate::secrets::Secret;

pub use config::{BonusTier, ManualConfig, PaymentsConfig, SandboxConfig};
pub use error::OrderError;

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
    /// What the person was shown: the order is only made when at least this arrives.
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
    pub config: PaymentsConfig,
    /// Where people come back to, without a slash at the end.
    pub public_url: String,
}

/// Orders. Cheap to clone.
#[derive(Clone)]
pub struct Orders(Arc<Inner>);

struct Inner;

/// Which orders an administrator looks for.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub status: Option<OrderStatus>,
    pub provider: Option<ProviderId>,
    pub reference: Option<Reference>,
    /// Only those that somebody should look at.
    pub attention: bool,
    /// Orders that are older than this one.
    pub before: Option<OrderId>,
    pub limit: u32,
}

/// An order in an administrator's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    pub order: OrderView,
    /// Of who made it; `None` once that account is gone.
    pub email: Option<String>,
}

/// What arrived on the operator's bank account.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// As the bank's statement says, typed once more: it is compared with the order.
    pub received: Coins,
    /// Credit what arrived, although it is not what was asked for.
    pub sure: bool,
    /// When it arrived; `None` is now. It decides by which rate a late payment is credited.
    pub paid_at: Option<UnixMs>,
    pub note: String,
}

/// What is to go back.
#[derive(Debug, Clone)]
pub struct RefundAsk {
    /// Of the credit; `None` is as much as can go back.
    pub credit: Option<Amount>,
    pub note: String,
    /// Made with the form: sending it twice refunds once. At most 64 characters.
    pub idempotency_key: String,
}

/// What could go back now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refundable {
    pub credit: Amount,
    pub coins: Coins,
}

/// Orders in an administrator's hands; every act is written into the audit log.
pub struct Desk<'a> {
    pub(crate) orders: &'a Orders,
    pub(crate) by: By,
}

impl Orders {
    #[must_use]
    pub fn new(_parts: OrdersParts) -> Self {
        unimplemented!()
    }

    /// Tells where the sandbox provider listens, and the secret that it shares with us; nobody can pay by it before.
    /// Where Farebox is not local this does nothing.
    pub fn set_sandbox(&self, _address: SocketAddr, _secret: Secret) {
        unimplemented!()
    }

    /// The ways to pay, each with the currencies that it takes now and their bounds. Empty: nobody can pay.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        unimplemented!()
    }

    /// What would arrive now. Nothing is written down.
    ///
    /// # Errors
    /// [`OrderError::NoSuchMethod`], [`OrderError::OutOfBounds`], [`OrderError::Quote`].
    pub fn quote(&self, _ask: &Ask) -> Result<Offer, OrderError> {
        unimplemented!()
    }

    /// Writes an order down, with the rate of now. The provider hears of it in [`Orders::begin`].
    ///
    /// # Errors
    /// As [`Orders::quote`]; [`OrderError::Moved`], [`OrderError::KeyReused`], [`OrderError::TooMany`].
    pub async fn create(
        &self,
        _workspace: WorkspaceId,
        _account: AccountId,
        _new: &NewOrder,
    ) -> Result<OrderView, OrderError> {
        unimplemented!()
    }

    /// What the customer does to pay: asks the provider for its page, or says where to transfer money to. May be called
    /// again, for who comes back to an order that is not paid.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Status`], [`OrderError::Provider`], [`OrderError::NoSuchMethod`].
    pub async fn begin(&self, _workspace: WorkspaceId, _id: OrderId) -> Result<Next, OrderError> {
        unimplemented!()
    }

    /// Asks the provider how an order is, settles it when it is paid, and answers how it is now. For the page that people
    /// come back to: at most one question a second reaches the provider, and a provider that does not answer is no error.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Database`].
    pub async fn look(
        &self,
        _workspace: WorkspaceId,
        _id: OrderId,
    ) -> Result<OrderView, OrderError> {
        unimplemented!()
    }

    /// # Errors
    /// When the database refuses.
    pub async fn find(
        &self,
        _workspace: WorkspaceId,
        _id: OrderId,
    ) -> Result<Option<OrderView>, DbErr> {
        unimplemented!()
    }

    /// The orders of a workspace, newest first, at most `limit`; `before` is the last of the page before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list(
        &self,
        _workspace: WorkspaceId,
        _before: Option<OrderId>,
        _limit: u32,
    ) -> Result<Vec<OrderView>, DbErr> {
        unimplemented!()
    }

    /// The customer gives an order up. Should it be paid all the same, it is credited.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Status`].
    pub async fn cancel(
        &self,
        _workspace: WorkspaceId,
        _id: OrderId,
    ) -> Result<OrderView, OrderError> {
        unimplemented!()
    }

    /// Orders of everybody, for administrators, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn all(&self, _filter: &OrderFilter) -> Result<Vec<OrderRow>, DbErr> {
        unimplemented!()
    }

    /// Any order, for administrators.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn any(&self, _id: OrderId) -> Result<Option<OrderRow>, DbErr> {
        unimplemented!()
    }

    /// What of an order could go back now.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Database`].
    pub async fn refundable(&self, _id: OrderId) -> Result<Refundable, OrderError> {
        unimplemented!()
    }

    /// The verbs of administrators, each written into the audit log under this name.
    #[must_use]
    pub fn acting(&self, by: By) -> Desk<'_> {
        Desk { orders: self, by }
    }
}

impl Desk<'_> {
    /// A bank transfer arrived: its credit goes into the wallet.
    ///
    /// # Errors
    /// [`OrderError::NotManual`], [`OrderError::AmountDiffers`], [`OrderError::NoNote`], [`OrderError::Status`],
    /// [`OrderError::Quote`].
    pub async fn confirm(
        &self,
        _id: OrderId,
        _confirmation: &Confirmation,
    ) -> Result<OrderView, OrderError> {
        unimplemented!()
    }

    /// A bank transfer will not arrive.
    ///
    /// # Errors
    /// [`OrderError::NotManual`], [`OrderError::NoNote`], [`OrderError::Status`].
    pub async fn reject(&self, _id: OrderId, _note: &str) -> Result<OrderView, OrderError> {
        unimplemented!()
    }

    /// Sends money back: by the provider, or, for a bank transfer, written down after it was transferred by hand.
    ///
    /// # Errors
    /// [`OrderError::NotRefundable`], [`OrderError::NoCoin`], [`OrderError::Refunding`], [`OrderError::NoNote`],
    /// [`OrderError::Status`].
    pub async fn refund(&self, _id: OrderId, _ask: &RefundAsk) -> Result<OrderView, OrderError> {
        unimplemented!()
    }
}
