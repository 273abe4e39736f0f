//! Which pages are there? One handler each: who reads, one question to the business, one view.

pub mod admin;
pub mod calculator;
mod check_mail;
mod claim;
mod csv;
pub mod docs;
mod error;
mod form;
pub mod keys;
mod landing;
mod links;
mod login;
mod outbox;
pub mod overview;
pub mod policies;
pub mod prices;
pub mod receipts;
mod recover;
pub mod search;
pub mod settings;
pub mod shortcuts;
mod signup;
mod snippets;
pub mod statement;
pub mod status;
mod step;
pub mod test_zone;
pub mod usage;
pub mod wallet;

use axum::response::{IntoResponse, Redirect, Response};
use domain::views::AccountView;
use http::StatusCode;
use serde::de::DeserializeOwned;

pub use admin::model_path;
pub use check_mail::check_mail;
pub use claim::claim;
pub use error::{error_page, method_not_allowed, not_found};
pub use form::fault_words;
pub use landing::{FALLBACK_MODEL, first_model, landing};
pub use links::{confirm_email, reset, undo_email, verify};
pub use login::login;
pub use outbox::outbox;
pub use recover::recover;
pub use signup::signup;
pub use step::{code, confirm};
pub use test_zone::{problem_words, test_button};

use crate::guard::with_next;
use crate::reader::{Reader, Ui};
use crate::session::Known;

/// Where the second factor is set up, and proved for a session that has not.
pub const SECOND_FACTOR: &str = "/settings/second-factor";

/// The pages that have an address in every language (`/login` and `/ru/login`).
pub const PUBLIC: [&str; 9] = [
    "/",
    calculator::PATH,
    docs::PATH,
    "/login",
    policies::PATH,
    prices::PATH,
    "/recover",
    "/signup",
    status::PATH,
];

/// What has an address in every language too, and is not for search engines.
const UNLISTED: [&str; 2] = [search::PATH, shortcuts::PATH];

/// Whether a path (without a language's prefix) is such a page, one of the documentation, or one of a model's price or
/// a policy.
#[must_use]
pub fn is_public(path: &str) -> bool {
    let below = [policies::PATH, prices::PATH];
    let below = below.map(|folder| path.strip_prefix(folder));
    PUBLIC.contains(&path)
        || UNLISTED.contains(&path)
        || docs::is_page(path)
        || below
            .into_iter()
            .flatten()
            .any(|rest| rest.starts_with('/'))
}

/// What the query of `asked`, an address, holds. One that makes no sense is as if it were not there.
fn query_of<T: Default + DeserializeOwned>(asked: &str) -> T {
    let uri = asked.parse::<http::Uri>().ok();
    let read = uri.and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok());
    read.map(|axum::extract::Query(read)| read)
        .unwrap_or_default()
}

/// The page of a reader who must be signed in; everybody else is led to the sign-in page, and back afterwards.
async fn signed_in(reader: Reader) -> Result<(Ui, AccountView), Response> {
    let (reader, known) = let_in(reader).await?;
    Ok(welcome(reader, known.account).await)
}

/// The page of a reader who typed the password again within the last ten minutes; others are asked for it first.
async fn confirmed(reader: Reader) -> Result<(Ui, AccountView), Response> {
    let (reader, known) = let_in(reader).await?;
    if known.confirmed(reader.prefs.now) {
        Ok(welcome(reader, known.account).await)
    } else {
        Err(Redirect::to(&with_next("/confirm", &reader.asked)).into_response())
    }
}

/// The page of an administrator whose session proved a second factor; one without is led to where it is set up. For
/// everybody else there is no such page.
async fn admin(reader: Reader) -> Result<(Ui, AccountView), Response> {
    let (reader, known) = let_in(reader).await?;
    if !known.account.admin {
        Err(error::page(
            &reader.ui(Some(known.account)),
            StatusCode::NOT_FOUND,
        ))
    } else if known.second_factor {
        Ok(welcome(reader, known.account).await)
    } else {
        Err(Redirect::to(&with_next(SECOND_FACTOR, &reader.asked)).into_response())
    }
}

/// Whoever is let in is told when their money runs out.
async fn welcome(reader: Reader, account: AccountView) -> (Ui, AccountView) {
    let low = reader.low_balance(&account).await;
    (reader.ui(Some(account.clone())).with_low(low), account)
}

async fn let_in(mut reader: Reader) -> Result<(Reader, Known), Response> {
    match reader.known().await {
        Ok(Some(known)) => {
            reader.to_accept = to_accept(&reader, &known.account).await;
            Ok((reader, known))
        }
        Ok(None) => {
            let login = crate::reader::localized(reader.prefs.locale, "/login");
            Err(Redirect::to(&with_next(&login, &reader.asked)).into_response())
        }
        Err(_) => Err(error::page(
            &reader.ui(None),
            StatusCode::SERVICE_UNAVAILABLE,
        )),
    }
}

/// Whether there are terms that this person has not accepted. Administrators run this; the terms are for those they run
/// it for. A database that does not answer is told by the page itself.
async fn to_accept(reader: &Reader, account: &AccountView) -> bool {
    let missing = || reader.services.policies.missing(account.id);
    !account.admin && missing().await.is_ok_and(|missing| !missing.is_empty())
}

/// The reader of a page for everyone. That the database is out of reach must not hide such a page: it only looks
/// as it does to the signed-out.
async fn anyone(reader: Reader) -> Ui {
    let account = reader.account().await.unwrap_or_default();
    reader.ui(account)
}

/// The same on a page that looks like one of the account's to the signed-in: with what those tell them.
async fn anyone_at_home(mut reader: Reader) -> Ui {
    match reader.account().await.unwrap_or_default() {
        Some(account) => {
            reader.to_accept = to_accept(&reader, &account).await;
            welcome(reader, account).await.0
        }
        None => reader.ui(None),
    }
}
