//! How does somebody leave? The session ends in the database, and the browser forgets what it kept of us.

use leptos::prelude::*;

use super::Refusal;

/// Ends the session and goes to the sign-in page. Whoever is signed out already gets the same answer.
///
/// # Errors
/// [`Refusal::Unavailable`] when the database could not be told: the session would still be alive.
#[server(prefix = "/api", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::{Flash, Notice};
    use crate::reader::localized;

    let asker = Asker::current();
    if crate::session::end(&asker.session).await.is_err() {
        asker.reply.fail(http::StatusCode::SERVICE_UNAVAILABLE);
        return Err(Refusal::Unavailable);
    }
    asker.reply.header(
        http::HeaderName::from_static("clear-site-data"),
        "\"cache\", \"storage\"",
    );
    asker.go_and_tell(
        localized(asker.prefs.locale, "/login"),
        &Flash::notice(Notice::SignedOut),
    );
    Ok(())
}
