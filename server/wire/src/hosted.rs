//! Which tools of a request does its provider run, and how often has it? Such tools cost by the use, beside the tokens.
//!
//! Only OpenAI's and Anthropic's own fields, and those that others put beside chat's: tools of another kind are the
//! caller's to run.

use std::borrow::Cow;

use domain::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fields::{elements, given, number, pick};

/// Tools that a request offers and that its provider runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hosted {
    /// The first of them, in a word of ours.
    pub name: &'static str,
    /// How often they may be used together, if the request says so.
    pub most: Option<u64>,
}

/// What they are called; a version may follow, as in `web_search_20250305`, and whose they are may precede, with a colon.
const KINDS: [&str; 9] = [
    "web_search",
    "web_fetch",
    "x_search",
    "browser_search",
    "file_search",
    "code_interpreter",
    "code_execution",
    "image_generation",
    "google_search",
];

/// Moonshot's kind of tool; the only one of it is `$web_search`.
const BUILTIN: &str = "builtin_function";

/// More uses in one call than anybody means.
const MOST: u64 = 1_000_000;

/// The fields of chat that offer a search without a tool, as they stand in a body.
pub(crate) struct Searches<'a> {
    /// OpenAI's `web_search_options`.
    pub(crate) options: Option<&'a RawValue>,
    /// OpenRouter's.
    pub(crate) plugins: Option<&'a RawValue>,
    /// xAI's `search_parameters`.
    pub(crate) parameters: Option<&'a RawValue>,
    /// Qwen's `enable_search`.
    pub(crate) enabled: Option<&'a RawValue>,
}

impl Searches<'_> {
    /// Whether any of them asks for one. What cannot be read may.
    fn any(&self) -> bool {
        let word = |raw: &RawValue, name| -> Option<String> {
            let [word] = pick(raw.get().as_bytes(), [name]).ok()?;
            serde_json::from_str(given(word)?.get()).ok()
        };
        let is_web = |plugin: &&RawValue| word(plugin, "id").is_none_or(|id| id == "web");
        let plugins = |raw: &RawValue| {
            serde_json::from_str::<Vec<&RawValue>>(raw.get())
                .map_or(true, |all| all.iter().any(is_web))
        };
        given(self.options).is_some()
            || given(self.plugins).is_some_and(plugins)
            || given(self.parameters)
                .is_some_and(|raw| word(raw, "mode").is_none_or(|mode| mode != "off"))
            || given(self.enabled).is_some_and(|raw| raw.get() != "false")
    }
}

impl Hosted {
    pub(crate) fn of_chat(offered: Option<&RawValue>, searches: &Searches<'_>) -> Option<Self> {
        let name = match tools(offered).first() {
            Some(first) => first.name,
            None if searches.any() => "web_search",
            None => return None,
        };
        Some(Self { name, most: None })
    }

    /// `most`: `max_tool_calls`.
    pub(crate) fn of_responses(
        offered: Option<&RawValue>,
        most: Option<&RawValue>,
    ) -> Option<Self> {
        let name = tools(offered).first()?.name;
        let most = number(most, "max_tool_calls", 1, MOST).ok().flatten();
        Some(Self { name, most })
    }

    pub(crate) fn of_messages(offered: Option<&RawValue>) -> Option<Self> {
        let tools = tools(offered);
        let name = tools.first()?.name;
        // One without a bound has none together with the others.
        let most = tools
            .iter()
            .map(|tool| tool.most)
            .try_fold(0_u64, |sum, most| Some(sum.saturating_add(most?)));
        Some(Self { name, most })
    }
}

/// Those of a request's tools that its provider runs.
fn tools(offered: Option<&RawValue>) -> Vec<Hosted> {
    elements(offered).into_iter().filter_map(hosted).collect()
}

/// A tool, if its provider runs it. One that says its kind twice could be read as either.
fn hosted(tool: &RawValue) -> Option<Hosted> {
    let Ok([kind, most]) = pick(tool.get().as_bytes(), ["type", "max_uses"]) else {
        return tool.get().starts_with('{').then_some(Hosted {
            name: "tools",
            most: None,
        });
    };
    let kind: Cow<'_, str> = serde_json::from_str(given(kind)?.get()).ok()?;
    Some(Hosted {
        name: known(&kind)?,
        most: number(most, "max_uses", 1, MOST).ok().flatten(),
    })
}

fn known(kind: &str) -> Option<&'static str> {
    if kind == BUILTIN {
        return Some("web_search");
    }
    let kind = kind.rsplit(':').next().unwrap_or(kind);
    KINDS.into_iter().find(|known| {
        kind.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    })
}

/// How an event of a stream tells of uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// A use begins, or goes on.
    pub begun: u64,
    /// One that is charged for has ended.
    pub ended: u64,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    /// Of responses.
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    /// Of messages.
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

