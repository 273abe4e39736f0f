//! May I come in? E-mail and password against a session under a new id, and the second factor where there is one.

use leptos::prelude::*;

use super::Refusal;

/// Signs in, then goes to `next` (a path of ours) or to the overview; with a second factor first to where its code is
/// asked for. What goes wrong is told by the sign-in page, which keeps the e-mail and never the password.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "sign_in")]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), Refusal> {
    use server::accounts::SignInError;
    use server::secrets::Secret;

    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash};
    use crate::guard::{safe_next, with_next};
    use crate::reader::localized;
    use crate::session::Step;

    let asker = Asker::current();
    let services = &asker.services;
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
        let checked = services
            .accounts
            .sign_in(
                &services.mail,
                &email,
                password,
                asker.ip,
                asker.device.as_deref(),
                asker.agent(),
            )
            .await;
        let outcome = match checked {
            Ok(signed_in) => {
                let step = if signed_in.second_factor {
                    Step::Code {
                        now: asker.prefs.now,
                        device: signed_in.device.clone(),
                    }
                } else {
                    Step::In {
                        second_factor: false,
                    }
                };
                crate::session::begin(&asker.session, &signed_in.account, step, &asker.seen)
                    .await
                    .map(|()| signed_in)
                    .map_err(|_| SignInError::Unavailable)
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(signed_in) => {
                if signed_in.second_factor {
                    asker.reply.go(with_next("/login/code", &next));
                } else {
                    asker.know_browser(&signed_in.device);
                    asker.keep_choice(&signed_in.account).await;
                    asker.reply.go(next);
                }
                return Ok(());
            }
            Err(error) => flash.faults.push((Field::Form, error.into())),
        }
    }
    let back = with_next(&localized(asker.prefs.locale, "/login"), &next);
    asker.go_and_tell(back, &flash);
    Ok(())
}

/// The code of the second factor, or a recovery code (`with` says "recovery"): after the password, or later in a session that has not given one.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "second_step")]
pub async fn second_step(
    code: String,
    with: Option<String>,
    next: Option<String>,
) -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash, Notice};
    use crate::guard::{safe_next, with_next};
    use crate::session::{HalfWay, Step};

    let asker = Asker::current();
    let services = &asker.services;
    let next = next.as_deref().and_then(safe_next).unwrap_or("/overview");
    let mut back = with_next("/login/code", next);
    if with.as_deref() == Some("recovery") {
        back.push(if back.contains('?') { '&' } else { '?' });
        back.push_str("with=recovery");
    }
    let waiting =
        match crate::session::half_way(&asker.session, &services.accounts, asker.prefs.now).await {
            Ok(waiting) => waiting,
            Err(_) => {
                asker.go_and_tell(back, &Flash::fault(Field::Form, Fault::Unavailable));
                return Ok(());
            }
        };
    let Some(HalfWay { account, device }) = waiting else {
        asker.go_and_tell("/login", &Flash::notice(Notice::SessionExpired));
        return Ok(());
    };
    if code.trim().is_empty() {
        asker.go_and_tell(back, &Flash::fault(Field::Code, Fault::Missing));
        return Ok(());
    }
    let fault = match services
        .accounts
        .check_second_factor(&services.mail, account.id, code.trim())
        .await
    {
        Ok(()) => {
            let step = Step::In {
                second_factor: true,
            };
            if crate::session::begin(&asker.session, &account, step, &asker.seen)
                .await
                .is_ok()
            {
                if let Some(device) = device {
                    asker.know_browser(&device);
                }
                asker.keep_choice(&account).await;
                asker.reply.go(next);
                return Ok(());
            }
            Fault::Unavailable
        }
        Err(error) => error.into(),
    };
    let field = match fault {
        Fault::WrongCode => Field::Code,
        _ => Field::Form,
    };
    asker.go_and_tell(back, &Flash::fault(field, fault));
    Ok(())
}

/// The password once more, before something that matters: for ten minutes it is not asked for again. Goes on to `next`.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "confirm")]
pub async fn confirm(password: String, next: Option<String>) -> Result<(), Refusal> {
    use server::secrets::Secret;

    use super::call::Asker;
    use crate::flash::{Fault, Field, Flash};
    use crate::guard::{safe_next, with_next};

    let asker = Asker::current();
    let Some(account) = asker.account.clone() else {
        return Err(Refusal::SignedOut);
    };
    let next = next.as_deref().and_then(safe_next).unwrap_or("/overview");
    let fault = if password.is_empty() {
        Fault::Missing
    } else {
        let checked = asker
            .services
            .accounts
            .confirm(account.id, Secret::new(password))
            .await;
        match checked {
            Ok(()) => match crate::session::confirm(&asker.session, asker.prefs.now).await {
                Ok(()) => {
                    asker.reply.go(next);
                    return Ok(());
                }
                Err(_) => Fault::Unavailable,
            },
            Err(error) => error.into(),
        }
    };
    let field = match fault {
        Fault::Missing | Fault::WrongPassword => Field::Password,
        _ => Field::Form,
    };
    asker.go_and_tell(with_next("/confirm", next), &Flash::fault(field, fault));
    Ok(())
}
