//! Which answers can there be? Arbitrary ones, for the property tests of every dialect.
//!
//! They hold to what [`Piece`] promises and to what every provider keeps: texts are not empty, tool calls have ids of
//! their own, a function's arguments are a JSON object, and an answer waits for tools only if it calls one. What one
//! dialect cannot say (a seal, an hour's cache) its own test takes out first.

use domain::Usage;
use proptest::prelude::*;

use super::{Answer, Block, Content, Piece, Stop, ToolKind};

/// Words with everything in them that a writer must escape.
pub(crate) fn any_words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zé \"\\\\/\n\t{}\u{7f}\u{2028}語🙂]{1,24}",
        1 => any::<String>().prop_filter("not empty", |text| !text.is_empty()),
    ]
}

/// A tool's name as every provider allows it.
pub(crate) fn any_name() -> impl Strategy<Value = String> {
    "[a-zA-Z_][a-zA-Z0-9_-]{0,12}"
}

/// A function's arguments.
pub(crate) fn any_arguments() -> impl Strategy<Value = String> {
    prop::collection::vec((any_name(), any_words()), 0..3).prop_map(|fields| {
        let object: serde_json::Map<String, serde_json::Value> = fields
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        serde_json::Value::Object(object).to_string()
    })
}

/// Disjoint buckets as one provider or another reports them, never all zero.
pub(crate) fn any_usage() -> impl Strategy<Value = Usage> {
    let some = || prop_oneof![Just(0), 1..100_000_u64];
    let prompt = (1..100_000_u64, some(), some(), some(), some(), some());
    let answer = (0..100_000_u64, any::<bool>(), some(), some(), 0..4_u64);
    (prompt, answer).prop_map(|(prompt, answer)| {
        let (input, cached_input, cache_write, cache_write_1h, audio_input, image_input) = prompt;
        let (output, thought, audio_output, image_output, tool_calls) = answer;
        Usage {
            input,
            cached_input,
            cache_write,
            cache_write_1h,
            audio_input,
            image_input,
            output,
            reasoning: if thought { output / 2 } else { 0 },
            audio_output,
            image_output,
            tool_calls,
            ..Usage::default()
        }
    })
}

/// One block with what is in it. The tool's id is given by [`any_answer`].
pub(crate) fn any_content() -> impl Strategy<Value = Content> {
    let content = |block, text, seal| Content { block, text, seal };
    let tool = move |name, kind, text| {
        let id = String::new();
        content(Block::Tool { id, name, kind }, text, None)
    };
    let seal = || prop::option::of("[A-Za-z0-9+/]{8,24}={0,2}");
    prop_oneof![
        4 => any_words().prop_map(move |text| content(Block::Text, text, None)),
        1 => any_words().prop_map(move |text| content(Block::Refusal, text, None)),
        2 => (any_words(), seal()).prop_map(move |(text, seal)| content(Block::Reasoning, text, seal)),
        // Thoughts that the provider keeps to itself.
        1 => "[A-Za-z0-9+/]{8,24}".prop_map(move |seal| content(Block::Reasoning, String::new(), Some(seal))),
        2 => (any_name(), any_arguments()).prop_map(move |(name, arguments)| tool(name, ToolKind::Function, arguments)),
        1 => (any_name(), any_words()).prop_map(move |(name, input)| tool(name, ToolKind::Custom, input)),
    ]
}

/// An answer of up to five blocks in any order, parallel tool calls among them.
pub(crate) fn any_answer() -> impl Strategy<Value = Answer> {
    (
        prop::option::of("[a-z]{3,8}[-_][A-Za-z0-9]{8}"),
        prop::option::of("[a-z0-9./-]{1,16}"),
        prop::collection::vec(any_content(), 0..6),
        prop_oneof![
            4 => Just(Stop::End),
            1 => Just(Stop::Length),
            1 => prop::option::of("[a-z\n#]{1,6}").prop_map(Stop::Sequence),
            1 => Just(Stop::Filtered),
            1 => Just(Stop::Refused),
        ],
        prop::option::of(any_usage()),
    )
        .prop_map(|(id, model, mut blocks, mut stop, usage)| {
            let tools = blocks
                .iter_mut()
                .filter_map(|content| match &mut content.block {
                    Block::Tool { id, .. } => Some(id),
                    _ => None,
                });
            let mut count = 0;
            for id in tools {
                *id = format!("call_{count}x");
                count += 1;
            }
            if count > 0 && stop == Stop::End {
                stop = Stop::Tools;
            }
            Answer {
                id,
                model,
                blocks,
                stop,
                usage,
            }
        })
}

/// The pieces of an answer as a stream brings them: its texts in several, cut anywhere.
pub(crate) fn any_pieces() -> impl Strategy<Value = Vec<Piece>> {
    (any_answer(), prop::collection::vec(1..6_usize, 1..8))
        .prop_map(|(answer, cuts)| in_pieces(answer, &cuts))
}

/// The pieces of this answer, its texts cut after so many characters, over and over.
pub(crate) fn in_pieces(answer: Answer, cuts: &[usize]) -> Vec<Piece> {
    let mut cuts = cuts.iter().copied().cycle();
    let mut pieces = Vec::new();
    for piece in answer.into_pieces() {
        let Piece::Text(text) = piece else {
            pieces.push(piece);
            continue;
        };
        let mut rest = text.chars().peekable();
        while rest.peek().is_some() {
            let size = cuts.next().unwrap_or(1).max(1);
            pieces.push(Piece::Text(rest.by_ref().take(size).collect()));
        }
    }
    pieces
}

/// Any JSON, with objects whose fields have these names: what a hostile or broken peer might send.
pub(crate) fn any_json(names: &'static [&'static str]) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (0..3_u64).prop_map(Into::into),
        prop::sample::select(names).prop_map(Into::into),
        any_words().prop_map(Into::into),
        Just("data:image/png;base64,AA==".into()),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        let fields = prop::collection::vec((prop::sample::select(names), inner.clone()), 0..6);
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Into::into),
            3 => fields.prop_map(|fields| {
                let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
                serde_json::Value::Object(fields.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn an_answer_and_its_pieces_are_the_same(answer in any_answer(), cuts in prop::collection::vec(1..6_usize, 1..8)) {
        prop_assert_eq!(Answer::of_pieces(answer.clone().into_pieces()), Some(answer.clone()));
        prop_assert_eq!(Answer::of_pieces(in_pieces(answer.clone(), &cuts)), Some(answer));
    }

    #[test]
    fn what_broke_off_is_no_answer(pieces in any_pieces(), at in any::<prop::sample::Index>()) {
        let kept = at.index(pieces.len());
        prop_assert!(Answer::of_pieces(pieces.into_iter().take(kept)).is_none());
    }
}
