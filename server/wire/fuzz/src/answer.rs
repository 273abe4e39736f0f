//! Plain answers: an upstream's own bytes go through, and what is written anew is an answer of its dialect.

use bytes::Bytes;
use domain::{Dialect, Usage};

use crate::{CALL, CALLERS, asking, assert_in_range};

/// The first byte chooses the caller's dialect, the rest is the answer.
pub(crate) fn any(from: Dialect, data: &[u8]) {
    let [choice, answer @ ..] = data else { return };
    let caller = CALLERS[usize::from(choice & 3) % CALLERS.len()];
    let answer = Bytes::copy_from_slice(answer);
    let request = asking(caller, false, true);
    let Ok(whole) = request.whole(from, answer.clone(), CALL.0, CALL.1) else {
        return;
    };
    let usage = whole.usage.unwrap_or(Usage {
        input: 3,
        output: 5,
        ..Usage::default()
    });
    assert_in_range(&usage);
    whole.each_text(&mut |_| {});
    let body = whole.body(&usage);
    if caller == from {
        assert!(body == answer, "bytes were changed");
        return;
    }
    assert!(
        serde_json::from_slice::<serde_json::Value>(&body).is_ok(),
        "what was written is no JSON"
    );
    if caller == Dialect::Gemini {
        return;
    }
    let Ok(again) = request.whole(caller, body, CALL.0, CALL.1) else {
        panic!("what was written is no answer of its dialect");
    };
    if let Some(told) = again.usage {
        assert_in_range(&told);
    }
    assert!(
        again.delivers || !whole.delivers,
        "an answer was lost on the way"
    );
}
