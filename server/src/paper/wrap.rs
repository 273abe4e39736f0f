//! Where does a line end? At a space, or within a word that is wider than the whole line.

use super::Mpt;
use super::face::Face;

/// A clean text in lines that are at most `width` wide. At least one, which may be empty.
pub(super) fn wrap(text: &str, face: &Face, size: Mpt, width: Mpt) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            let joined = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if face.width(&joined, size) <= width {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line = broken(word, face, size, width, &mut lines);
        }
        lines.push(line);
    }
    lines
}

/// Breaks a word that is too wide: whole lines go to `lines`, the rest is returned.
fn broken(word: &str, face: &Face, size: Mpt, width: Mpt, lines: &mut Vec<String>) -> String {
    let mut line = String::new();
    for character in word.chars() {
        line.push(character);
        if face.width(&line, size) > width && line.chars().count() > 1 {
            line.pop();
            lines.push(std::mem::take(&mut line));
            line.push(character);
        }
    }
    line
}
