//! Why does an order not go on? For the person who meets it.

use domain::Amount;
use domain::fx::{Coins, Quote, QuoteError};
use domain::order::{Limits, OrderStatus};
use sea_orm::DbErr;
use thiserror::Error;

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum OrderError {
    #[error("nobody can pay that way here, or not in this currency")]
    NoSuchMethod,
    #[error("an order is between {} and {}", .0.min, .0.max)]
    OutOfBounds(Limits),
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The rate has moved since the offer was shown: less would arrive. Nothing was made; this is the offer of now.
    #[error("the rate has moved: {} would arrive now", .0.credited)]
    Moved(Box<Quote>),
    #[error("this form was used before for another order; open the page again")]
    KeyReused,
    /// This many are open already.
    #[error("{0} orders wait to be paid already; pay or cancel one of them first")]
    TooMany(u32),
    #[error("there is no such order")]
    NotFound,
    /// Its state allows it no more.
    #[error("the order is {0}: this cannot be done any more")]
    Status(OrderStatus),
    #[error(
        "the provider of payments does not answer as it should; nothing was paid, and it can be tried again"
    )]
    Provider,
    #[error(
        "only orders that are paid by bank transfer, or whose provider names another amount, are confirmed by hand"
    )]
    NotManual,
    /// What arrived is not what was asked for, and nobody said that it is to be credited all the same.
    #[error(
        "{expected} was asked for, not {received}; if that is what arrived, say that you are sure"
    )]
    AmountDiffers { expected: Coins, received: Coins },
    #[error(
        "it was paid so late that the rate of now counts, and that one is too old to charge by; set a rate, then confirm again"
    )]
    NoRate,
    #[error("write a note: why, or what the bank's statement says")]
    NoNote,
    /// Nothing went back: the credit, and the bonus that went with it, are in the wallet again.
    #[error(
        "the provider of payments refused to send the money back; the credit is in the wallet again. Look at the payment at the provider, then ask for a new refund"
    )]
    RefundRefused,
    #[error("a refund of this order is on its way already")]
    Refunding,
    #[error(
        "only {most} of this order can go back: the rest is spent, refunded or held by running calls"
    )]
    NotRefundable { most: Amount },
    #[error("this is worth no coin of the currency it was paid in")]
    NoCoin,
    #[error("the database refused")]
    Database(#[from] DbErr),
}