/// Looks at the data of an event that an upstream sent in this dialect. Chat tells of no use before its report.
#[must_use]
pub fn uses(dialect: Dialect, data: &[u8]) -> Uses {
    let none = Uses::default();
    if !matches!(dialect, Dialect::Responses | Dialect::Messages) {
        return none;
    }
    let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else {
        return none;
    };
    let begun = Uses { begun: 1, ended: 0 };
    let ended = Uses { begun: 0, ended: 1 };
    let kind = |raw: Option<&RawValue>| -> Option<String> {
        let kind: Kind<'_> = serde_json::from_str(raw?.get()).ok()?;
        Some(kind.kind.into_owned())
    };
    match event.kind.as_ref() {
        "response.output_item.added" => match kind(event.item) {
            Some(kind) if is_use(&kind) => begun,
            _ => none,
        },
        "response.output_item.done" => {
            let item = event
                .item
                .and_then(|raw| serde_json::from_str(raw.get()).ok());
            let charged = item.is_some_and(|item| crate::responses::usage::is_charged(&item));
            if charged { ended } else { none }
        }
        "content_block_start" => match kind(event.content_block).as_deref() {
            Some("server_tool_use") => begun,
            Some(kind) if is_result(kind) && !is_error(event.content_block) => ended,
            _ => none,
        },
        _ => none,
    }
}

fn is_use(kind: &str) -> bool {
    kind.strip_suffix("_call")
        .is_some_and(|tool| known(tool).is_some())
}

/// A use that failed is not charged for.
fn is_error(block: Option<&RawValue>) -> bool {
    let read = || -> Option<bool> {
        let block: Kind<'_> = serde_json::from_str(block?.get()).ok()?;
        // A list of what was found, or the error.
        let content: Kind<'_> = serde_json::from_str(block.content?.get()).ok()?;
        Some(content.kind.ends_with("_error"))
    };
    read().unwrap_or(false)
}

/// What came of a use, in a block of messages.
fn is_result(kind: &str) -> bool {
    matches!(kind, "web_search_tool_result" | "web_fetch_tool_result")
}

