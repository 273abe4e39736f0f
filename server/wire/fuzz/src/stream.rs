//! Streams: whatever an upstream sends, each caller gets a stream of its own dialect that ends as it must.

use bytes::Bytes;
use domain::{Dialect, Usage};
use wire::error::Fault;
use wire::relay::Relay;
use wire::sse::Event;

use crate::{CALL, CALLERS, Cuts, asking, assert_in_range, events};

/// The first byte chooses the caller's dialect, whether it asked for usage, whether Farebox ends the stream before its
/// end, and whether Gemini's is one array; the second is for the cuts; the rest is what the upstream sends.
pub(crate) fn any(from: Dialect, data: &[u8]) {
    let [choice, seed, stream @ ..] = data else {
        return;
    };
    let caller = CALLERS[usize::from(choice & 3) % CALLERS.len()];
    let run = |pieces: &[&[u8]]| {
        let mut request = asking(caller, true, choice & 4 != 0);
        request.array = choice & 16 != 0;
        let relay = request.relay(from, CALL.0, CALL.1);
        relayed(relay, pieces, choice & 8 != 0)
    };
    let got = run(&[stream]);
    let cut = run(&Cuts(u64::from(*seed)).of(stream, 1 + usize::from(*seed)));
    assert!(cut == got, "another stream when cut");
    if caller == Dialect::Gemini && choice & 16 != 0 {
        let responses = serde_json::from_slice::<Vec<serde_json::Value>>(&got.bytes.concat());
        let last = responses.ok().and_then(|mut all| all.pop());
        ends_as_gemini(&last.expect("one array of responses"), got.end);
        return;
    }
    let sent: Vec<Event> = events::of(&[&got.bytes.concat()])
        .into_iter()
        .filter(|event| event.data.as_ref().is_some_and(|data| !data.is_empty()))
        .collect();
    match got.end {
        End::Whole => ends_well(caller, &sent),
        End::Failed => ends_badly(caller, &sent),
    }
    if caller != from && caller != Dialect::Gemini {
        again(caller, &got);
    }
}

/// A recorded exchange: what it says reaches a caller of that dialect, and nothing else does.
#[cfg(test)]
pub(crate) fn replay(from: Dialect, caller: Dialect, stream: &[u8]) {
    let relay = asking(caller, true, true).relay(from, CALL.0, CALL.1);
    let got = relayed(relay, &[stream], false);
    if got.end == End::Whole && caller != Dialect::Gemini {
        assert_eq!(again(caller, &got), got.said, "{from:?} to {caller:?}");
    }
}

/// What a caller got.
#[derive(PartialEq)]
struct Got {
    bytes: Vec<Bytes>,
    /// The words in it, as they were handed to the tokenizer.
    said: String,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Failed,
}

/// As the pump does it: an event is read, paid for and passed; the end is written when the charge is committed.
fn relayed(mut relay: Box<dyn Relay>, pieces: &[&[u8]], is_cut_early: bool) -> Got {
    let (mut bytes, mut said, mut usage) = (Vec::new(), String::new(), Usage::default());
    for (number, event) in events::of(pieces).into_iter().enumerate() {
        let Ok(facts) = relay.read(event, &mut |piece| said.push_str(piece)) else {
            break;
        };
        if let Some(reported) = facts.usage {
            assert_in_range(&reported);
            usage = reported;
        }
        if facts.failed.is_some() {
            break;
        }
        // The money ran out: this event is not passed.
        if is_cut_early && number >= 3 && !relay.is_whole() {
            relay.cut(&usage, &mut bytes);
            return Got {
                bytes,
                said,
                end: End::Whole,
            };
        }
        relay.pass(&mut bytes);
        if facts.over {
            break;
        }
    }
    if relay.is_whole() {
        relay.finish(&usage, &mut bytes);
        let written = bytes.len();
        relay.finish(&usage, &mut bytes);
        assert!(bytes.len() == written, "an end was written twice");
        return Got {
            bytes,
            said,
            end: End::Whole,
        };
    }
    bytes.push(relay.fail(&fault()));
    Got {
        bytes,
        said,
        end: End::Failed,
    }
}

fn fault() -> Fault {
    Fault {
        message: "The provider failed.".to_owned(),
        status: 502,
        openai_type: "server_error".to_owned(),
        anthropic_type: "api_error".to_owned(),
        param: None,
        code: Some("upstream_error".to_owned()),
        docs_url: "https://localhost/docs".to_owned(),
        request_id: "call_01".to_owned(),
    }
}

fn ends_well(caller: Dialect, sent: &[Event]) {
    let event = sent.last().expect("a stream has events");
    let last = event.data.as_deref().unwrap_or_default();
    match caller {
        Dialect::Chat => assert!(last == b"[DONE]", "a chat stream without its end"),
        Dialect::Responses => {
            let kind = kind_of(event);
            assert!(
                matches!(
                    kind.as_str(),
                    "response.completed" | "response.incomplete" | "response.failed"
                ),
                "a stream of responses that ends with {kind:?}"
            );
        }
        Dialect::Messages => {
            let kind = kind_of(event);
            assert!(
                kind == "message_stop",
                "a stream of messages that ends with {kind:?}"
            );
        }
        Dialect::Gemini => {
            let last = serde_json::from_slice(last).expect("a response is JSON");
            ends_as_gemini(&last, End::Whole);
        }
    }
}

fn ends_as_gemini(last: &serde_json::Value, end: End) {
    match end {
        End::Whole => assert!(
            last["candidates"][0]["finishReason"].is_string() && last["usageMetadata"].is_object()
        ),
        End::Failed => assert!(last["error"].is_object()),
    }
}

fn ends_badly(caller: Dialect, sent: &[Event]) {
    let last = sent.last().and_then(|event| event.data.clone());
    let last: serde_json::Value =
        serde_json::from_slice(last.as_deref().unwrap_or_default()).expect("an error is JSON");
    match caller {
        Dialect::Chat | Dialect::Gemini => assert!(last["error"].is_object()),
        Dialect::Responses => {
            let kind = last["type"].as_str().unwrap_or_default();
            assert!(matches!(kind, "error" | "response.failed"), "{kind}");
        }
        Dialect::Messages => assert!(last["type"] == "error"),
    }
}

/// As the readers see it: the type in the data, else the event's name. What else is in it is passed through unread, so it
/// may be a number that has no place in a float.
fn kind_of(event: &Event) -> String {
    #[derive(serde::Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    let data = event.data.as_deref().unwrap_or_default();
    let typed: Option<Typed> = serde_json::from_slice(data).ok();
    let name = || String::from_utf8_lossy(event.name.as_deref().unwrap_or_default()).into_owned();
    typed.and_then(|typed| typed.kind).unwrap_or_else(name)
}

/// What was written anew is read in its own dialect as a whole stream, if it is one. Gives the words in it.
fn again(dialect: Dialect, got: &Got) -> String {
    // With the request for usage, so that nothing of it is dropped.
    let request = asking(dialect, true, true);
    let mut relay = request.relay(dialect, CALL.0, CALL.1);
    let (mut out, mut said) = (Vec::new(), String::new());
    for event in events::of(&[&got.bytes.concat()]) {
        let Ok(facts) = relay.read(event, &mut |piece| said.push_str(piece)) else {
            panic!("what was written is no stream of its dialect");
        };
        if facts.failed.is_some() {
            assert!(got.end == End::Failed, "an error in a whole stream");
            return said;
        }
        relay.pass(&mut out);
    }
    assert!(
        relay.is_whole() == (got.end == End::Whole),
        "a whole stream that reads as a broken one, or the other way round"
    );
    said
}
