//! What happened to a wallet in a period, and does it add up? An opening balance, lines, a closing balance.
//!
//! A line is a movement of the wallet (a transfer), with one exception: a flush of settled calls is an internal batch,
//! so all usage of a day is one line, and the last of its day. Days are the reader's. Usage and its calls are dated by
//! their transfer, the moment they were booked, and by nothing else: so the balance after each line follows from the
//! line before, and at the end of each day it is what the wallet held.
//!
//! **One moment without a long transaction.** A wallet's transfers are written while its row is locked and never
//! changed, and their calls are written with them: what has an id up to the newest one ([`Statement::as_of`]) is the
//! same whenever it is asked for. An export can therefore be read page by page, as slowly as its reader likes.

mod calls;
mod lines;
mod lots;
mod read;
#[cfg(test)]
mod tests;

use crate::db::Db;

pub use calls::{BookedCall, CallPlace, Part};
pub use lines::{Line, Place, What};
pub use lots::LotShare;
pub use read::{DayUse, Statement, Total};

/// Reads statements. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Statements {
    db: Db,
}

impl Statements {
    #[must_use]
    pub const fn new(db: Db) -> Self {
        Self { db }
    }
}
