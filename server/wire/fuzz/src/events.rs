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
    assert!(raw == stream, "bytes were lost or made up");
    for event in &whole {
        // Each event alone is itself.
        let again = of(&[&event.raw]);
        assert!(
            again.len() == 1 && again.first() == Some(event),
            "an event that is another one alone"
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
