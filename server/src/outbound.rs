//! What is common to questions that we ask other servers: banks for rates, providers for payments.

use std::error::Error;

use reqwest::Response;

/// An answer's body, as bytes; `None` when it is longer than `most`.
///
/// # Errors
/// When the connection breaks.
pub(crate) async fn body(
    mut response: Response,
    most: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut raw = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if raw.len() + piece.len() > most {
            return Ok(None);
        }
        raw.extend_from_slice(&piece);
    }
    Ok(Some(raw))
}

/// What went wrong, with its causes, and without the address: a key may stand in it.
pub(crate) fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        said = format!("{said}: {inner}");
        cause = inner.source();
    }
    said
}
