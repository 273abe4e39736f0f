//! Anthropic's messages.

pub mod answer;
mod block;
mod cache;
mod documents;
mod event;
pub(crate) mod foreign;
mod parts;
mod prompt;
mod reader;
pub mod relay;
pub mod request;
mod schema;
mod seal;
mod stop;
#[cfg(test)]
mod tests;
pub(crate) mod thinking;
mod turns;
pub mod usage;
mod write;
mod writer;
