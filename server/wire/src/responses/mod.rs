//! OpenAI's responses.

pub mod answer;
mod blocks;
pub(crate) mod foreign;
mod input;
mod item;
mod media;
mod object;
mod prompt;
mod reader;
pub mod relay;
pub mod request;
mod step;
#[cfg(test)]
mod tests;
mod tools;
mod upstream;
pub mod usage;
mod writer;
