//! Requests: a caller's own bytes go through untouched, edits keep the rest, and what is written anew can be read.

use bytes::Bytes;
use domain::Dialect;
use wire::request::{BadRequest, Request};

use crate::{UPSTREAMS, small};

const TOKENS_MAX: u64 = i32::MAX as u64;

/// All of it is a body.
pub(crate) fn any(dialect: Dialect, data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let Ok(request) = read(dialect, body.clone(), data.len().is_multiple_of(2)) else {
        return;
    };
    assert!(request.dialect == dialect);
    if let Some(max) = request.max_tokens {
        assert!(max <= TOKENS_MAX, "a maximum that no provider reads");
    }
    assert!(request.choices >= 1);
    let mut text = 0;
    request.each_text(&mut |piece| text += piece.len() as u64);
    for to in UPSTREAMS {
        match request.for_upstream(to, "another \"model\"", Some(1)) {
            Ok(sent) if to == dialect => edited(&request, &body, &sent.into_pieces().concat()),
            Ok(sent) => written(&request, to, &sent.into_pieces().concat()),
            // It may be a thing that only its own dialect can say.
            Err(wrong) => {
                assert!(to != dialect, "its own dialect cannot say it");
                small::names_a_place(&wrong);
            }
        }
    }
    if dialect != Dialect::Gemini {
        untouched(&request, &body);
    }
}

/// Gemini's model, and whether it is streamed, are in the path; the others say it themselves.
pub(crate) fn read(dialect: Dialect, body: Bytes, stream: bool) -> Result<Request, BadRequest> {
    match dialect {
        Dialect::Gemini => wire::gemini::request::read("m", stream, body),
        _ => Request::read(dialect, body),
    }
}

/// Same dialect, same model, nothing lowered: to the byte, but for chat's request for usage.
fn untouched(request: &Request, body: &Bytes) {
    let Ok(sent) = request.for_upstream(request.dialect, &request.model, None) else {
        panic!("its own dialect cannot say it");
    };
    let sent = sent.into_pieces().concat();
    if request.dialect == Dialect::Chat && request.stream && !request.wants_usage {
        let Ok(again) = Request::read(Dialect::Chat, sent.into()) else {
            panic!("what asks for usage cannot be read");
        };
        assert!(again.wants_usage && again.model == request.model);
    } else {
        let same = sent == body.as_ref();
        assert!(same || may_lose_thoughts(body), "bytes were changed");
    }
}

/// Same dialect, with edits: they were made, and all else says the same.
fn edited(request: &Request, body: &[u8], sent: &[u8]) {
    let Ok(again) = Request::read(request.dialect, Bytes::copy_from_slice(sent)) else {
        panic!("what was edited cannot be read");
    };
    assert!(again.model == "another \"model\"" && again.max_tokens == Some(1));
    assert!(again.stream == request.stream && again.choices == request.choices);
    let (before, after) = (texts(request), texts(&again));
    let same = before == after;
    assert!(
        same || may_lose_thoughts(body),
        "what the model reads was changed"
    );
}

/// Thoughts of another provider are taken out. They are told by one of these.
fn may_lose_thoughts(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let marks = [
        "farebox.",
        "rs_call_",
        r#""signature":"""#,
        r#""signature": """#,
    ];
    marks.iter().any(|mark| text.contains(mark))
}

/// Another dialect: it can be read there, and asks for as much.
fn written(request: &Request, to: Dialect, sent: &[u8]) {
    let again = match Request::read(to, Bytes::copy_from_slice(sent)) {
        Ok(again) => again,
        Err(wrong) => panic!("what was written for {to:?} cannot be read: {wrong:?}"),
    };
    assert!(again.model == "another \"model\"" && again.stream == request.stream);
    assert!(again.max_tokens == Some(1), "the maximum was not lowered");
    assert!(again.choices == 1, "several answers cannot be translated");
}

fn texts(request: &Request) -> Vec<String> {
    let mut all = Vec::new();
    request.each_text(&mut |piece| all.push(piece.to_owned()));
    all
}
