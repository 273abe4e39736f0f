//! May I come in? E-mail and password against a session under a new id.

use leptos::prelude::*;

use super::Refusal;

/// Signs in, then goes to `next` (a path of ours) or to the overview. What goes wrong is told by the sign-in page,
/// which keeps the e-mail and never the password.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "sign_in")]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), Refusal> {
    use server::accounts::SignInError;
    use server::secrets::Secret;

    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash};
    use crate::guard::safe_next;
    use crate::reader::localized;

    let asker = Asker::current();
    let password = Secret::new(password);
    let next = next
        .as_deref()
        .and_then(safe_next)
        .unwrap_or("/overview")
        .to_owned();
    let missing = [
        (Field::Email, email.trim().is_empty()),
        (Field::Password, password.expose().is_empty()),
    ];
    let mut flash = Flash::default().typed(Field::Email, &email);
    flash.faults.extend(
        missing
            .iter()
            .filter(|(_, missing)| *missing)
            .map(|(field, _)| (*field, Fault::Missing)),
    );
    if flash.faults.is_empty() {
        let outcome = match asker
            .services
            .accounts
            .sign_in(&email, password, asker.ip)
            .await
        {
            Ok(account) => crate::session::begin(&asker.session, &account)
                .await
                .map_err(|_| SignInError::Unavailable),
            Err(error) => Err(error),
        };
        let fault = match outcome {
            Ok(()) => {
                asker.reply.go(next);
                return Ok(());
            }
            Err(SignInError::Wrong) => Fault::Wrong,
            Err(SignInError::TooMany { retry_after }) => Fault::TooMany {
                seconds: retry_after.as_secs(),
            },
            Err(SignInError::Busy) => Fault::Busy,
            Err(SignInError::Unavailable) => Fault::Unavailable,
        };
        flash.faults.push((Field::Form, fault));
    }
    let mut back = localized(asker.prefs.locale, "/login");
    if next != "/overview" {
        // Only characters that mean themselves within a query, but for these two.
        back = format!(
            "{back}?next={}",
            next.replace('%', "%25")
                .replace('&', "%26")
                .replace('+', "%2B")
        );
    }
    asker.go_and_tell(back, &flash);
    Ok(())
}
