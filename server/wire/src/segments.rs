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

/// The edits that take these places of a list out of it, with the commas that then part nothing. `places` are all of
/// them, each with whether it goes.
pub(crate) fn without(places: &[(std::ops::Range<usize>, bool)]) -> Vec<Edit> {
    let kept_last = places.iter().rposition(|(_, goes)| !goes);
    let (before, after) = places.split_at(kept_last.map_or(0, |at| at + 1));
    // One with another behind it goes up to where that begins.
    let each = before.iter().zip(before.iter().skip(1));
    let mut gone: Vec<std::ops::Range<usize>> = each
        .filter(|((_, goes), _)| *goes)
        .map(|((place, _), (next, _))| place.start..next.start)
        .collect();
    if let (Some((first, _)), Some((last, _))) = (after.first(), after.last()) {
        let from = before.last().map_or(first.start, |(kept, _)| kept.end);
        gone.push(from..last.end);
    }
    let with = Bytes::new();
    gone.into_iter()
        .map(|at| Edit {
            at,
            with: with.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_from_a_list_takes_its_comma_along() {
        let list = Bytes::from_static(b"[ 1 , 22,3 ,4 ]");
        let places = [2..3, 6..8, 9..10, 12..13];
        for (going, left) in [
            ([false, false, false, false], "[ 1 , 22,3 ,4 ]"),
            ([true, false, false, false], "[ 22,3 ,4 ]"),
            ([false, true, true, false], "[ 1 , 4 ]"),
            ([true, false, true, true], "[ 22 ]"),
            ([false, false, false, true], "[ 1 , 22,3 ]"),
            ([true, true, true, true], "[  ]"),
        ] {
            let places: Vec<_> = places.iter().cloned().zip(going).collect();
            let edited = Segments::edited(&list, without(&places)).into_pieces();
            assert_eq!(edited.concat(), left.as_bytes(), "{going:?}");
        }
    }

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
