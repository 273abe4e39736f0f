//! What was served, and what did it cost? One row per call, written in the same commit as its charge.

mod record;
mod report;
#[cfg(test)]
mod tests;

pub use record::{Attempt, CallRecord, Outcome};
pub(crate) use record::{Booked, insert};
pub use report::{CallRow, Calls};
