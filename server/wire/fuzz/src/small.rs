//! Errors, and the walk over text: what an upstream says comes through, and sizes are those of the text.

use domain::Dialect;
use wire::error::{Fault, Said};
use wire::request::BadRequest;
use wire::text::{each_text, measure};

use crate::CALLERS;

/// All of it is an error's body, JSON to walk over, and words for an error of ours.
pub(crate) fn errors_and_text(data: &[u8]) {
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

/// An error tells the place and the rule, never the content: it is short, whatever was sent.
pub(crate) fn names_a_place(wrong: &BadRequest) {
    assert!(
        wrong.detail.len() < 400,
        "an error as long as what was sent: {}",
        wrong.detail
    );
}
