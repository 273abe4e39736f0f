//! Where does one server-sent event end? An incremental parser, indifferent to how the bytes were cut.
//!
//! It keeps the raw bytes of every event, so that what needs no change is passed on untouched. Line ends may be
//! LF, CRLF or CR, as the standard says (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use bytes::{Bytes, BytesMut};
use thiserror::Error;

/// One event, or a run of comment lines.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Exactly what came, the blank line included; a stream's last event gets one that is missing.
    pub raw: Bytes,
    /// The values of its `data` lines, joined by LF; `None` for comments.
    pub data: Option<Bytes>,
    /// The value of its `event` line.
    pub name: Option<Bytes>,
}

/// An event is larger than any real one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an event of more than {} MiB", EVENT_MAX >> 20)]
pub struct TooLarge;

/// Answers with inline images are the largest events seen; what is above is an attack or a broken upstream.
pub const EVENT_MAX: usize = 32 << 20;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Feed it bytes, take events out.
#[derive(Default)]
pub struct Parser {
    buffer: BytesMut,
    /// Everything before this was already looked at and ends no event.
    seen: usize,
    /// Where the line begins that `seen` is in.
    line_start: usize,
}

impl Parser {
    /// Adds what the network brought.
    ///
    /// # Errors
    /// [`TooLarge`] when one event outgrows [`EVENT_MAX`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.buffer.len() + bytes.len() > EVENT_MAX {
            return Err(TooLarge);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole event, if it is there.
    pub fn next_event(&mut self) -> Option<Event> {
        let end = self.find_end()?;
        Some(self.cut(end))
    }

    /// What is left when the stream has ended: the standard drops an event without its blank line, but upstreams
    /// exist that end with `data: [DONE]` and nothing after it. It gets the blank line, so that what is written behind
    /// it is an event of its own.
    pub fn finish(&mut self) -> Option<Event> {
        if self.buffer.is_empty() {
            return None;
        }
        loop {
            self.buffer.extend_from_slice(b"\n");
            // The first ends the last line, the second at the latest is a blank one.
            if let Some(end) = self.find_end() {
                return Some(self.cut(end));
            }
        }
    }

    /// The index behind the blank line that ends the first event.
    fn find_end(&mut self) -> Option<usize> {
        while self.seen < self.buffer.len() {
            let byte = self.buffer[self.seen];
            let after = match byte {
                b'\n' => self.seen + 1,
                // A CR at the very end may be half of a CRLF: wait for what follows.
                b'\r' => match self.buffer.get(self.seen + 1)? {
                    b'\n' => self.seen + 2,
                    _ => self.seen + 1,
                },
                _ => {
                    self.seen += 1;
                    continue;
                }
            };
            let blank = self.seen == self.line_start;
            self.seen = after;
            self.line_start = after;
            if blank {
                return Some(after);
            }
        }
        None
    }

    fn cut(&mut self, end: usize) -> Event {
        let raw = self.buffer.split_to(end).freeze();
        self.seen = 0;
        self.line_start = 0;
        read(raw)
    }
}

fn read(raw: Bytes) -> Event {
    let mut data: Option<Joined> = None;
    let mut name = None;
    // A byte order mark may stand before the first event.
    let content = raw.slice(if raw.starts_with(BOM) { BOM.len() } else { 0 }..);
    for line in lines(content) {
        if let Some(value) = field(&line, b"data") {
            data = Some(match data {
                None => Joined::One(value),
                Some(earlier) => earlier.and(&value),
            });
        } else if let Some(value) = field(&line, b"event") {
            name = Some(value);
        }
    }
    Event {
        data: data.map(Joined::bytes),
        name,
        raw,
    }
}

/// `data` lines are nearly always one, which needs no copy.
enum Joined {
    One(Bytes),
    Many(BytesMut),
}

impl Joined {
    fn and(self, value: &Bytes) -> Self {
        let mut all = match self {
            Self::One(first) => BytesMut::from(first.as_ref()),
            Self::Many(all) => all,
        };
        all.extend_from_slice(b"\n");
        all.extend_from_slice(value);
        Self::Many(all)
    }

    fn bytes(self) -> Bytes {
        match self {
            Self::One(value) => value,
            Self::Many(all) => all.freeze(),
        }
    }
}

