//! OpenAI's chat completions.

pub mod answer;
mod body;
pub mod chunk;
mod delta;
mod json;
pub(crate) mod kept;
mod prompt;
pub mod reader;
mod reasoning;
pub mod relay;
pub mod request;
mod sealer;
mod stop;
pub mod usage;
pub mod writer;

pub use body::is_openais;

/// The id of an answer that is written anew.
fn answer_id(caller: &crate::request::Caller) -> String {
    let call = &caller.call;
    format!("chatcmpl-{}", call.strip_prefix("call_").unwrap_or(call))
}

#[cfg(test)]
mod loops;
#[cfg(test)]
mod tests;
