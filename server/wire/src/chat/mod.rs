//! OpenAI's chat completions.

pub mod answer;
pub mod chunk;
pub mod relay;
pub mod request;
pub mod usage;
