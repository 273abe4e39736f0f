//! How does each language write numbers, money and dates? Digits and patterns from CLDR through ICU4X, no floats.
//!
//! Only the server formats; the browser gets finished strings, so both cannot disagree.

mod date;
mod money;
mod number;

pub use date::{Zone, date, date_time, day, iso};
pub use money::{Money, money, money_exact, money_plain};
pub use number::{Compact, number};

pub(crate) use number::compact;
