//! Anthropic's messages.

pub mod answer;
mod block;
mod documents;
mod event;
mod parts;
mod prompt;
mod reader;
pub mod relay;
pub mod request;
mod seal;
mod schema;
mod stop;
#[cfg(test)]
mod tests;
mod thinking;
mod turns;
pub mod usage;
mod write;
mod writer;
