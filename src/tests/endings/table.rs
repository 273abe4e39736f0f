//! The table. What is charged for is counted by hand (`o200k_base`, checked with another implementation): the prompt is
//! eleven tokens, `one`, ` two` and ` three` are one each.

use domain::{Ending, Rule};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Does::{
    FreezeMeanwhile, LeaveAfter, LeavePlain, LeaveStream, Plain, PoorStream, Stream, StreamOfTwo,
};
use super::Gets::{Broken, Left, Length, Refused, Whole};
use super::{Case, Upstream};
use crate::upstream::{
    Reply, Step, answer, at_once, chunk, done, finish, piece, refusal, stream, usage, usage_chunk,
};

/// What an upstream reports unless a case says otherwise: charged as `[60, 40, 7]`.
fn report() -> Value {
    usage(100, 40, 7)
}

/// A chunk of one choice, with this delta and finish reason.
fn choice(index: u64, delta: Value, ended: Option<&str>) -> Value {
    json!([{"index": index, "delta": delta, "finish_reason": ended}])
}

fn delta(delta: Value) -> Step {
    chunk(&choice(0, delta, None), None)
}

fn ended(reason: &str) -> Step {
    chunk(&choice(0, json!({}), Some(reason)), None)
}

/// Says who is speaking, and nothing yet.
fn role() -> Step {
    delta(json!({"role": "assistant", "content": ""}))
}

fn error() -> Step {
    Step::Event(json!({"error": {"message": "overloaded", "type": "server_error"}}).to_string())
}

/// A piece that carries this as its usage.
fn piece_with(usage: Value) -> Step {
    chunk(&choice(0, json!({"content": "one"}), None), Some(usage))
}

fn steps<const N: usize>(steps: [Step; N]) -> Reply {
    Reply::Stream(steps.into())
}

fn plain(body: Value) -> Reply {
    says(body.to_string())
}

fn says(body: String) -> Reply {
    Reply::Plain {
        status: 200,
        headers: Vec::new(),
        body,
    }
}

/// A whole plain answer with this message.
fn message(message: Value, usage: Value) -> Reply {
    plain(
        json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}),
    )
}

