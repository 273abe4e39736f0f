//! How do I like it, and what am I called? What the settings page saves into the account.

use leptos::prelude::*;

use super::Refusal;

/// The name that others see.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "set_name")]
pub async fn set_name(name: String) -> Result<(), Refusal> {
    use super::call::Asker;
    use super::faults::of_profile;
    use crate::flash::{Field, Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let flash = match asker.services.accounts.set_name(account.id, &name).await {
        Ok(()) => Flash::notice(Notice::Saved),
        Err(error) => {
            let (field, fault) = of_profile(error);
            Flash::fault(field, fault).typed(Field::Name, &name)
        }
    };
    asker.go_and_tell("/settings", &flash);
    Ok(())
}

/// Language, currency, time zone, theme and shortcuts, all at once: into the account, and into the cookie for when
/// nobody is signed in. `shortcuts` is there when its box was ticked.
///
/// # Errors
/// [`Refusal::Invalid`] for a choice that there is not.
#[server(prefix = "/api", endpoint = "set_look")]
pub async fn set_look(
    locale: String,
    currency: String,
    time_zone: String,
    theme: String,
    shortcuts: Option<String>,
) -> Result<(), Refusal> {
    use texts::format::Zone;

    use super::call::Asker;
    use crate::flash::{Flash, Notice};
    use crate::reader::{Choice, Theme};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let wrong = || {
        asker.reply.fail(http::StatusCode::BAD_REQUEST);
        Refusal::Invalid
    };
    let choice = Choice {
        locale: Some(asker.services.texts.locale(&locale).ok_or_else(wrong)?),
        currency: Some(currency.parse().map_err(|_| wrong())?),
        theme: Some(Theme::parse(&theme).ok_or_else(wrong)?),
        zone: Some(Zone::named(&time_zone).ok_or_else(wrong)?),
    };
    asker.remember(choice);
    let flash = match asker
        .keep_in_account(&account, choice, shortcuts.is_some())
        .await
    {
        Ok(()) => Flash::notice(Notice::Saved),
        Err(fault) => Flash::fault(crate::flash::Field::Form, fault),
    };
    asker.go_and_tell("/settings", &flash);
    Ok(())
}

/// Below which balance a mail is sent; nothing typed means never.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "set_low_balance")]
pub async fn set_low_balance(amount: String) -> Result<(), Refusal> {
    use domain::Amount;

    use super::amount::typed_amount;
    use super::call::Asker;
    use super::faults::of_profile;
    use crate::flash::{Fault, Field, Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let typed = amount.trim().trim_start_matches('$');
    let below = if typed.is_empty() {
        Ok(None)
    } else {
        typed_amount(typed)
            .and_then(|plain| Amount::parse_usd(&plain).ok())
            .map(Some)
            .ok_or(Fault::Malformed)
    };
    let saved = match below {
        Err(fault) => Err((Field::Amount, fault)),
        Ok(below) => asker
            .services
            .accounts
            .set_low_balance(account.id, below)
            .await
            .map_err(of_profile),
    };
    let flash = match saved {
        Ok(()) => Flash::notice(Notice::Saved),
        Err((field, fault)) => Flash::fault(field, fault).typed(Field::Amount, &amount),
    };
    asker.go_and_tell("/settings", &flash);
    Ok(())
}

/// Mails a link to a new address; until it is used, the old one stays.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account.
#[server(prefix = "/api", endpoint = "change_email")]
pub async fn change_email(email: String) -> Result<(), Refusal> {
    use super::call::Asker;
    use super::faults::of_email_change;
    use crate::flash::{Fault, Field, Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let services = &asker.services;
    let asked = if email.trim().is_empty() {
        Err((Field::Email, Fault::Missing))
    } else {
        services
            .accounts
            .ask_email_change(&services.mail, account.id, &email)
            .await
            .map_err(of_email_change)
    };
    match asked {
        Ok(()) => asker.go_and_tell("/settings", &Flash::notice(Notice::EmailAsked)),
        Err((field, fault)) => asker.go_and_tell(
            "/settings/email",
            &Flash::fault(field, fault).typed(Field::Email, &email),
        ),
    }
    Ok(())
}
