//! In which language, currency and theme? Kept in a cookie, and in the account of who is signed in.

use leptos::prelude::*;

use super::Refusal;

/// Changes what is given, keeps the rest, and goes back to the page `back` (a path of ours), in the new language when
/// that page has an address of its own in each.
///
/// # Errors
/// [`Refusal::Invalid`] for a language, currency, theme or time zone that does not exist.
#[server(prefix = "/api", endpoint = "set_prefs")]
pub async fn set_prefs(
    locale: Option<String>,
    currency: Option<String>,
    theme: Option<String>,
    time_zone: Option<String>,
    back: Option<String>,
) -> Result<(), Refusal> {
    use texts::format::Zone;

    use super::call::Asker;
    use crate::guard::safe_next;
    use crate::pages::is_public;
    use crate::reader::{Choice, Theme, localized, split_locale};

    let asker = Asker::current();
    let services = &asker.services;
    let texts = &services.texts;
    let wrong = || {
        asker.reply.fail(http::StatusCode::BAD_REQUEST);
        Refusal::Invalid
    };
    let mut given = Choice::default();
    if let Some(code) = &locale {
        given.locale = Some(texts.locale(code).ok_or_else(wrong)?);
    }
    if let Some(code) = &currency {
        given.currency = Some(code.parse().map_err(|_| wrong())?);
    }
    if let Some(code) = &theme {
        given.theme = Some(Theme::parse(code).ok_or_else(wrong)?);
    }
    if let Some(name) = &time_zone {
        given.zone = Some(Zone::named(name).ok_or_else(wrong)?);
    }
    // The database out of reach must not keep anybody from reading in their language.
    let known = crate::session::known(&asker.session, &services.accounts).await;
    let account = known.unwrap_or_default().map(|known| known.account);
    let choice = match &account {
        Some(account) => given
            .or(Choice::of_account(&account.chosen, texts))
            .or(asker.prefs.choice),
        None => given.or(asker.prefs.choice),
    };
    if let Some(account) = &account {
        let _ = asker
            .keep_in_account(account, choice, account.chosen.shortcuts)
            .await;
    }
    asker.remember(choice);
    let back = back.as_deref().and_then(safe_next).unwrap_or("/");
    let (prefix, bare) = split_locale(texts, back);
    let path = bare.split('?').next().unwrap_or_default();
    let to = match choice.locale {
        Some(chosen) if is_public(path) && (locale.is_some() || prefix.is_some()) => {
            localized(chosen, bare)
        }
        _ => back.to_owned(),
    };
    asker.reply.go(to);
    Ok(())
}
