//! How many tokens is the answer so far, at most? Asked for every piece of a stream before it is passed on, so it may not
//! cost a tokenizer each time: what was not counted yet is taken for one token a byte, which no text exceeds. Only when
//! that is more than what is held, the text is counted.

use domain::Problem;

use crate::tokens;

/// Text up to here is counted again whenever it is looked at, because a token may end in the next piece.
const TAIL_MAX: usize = 2 << 10;

/// The answer's text with a bound on its tokens. No `Debug`: it is the answer.
#[derive(Default)]
pub(crate) struct Gauge {
    text: String,
    /// Pieces of text that came. A provider counts at least one token for each.
    pieces: u64,
    /// Bytes that are counted for good, and their tokens.
    settled: usize,
    settled_tokens: u64,
    /// Bytes that were there at the last look, and the tokens of those behind `settled`.
    seen: usize,
    tail_tokens: u64,
}

/// A moment to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    len: usize,
    pieces: u64,
}

impl Gauge {
    pub(crate) fn push(&mut self, piece: &str) {
        self.pieces += 1;
        self.text.push_str(piece);
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            len: self.text.len(),
            pieces: self.pieces,
        }
    }

    /// Forgets what came since.
    pub(crate) fn rewind(&mut self, to: Mark) {
        self.text.truncate(to.len);
        self.pieces = to.pieces;
        // What was counted with it stays an upper bound, unless its count was settled: then all is counted again.
        self.seen = self.seen.min(to.len);
        if self.settled > to.len {
            (self.settled, self.settled_tokens) = (0, 0);
            (self.seen, self.tail_tokens) = (0, 0);
        }
    }

    /// The most tokens that the text can be.
    pub(crate) fn at_most(&self) -> u64 {
        let uncounted = (self.text.len() - self.seen) as u64;
        (self.settled_tokens + self.tail_tokens + uncounted).max(self.pieces)
    }

    /// Counts what is not counted yet, on a thread that serves nobody.
    ///
    /// # Errors
    /// [`Problem::Internal`] when the tokenizer panicked.
    pub(crate) async fn look(&mut self) -> Result<(), Problem> {
        if self.seen == self.text.len() {
            return Ok(());
        }
        let (text, from) = (std::mem::take(&mut self.text), self.settled);
        let counted = tokio::task::spawn_blocking(move || {
            let tokens = tokens::count(&text[from..]);
            (text, tokens)
        });
        (self.text, self.tail_tokens) = counted.await.map_err(|_| Problem::Internal)?;
        self.seen = self.text.len();
        if self.seen - self.settled > TAIL_MAX {
            // A token may lie across the cut, which can make the two parts one less than the whole.
            self.settled_tokens += self.tail_tokens + 1;
            self.settled = self.seen;
            self.tail_tokens = 0;
        }
        Ok(())
    }

    /// The whole text, to be counted for the charge.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// What tokens are hard to count in: words, digits without spaces, another script, and bytes that are rarely text.
    const PIECES: [&str; 6] = [
        " the",
        "0123456789",
        "слово ",
        "漢字仮名",
        "aGVsbG8gd29ybGQ",
        "\u{1f9ff}\u{301}",
    ];

    #[tokio::test]
    async fn the_bound_is_never_below_the_count_and_close_to_it_after_a_look() {
        for piece in PIECES {
            let mut gauge = Gauge::default();
            let mut whole = String::new();
            for step in 0..600_u64 {
                gauge.push(piece);
                whole.push_str(piece);
                if step % 37 == 0 {
                    let counted = tokens::count(&whole);
                    assert!(gauge.at_most() >= counted, "{piece:?} after {step}");
                    gauge.look().await.unwrap();
                    let cuts = (whole.len() / TAIL_MAX) as u64;
                    let near = counted.max(step + 1) + 2 * cuts + 2;
                    assert!(
                        (counted..=near).contains(&gauge.at_most()),
                        "{piece:?} after {step}: {} of {counted}",
                        gauge.at_most()
                    );
                }
            }
            assert_eq!(gauge.into_text(), whole);
        }
    }

    #[tokio::test]
    async fn what_was_not_passed_on_is_forgotten() {
        let mut gauge = Gauge::default();
        gauge.push("one two");
        gauge.look().await.unwrap();
        let mark = gauge.mark();
        gauge.push(&" the".repeat(5_000));
        gauge.look().await.unwrap();
        assert!(gauge.at_most() > 5_000);
        gauge.rewind(mark);
        gauge.look().await.unwrap();
        assert_eq!(gauge.at_most(), tokens::count("one two"));
        assert_eq!(gauge.into_text(), "one two");
    }
}
