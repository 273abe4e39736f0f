//! What proves a payment? A receipt for every order that was credited, a credit note for every refund: numbered without
//! a gap, in the customer's language, never changed.
//!
//! [`issue`] writes one inside the caller's transaction, so that a payment and its receipt are there together or not at
//! all. What was printed is kept as it was: later changes of the seller or of the texts reach no old receipt.

mod issue;
mod number;
mod printed;
mod read;
mod seal;
mod seller;
#[cfg(test)]
mod tests;
mod verify;

pub use issue::{Kind, NewReceipt, RateLine, issue, of_order};
pub use number::ReceiptNumber;
pub use printed::{Line, Party, Printed, Section};
pub use read::{Receipt, Receipts};
pub use seller::{Buyer, Seller, SellerFacts, Tax};

pub(crate) use verify::{QUESTIONS, broken_seals, wrong_orders};
