//! Server-sent events: no byte is lost, and how they were cut changes nothing.

use wire::sse::{Event, Parser};

use crate::Cuts;

/// The first byte is for the cuts, the rest is a stream.
pub(crate) fn sse(data: &[u8]) {
    let Some((seed, stream)) = data.split_first() else {
        return;
    };
    let whole = of(&[stream]);
    let cut = of(&Cuts(u64::from(*seed)).of(stream, 1 + usize::from(*seed)));
    assert!(whole == cut, "other events when cut");
    let raw: Vec<u8> = whole
        .iter()
        .flat_map(|event| event.raw.iter().copied())
        .collect();
    let added = raw.strip_prefix(stream).expect("no byte is lost");
    assert!(matches!(added, b"" | b"\n" | b"\n\n"), "bytes made up");
    for event in &whole {
        // Each event alone is itself, whatever stands before and behind it.
        let again = of(&[b"data: before\n\n", &event.raw, b"\ndata: behind\n\n"]);
        assert!(
            again
                .get(1)
                .is_some_and(|alone| alone.data == event.data && alone.name == event.name)
                && again
                    .last()
                    .is_some_and(|last| last.data.as_deref() == Some(b"behind")),
            "an event that is another one in another place"
        );
    }
}

/// The events of a stream that came in these pieces, the last one without its end too.
pub(crate) fn of(pieces: &[&[u8]]) -> Vec<Event> {
    let mut parser = Parser::default();
    let mut events = Vec::new();
    for piece in pieces {
        if parser.push(piece).is_err() {
            return events;
        }
        while let Some(event) = parser.next_event() {
            events.push(event);
        }
    }
    events.extend(parser.finish());
    events
}
