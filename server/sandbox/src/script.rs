//! In which steps is an answer streamed? The plan, made before the first byte; `stream` plays it.

use std::sync::Arc;
use std::time::Duration;

use crate::chat::Reply;
use crate::models::Manner;
use crate::plain::BEFORE_CUT;

/// Between two words of `sandbox-lorem`.
const BETWEEN_WORDS: Duration = Duration::from_millis(5);

/// Characters per event of `sandbox-huge`.
const HUGE_PIECE: usize = 4096;

/// Characters per event of a tool call's arguments.
const ARGUMENTS_PIECE: usize = 9;

/// One thing that happens in a stream.
pub(crate) enum Step {
    Event(Event),
    Pause(Duration),
    /// The connection is dropped.
    Cut,
}

/// What one event says.
pub(crate) enum Event {
    /// A choice begins: the role and no words yet.
    Open {
        choice: u64,
    },
    Think {
        choice: u64,
        text: Arc<str>,
    },
    Say {
        choice: u64,
        text: Arc<str>,
    },
    /// A tool call begins: its id and name.
    Call {
        choice: u64,
        call: usize,
    },
    Arguments {
        choice: u64,
        call: usize,
        text: Arc<str>,
    },
    /// A choice ends, with its finish reason.
    Finish {
        choice: u64,
    },
    Usage,
    Done,
    /// A data line that is not JSON.
    Broken,
    /// An error envelope.
    Error,
}

/// The steps of a reply. Choices take turns, as providers interleave them.
pub(crate) fn steps(reply: &Reply) -> Vec<Step> {
    let mut script = Script {
        steps: Vec::new(),
        choices: reply.choices,
    };
    let answer = &reply.answer;
    script.each(|choice| Event::Open { choice });
    if !reply.wait.is_zero() {
        script.steps.push(Step::Pause(reply.wait));
    }
    for text in words(&answer.thoughts) {
        script.each(|choice| Event::Think {
            choice,
            text: text.clone(),
        });
    }
    let pieces = match reply.manner {
        Manner::Huge => runs(&answer.text, HUGE_PIECE),
        _ => words(&answer.text),
    };
    let middle = pieces.len() / 2;
    for (at, text) in pieces.into_iter().enumerate() {
        match reply.manner {
            Manner::Lorem => script.steps.push(Step::Pause(BETWEEN_WORDS)),
            Manner::BadJson if at == middle => script.once(Event::Broken),
            Manner::Cut if at == middle => {
                script.steps.extend([Step::Pause(BEFORE_CUT), Step::Cut]);
                return script.steps;
            }
            Manner::MidstreamError if at == middle => {
                script.once(Event::Error);
                return script.steps;
            }
            _ => {}
        }
        script.each(|choice| Event::Say {
            choice,
            text: text.clone(),
        });
    }
    for (call, made) in answer.calls.iter().enumerate() {
        script.each(|choice| Event::Call { choice, call });
        for text in runs(&made.arguments, ARGUMENTS_PIECE) {
            script.each(|choice| Event::Arguments {
                choice,
                call,
                text: text.clone(),
            });
        }
    }
    script.each(|choice| Event::Finish { choice });
    if reply.include_usage && reply.usage.is_some() {
        script.once(Event::Usage);
    }
    script.once(Event::Done);
    script.steps
}

struct Script {
    steps: Vec<Step>,
    choices: u64,
}

impl Script {
    fn once(&mut self, event: Event) {
        self.steps.push(Step::Event(event));
    }

    /// The same for every choice in turn.
    fn each(&mut self, event: impl Fn(u64) -> Event) {
        self.steps
            .extend((0..self.choices).map(|choice| Step::Event(event(choice))));
    }
}

/// Words, each with the white space before it; together they are the text again.
fn words(text: &str) -> Vec<Arc<str>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(rest.len());
        let after = &rest[word..];
        let end = word + after.find(char::is_whitespace).unwrap_or(after.len());
        let (piece, next) = rest.split_at(end);
        pieces.push(Arc::from(piece));
        rest = next;
    }
    pieces
}

/// Pieces of `length` characters.
fn runs(text: &str, length: usize) -> Vec<Arc<str>> {
    let chars: Vec<char> = text.chars().collect();
    chars
        .chunks(length)
        .map(|run| run.iter().collect::<String>().into())
        .collect()
}
