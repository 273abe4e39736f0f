//! Which texts of a request stand where others carry bytes? Those of documents that are plain text: the model reads them,
//! so they have a size and a price.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::fields::elements;

/// Documents may stand in a result of a tool, and blocks of text in a document: deeper than this, providers read nothing.
const DEPTH: usize = 4;

/// The `data` of each source that is not base64, wherever blocks of content may stand.
pub(super) fn plain_texts(messages: &RawValue) -> Vec<&RawValue> {
    let mut found = Vec::new();
    let json = messages.get();
    // The field's name may be written with escapes.
    if json.contains("\"source\"") || json.contains("\\u00") {
        search(messages, DEPTH, &mut found);
    }
    found
}

/// The fields of an object; of those with the same name the last, as most servers have it.
fn fields(raw: &RawValue) -> Option<HashMap<String, &RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

fn search<'a>(list: &'a RawValue, depth: usize, found: &mut Vec<&'a RawValue>) {
    for item in elements(Some(list)).into_iter().filter_map(fields) {
        let mut nested = vec![item.get("content").copied()];
        if let Some(source) = item.get("source").copied().and_then(fields) {
            let is_base64 = source
                .get("type")
                .is_some_and(|kind| kind.get() == "\"base64\"");
            found.extend(source.get("data").filter(|_| !is_base64));
            nested.push(source.get("content").copied());
        }
        if depth > 0 {
            for content in nested.into_iter().flatten() {
                search(content, depth - 1, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn texts_are_found_where_blocks_may_stand_and_bytes_are_not() {
        let messages = r#"[{"role":"user","content":[
            {"type":"document","source":{"type":"text","media_type":"text/plain","data":"one"}},
            {"type":"image","source":{"type":"base64","data":"AAAA"}},
            {"type":"tool_result","content":[{"type":"document","source":{"type":"base64","type":"text","data":"two"}}]},
            {"type":"document","sourc\u0065":{"type":"text","data":"three"}},
            {"type":"document","source":{"type":"content","content":[{"type":"text","text":"counted elsewhere"}]}}
        ]},{"role":"user","content":"\"source\" is a word"},7]"#;
        let raw: Box<RawValue> = serde_json::from_str(messages).unwrap();
        let found: Vec<&str> = plain_texts(&raw).into_iter().map(RawValue::get).collect();
        assert_eq!(found, [r#""one""#, r#""two""#, r#""three""#]);
    }
}
