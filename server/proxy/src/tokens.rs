//! How many tokens are in a text, when the upstream does not say? Counted by OpenAI's `o200k_base` encoding.
//!
//! For other models it is an estimate, mostly below what their maker would count, and the call's row says so: nobody is
//! charged by a factor. Who asks beforehand is told more exactly: [`wire::count`]. The tables take about 20 MB once, on
//! first use.

use wire::count::Encoding;
use wire::relay::Whole;
use wire::request::Request;

/// What a message costs beside its text: role and delimiters (OpenAI's cookbook counts 3 to 4).
const PER_PROMPT: u64 = 3;
/// A low-detail image at OpenAI is 85 tokens, a square one of full detail 765; the middle of what is sent.
const PER_ATTACHMENT: u64 = 765;

/// Counts the tokens of one piece of text.
pub(crate) fn count(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// Counts by either encoding, for [`wire::count`].
pub(crate) fn encoded(encoding: Encoding, text: &str) -> u64 {
    match encoding {
        Encoding::O200k => count(text),
        Encoding::Cl100k => bpe_openai::cl100k_base().count(text) as u64,
    }
}

/// Counts a prompt.
pub(crate) fn prompt(request: &Request) -> u64 {
    let mut tokens = PER_PROMPT;
    request.each_text(&mut |text| tokens += count(text));
    tokens + request.size.attachments * PER_ATTACHMENT
}

/// Counts a plain answer.
pub(crate) fn answer(answer: &Whole) -> u64 {
    let mut tokens = 0;
    answer.each_text(&mut |text| tokens += count(text));
    tokens
}
