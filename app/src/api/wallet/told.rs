//! What do forms about orders hold, what can be wrong there, and what did they do? Their part of the flash.

use domain::Amount;
use domain::order::OrderStatus;
use serde::{Deserialize, Serialize};

/// A place on an administrator's form about an order; see `Field`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderField {
    Received,
    Sure,
    PaidOn,
    ConfirmNote,
    RejectNote,
    SeenNote,
    RefundCredit,
    RefundNote,
}

impl OrderField {
    /// Both `id` and `name` of the input.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Sure => "sure",
            Self::PaidOn => "paid_on",
            Self::ConfirmNote => "confirm_note",
            Self::RejectNote => "reject_note",
            Self::SeenNote => "seen_note",
            Self::RefundCredit => "refund_credit",
            Self::RefundNote => "refund_note",
        }
    }
}

/// What is wrong on such a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderFault {
    /// No amount of the order's currency.
    Coins,
    /// Not what was asked for, and nobody said that it is right all the same.
    Differs,
    /// A day that is none, or to come.
    Day,
    NoteMissing,
    NoteTooLong,
    /// More than can go back now.
    TooMuch {
        most: Amount,
    },
    /// So little that it is not one coin.
    NoCoin,
    /// The rate of now is too old to credit a late payment by.
    Rate,
}

/// What a form about an order did, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WalletNotice {
    /// Less would arrive now than the page had shown.
    Moved {
        shown: Amount,
    },
    /// The page was used before, for another order.
    KeyReused,
    /// So many wait to be paid already.
    TooMany {
        most: u32,
    },
    Canceled,
    /// The order's state allows it no more.
    TooLate {
        status: OrderStatus,
    },
    Confirmed,
    Rejected,
    /// What did not fit was looked at.
    Seen,
    /// All of it went back, or it is on its way.
    Refunded,
    /// Another refund of the order is on its way.
    RefundUnderway,
    /// The provider did not send the money: nothing went back.
    RefundRefused,
    ProviderSilent,
}
