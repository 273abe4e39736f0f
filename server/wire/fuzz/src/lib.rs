//! What must hold for every parser of `wire`, whatever the bytes? One target each; see `README.md` for how they are run.

mod answer;
mod events;
mod request;
mod small;
mod socket;
mod stream;

use bytes::Bytes;
use domain::{Dialect, Usage};
use wire::request::Request;

/// Takes any bytes and panics when something does not hold.
pub type Target = fn(&[u8]);

/// Every target by its name, which is its corpus's too.
pub const TARGETS: [(&str, Target); 13] = [
    ("sse", events::sse),
    ("small", small::any),
    ("socket", socket::any),
    ("chat_request", |data| request::any(Dialect::Chat, data)),
    ("chat_stream", |data| stream::any(Dialect::Chat, data)),
    ("chat_answer", |data| answer::any(Dialect::Chat, data)),
    ("responses_request", |data| {
        request::any(Dialect::Responses, data);
    }),
    ("responses_stream", |data| {
        stream::any(Dialect::Responses, data);
    }),
    ("responses_answer", |data| {
        answer::any(Dialect::Responses, data);
    }),
    ("messages_request", |data| {
        request::any(Dialect::Messages, data);
    }),
    ("messages_stream", |data| {
        stream::any(Dialect::Messages, data);
    }),
    ("messages_answer", |data| {
        answer::any(Dialect::Messages, data);
    }),
    ("gemini_request", |data| request::any(Dialect::Gemini, data)),
];

/// The target that the environment names.
///
/// # Panics
/// When `TARGET` names none.
#[must_use]
pub fn chosen() -> Target {
    let name = std::env::var("TARGET").unwrap_or_default();
    TARGETS
        .into_iter()
        .find(|(known, _)| *known == name)
        .map_or_else(
            || {
                let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
                panic!("TARGET is none of {}", known.join(", "))
            },
            |(_, target)| target,
        )
}

/// The dialects that an upstream speaks, and those that callers do.
const UPSTREAMS: [Dialect; 3] = [Dialect::Chat, Dialect::Responses, Dialect::Messages];
const CALLERS: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];

/// What a call is named, and when it came.
const CALL: (&str, i64) = ("call_01", 1_700_000_000);

/// A request for a stream or a plain answer, as a caller of that dialect would write it. It offers a tool.
fn asking(dialect: Dialect, stream: bool, wants_usage: bool) -> Request {
    let body = match dialect {
        Dialect::Chat => format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"stream":{stream},"stream_options":{{"include_usage":{wants_usage}}},"tools":[{{"type":"function","function":{{"name":"f","parameters":{{}}}}}}]}}"#
        ),
        Dialect::Responses => format!(
            r#"{{"model":"m","input":"hi","stream":{stream},"store":false,"tools":[{{"type":"function","name":"f","parameters":{{}}}},{{"type":"custom","name":"g"}}]}}"#
        ),
        Dialect::Messages => format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"hi"}}],"stream":{stream},"tools":[{{"name":"f","input_schema":{{}}}}]}}"#
        ),
        Dialect::Gemini => r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#.to_owned(),
    };
    request::read(dialect, Bytes::from(body), stream).expect("it is a request of its dialect")
}

/// A report that was believed must be one that can be charged.
fn assert_in_range(usage: &Usage) {
    assert_eq!(*usage, usage.clamped(), "a report beyond the clamp");
    assert!(
        usage.reasoning <= usage.output,
        "more reasoning than answer"
    );
}

/// Numbers without end from a few bytes, for where to cut.
struct Cuts(u64);

impl Cuts {
    /// Pieces of one to `most` bytes.
    fn of(mut self, bytes: &[u8], most: usize) -> Vec<&[u8]> {
        let mut rest = bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            // <https://prng.di.unimi.it/splitmix64.c>
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let length = 1 + usize::try_from(mixed >> 40).unwrap_or(0) % most;
            let (piece, after) = rest.split_at(length.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// The kept inputs of a target, with their names.
    fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/");
        let files = std::fs::read_dir(format!("{folder}{target}")).unwrap();
        let read = |file: std::fs::DirEntry| {
            let name = file.file_name().into_string().unwrap();
            (
                format!("{target}/{name}"),
                std::fs::read(file.path()).unwrap(),
            )
        };
        files.map(|file| read(file.unwrap())).collect()
    }

    #[test]
    fn what_is_kept_holds() {
        for (name, target) in TARGETS {
            let kept = corpus(name);
            assert!(!kept.is_empty(), "{name} has no corpus");
            for (file, data) in kept {
                println!("{file}");
                target(&data);
            }
        }
    }

    /// Real exchanges through every pair of dialects, however they are asked for and cut.
    #[test]
    fn recorded_streams_replay_through_every_pair() {
        for (from, folder) in [
            (Dialect::Chat, "chat_stream"),
            (Dialect::Responses, "responses_stream"),
            (Dialect::Messages, "messages_stream"),
        ] {
            for (file, mut data) in corpus(folder) {
                for choice in 0..32 {
                    for seed in [0, 2, 30, 255] {
                        println!("{file}, {choice}, {seed}");
                        data[..2].copy_from_slice(&[choice, seed]);
                        stream::any(from, &data);
                    }
                }
                for caller in CALLERS {
                    println!("{file} to {caller:?}");
                    stream::replay(from, caller, &data[2..]);
                }
            }
        }
    }
}