/// Looks at a whole answer that an upstream gave in this dialect: how many uses in it are charged for, where it reports
/// nothing. Chat's tells of none.
#[must_use]
pub fn uses_of_whole(dialect: Dialect, body: &[u8]) -> Uses {
    let list = match dialect {
        Dialect::Responses => "output",
        Dialect::Messages => "content",
        Dialect::Chat | Dialect::Gemini => return Uses::default(),
    };
    let [items] = pick(body, [list]).unwrap_or_default();
    let is_charged = |item: &&RawValue| match dialect {
        Dialect::Messages => {
            let block = serde_json::from_str::<Kind<'_>>(item.get());
            block.is_ok_and(|block| is_result(&block.kind)) && !is_error(Some(*item))
        }
        _ => serde_json::from_str(item.get())
            .is_ok_and(|item| crate::responses::usage::is_charged(&item)),
    };
    let count = elements(items).into_iter().filter(is_charged).count() as u64;
    Uses {
        begun: count,
        ended: count,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::request::Request;
    use bytes::Bytes;

    fn of(dialect: Dialect, fields: &str) -> Option<(&'static str, Option<u64>)> {
        let body = match dialect {
            Dialect::Responses => format!(r#"{{"model":"m","input":"x",{fields}}}"#),
            _ => format!(r#"{{"model":"m","max_tokens":9,"messages":[{{}}],{fields}}}"#),
        };
        let request = Request::read(dialect, Bytes::from(body)).map_err(|bad| bad.detail);
        let hosted = request.unwrap().hosted;
        hosted.map(|hosted| (hosted.name, hosted.most))
    }

    #[test]
    fn tools_that_a_provider_runs_are_told_from_the_callers() {
        for (fields, wanted) in [
            (
                r#""tools":[{"type":"web_search"}]"#,
                Some(("web_search", None)),
            ),
            (
                r#""max_tool_calls":3,"tools":[{"type":"custom","name":"a"},{"type":"file_search","vector_store_ids":["v"]}]"#,
                Some(("file_search", Some(3))),
            ),
            (
                r#""tools":[{"type":"web\u005fsearch_preview_2025_03_11"}]"#,
                Some(("web_search", None)),
            ),
            // Which of them counts is the provider's to say.
            (
                r#""tools":[{"type":"function","type":"web_search"}]"#,
                Some(("tools", None)),
            ),
            // What Codex offers beside the search, and what nobody has heard of.
            (
                r#""tools":[{"type":"function","name":"web_search"},{"type":"namespace","name":"n","tools":[]},{"type":"local_shell"},{"type":"web_searching"},7]"#,
                None,
            ),
            (r#""tools":[],"tool_choice":"auto""#, None),
        ] {
            assert_eq!(of(Dialect::Responses, fields), wanted, "{fields}");
        }
        for (fields, wanted) in [
            (
                r#""tools":[{"type":"web_search_20250305","name":"s","max_uses":5},{"type":"web_fetch_20250910","name":"f","max_uses":2}]"#,
                Some(("web_search", Some(7))),
            ),
            (
                r#""tools":[{"type":"web_search_20250305","name":"s","max_uses":5},{"type":"web_fetch_20250910","name":"f"}]"#,
                Some(("web_search", None)),
            ),
            (
                r#""tools":[{"name":"a","input_schema":{}},{"type":"bash_20250124","name":"bash"}]"#,
                None,
            ),
        ] {
            assert_eq!(of(Dialect::Messages, fields), wanted, "{fields}");
        }
        for (fields, wanted) in [
            (r#""web_search_options":{}"#, Some(("web_search", None))),
            (r#""plugins":[{"id":"web"}]"#, Some(("web_search", None))),
            (r#""plugins":[],"web_search_options":null"#, None),
            (r#""plugins":[ {"id":"file-parser","pdf":{}} ]"#, None),
            (
                r#""plugins":[{"id":"file-parser"},{"id":"w\u0065b"}]"#,
                Some(("web_search", None)),
            ),
            // What cannot be read may be one.
            (r#""plugins":[{"id":7}]"#, Some(("web_search", None))),
            (r#""plugins":{"web":{}}"#, Some(("web_search", None))),
            (r#""search_parameters":{"mode": "off"}"#, None),
            (
                r#""search_parameters":{"mode":"auto"}"#,
                Some(("web_search", None)),
            ),
            (r#""search_parameters":{}"#, Some(("web_search", None))),
            (r#""enable_search":true"#, Some(("web_search", None))),
            (r#""enable_search":false"#, None),
            (
                r#""tools":[{"type":"builtin_function","function":{"name":"$web_search"}}]"#,
                Some(("web_search", None)),
            ),
            (
                r#""tools":[{"type":"openrouter:web_search"}]"#,
                Some(("web_search", None)),
            ),
            (
                r#""tools":[{"type":"function","function":{"name":"web_search"}}]"#,
                None,
            ),
        ] {
            assert_eq!(of(Dialect::Chat, fields), wanted, "{fields}");
        }
    }

    #[test]
    fn a_stream_tells_of_uses_before_they_are_reported() {
        for (dialect, data, begun, ended) in [
            (
                Dialect::Responses,
                r#"{"type":"response.output_item.added","item":{"type":"web_search_call","id":"w"}}"#,
                1,
                0,
            ),
            (
                Dialect::Responses,
                r#"{"type":"response.output_item.done","item":{"type":"web_search_call","action":{"type":"search"}}}"#,
                0,
                1,
            ),
            (
                Dialect::Responses,
                r#"{"type":"response.output_item.done","item":{"type":"web_search_call","action":{"type":"open_page"}}}"#,
                0,
                0,
            ),
            (
                Dialect::Responses,
                r#"{"type":"response.output_item.added","item":{"type":"function_call"}}"#,
                0,
                0,
            ),
            (
                Dialect::Messages,
                r#"{"type":"content_block_start","content_block":{"type":"server_tool_use","name":"web_search"}}"#,
                1,
                0,
            ),
            (
                Dialect::Messages,
                r#"{"type":"content_block_start","content_block":{"type":"web_search_tool_result","content":[{}]}}"#,
                0,
                1,
            ),
            (
                Dialect::Messages,
                r#"{"type":"content_block_start","content_block":{"type":"web_search_tool_result","content":{"type":"web_search_tool_result_error"}}}"#,
                0,
                0,
            ),
            (Dialect::Messages, "nonsense", 0, 0),
        ] {
            let found = uses(dialect, data.as_bytes());
            assert_eq!(found, Uses { begun, ended }, "{data}");
        }
    }

    #[test]
    fn a_whole_answer_tells_of_uses_that_it_does_not_report() {
        for (dialect, body, count) in [
            (
                Dialect::Responses,
                r#"{"output":[{"type":"web_search_call","action":{"type":"search"}},{"type":"web_search_call","action":{"type":"open_page"}},{"type":"file_search_call"},{"type":"function_call"},{"type":"message"},7]}"#,
                2,
            ),
            (
                Dialect::Messages,
                r#"{"content":[{"type":"server_tool_use","name":"web_search"},{"type":"web_search_tool_result","content":[{}]},{"type":"web_search_tool_result","content":{"type":"web_search_tool_result_error"}},{"type":"text","text":"x"}]}"#,
                1,
            ),
            (
                Dialect::Chat,
                r#"{"output":[{"type":"file_search_call"}]}"#,
                0,
            ),
            (Dialect::Responses, r#"{"output":null}"#, 0),
            (Dialect::Responses, "nonsense", 0),
        ] {
            let found = uses_of_whole(dialect, body.as_bytes());
            assert_eq!((found.begun, found.ended), (count, count), "{body}");
        }
    }
}
