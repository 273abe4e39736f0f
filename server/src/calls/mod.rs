//! What was served, and what did it cost? One row per call, written in the same commit as its charge.

pub(crate) mod counted;
mod folded;
mod one;
mod page;
mod parts;
mod query;
mod record;
mod refused;
mod report;
#[cfg(test)]
mod tests;
mod usage;

pub use one::CallDetail;
pub use page::KeyName;
pub(crate) use parts::Parts;
pub use query::{Filter, Group, RANGE_DAYS_MAX, Range, UsageQuery};
pub use record::{Attempt, Booked, CallRecord, Outcome, Repeated, insert};
pub(crate) use record::{INTO_ATTEMPTS, attempt_rows, call_rows, into_calls};
pub use refused::RefusedCalls;
pub(crate) use report::call_row;
pub use report::{AttemptRow, CallRow, Calls};
pub use usage::{GroupUse, Part, SERIES_MAX, Series, Tally, UsageReport};
