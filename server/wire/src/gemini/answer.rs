//! How does a plain answer reach Gemini's callers?

use bytes::Bytes;
use domain::Usage;

use super::written::{parts, response};
use crate::neutral::Answer;
use crate::request::Caller;

/// The body, with what was charged.
#[must_use]
pub fn write(answer: &Answer, caller: &Caller, usage: &Usage) -> Bytes {
    let parts = parts(&answer.blocks);
    Bytes::from(response(caller, parts, Some((&answer.stop, usage))).to_string())
}
