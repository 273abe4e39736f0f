//! What changed between two versions? Paragraph by paragraph, and within a changed paragraph word by word.

use similar::{ChangeTag, DiffTag, TextDiff};

/// Whether words are in both versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    Added,
    Removed,
}

/// Some words of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub change: Change,
    pub text: String,
}

/// What a line of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Heading,
    /// Of a list, or a row of a table.
    Entry,
    Paragraph,
}

/// One paragraph, heading, entry of a list or row of a table, without the marks of Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub kind: LineKind,
    pub pieces: Vec<Piece>,
}

impl Line {
    fn whole(change: Change, said: &Said) -> Self {
        let text = said.text.clone();
        Self {
            kind: said.kind,
            pieces: vec![Piece { change, text }],
        }
    }

    /// Whether nothing in it changed.
    #[must_use]
    pub fn same(&self) -> bool {
        self.pieces.iter().all(|piece| piece.change == Change::Same)
    }
}

/// One line of a text as its readers see it.
struct Said {
    kind: LineKind,
    text: String,
}

/// The newer text with what the older one had differently; both are Markdown. Empty lines are left out.
#[must_use]
pub fn compare(older: &str, newer: &str) -> Vec<Line> {
    let (old, new) = (said(older), said(newer));
    let old_words: Vec<&str> = old.iter().map(|line| line.text.as_str()).collect();
    let new_words: Vec<&str> = new.iter().map(|line| line.text.as_str()).collect();
    let diff = TextDiff::from_slices(&old_words, &new_words);
    let mut lines = Vec::new();
    for op in diff.ops() {
        let (gone, come) = (&old[op.old_range()], &new[op.new_range()]);
        if op.tag() == DiffTag::Equal {
            lines.extend(come.iter().map(|line| Line::whole(Change::Same, line)));
            continue;
        }
        let both = gone.len().min(come.len());
        let pairs = gone.iter().zip(come);
        lines.extend(pairs.map(|(old, new)| words(old, new)));
        let gone = gone[both..].iter();
        lines.extend(gone.map(|line| Line::whole(Change::Removed, line)));
        let come = come[both..].iter();
        lines.extend(come.map(|line| Line::whole(Change::Added, line)));
    }
    lines
}

/// The lines of a text in plain words.
fn said(markdown: &str) -> Vec<Said> {
    let rule = |line: &str| line.chars().all(|c| "|-: ".contains(c));
    markdown
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !rule(line))
        .map(|line| {
            let (kind, text) = if line.starts_with('#') {
                (LineKind::Heading, line.trim_start_matches('#'))
            } else if let Some(entry) = line.strip_prefix("- ") {
                (LineKind::Entry, entry)
            } else if let Some(row) = line.strip_prefix('|') {
                (LineKind::Entry, row.trim_end_matches('|'))
            } else {
                (LineKind::Paragraph, line)
            };
            let text = plain(text).trim().to_owned();
            Said { kind, text }
        })
        .collect()
}

/// Words without their marks: `[here](/x)` is `here`, `` `code` `` is `code`, `\.` is `.`, `{#id}` is nothing.
fn plain(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                if let Some(next) = rest.chars().next() {
                    out.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
            '`' | '[' | '*' => {}
            ']' => {
                let target = rest
                    .strip_prefix('(')
                    .and_then(|after| after.split_once(')'));
                rest = target.map_or(rest, |(_, after)| after);
            }
            '{' if rest.starts_with('#') => {
                rest = rest.split_once('}').map_or("", |(_, after)| after);
            }
            '|' => out.push('·'),
            c => out.push(c),
        }
    }
    out
}

/// Two paragraphs as one, word by word; whole beside each other when they have little in common.
fn words(old: &Said, new: &Said) -> Line {
    let (kind, old, new) = (new.kind, old.text.as_str(), new.text.as_str());
    let diff = TextDiff::from_words(old, new);
    let mut pieces: Vec<Piece> = Vec::new();
    for change in diff.iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Equal => Change::Same,
            ChangeTag::Delete => Change::Removed,
            ChangeTag::Insert => Change::Added,
        };
        match pieces.last_mut() {
            Some(last) if last.change == kind => last.text.push_str(change.value()),
            _ => pieces.push(Piece {
                change: kind,
                text: change.value().to_owned(),
            }),
        }
    }
    let common: usize = pieces
        .iter()
        .filter(|piece| piece.change == Change::Same)
        .map(|piece| piece.text.trim().len())
        .sum();
    if common * 3 < new.len() {
        let piece = |change, text: &str| Piece {
            change,
            text: text.to_owned(),
        };
        pieces = vec![piece(Change::Removed, old), piece(Change::Added, new)];
    }
    Line { kind, pieces }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &Line) -> String {
        line.pieces
            .iter()
            .map(|piece| match piece.change {
                Change::Same => piece.text.clone(),
                Change::Added => format!("[+{}]", piece.text),
                Change::Removed => format!("[-{}]", piece.text),
            })
            .collect()
    }

    #[test]
    fn a_changed_word_is_shown_in_its_paragraph() {
        let old = "# Terms\n\nWe answer within 30 days, always.\n\nGone for good.\n";
        let new = "# Terms\n\nWe answer within 14 days, always.\n\n## New {#new}\n\nNothing like it stood here before.\n";
        let lines = compare(old, new);
        let found: Vec<_> = lines.iter().map(|line| (line.kind, shown(line))).collect();
        let wanted = [
            (LineKind::Heading, "Terms"),
            (
                LineKind::Paragraph,
                "We answer within [-30][+14] days, always.",
            ),
            (LineKind::Heading, "[-Gone for good.][+New]"),
            (LineKind::Paragraph, "[+Nothing like it stood here before.]"),
        ];
        let wanted = wanted.map(|(kind, text)| (kind, text.to_owned()));
        assert_eq!(found, wanted);
    }

    #[test]
    fn marks_of_markdown_are_not_words() {
        let table = [
            (
                "- see [the list](/policies/x), `code`",
                "see the list, code",
            ),
            ("\\$0\\.50 at once", "$0.50 at once"),
            ("| a | `b` |", "a · b"),
            ("### Heading {#id}", "Heading"),
            ("a [b] c", "a b c"),
        ];
        for (markdown, words) in table {
            assert_eq!(said(markdown)[0].text, words);
        }
        assert!(said("| --- | --: |\n\n").is_empty());
    }

    #[test]
    fn a_text_compared_with_itself_has_no_change() {
        let text = "# A\n\nB\n\n- c\n- d\n";
        assert!(compare(text, text).iter().all(Line::same));
        assert_eq!(compare("", "").len(), 0);
    }
}
