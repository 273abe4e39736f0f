//! What do mailed links do? Opening one shows a page with a button; these are the buttons. Each link works once.

use leptos::prelude::*;

use super::Refusal;

/// The address of a sign-up is theirs.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "verify")]
pub async fn verify(token: String) -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::Notice;

    let asker = Asker::current();
    let used = asker.services.accounts.verify(&token).await;
    asker
        .after_link("/verify/", &token, used.map(|_| ()), Notice::Verified)
        .await;
    Ok(())
}

/// A new address is theirs.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "confirm_email")]
pub async fn confirm_email(token: String) -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::Notice;

    let asker = Asker::current();
    let services = &asker.services;
    let used = services
        .accounts
        .confirm_email_change(&services.mail, &token)
        .await;
    asker
        .after_link(
            "/email/confirm/",
            &token,
            used.map(|_| ()),
            Notice::EmailChanged,
        )
        .await;
    Ok(())
}

/// Back to the address of before.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "undo_email")]
pub async fn undo_email(token: String) -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::flash::Notice;

    let asker = Asker::current();
    let services = &asker.services;
    let used = services
        .accounts
        .undo_email_change(&services.mail, &token)
        .await;
    asker
        .after_link(
            "/email/undo/",
            &token,
            used.map(|_| ()),
            Notice::EmailUndone,
        )
        .await;
    Ok(())
}

/// Mails a link for a new password. The answer is the same for an address that nobody has.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "ask_reset")]
pub async fn ask_reset(email: String) -> Result<(), Refusal> {
    use server::accounts::Email;

    use super::call::Asker;
    use super::faults::of_sign_up;
    use crate::flash::{Fault, Field, Flash};
    use crate::reader::localized;

    let asker = Asker::current();
    let mut flash = Flash::default().typed(Field::Email, &email);
    if email.trim().is_empty() {
        flash.faults.push((Field::Email, Fault::Missing));
    } else if Email::parse(&email).is_err() {
        flash.faults.push((Field::Email, Fault::Malformed));
    } else {
        let services = &asker.services;
        let asked = services
            .accounts
            .ask_reset(&services.mail, &email, asker.ip)
            .await;
        match asked {
            Ok(()) => {
                asker.go_and_tell("/check-mail?about=reset", &flash);
                return Ok(());
            }
            Err(error) => flash.faults.push(of_sign_up(error)),
        }
    }
    asker.go_and_tell(localized(asker.prefs.locale, "/recover"), &flash);
    Ok(())
}

/// Sets the password of the account that the link is for, and ends all its sessions. Nobody is signed in by it: the
/// second factor is still asked for.
///
/// # Errors
/// Never; every outcome is a redirect.
#[server(prefix = "/api", endpoint = "reset")]
pub async fn reset(token: String, password: String) -> Result<(), Refusal> {
    use server::secrets::Secret;

    use super::call::Asker;
    use super::faults::of_reset;
    use crate::flash::{Fault, Field, Flash, Notice};
    use crate::reader::localized;

    let asker = Asker::current();
    let back = super::links::way_back("/reset/", &token);
    if password.is_empty() {
        asker.go_and_tell(back, &Flash::fault(Field::Password, Fault::Missing));
        return Ok(());
    }
    let services = &asker.services;
    let done = services
        .accounts
        .reset(&services.mail, &token, Secret::new(password))
        .await;
    match done {
        Ok(account) => asker.go_and_tell(
            localized(asker.prefs.locale, "/login"),
            &Flash::notice(Notice::PasswordChanged).typed(Field::Email, &account.email),
        ),
        Err(error) => match of_reset(error) {
            Some((field, fault)) => asker.go_and_tell(back, &Flash::fault(field, fault)),
            None => asker.reply.go(back),
        },
    }
    Ok(())
}

#[cfg(feature = "ssr")]
mod ways {
    use server::accounts::LinkError;

    use crate::api::call::Asker;
    use crate::flash::{Fault, Field, Flash, Notice};
    use crate::reader::localized;

    /// The page of a link. A token is letters and digits; anything else could change the address people are sent to.
    pub fn way_back(path: &str, token: &str) -> String {
        if !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric()) {
            format!("{path}{token}")
        } else {
            "/login".to_owned()
        }
    }

    impl Asker {
        /// On from a link: to the settings of who is signed in, else to the sign-in page. The page of a closed link says
        /// so itself.
        pub async fn after_link(
            &self,
            path: &str,
            token: &str,
            used: Result<(), LinkError>,
            done: Notice,
        ) {
            let back = way_back(path, token);
            match used {
                Ok(()) => {
                    let known = crate::session::known(&self.session, &self.services.accounts).await;
                    let to = match (known, done) {
                        (Ok(Some(_)), Notice::Verified) => "/overview".to_owned(),
                        (Ok(Some(_)), _) => "/settings".to_owned(),
                        _ => localized(self.prefs.locale, "/login"),
                    };
                    self.go_and_tell(to, &Flash::notice(done));
                }
                Err(LinkError::Closed) => self.reply.go(back),
                Err(LinkError::EmailTaken) => {
                    self.go_and_tell(back, &Flash::fault(Field::Form, Fault::Taken));
                }
                Err(LinkError::Unavailable) => {
                    self.go_and_tell(back, &Flash::fault(Field::Form, Fault::Unavailable));
                }
            }
        }
    }
}

#[cfg(feature = "ssr")]
pub use ways::way_back;
