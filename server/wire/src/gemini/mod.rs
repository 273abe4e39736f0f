//! Google's generateContent, for callers only: no upstream is asked in it.

pub mod answer;
mod parts;
pub mod path;
mod prompt;
pub mod relay;
pub mod request;
mod schema;
mod seal;
#[cfg(test)]
mod tests;
mod written;
