//! The public AI dialects as pure translation: bytes in, facts and bytes out. No IO, nothing awaits.
//!
//! What is in these bytes belongs to the caller: the types that carry it have no `Debug`.

pub mod chat;
pub mod conversation;
pub mod count;
pub mod error;
mod fields;
mod function;
pub mod gemini;
pub mod hosted;
pub mod media;
pub mod messages;
pub mod neutral;
pub mod relay;
pub mod request;
pub mod responses;
pub mod said;
pub mod segments;
pub mod sse;
pub mod text;

pub use chat::is_openais;
