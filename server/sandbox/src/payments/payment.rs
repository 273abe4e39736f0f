//! What is a payment, and what may become of it?

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::{Faults, Object};
use super::sum::Sum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has paid yet.
    Pending,
    /// The money is underway.
    Processing,
    Paid,
    Canceled,
    Expired,
    Failed,
}

impl Status {
    /// As the protocol writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Paid => "paid",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

/// What the payer does on the pay page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Pay,
    /// The money is underway for a while.
    PayLate,
    /// The payer's bank refuses.
    Decline,
    Cancel,
    Expire,
}

impl Action {
    /// What a pending payment becomes.
    pub const fn leads_to(self) -> Status {
        match self {
            Self::Pay => Status::Paid,
            Self::PayLate => Status::Processing,
            Self::Decline => Status::Failed,
            Self::Cancel => Status::Canceled,
            Self::Expire => Status::Expired,
        }
    }
}

/// Money that went back.
#[derive(Debug, Clone)]
pub struct Refund {
    pub id: String,
    /// The shop's own name for it.
    pub reference: String,
    pub amount: Sum,
}

#[derive(Debug, Clone)]
pub struct Payment {
    pub id: String,
    /// The shop's own name for it.
    pub reference: String,
    pub amount: Sum,
    /// Three capital letters.
    pub currency: String,
    /// Where the payer goes afterwards.
    pub return_url: String,
    /// Where the shop is told.
    pub webhook_url: String,
    pub status: Status,
    pub refunds: Vec<Refund>,
    pub refunded: Sum,
    /// Seconds since 1970.
    pub created_at: u64,
    /// When the money arrived, in milliseconds since 1970; nothing before.
    pub paid_at: Option<u64>,
    pub faults: Faults,
}

impl Payment {
    /// What the shop is told about it, with whatever shall be wrong in it.
    pub fn told(&self) -> Value {
        let amount = match self.faults.object {
            Object::WrongAmount => self.amount.half(),
            _ => self.amount,
        };
        let currency = match (self.faults.object, self.currency.as_str()) {
            (Object::WrongCurrency, "EUR") => "USD",
            (Object::WrongCurrency, _) => "EUR",
            (_, right) => right,
        };
        let paid = if self.status == Status::Paid {
            amount
        } else {
            amount.none()
        };
        json!({
            "id": self.id,
            "reference": self.reference,
            "status": self.status,
            "amount": amount.to_string(),
            "currency": currency,
            "paid_amount": paid.to_string(),
            "refunded_amount": self.refunded.to_string(),
            "paid_at": self.paid_at,
            "livemode": self.faults.object == Object::Live,
        })
    }
}
