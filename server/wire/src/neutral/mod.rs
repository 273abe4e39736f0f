//! What can every dialect say? One shape between them: a [`Prompt`] goes in, and an [`Answer`] comes out, whole or as
//! [`Piece`]s. Each dialect reads and writes these; none knows another.
//!
//! Only conversations whose caller and upstream speak differently pass through here. Where both speak the same, the
//! bytes themselves go through, so that nothing unknown is lost.
//!
//! No `Debug` on anything that carries words: they are the caller's. Tests have it, whose words are their own.

mod answer;
#[cfg(test)]
pub(crate) mod any;
pub mod custom;
pub mod data_url;
pub(crate) mod names;
mod piece;
mod prompt;
pub mod seal;

pub use answer::{Answer, Content};
pub use piece::{Block, Piece, Sequence, Stop};
pub use prompt::{Choice, Effort, Format, Media, Part, Prompt, Role, Source, Tool, ToolKind, Turn};
