//! What is no conversation: errors, the walk over text, what is to be counted, and requests of other media.

use bytes::Bytes;
use domain::Dialect;
use wire::count::{CountRequest, Family};
use wire::error::{Fault, Said};
use wire::media::{self, Endpoint};
use wire::request::BadRequest;
use wire::text::{each_text, measure};

use crate::{CALLERS, assert_in_range};

/// The first byte chooses what the rest is.
pub(crate) fn any(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    match usize::from(choice % 8) {
        0 => errors_and_text(rest),
        1 => count(rest),
        endpoint => other_media(Endpoint::ALL[endpoint - 2], rest),
    }
}

/// All of it is an error's body, JSON to walk over, and words for an error of ours.
fn errors_and_text(data: &[u8]) {
    let said = Said::read(data);
    let mut length = 0;
    let walked = each_text(data, &mut |piece| length += piece.len() as u64);
    match measure(data) {
        Ok(size) => assert!(walked.is_ok() && size.text_bytes == length),
        Err(_) => assert!(walked.is_err()),
    }
    for dialect in CALLERS {
        let fault = Fault {
            message: said
                .message
                .clone()
                .unwrap_or_else(|| String::from_utf8_lossy(data).into_owned()),
            status: 502,
            openai_type: said.kind.clone().unwrap_or_default(),
            anthropic_type: said.kind.clone().unwrap_or_default(),
            param: said.param.clone(),
            code: said.code.clone(),
            docs_url: "https://localhost/docs".to_owned(),
            request_id: "call_01".to_owned(),
        };
        let again = Said::read(fault.json(dialect).as_bytes());
        assert!(
            again.message.as_deref() == Some(&fault.message),
            "an error's words were changed"
        );
        if matches!(dialect, Dialect::Chat | Dialect::Responses) {
            assert!(again.code == said.code && again.param == said.param);
        }
    }
}

fn count(data: &[u8]) {
    match CountRequest::read(Bytes::copy_from_slice(data)) {
        Ok(asked) => {
            let family = Family::of([asked.model.as_str()]);
            let _ = asked.tokens(family, &|_, text| text.len() as u64);
        }
        Err(wrong) => names_a_place(&wrong),
    }
}

/// A request of the endpoint, whose model is another upstream; then its answer, as if it were echoed.
fn other_media(endpoint: Endpoint, data: &[u8]) {
    const FORM: Option<&str> = Some("multipart/form-data; boundary=x");
    let body = Bytes::copy_from_slice(data);
    match media::read(endpoint, FORM, body.clone()) {
        Err(wrong) => names_a_place(&wrong),
        Ok(asked) => {
            let Ok(sent) = asked
                .media
                .for_upstream(&asked.request, "another-model", None)
            else {
                panic!("it was read and cannot be sent");
            };
            let Ok(again) = media::read(endpoint, FORM, sent.into_pieces().concat().into()) else {
                panic!("what was edited cannot be read");
            };
            assert!(again.request.model == "another-model");
            assert!(again.request.choices == asked.request.choices);
            assert!(
                (again.media.units, again.media.numbers)
                    == (asked.media.units, asked.media.numbers)
            );
            let _ = asked.media.at_most();
            assert_in_range(
                &asked
                    .media
                    .estimate(&asked.request, Some(data), None, &|text| text.len() as u64),
            );
            if let Ok(whole) = asked.media.whole(Some("application/json"), body) {
                whole.usage.iter().for_each(assert_in_range);
            }
        }
    }
}

/// An error tells the place and the rule, never the content: it is short, whatever was sent.
pub(crate) fn names_a_place(wrong: &BadRequest) {
    assert!(
        wrong.detail.len() < 400,
        "an error as long as what was sent: {}",
        wrong.detail
    );
}
