//! How is the account kept safe? Password, second factor, recovery codes, and the sessions of other browsers.

use leptos::prelude::*;

use super::Refusal;

/// A new password for who knows the old one. Sessions of other browsers end.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "change_password")]
pub async fn change_password(password: String, new_password: String) -> Result<(), Refusal> {
    use server::secrets::Secret;

    use super::call::Asker;
    use super::faults::of_password_change;
    use crate::flash::{Fault, Field, Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let missing = [
        (Field::Password, password.is_empty()),
        (Field::NewPassword, new_password.is_empty()),
    ];
    let mut flash = Flash::default();
    flash.faults.extend(
        missing
            .iter()
            .filter(|(_, missing)| *missing)
            .map(|(field, _)| (*field, Fault::Missing)),
    );
    if flash.faults.is_empty() {
        let services = &asker.services;
        let changed = services
            .accounts
            .change_password(
                &services.mail,
                account.id,
                Secret::new(password),
                Secret::new(new_password),
            )
            .await;
        match changed {
            Ok(epoch) => {
                flash.notice = Some(Notice::PasswordChanged);
                // Should this fail, they sign in with the new one.
                let _ = crate::session::renew(&asker.session, epoch).await;
            }
            Err(error) => flash.faults.push(of_password_change(error)),
        }
    }
    asker.go_and_tell("/settings/security", &flash);
    Ok(())
}

/// The first code of the app proves that it has the secret: from now on it is asked for. Shows the recovery codes.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "finish_second_factor")]
pub async fn finish_second_factor(code: String, next: Option<String>) -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash, Notice};
    use crate::guard::{safe_next, with_next};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let services = &asker.services;
    let next = next.as_deref().and_then(safe_next).unwrap_or("/overview");
    let back = with_next("/settings/second-factor", next);
    if code.trim().is_empty() {
        asker.go_and_tell(back, &Flash::fault(Field::Code, Fault::Missing));
        return Ok(());
    }
    let finished = services
        .accounts
        .finish_second_factor(&services.mail, account.id, code.trim())
        .await;
    match finished {
        Ok((codes, epoch)) => {
            let kept = crate::session::second_factor(&asker.session, true, epoch).await;
            if kept.is_err() || asker.keep_codes(&codes).await.is_err() {
                // It is in force; new codes can be had from its page.
                asker.reply.go("/settings/second-factor");
                return Ok(());
            }
            asker.go_and_tell(
                with_next("/settings/recovery-codes", next),
                &Flash::notice(Notice::SecondFactorOn),
            );
        }
        Err(error) => {
            let fault: Fault = error.into();
            let field = match fault {
                Fault::WrongCode => Field::Code,
                _ => Field::Form,
            };
            asker.go_and_tell(back, &Flash::fault(field, fault));
        }
    }
    Ok(())
}

/// No code is asked for any more.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "end_second_factor")]
pub async fn end_second_factor() -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let services = &asker.services;
    let ended = services
        .accounts
        .end_second_factor(
            &services.mail,
            account.id,
            server::audit::Actor::Account(account.id),
        )
        .await;
    match ended {
        Ok(epoch) => {
            if let Some(epoch) = epoch {
                let _ = crate::session::second_factor(&asker.session, false, epoch).await;
            }
            asker.go_and_tell(
                "/settings/security",
                &Flash::notice(Notice::SecondFactorOff),
            );
        }
        Err(error) => asker.go_and_tell(
            "/settings/second-factor",
            &Flash::fault(Field::Form, Fault::from(error)),
        ),
    }
    Ok(())
}

/// Ten new recovery codes; the old ones stop working.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "new_recovery_codes")]
pub async fn new_recovery_codes() -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let services = &asker.services;
    let renewed = services
        .accounts
        .new_recovery_codes(&services.mail, account.id)
        .await;
    let fault = match renewed {
        Ok(codes) => match asker.keep_codes(&codes).await {
            Ok(()) => {
                asker.go_and_tell("/settings/recovery-codes", &Flash::notice(Notice::NewCodes));
                return Ok(());
            }
            Err(_) => Fault::Unavailable,
        },
        Err(error) => error.into(),
    };
    asker.go_and_tell("/settings/second-factor", &Flash::fault(Field::Form, fault));
    Ok(())
}

/// Signs one other browser out. A session that is not this account's is none.
///
/// # Errors
/// [`Refusal::NotFound`] for it.
#[server(prefix = "/api", endpoint = "end_session")]
pub async fn end_session(handle: String) -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    match asker.services.sessions.end(account.id, &handle).await {
        Ok(true) => {
            asker.go_and_tell("/settings/sessions", &Flash::notice(Notice::SessionEnded));
            Ok(())
        }
        Ok(false) => {
            asker.reply.fail(http::StatusCode::NOT_FOUND);
            Err(Refusal::NotFound)
        }
        Err(_) => {
            asker.go_and_tell(
                "/settings/sessions",
                &Flash::fault(Field::Form, Fault::Unavailable),
            );
            Ok(())
        }
    }
}

/// Signs every other browser out.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "end_other_sessions")]
pub async fn end_other_sessions() -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let ended = asker.services.sessions.delete_all_of(account.id).await;
    let flash = match ended {
        Ok(epoch) => {
            let _ = crate::session::renew(&asker.session, epoch).await;
            Flash::notice(Notice::SessionsEnded)
        }
        Err(_) => Flash::fault(Field::Form, Fault::Unavailable),
    };
    asker.go_and_tell("/settings/sessions", &flash);
    Ok(())
}