fn only_reasoning() -> Value {
    json!({"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 7}})
}

fn tool_call() -> Value {
    json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
        "function": {"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}}]})
}

fn silent() -> Reply {
    Reply::Short {
        body: "{\"choices\":".to_owned(),
        silent: true,
    }
}

fn cut_short() -> Reply {
    Reply::Short {
        body: "{\"choices\":".to_owned(),
        silent: false,
    }
}

macro_rules! table {
    ($gate:ident; $($name:literal: $upstream:expr, $caller:expr => $gets:expr, $ending:ident, $rule:ident, $tokens:expr, $attempts:literal;)*) => {
        /// The whole table. `$gate` lets the stream go on that waits for its caller.
        pub fn cases($gate: &watch::Receiver<bool>) -> Vec<Case> {
            vec![$(Case {
                name: $name,
                upstream: Upstream::from($upstream),
                caller: $caller,
                gets: $gets,
                ending: Ending::$ending,
                rule: Rule::$rule,
                tokens: $tokens,
                attempts: $attempts,
            }),*]
        }
    };
}

// name: upstream, caller => what the caller gets, ending, rule, tokens charged, attempts
table! {
    gate;

    // The upstream gives a whole answer.
    "a stream with its report": stream(&["forty", "-two"], Some(report())), Stream => Whole, Finished, Reported, [60, 40, 7], "answered";
    "a stream without a report": stream(&["one", " two", " three"], None), Stream => Whole, Finished, Estimated, [11, 0, 3], "answered";
    "two reports, of which the last counts": steps([piece("one"), usage_chunk(usage(100, 40, 3)), finish(), usage_chunk(report()), done()]), Stream => Whole, Finished, Reported, [60, 40, 7], "answered";
    "a report of null": steps([piece_with(Value::Null), finish(), usage_chunk(Value::Null), done()]), Stream => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "a report of zeros": stream(&["one"], Some(usage(0, 0, 0))), Stream => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "a report beyond belief": stream(&["one"], Some(usage(10, 0, 50_000_000))), Stream => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "a report of negative numbers": stream(&["one"], Some(json!({"prompt_tokens": -5, "completion_tokens": 7}))), Stream => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "a report that is a word": stream(&["one"], Some(json!("many"))), Stream => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "a report beside the last words": steps([piece("one"), chunk(&choice(0, json!({"content": " two"}), Some("stop")), Some(report())), done()]), Stream => Whole, Finished, Reported, [60, 40, 7], "answered";
    "all words in the last chunk": steps([chunk(&choice(0, json!({"content": "one"}), Some("stop")), None), done()]), Stream => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "no end marker": steps([piece("one"), finish(), usage_chunk(report())]), Stream => Whole, Finished, Reported, [60, 40, 7], "answered";
    "cut after the finish reason": steps([piece("one"), finish(), Step::Cut]), Stream => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "an end marker without a finish reason": steps([piece("one"), usage_chunk(report()), done()]), Stream => Whole, Finished, Reported, [60, 40, 7], "answered";
    "the maximum length": steps([piece("one"), ended("length"), usage_chunk(report()), done()]), Stream => Whole, Finished, Reported, [60, 40, 7], "answered";
    "stopped by a content filter": steps([piece("one"), ended("content_filter"), done()]), Stream => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "a refusal to answer": steps([delta(json!({"refusal": "I cannot help with that."})), finish(), done()]), Stream => Whole, Finished, Estimated, [11, 0, 6], "answered";
    "nothing but a call of a tool": steps([role(), delta(tool_call()), ended("tool_calls"), done()]), Stream => Whole, Finished, Estimated, [11, 0, 8], "answered";
    "nothing but reasoning, reported": steps([role(), ended("length"), usage_chunk(only_reasoning()), done()]), Stream => Whole, Finished, Reported, [60, 40, 7], "answered";
    "an empty answer with a report": steps([role(), finish(), usage_chunk(usage(100, 40, 0)), done()]), Stream => Whole, Finished, Reported, [60, 40, 0], "answered";
    "an empty answer without a report": steps([role(), finish(), done()]), Stream => Whole, Finished, NothingDelivered, [0, 0, 0], "answered";
    "plain with its report": answer("forty-two", Some(report())), Plain => Whole, Finished, Reported, [60, 40, 7], "answered";
    "plain without a report": answer("one two", None), Plain => Whole, Finished, Estimated, [11, 0, 2], "answered";
    "plain with a report of null": answer("one", Some(Value::Null)), Plain => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "plain with a report that is a word": answer("one", Some(json!("many"))), Plain => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "plain with a report beyond belief": answer("one", Some(usage(50_000_000, 0, 7))), Plain => Whole, Finished, Estimated, [11, 0, 1], "answered";
    "plain, nothing but a call of a tool": message(tool_call(), Value::Null), Plain => Whole, Finished, Estimated, [11, 0, 8], "answered";
    "plain and empty, reported": message(json!({"content": null}), usage(100, 40, 0)), Plain => Whole, Finished, Reported, [60, 40, 0], "answered";
    "plain and empty, not reported": message(json!({"content": ""}), Value::Null), Plain => Whole, Finished, NothingDelivered, [0, 0, 0], "answered";
    "the first upstream fails, the second serves": Upstream::Two(refusal(500, "boom"), stream(&["one"], Some(report()))), Stream => Whole, Finished, Reported, [60, 40, 7], "refused, answered";
    "the first upstream hangs up, the second serves": Upstream::Two(Reply::HangUp, answer("one", None)), Plain => Whole, Finished, Estimated, [11, 0, 1], "unreachable, answered";
    "the keys are frozen meanwhile": steps([piece("one"), Step::Until(gate.clone()), finish(), usage_chunk(report()), done()]), FreezeMeanwhile => Whole, Finished, Reported, [60, 40, 7], "answered";

    // The upstream breaks it.
    "cut in the middle": steps([piece("one"), piece(" two"), Step::Cut]), Stream => Broken("upstream_error"), UpstreamFailed, Estimated, [11, 0, 2], "broken";
    "cut after a report": steps([piece("one"), usage_chunk(report()), Step::Cut]), Stream => Broken("upstream_error"), UpstreamFailed, Reported, [60, 40, 7], "broken";
    "cut before the first words": steps([role(), Step::Cut]), Stream => Broken("upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "cut before anything": steps([Step::Cut]), Stream => Broken("upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "reported, but cut before the first words": steps([usage_chunk(report()), Step::Cut]), Stream => Broken("upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "ended without a finish reason": steps([piece("one")]), Stream => Broken("upstream_error"), UpstreamFailed, Estimated, [11, 0, 1], "broken";
    "nothing but the end marker": steps([done()]), Stream => Broken("upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "one of two answers is cut, and the other's end stays here": steps([piece("one"), finish(), chunk(&choice(1, json!({"content": " two"}), None), None), Step::Cut]), StreamOfTwo => Broken("upstream_error"), UpstreamFailed, Estimated, [11, 0, 1], "broken";
    "an error event in the middle": steps([piece("one"), error(), done()]), Stream => Broken("upstream_error"), UpstreamFailed, Estimated, [11, 0, 1], "broken";
    "an error event after a report": steps([piece("one"), usage_chunk(report()), error()]), Stream => Broken("upstream_error"), UpstreamFailed, Reported, [60, 40, 7], "broken";
    "an error event at once": steps([error(), done()]), Stream => Broken("upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "an event that is no JSON": steps([piece("one"), Step::Event("<html>".to_owned())]), Stream => Broken("upstream_error"), UpstreamFailed, Estimated, [11, 0, 1], "broken";
    "silence in the middle": steps([piece("one"), Step::Stall]), Stream => Broken("upstream_timeout"), UpstreamFailed, Estimated, [11, 0, 1], "timed_out";
    "silence instead of a stream": Reply::Stall, Stream => Refused(504, "upstream_timeout"), UpstreamFailed, NothingDelivered, [0, 0, 0], "timed_out";
    "silence instead of an answer": Reply::Stall, Plain => Refused(504, "upstream_timeout"), UpstreamFailed, NothingDelivered, [0, 0, 0], "timed_out";
    "silence inside a plain answer": silent(), Plain => Refused(504, "upstream_timeout"), UpstreamFailed, NothingDelivered, [0, 0, 0], "timed_out";
    "a plain answer cut short": cut_short(), Plain => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "a plain answer that is no JSON": says("<html>".to_owned()), Plain => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "a plain answer without choices": plain(json!({"choices": [], "usage": report()})), Plain => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "a plain answer instead of a stream": answer("one", Some(report())), Stream => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "broken";
    "the request is refused": refusal(400, "temperature must be below 2"), Plain => Refused(400, ""), UpstreamFailed, NothingDelivered, [0, 0, 0], "refused";
    "the operator's credential is refused": refusal(401, "bad key"), Stream => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "refused";
    "the upstream is busy": refusal(429, "slow down"), Stream => Refused(429, "upstream_busy"), UpstreamFailed, NothingDelivered, [0, 0, 0], "refused";
    "the upstream fails": refusal(500, "boom"), Plain => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "refused";
    "the upstream hangs up": Reply::HangUp, Plain => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "unreachable";
    "nobody listens": Upstream::Deaf, Stream => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "unreachable";
    "both upstreams fail": Upstream::Two(refusal(500, "boom"), refusal(503, "boom")), Plain => Refused(502, "upstream_error"), UpstreamFailed, NothingDelivered, [0, 0, 0], "refused, refused";

    // The caller leaves.
    "left before a stream began": Reply::Stall, LeaveStream => Left(499), CallerGone, NothingDelivered, [0, 0, 0], "cancelled";
    "left before a plain answer": Reply::Stall, LeavePlain => Left(499), CallerGone, NothingDelivered, [0, 0, 0], "cancelled";
    "left before the first words": steps([role(), Step::Stall]), LeaveAfter("assistant") => Left(200), CallerGone, NothingDelivered, [0, 0, 0], "cancelled";
    "left after some words, and nothing was reported": steps([at_once([piece("one"), piece(" two")]), Step::Stall]), LeaveAfter(" two") => Left(200), CallerGone, Estimated, [11, 0, 2], "cancelled";
    "left after a report in the middle": steps([at_once([piece("one"), usage_chunk(report())]), Step::Stall]), LeaveAfter("one") => Left(200), CallerGone, Reported, [60, 40, 7], "cancelled";
    "left after the finish reason, before a report": steps([at_once([piece("one"), finish()]), Step::Stall]), LeaveAfter("one") => Left(200), CallerGone, Estimated, [11, 0, 1], "cancelled";
    "left after the report, before the end marker": steps([at_once([piece("one"), finish(), usage_chunk(report())]), Step::Stall]), LeaveAfter("one") => Left(200), CallerGone, Reported, [60, 40, 7], "cancelled";

    // Farebox ends it.
    "the wallet is used up in the middle": Reply::Stream((0..100).map(|_| piece(" the")).collect()), PoorStream => Length, Stopped, Estimated, [11, 0, 40], "cancelled";
}
