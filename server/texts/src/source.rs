//! What is written in one locale file, and on which line? serde_json judges the grammar; this walks what passed.
//!
//! Lines and repeated keys matter to translators, and a parsed `Value` has lost both.

use serde::de::IgnoredAny;

/// One text of a file: the path of its key with dots, its value, its line (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub value: Value,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    /// A number, list or null where a text belongs.
    Other,
    True,
    False,
}

/// The file is not JSON, or not an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub line: usize,
    pub message: String,
}

/// Files above this size are no texts.
const MAX_BYTES: usize = 4 << 20;

/// Every leaf in the order of the file, repeated keys included.
pub fn read(json: &str) -> Result<Vec<Entry>, Broken> {
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    if json.len() > MAX_BYTES {
        return Err(Broken {
            line: 1,
            message: "the file is larger than 4 MiB".to_owned(),
        });
    }
    serde_json::from_str::<IgnoredAny>(json).map_err(|error| Broken {
        line: error.line().max(1),
        message: error.to_string(),
    })?;
    if !json.trim_start().starts_with('{') {
        return Err(Broken {
            line: 1,
            message: "the file must be one object: { … }".to_owned(),
        });
    }
    let mut walk = Walk {
        json,
        at: 0,
        line: 1,
        path: Vec::new(),
        entries: Vec::new(),
    };
    walk.object();
    Ok(walk.entries)
}

/// Walks JSON that is known to be well-formed, so every step may assume the grammar.
struct Walk<'a> {
    json: &'a str,
    at: usize,
    line: usize,
    path: Vec<String>,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    fn peek(&self) -> u8 {
        self.json.as_bytes().get(self.at).copied().unwrap_or(b'}')
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.line += usize::from(self.peek() == b'\n');
            self.at += 1;
        }
    }

    fn object(&mut self) {
        self.skip_space();
        self.at += 1; // {
        loop {
            self.skip_space();
            match self.peek() {
                b'}' => break,
                b',' => self.at += 1,
                _ => {
                    let line = self.line;
                    let key = self.string();
                    self.path.push(key);
                    self.skip_space();
                    self.at += 1; // :
                    self.skip_space();
                    self.value(line);
                    self.path.pop();
                }
            }
        }
        self.at += 1; // }
    }

    fn value(&mut self, line: usize) {
        let value = match self.peek() {
            b'{' => return self.object(),
            b'"' => Value::Text(self.string()),
            b'[' => {
                self.list();
                Value::Other
            }
            first => {
                while !matches!(
                    self.peek(),
                    b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'
                ) {
                    self.at += 1;
                }
                match first {
                    b't' => Value::True,
                    b'f' => Value::False,
                    _ => Value::Other,
                }
            }
        };
        self.entries.push(Entry {
            key: self.path.join("."),
            value,
            line,
        });
    }

    /// Skips a list; what is in it is nothing that we read.
    fn list(&mut self) {
        let mut depth = 0_usize;
        loop {
            self.skip_space();
            match self.peek() {
                b'"' => {
                    self.string();
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        while self.peek() != b'"' {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_str(&self.json[start..self.at]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn text(key: &str, value: &str, line: usize) -> Entry {
        Entry {
            key: key.into(),
            value: Value::Text(value.into()),
            line,
        }
    }

    #[test]
    fn leaves_come_with_their_path_and_line() {
        let json = "{\n \"a\": {\"b\": \"x \\\" } {\",\n  \"c\": \"\\u00e9\\n\"},\n \"d\": \"\"}";
        assert_eq!(
            read(json).unwrap(),
            vec![
                text("a.b", "x \" } {", 2),
                text("a.c", "é\n", 3),
                text("d", "", 4)
            ]
        );
    }

    #[test]
    fn repeated_keys_and_what_is_no_text_are_kept() {
        let json = "{\"a\": \"1\",\n\"a\": [\"]\", {\"b\": [1]}],\n\"c\": true, \"d\": -1.5e3, \"e\": null, \"f\": false}";
        let found: Vec<_> = read(json)
            .unwrap()
            .into_iter()
            .map(|e| (e.key, e.value, e.line))
            .collect();
        assert_eq!(
            found,
            vec![
                ("a".into(), Value::Text("1".into()), 1),
                ("a".into(), Value::Other, 2),
                ("c".into(), Value::True, 3),
                ("d".into(), Value::Other, 3),
                ("e".into(), Value::Other, 3),
                ("f".into(), Value::False, 3),
            ]
        );
    }

    #[test]
    fn a_broken_file_names_its_line() {
        assert_eq!(read("{\n\"a\": \"b\",\n}").unwrap_err().line, 3);
        assert!(read("[\"a\"]").is_err());
        assert!(read("").is_err());
    }

    proptest! {
        #[test]
        fn the_walk_finds_what_serde_finds(tree in prop::collection::btree_map("[a-z\\\\\"{}é]{1,4}", "\\PC{0,9}", 0..6)) {
            let json = serde_json::to_string_pretty(&serde_json::json!({ "x": tree })).unwrap();
            let found: Vec<_> = read(&json).unwrap().into_iter().map(|e| (e.key, e.value)).collect();
            let wanted: Vec<_> = tree.into_iter().map(|(k, v)| (format!("x.{k}"), Value::Text(v))).collect();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = read(&text);
        }
    }
}
