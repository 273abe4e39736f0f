//! In which language, currency and theme? Kept in a cookie, nothing of it on the server.

use leptos::prelude::*;

use super::Refusal;

/// Changes what is given, keeps the rest, and goes back to the page `back` (a path of ours), in the new language when
/// that page has an address of its own in each.
///
/// # Errors
/// [`Refusal::Invalid`] for a language, currency or theme that does not exist.
#[server(prefix = "/api", endpoint = "set_prefs")]
pub async fn set_prefs(
    locale: Option<String>,
    currency: Option<String>,
    theme: Option<String>,
    back: Option<String>,
) -> Result<(), Refusal> {
    use super::call::Asker;
    use crate::guard::safe_next;
    use crate::pages::is_public;
    use crate::reader::{COOKIE, Theme, localized, split_locale};

    /// One year, in seconds.
    const LIFETIME_S: i64 = 31_536_000;

    let asker = Asker::current();
    let texts = &asker.services.texts;
    let mut choice = asker.prefs.choice;
    let wrong = || {
        asker.reply.fail(http::StatusCode::BAD_REQUEST);
        Refusal::Invalid
    };
    if let Some(code) = &locale {
        choice.locale = Some(texts.locale(code).ok_or_else(wrong)?);
    }
    if let Some(code) = &currency {
        choice.currency = Some(code.parse().map_err(|_| wrong())?);
    }
    if let Some(code) = &theme {
        choice.theme = Some(Theme::parse(code).ok_or_else(wrong)?);
    }
    let back = back.as_deref().and_then(safe_next).unwrap_or("/");
    let (prefix, bare) = split_locale(texts, back);
    let path = bare.split('?').next().unwrap_or_default();
    let to = match choice.locale {
        Some(chosen) if is_public(path) && (locale.is_some() || prefix.is_some()) => {
            localized(chosen, bare)
        }
        _ => back.to_owned(),
    };
    asker.set_cookie(COOKIE, &choice.to_cookie(), LIFETIME_S);
    asker.reply.go(to);
    Ok(())
}
