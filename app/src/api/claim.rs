//! Who is the first administrator? Whoever opens the one-time link and sets e-mail and password.

use leptos::prelude::*;

use super::Refusal;

/// Sets e-mail and password of the account that the link is for, and signs in. The link works once.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "claim")]
pub async fn claim(token: String, email: String, password: String) -> Result<(), Refusal> {
    use server::accounts::{ClaimError, Email, PasswordError};
    use server::secrets::Secret;

    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash, Notice};
    use crate::session::Step;

    let asker = Asker::current();
    // A token is letters and digits; anything else could change the address people are sent back to.
    let back = if !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric()) {
        format!("/claim/{token}")
    } else {
        "/login".to_owned()
    };
    let password = Secret::new(password);
    let mut flash = Flash::default().typed(Field::Email, &email);
    let address = Email::parse(&email);
    if address.is_err() {
        flash.faults.push((
            Field::Email,
            if email.trim().is_empty() {
                Fault::Missing
            } else {
                Fault::Malformed
            },
        ));
    }
    if password.expose().is_empty() {
        flash.faults.push((Field::Password, Fault::Missing));
    }
    if let (Ok(address), true) = (address, flash.faults.is_empty()) {
        let outcome = match asker
            .services
            .accounts
            .claim(&token, &address, password)
            .await
        {
            Ok(account) => crate::session::begin(
                &asker.session,
                &account,
                Step::In {
                    second_factor: false,
                },
                &asker.seen,
            )
            .await
            .map_err(|_| ClaimError::Unavailable),
            Err(error) => Err(error),
        };
        let fault = match outcome {
            Ok(()) => {
                asker.go_and_tell("/overview", &Flash::notice(Notice::AdminCreated));
                return Ok(());
            }
            // The page itself says that the link opens nothing.
            Err(ClaimError::Closed) => {
                asker.reply.go(back);
                return Ok(());
            }
            Err(ClaimError::EmailTaken) => (Field::Email, Fault::Taken),
            Err(ClaimError::Password(PasswordError::TooShort)) => {
                (Field::Password, Fault::TooShort)
            }
            Err(ClaimError::Password(PasswordError::TooLong)) => (Field::Password, Fault::TooLong),
            Err(ClaimError::Password(
                PasswordError::Common | PasswordError::IsEmail | PasswordError::Weak,
            )) => (Field::Password, Fault::TooWeak),
            Err(ClaimError::Busy) => (Field::Form, Fault::Busy),
            Err(ClaimError::Unavailable) => (Field::Form, Fault::Unavailable),
        };
        flash.faults.push(fault);
    }
    asker.go_and_tell(back, &flash);
    Ok(())
}