/// `name: value`, `name:value` or `name` alone.
fn field(line: &Bytes, name: &[u8]) -> Option<Bytes> {
    let rest = line.strip_prefix(name)?;
    match rest.first() {
        None => Some(Bytes::new()),
        Some(b':') => {
            let skip = name.len() + 1 + usize::from(rest.get(1) == Some(&b' '));
            Some(line.slice(skip..))
        }
        Some(_) => None,
    }
}

fn lines(rest: Bytes) -> Lines {
    Lines { rest }
}

struct Lines {
    rest: Bytes,
}

impl Iterator for Lines {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self
            .rest
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'))
            .unwrap_or(self.rest.len());
        let line = self.rest.split_to(end);
        let skip = if self.rest.starts_with(b"\r\n") {
            2
        } else {
            usize::from(!self.rest.is_empty())
        };
        let _ = self.rest.split_to(skip);
        Some(line)
    }
}

/// An event with one `data` line.
#[must_use]
pub fn data_event(json: &str) -> Bytes {
    Bytes::from(format!("data: {json}\n\n"))
}

/// An event with a name and one `data` line.
#[must_use]
pub fn named_event(name: &str, json: &str) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {json}\n\n"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    type Read = Vec<(Vec<u8>, Option<Vec<u8>>)>;

    fn events(pieces: &[&[u8]]) -> Read {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        let keep = |event: Event| (event.raw.to_vec(), event.data.map(|data| data.to_vec()));
        for piece in pieces {
            parser.push(piece).unwrap();
            while let Some(event) = parser.next_event() {
                found.push(keep(event));
            }
        }
        found.extend(parser.finish().map(keep));
        found
    }

    fn data(stream: &[u8]) -> Vec<Option<String>> {
        events(&[stream])
            .into_iter()
            .map(|(_, data)| data.map(|data| String::from_utf8(data).unwrap()))
            .collect()
    }

    #[test]
    fn every_line_end_of_the_standard_works() {
        let wanted = vec![Some("a".to_owned()), Some("b".to_owned())];
        assert_eq!(data(b"data: a\n\ndata: b\n\n"), wanted);
        assert_eq!(data(b"data: a\r\n\r\ndata:b\r\n\r\n"), wanted);
        assert_eq!(data(b"data: a\r\rdata: b\r\r"), wanted);
        assert_eq!(data("\u{feff}data: a\n\ndata: b\n\n".as_bytes()), wanted);
    }

    #[test]
    fn several_data_lines_are_joined_and_comments_carry_none() {
        assert_eq!(
            data(b": ping\n\ndata: a\ndata: b\n\n"),
            vec![None, Some("a\nb".to_owned())]
        );
    }

    #[test]
    fn an_end_without_a_blank_line_is_still_read() {
        assert_eq!(data(b"data: [DONE]\n"), vec![Some("[DONE]".to_owned())]);
        for (cut, whole) in [
            ("data: a", "data: a\n\n"),
            ("data: a\n", "data: a\n\n"),
            ("data: a\r", "data: a\r\n\n"),
            ("data: a\r\n\r", "data: a\r\n\r\n"),
        ] {
            assert_eq!(events(&[cut.as_bytes()])[0].0, whole.as_bytes(), "{cut:?}");
        }
    }

    proptest! {
        #[test]
        fn cutting_the_bytes_anywhere_changes_nothing(
            lines in prop::collection::vec(prop_oneof!["data: [a-zé ]{0,12}", ": [a-z]{0,5}", "event: [a-z]{1,4}", Just(String::new())], 0..24),
            ends in prop::collection::vec(prop_oneof![Just("\n"), Just("\r\n"), Just("\r")], 24),
            cuts in prop::collection::vec(1..9_usize, 1..60),
        ) {
            let stream: Vec<u8> = lines.iter().zip(&ends).flat_map(|(line, end)| [line.as_bytes(), end.as_bytes()].concat()).collect();
            let mut pieces = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, left) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = left;
            }
            let whole = events(&[stream.as_slice()]);
            prop_assert_eq!(&whole, &events(&pieces));
            let raw: Vec<u8> = whole.into_iter().flat_map(|(raw, _)| raw).collect();
            prop_assert!(raw.strip_prefix(stream.as_slice()).is_some_and(|rest| [&b""[..], b"\n", b"\n\n"].contains(&rest)));
        }
    }
}
