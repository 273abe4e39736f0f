//! How is a body changed in two places without copying the other 25 megabytes? As slices of the original.

use bytes::Bytes;

/// Bytes in pieces, in order.
#[derive(Clone, Default)]
pub struct Segments(Vec<Bytes>);

/// Replace the bytes of `at` (a range of the original) by `with`; an empty range inserts.
pub struct Edit {
    pub at: std::ops::Range<usize>,
    pub with: Bytes,
}

impl Segments {
    /// The original with the edits made. They must not overlap.
    #[must_use]
    pub fn edited(original: &Bytes, mut edits: Vec<Edit>) -> Self {
        edits.sort_by_key(|edit| edit.at.start);
        let mut pieces = Vec::with_capacity(edits.len() * 2 + 1);
        let mut from = 0;
        for edit in edits {
            pieces.push(original.slice(from..edit.at.start));
            pieces.push(edit.with);
            from = edit.at.end;
        }
        pieces.push(original.slice(from..));
        pieces.retain(|piece| !piece.is_empty());
        Self(pieces)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn into_pieces(self) -> Vec<Bytes> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_in_any_order_given() {
        let original = Bytes::from_static(b"abcdef");
        let edits = vec![
            Edit {
                at: 4..5,
                with: Bytes::from_static(b"EE"),
            },
            Edit {
                at: 1..1,
                with: Bytes::from_static(b"-"),
            },
        ];
        let edited = Segments::edited(&original, edits);
        assert_eq!(edited.len(), 8);
        assert_eq!(edited.into_pieces().concat(), b"a-bcdEEf");
    }
}
