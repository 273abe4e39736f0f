//! What is around every page? The document, the header with the reader's choices, the navigation, the footer.

mod document;
mod footer;
mod header;
mod parts;
mod render;
mod shortcuts;

pub use document::{Frame, Page};
pub use header::{currency_words, theme_words};
pub use parts::{copy_button, icon, notice, rich, ruler};
pub use render::respond;
