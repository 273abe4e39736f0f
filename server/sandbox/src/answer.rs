//! What does a model say? The whole answer, before anyone decides how it is sent.

use crate::arithmetic::Sum;
use crate::count::{CHARS_PER_TOKEN, tokens};
use crate::models::Manner;
use crate::request::ChatRequest;
use crate::tools::{self, Call, Hints};

/// One answer; with `n` every choice says the same.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// What `reasoning_content` carries; empty for models that do not think.
    pub thoughts: String,
    pub text: String,
    pub calls: Vec<Call>,
    /// Whether `max_tokens` cut it.
    pub shortened: bool,
}

/// Words of `sandbox-lorem` when neither the prompt nor `max_tokens` has a number.
const LOREM_WORDS: u64 = 120;

/// The most words `sandbox-lorem` says.
const MAX_LOREM_WORDS: u64 = 100_000;

/// Characters of `sandbox-huge`: one mebibyte, all ASCII.
const HUGE_CHARS: usize = 1024 * 1024;

const LOREM: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore \
     et dolore magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea \
     commodo consequat duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla \
     pariatur excepteur sint occaecat cupidatat non proident sunt in culpa qui officia deserunt mollit anim id est \
     laborum";

/// Emoji joined by zero-width joiners, a flag, Hebrew, Arabic, combining marks, CJK, a tag sequence, an astral letter.
pub(crate) const UNICODE: &str = "👩‍👩‍👧‍👦 family, 🇺🇳 flag, שלום עולם, مرحبا بالعالم, e\u{301}a\u{308}o\u{302}\u{323} combining, \
     漢字かな交じり文, 한국어, ไทย, 🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} tags, 𝔉𝔞𝔯𝔢𝔟𝔬𝔵, ½ ¾ ✓ €.";

impl Answer {
    pub(crate) fn of(manner: Manner, request: &ChatRequest) -> Self {
        let mut answer = match manner {
            Manner::Lorem => Self::say(lorem_asked(request)),
            Manner::Reasoner => reason(request),
            Manner::Tools => use_tools(request),
            Manner::Unicode => Self::say(UNICODE),
            Manner::Huge => Self::say(huge()),
            // Long enough to have a middle.
            Manner::Cut | Manner::MidstreamError | Manner::BadJson => Self::say(lorem(24)),
            _ => Self::say(echo(request)),
        };
        if let Some(limit) = request.max_tokens {
            answer.shorten(limit);
        }
        answer
    }

    fn say(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// OpenAI's word for how the answer ended.
    pub(crate) fn finish_reason(&self) -> &'static str {
        match (self.shortened, self.calls.is_empty()) {
            (true, _) => "length",
            (false, false) => "tool_calls",
            (false, true) => "stop",
        }
    }

    /// Keeps at most `limit` tokens: thoughts first, then text, then calls.
    fn shorten(&mut self, limit: u64) {
        let mut left = limit;
        let mut cut = false;
        let calls = self
            .calls
            .iter_mut()
            .flat_map(|call| [&mut call.name, &mut call.arguments]);
        for text in [&mut self.thoughts, &mut self.text]
            .into_iter()
            .chain(calls)
        {
            if tokens(text) > left {
                let chars =
                    usize::try_from(left.saturating_mul(CHARS_PER_TOKEN)).unwrap_or(usize::MAX);
                *text = text.chars().take(chars).collect();
                cut = true;
            }
            left -= tokens(text);
        }
        // A call whose name did not fit was never made.
        self.calls.retain(|call| !call.name.is_empty());
        self.shortened = cut;
    }
}

fn echo(request: &ChatRequest) -> String {
    let mut text = request.prompt().into_owned();
    let (images, bytes) = request
        .last_user()
        .map(|message| {
            message
                .images()
                .fold((0usize, 0usize), |(n, sum), bytes| (n + 1, sum + bytes))
        })
        .unwrap_or_default();
    if images > 0 {
        let separator = if text.is_empty() { "" } else { "\n" };
        let s = if images == 1 { "" } else { "s" };
        text.push_str(&format!(
            "{separator}I saw {images} image{s}, {bytes} bytes."
        ));
    }
    if text.is_empty() {
        text.push_str("There was nothing to echo.");
    }
    text
}

fn lorem_asked(request: &ChatRequest) -> String {
    let prompt = request.prompt();
    let number = prompt
        .split(|c: char| !c.is_ascii_digit())
        .find(|run| !run.is_empty());
    let words = number
        .and_then(|run| run.parse().ok())
        .or(request.max_tokens)
        .unwrap_or(LOREM_WORDS);
    lorem(words.clamp(1, MAX_LOREM_WORDS))
}

/// `words` words, a full stop after the last.
fn lorem(words: u64) -> String {
    let words = usize::try_from(words).unwrap_or(usize::MAX);
    let mut text = LOREM
        .split(' ')
        .cycle()
        .take(words)
        .collect::<Vec<_>>()
        .join(" ");
    text.push('.');
    text
}

fn huge() -> String {
    let sentence = lorem(69) + " ";
    let mut text = sentence.repeat(HUGE_CHARS / sentence.len() + 1);
    text.truncate(HUGE_CHARS);
    text
}

fn reason(request: &ChatRequest) -> Answer {
    let prompt = request.prompt();
    let sum = Sum::find(&prompt);
    let (thoughts, text) = match &sum {
        Some(sum) => (
            format!(
                "The user wants {} {} {}. I calculate: {}.",
                sum.left,
                sum.operator,
                sum.right,
                sum.sentence()
            ),
            format!("{}.", sum.sentence()),
        ),
        None => (
            format!(
                "The message has {} characters and no sum in it, so I repeat it.",
                prompt.chars().count()
            ),
            format!("You said: {prompt}"),
        ),
    };
    let text = match &request.answer_schema {
        // Whoever asks for JSON gets the smallest instance, with the result as every number.
        Some(schema) => {
            let number = sum
                .and_then(|sum| i64::try_from(sum.result?).ok())
                .unwrap_or(1);
            tools::instance(
                schema,
                &Hints {
                    thing: text,
                    number,
                },
            )
            .to_string()
        }
        None => text,
    };
    Answer {
        thoughts,
        text,
        ..Answer::default()
    }
}

fn use_tools(request: &ChatRequest) -> Answer {
    if let Some(results) = tools::results(request) {
        return Answer::say(format!("The tool said: {results}"));
    }
    let calls = tools::calls(request);
    if calls.is_empty() {
        return Answer::say("I was given no tool to call.");
    }
    Answer {
        calls,
        ..Answer::default()
    }
}
