//! How many tokens has a prompt? Counted for whoever asks beforehand, for every model: exactly where its tokenizer is known,
//! else estimated, within an error that is stated ([`Family::error`]). And the body of Anthropic's
//! `POST /v1/messages/count_tokens`: a request for messages without a maximum of answer tokens.
//!
//! No charge is made by this: a call whose upstream reports nothing is counted without any factor.

mod families;
mod family;
mod image;
mod part;
mod script;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;
use domain::Dialect;

pub use self::family::{Encoding, Family};
use self::part::Part;
use crate::fields::{list, not_json, pick, text};
use crate::request::{BadRequest, Request};
use crate::text::measure;

/// A tokenizer: how many tokens of an encoding a text has.
pub type Count<'a> = &'a dyn Fn(Encoding, &str) -> u64;

/// No `Debug`: it carries the caller's words.
pub struct CountRequest {
    /// As the caller named it.
    pub model: String,
    body: Bytes,
}

impl CountRequest {
    /// # Errors
    /// [`BadRequest`] when it is no JSON object with a model and messages.
    pub fn read(body: Bytes) -> Result<Self, BadRequest> {
        let [model, messages, _, _] = pick(&body, ["model", "messages", "system", "tools"])?;
        let model = text(model, "model")?;
        let messages = list(messages, "messages", "message")?;
        // What is nested deeper than any provider reads is refused, as it is in a call.
        measure(messages.get().as_bytes()).map_err(|error| not_json(&error))?;
        Ok(Self { model, body })
    }

    /// Its tokens for a model of this family.
    #[must_use]
    pub fn tokens(&self, family: &Family, count: Count<'_>) -> u64 {
        tokens(Dialect::Messages, &self.body, family, count)
    }
}

impl Request {
    /// Its tokens for a model of this family, as they are told to who asks; not those of a charge.
    #[must_use]
    pub fn tokens(&self, family: &Family, count: Count<'_>) -> u64 {
        tokens(self.dialect, &self.body, family, count)
    }
}

fn tokens(dialect: Dialect, body: &[u8], family: &Family, count: Count<'_>) -> u64 {
    // A thousandth of a token each.
    let mut thousandths: u64 = 0;
    let (mut whole, mut has_tools, mut is_forced) = (family.prompt, false, false);
    let schema = |json: &str| counted(json, family, count) * family.schema / 1_000;
    part::each_part(dialect, body, &mut |part| match part {
        Part::Instructions => whole += family.instructions,
        Part::Message => whole += family.message,
        Part::Text(text) | Part::Json(text) => thousandths += counted(text, family, count),
        Part::Form(json) => thousandths += schema(json),
        Part::Tool(json) => {
            has_tools = true;
            whole += family.tool;
            thousandths += schema(json);
        }
        Part::CallId => whole += family::CALL,
        Part::Attached(sent) => whole += family.attached(image::look(sent)),
        Part::Forced => is_forced = true,
    });
    whole += match (has_tools, is_forced) {
        (false, _) => 0,
        (true, false) => family.tools,
        (true, true) => family.forced_tools,
    };
    whole + thousandths.div_ceil(1_000)
}

/// Thousandths of tokens.
fn counted(text: &str, family: &Family, count: Count<'_>) -> u64 {
    if family.is_exact() {
        return count(family.encoding, text) * 1_000;
    }
    let mut thousandths = 0;
    script::each_run(text, &mut |script, run| {
        thousandths += count(family.encoding, run) * family.factor(script);
    });
    thousandths
}
