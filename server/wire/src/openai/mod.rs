//! The OpenAI dialect: chat completions, as the official SDKs send and read them.

pub mod answer;
pub mod chunk;
pub mod error;
mod fields;
pub mod request;
pub mod usage;
