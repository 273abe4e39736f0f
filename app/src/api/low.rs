//! How is the line about a low balance put away? For a day, in this browser; whatever is worse is said all the same.

use leptos::prelude::*;

use super::Refusal;

/// Hides `what` the line said, and goes back to the page `back` (a path of ours).
///
/// # Errors
/// [`Refusal::Invalid`] for what no line says, [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "hide_low_balance")]
pub async fn hide_low_balance(what: String, back: Option<String>) -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::guard::safe_next;
    use crate::reader::{Cookie, Low};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    if !Low::hides(&what, account.workspace) {
        asker.reply.fail(http::StatusCode::BAD_REQUEST);
        return Err(Refusal::Invalid);
    }
    asker.set_cookie(Cookie::Low, &what);
    let back = back.as_deref().and_then(safe_next).unwrap_or("/overview");
    asker.reply.go(back);
    Ok(())
}
