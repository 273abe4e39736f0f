//! Whatever is said, and however it comes.

use domain::Usage;
use proptest::prelude::*;

use super::*;
use crate::neutral::any::{any_answer, any_pieces};
use crate::neutral::{Answer, Block, Stop, seal};
use crate::responses::answer;

/// What this dialect cannot say is not asked of it: the name of a sequence, or why it refused without a word.
fn as_said(mut answer: Answer) -> Answer {
    let has =
        |wanted: fn(&Block) -> bool| answer.blocks.iter().any(|content| wanted(&content.block));
    let has_tools = has(|block| matches!(block, Block::Tool { .. }));
    let has_refused = has(|block| *block == Block::Refusal);
    answer.stop = match answer.stop {
        Stop::Length => Stop::Length,
        Stop::Filtered => Stop::Filtered,
        Stop::Refused if !has_refused => Stop::Filtered,
        _ if has_tools => Stop::Tools,
        _ if has_refused => Stop::Refused,
        _ => Stop::End,
    };
    for content in &mut answer.blocks {
        // It is made by whoever writes this dialect.
        let sealed = content.seal.take();
        content.seal = sealed.map(|sealed| seal::mark(domain::Dialect::Responses, &sealed));
    }
    let usage = answer.usage.unwrap_or_default();
    let usage = Usage {
        input: usage.input + usage.audio_input + usage.image_input,
        cached_input: usage.cached_input,
        cache_write: usage.cache_write + usage.cache_write_1h,
        output: usage.answer(),
        reasoning: usage.reasoning,
        ..Usage::default()
    };
    Answer {
        id: Some("resp_1".to_owned()),
        model: Some("named".to_owned()),
        usage: (usage.total() > 0).then_some(usage),
        ..answer
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(pieces in any_pieces()) {
        let wanted = as_said(Answer::of_pieces(pieces.clone()).unwrap());
        let back = read(&write(&pieces));
        let texts = |pieces: &[Piece]| pieces.iter().filter(|piece| matches!(piece, Piece::Text(_))).cloned().collect::<Vec<_>>();
        prop_assert_eq!(texts(&back), texts(&pieces), "piece by piece");
        prop_assert_eq!(Answer::of_pieces(back), Some(wanted));
    }

    #[test]
    fn what_is_written_whole_is_read(answer in any_answer()) {
        let body = answer::write(&answer, &caller(), &answer.usage.unwrap_or_default());
        prop_assert_eq!(answer::read(&body), Ok(as_said(answer)));
    }

    #[test]
    fn what_is_written_is_counted_once_on_the_own_path(pieces in any_pieces()) {
        let bytes = write(&pieces);
        let (facts, counted, out) = pass(&mut own(), &bytes);
        prop_assert_eq!(out, bytes);
        let mut words = String::new();
        let answer = Answer::of_pieces(pieces).unwrap();
        let delivers = answer.each_text(&mut |text| words.push_str(text));
        prop_assert_eq!(&counted, &words);
        prop_assert_eq!(facts.iter().any(|facts| facts.delivers), delivers);
        let body = answer::write(&answer, &caller(), &Usage::default());
        let mut plain = String::new();
        answer::each_answer_text(&body, &mut |text| plain.push_str(text));
        prop_assert_eq!(plain, words);
    }

    /// Wherever a stream is cut, what its caller has then is a whole one, numbered without a gap.
    #[test]
    fn a_cut_anywhere_leaves_a_whole_stream(pieces in any_pieces(), at in any::<prop::sample::Index>()) {
        let all = events(&write(&pieces));
        let kept = at.index(all.len());
        let mut own = own();
        let mut out = Vec::new();
        for event in all.into_iter().take(kept) {
            own.read(event, &mut |_| {}).unwrap();
            own.pass(&mut out);
        }
        own.cut(&Usage { input: 1, output: 1, ..Usage::default() }, &mut out);
        let bytes = out.concat();
        let answer = Answer::of_pieces(read(&bytes));
        prop_assert_eq!(answer.map(|answer| answer.stop), Some(Stop::Length));
        for (number, event) in events(&bytes).iter().enumerate() {
            prop_assert_eq!(&json_of(event)["sequence_number"], &json!(number));
        }
    }

    #[test]
    fn cutting_the_bytes_anywhere_changes_nothing(pieces in any_pieces(), cuts in prop::collection::vec(1..40_usize, 1..20)) {
        let bytes = write(&pieces);
        let (mut parser, mut reader, mut back) = (Parser::default(), Reader::default(), Vec::new());
        let (mut rest, mut cuts) = (bytes.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, left) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            parser.push(piece).unwrap();
            while let Some(event) = parser.next_event() {
                reader.event(&event, &mut back).unwrap();
            }
            rest = left;
        }
        prop_assert_eq!(back, read(&bytes));
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut data = b"data: ".to_vec();
        data.extend(&bytes);
        for event in events(&data) {
            let _ = own().read(event.clone(), &mut |_| {});
            let _ = Reader::default().event(&event, &mut Vec::new());
        }
        let _ = answer::read(&bytes);
    }

    /// Events of the dialect in any order, with numbers that lead nowhere.
    #[test]
    fn hostile_events_never_panic_and_never_mix_the_pieces(told in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, any::<u64>()), 0..40)) {
        let all = exchange();
        let mut own = own();
        let (mut reader, mut pieces) = (Reader::default(), Vec::new());
        for (at, change, number) in told {
            let mut event = at.get(&all).clone();
            let name = ["output_index", "content_index", "summary_index", "sequence_number"][change];
            event[name] = number.into();
            for event in events(format!("data: {event}\n\n").as_bytes()) {
                let _ = own.read(event.clone(), &mut |_| {});
                own.pass(&mut Vec::new());
                let _ = reader.event(&event, &mut pieces);
            }
        }
        own.cut(&Usage::default(), &mut Vec::new());
        let mut is_open = false;
        for piece in &pieces {
            match piece {
                Piece::Opened(_) => prop_assert!(!std::mem::replace(&mut is_open, true)),
                Piece::Closed => prop_assert!(std::mem::replace(&mut is_open, false)),
                Piece::Text(_) | Piece::Seal(_) => prop_assert!(is_open),
                Piece::Stopped(_) => prop_assert!(!is_open),
                _ => {}
            }
        }
    }
}
