//! How does a stranger get an account? By a form, whose answer is the same whether the address was known or not.

use leptos::prelude::*;

use super::Refusal;

/// Makes an account and mails the link that proves the address; a known address gets another mail. Both lead to the same
/// page. `terms` and `consent` are there when their boxes were ticked.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "sign_up")]
pub async fn sign_up(
    name: String,
    email: String,
    password: String,
    terms: Option<String>,
    consent: Option<String>,
) -> Result<(), Refusal> {
    use server::accounts::{Email, SignUp};
    use server::secrets::Secret;

    use super::call::Asker;
    use super::faults::of_sign_up;
    use crate::flash::{Fault, Field, Flash};
    use crate::reader::localized;

    let asker = Asker::current();
    let back = localized(asker.prefs.locale, "/signup");
    if !asker.services.mail.delivers() {
        asker.reply.go(back);
        return Ok(());
    }
    let password = Secret::new(password);
    let mut flash = Flash::default()
        .typed(Field::Name, &name)
        .typed(Field::Email, &email);
    let address = Email::parse(&email);
    let wrong = [
        (name.trim().is_empty(), Field::Name, Fault::Missing),
        (email.trim().is_empty(), Field::Email, Fault::Missing),
        (
            !email.trim().is_empty() && address.is_err(),
            Field::Email,
            Fault::Malformed,
        ),
        (
            password.expose().is_empty(),
            Field::Password,
            Fault::Missing,
        ),
        (terms.is_none(), Field::Terms, Fault::Missing),
        (consent.is_none(), Field::Consent, Fault::Missing),
    ];
    flash.faults.extend(
        wrong
            .into_iter()
            .filter(|(wrong, ..)| *wrong)
            .map(|(_, field, fault)| (field, fault)),
    );
    if flash.faults.is_empty() {
        let form = SignUp {
            name,
            email,
            password,
            terms: terms.is_some(),
            agreements: asker.services.policies.agreements(asker.prefs.locale),
            consent: consent.is_some(),
            locale: asker.prefs.locale,
            from: asker.ip,
        };
        match asker
            .services
            .accounts
            .sign_up(&asker.services.mail, form)
            .await
        {
            Ok(()) => {
                flash.typed.retain(|(field, _)| *field == Field::Email);
                asker.go_and_tell("/check-mail", &flash);
                return Ok(());
            }
            Err(error) => flash.faults.push(of_sign_up(error)),
        }
    }
    // Boxes that were ticked stay ticked: it was this person who did it, a moment ago.
    for (field, box_ticked) in [(Field::Terms, terms), (Field::Consent, consent)] {
        if box_ticked.is_some() {
            flash = flash.typed(field, "true");
        }
    }
    asker.go_and_tell(back, &flash);
    Ok(())
}

/// Mails the verification link once more: to the signed-in, or to the address that is given. The answer is the same
/// whether the address waits for one or not.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "resend_verification")]
pub async fn resend_verification(
    email: Option<String>,
    back: Option<String>,
) -> Result<(), Refusal> {
    use server::accounts::Email;

    use super::call::Asker;
    use super::faults::of_resend;
    use crate::flash::{Fault, Field, Flash, Notice};
    use crate::guard::safe_next;

    let asker = Asker::current();
    let services = &asker.services;
    let Some(email) = email else {
        let back = back.as_deref().and_then(safe_next).unwrap_or("/overview");
        let known = crate::session::known(&asker.session, &services.accounts).await;
        let Some(known) = known.unwrap_or_default() else {
            asker.go_and_tell("/login", &Flash::notice(Notice::SessionExpired));
            return Ok(());
        };
        let sent = services
            .accounts
            .resend_verification(&services.mail, known.account.id)
            .await;
        let flash = match sent {
            Ok(()) => Flash::notice(Notice::MailSent),
            Err(error) => Flash::fault(Field::Mail, of_resend(&error)),
        };
        asker.go_and_tell(back, &flash);
        return Ok(());
    };
    let mut flash = Flash::notice(Notice::MailSent).typed(Field::Email, &email);
    match Email::parse(&email) {
        Err(_) => {
            flash.notice = None;
            flash.faults.push((Field::Email, Fault::Malformed));
        }
        // Not awaited: how long it takes must not tell whether somebody waits for it.
        Ok(address) => {
            let (accounts, mail) = (services.accounts.clone(), services.mail.clone());
            tokio::spawn(async move {
                if let Ok(Some(account)) = accounts.by_email(&address).await
                    && !account.verified
                {
                    // Too many mails, or no database: the next try is the person's.
                    let _ = accounts.resend_verification(&mail, account.id).await;
                }
            });
        }
    }
    asker.go_and_tell("/check-mail", &flash);
    Ok(())
}
