//! How does each language write numbers, money and dates? Digits and patterns from CLDR through ICU4X, no floats.
//!
//! Only the server formats; the browser gets finished strings, so both cannot disagree.

mod date;
mod money;
mod number;
mod zone;

pub use date::{date, date_time, day, iso, time, time_seconds};
pub use money::{Money, money, money_exact, money_picos, money_plain};
pub use number::{Compact, hundredths, number, percent};
pub use zone::Zone;

pub(crate) use number::compact;
