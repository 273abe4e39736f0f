//! What is written in one file: its front matter and its Markdown, each with the line it begins at?

use super::ContentError;
use super::fill;

/// Files above this size are no texts.
const MAX_BYTES: usize = 1 << 20;

/// One well-formed file; facts are not filled in yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Within the locale folder: `content/ru/docs/limits.md`.
    pub file: String,
    pub locale: String,
    /// Key, value and line.
    pub meta: Vec<(String, String, usize)>,
    pub body: String,
    /// The line of the file on which `body` begins.
    pub body_line: usize,
}

impl Source {
    /// Reads a file and judges what can be judged without facts.
    pub fn read(file: &str, locale: &str, text: &str) -> Result<Self, ContentError> {
        let broken = |line, message: &str| ContentError {
            file: file.to_owned(),
            line,
            message: message.to_owned(),
        };
        if text.len() > MAX_BYTES {
            return Err(broken(0, "The file is larger than 1 MiB."));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = text.replace("\r\n", "\n");
        let mut lines = text.split_inclusive('\n');
        if lines.next().map(str::trim_end) != Some("---") {
            return Err(broken(
                1,
                "The file must begin with front matter: a line ---, lines like “title: Limits”, a line ---.",
            ));
        }
        let mut meta: Vec<(String, String, usize)> = Vec::new();
        let mut read = "---\n".len();
        let mut number = 1;
        let mut closed = false;
        for line in lines {
            number += 1;
            read += line.len();
            let line = line.trim();
            if line == "---" {
                closed = true;
                break;
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((key, value)) = line.split_once(':').filter(|(key, _)| is_key(key)) else {
                return Err(broken(
                    number,
                    "A line of the front matter is written “key: value”, the key in small Latin letters. Is the closing --- missing?",
                ));
            };
            if meta.iter().any(|(known, ..)| known == key) {
                return Err(broken(
                    number,
                    "This key stands twice in the front matter. Keep one.",
                ));
            }
            meta.push((key.to_owned(), unquoted(value.trim()).to_owned(), number));
        }
        if !closed {
            return Err(broken(
                number,
                "The front matter does not end. Close it with a line ---.",
            ));
        }
        if !meta
            .iter()
            .any(|(key, value, _)| key == "title" && !value.is_empty())
        {
            return Err(broken(
                1,
                "The front matter has no title. Add a line like “title: Limits”.",
            ));
        }
        let source = Self {
            file: file.to_owned(),
            locale: locale.to_owned(),
            meta,
            body: text.get(read..).unwrap_or_default().to_owned(),
            body_line: number + 1,
        };
        for (_, value, line) in &source.meta {
            fill::judge(file, value, *line)?;
        }
        fill::judge(file, &source.body, source.body_line)?;
        Ok(source)
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn unquoted(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value)
}
