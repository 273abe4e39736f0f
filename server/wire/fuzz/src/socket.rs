//! A conversation over one connection: nothing that was said is lost, and each turn is a body of its own. And Gemini's
//! paths, which name what others say in a body.

use bytes::Bytes;
use domain::Dialect;
use serde_json::value::RawValue;
use wire::conversation::{Create, Event, Heard, Remembered, in_lane, warmed};
use wire::request::Request;

use crate::small;

/// What a connection remembers at most here.
const MAX: usize = 4_096;

/// Lines: a `>` in front is a message of the caller, all others are what the upstream answers to the last one. A `/` in
/// front of all of it is a path.
pub(crate) fn any(data: &[u8]) {
    if let Some(path) = data.strip_prefix(b"/") {
        return gemini_path(&String::from_utf8_lossy(path));
    }
    let mut turn: Option<(Create, Heard)> = None;
    let mut before: Option<Remembered> = None;
    for line in data.split(|byte| *byte == b'\n') {
        let Some(message) = line.strip_prefix(b">") else {
            answered(turn.as_mut(), line);
            continue;
        };
        if let Some((asked, heard)) = turn.take() {
            before = over(asked, heard, before);
        }
        match Create::read(message) {
            Ok(create) => {
                asked(&create, before.as_ref());
                turn = Some((create, Heard::new(MAX)));
            }
            Err(wrong) => small::names_a_place(&wrong),
        }
    }
    if let Some((asked, heard)) = turn {
        over(asked, heard, before);
    }
}

/// The body has what was said before, then what is new, and can be read as a call over HTTP.
fn asked(create: &Create, before: Option<&Remembered>) {
    let said = input(&create.body(None)).unwrap_or_default();
    let body = create.body(before);
    let items = input(&body);
    match before {
        Some(_) => {
            let items = items.expect("what was said before is said again");
            assert!(items.ends_with(&said), "what is new stands last");
        }
        None => assert!(items.unwrap_or_default() == said),
    }
    match Request::read(Dialect::Responses, body) {
        Ok(request) => assert!(
            request.stream && Some(&request.model) == create.model.as_ref(),
            "another call than was asked for"
        ),
        Err(wrong) => small::names_a_place(&wrong),
    }
    let ([created, completed], remembered) = warmed(create, before, "resp_1", 0);
    for event in [created, completed] {
        in_a_lane(event.as_bytes());
    }
    assert!(remembered.size() >= said.iter().map(String::len).sum());
}

/// The items of a body's input, as they stand.
fn input(body: &Bytes) -> Option<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Body {
        stream: bool,
        input: Option<Vec<Box<RawValue>>>,
    }
    let body: Body = serde_json::from_slice(body).expect("a turn is a body of its own");
    assert!(body.stream);
    let items = body.input?.into_iter();
    Some(items.map(|item| item.get().to_owned()).collect())
}

fn answered(turn: Option<&mut (Create, Heard)>, event: &[u8]) {
    in_a_lane(event);
    if let Some((_, heard)) = turn
        && let Event::Error(said) = heard.event(event)
    {
        drop(said);
    }
}

/// An object stays one, and says which lane it belongs to.
fn in_a_lane(event: &[u8]) {
    let Ok(text) = std::str::from_utf8(event) else {
        return;
    };
    let is_object =
        |text: &str| text.starts_with('{') && serde_json::from_str::<Box<RawValue>>(text).is_ok();
    if is_object(text) {
        assert!(
            is_object(&in_lane(text.to_owned(), Some("a"))),
            "a lane broke an event"
        );
    }
}

fn over(asked: Create, heard: Heard, before: Option<Remembered>) -> Option<Remembered> {
    let remembered = heard.over(&asked, before.as_ref())?;
    assert!(remembered.size() <= MAX, "more is remembered than may be");
    Some(remembered)
}

fn gemini_path(path: &str) {
    let (rest, query) = match path.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (path, None),
    };
    if let Some(asked) = wire::gemini::path::read(rest, query) {
        assert!(!asked.model.is_empty() && asked.model.len() <= rest.len());
        assert!(asked.stream || !asked.array, "an array is a way to stream");
    }
}
