//! What is around every page? The document, the header with the reader's choices, the navigation, the footer.

mod document;
mod footer;
mod header;
mod low;
mod palette;
mod parts;
mod places;
mod render;
mod shortcuts;

pub use document::{Frame, Page};
pub use header::{currency_words, theme_words};
pub use parts::{copy_button, icon, notice, rich, ruler};
pub use places::{Place, rooms, site};
pub use render::{fragment, respond};
pub use shortcuts::{key_list, off_hint};
