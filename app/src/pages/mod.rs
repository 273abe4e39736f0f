//! Which pages are there? One handler each: who reads, one question to the business, one view.

mod claim;
mod error;
mod form;
mod landing;
mod login;
pub mod overview;
mod snippets;

use axum::response::{IntoResponse, Redirect, Response};
use domain::views::AccountView;
use http::StatusCode;

pub use claim::claim;
pub use error::{error_page, method_not_allowed, not_found};
pub use landing::landing;
pub use login::login;

use crate::reader::{Reader, Ui};

/// The pages that have an address in every language (`/login` and `/ru/login`).
pub const PUBLIC: [&str; 2] = ["/", "/login"];

/// Whether a path (without a language's prefix) is such a page.
pub fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path)
}

/// The page of a reader who must be signed in; everybody else is led to the sign-in page, and back afterwards.
async fn signed_in(reader: Reader) -> Result<(Ui, AccountView), Response> {
    match reader.account().await {
        Ok(Some(account)) => Ok((reader.ui(Some(account.clone())), account)),
        Ok(None) => {
            let login = crate::reader::localized(reader.prefs.locale, "/login");
            // The overview is where signing in leads anyway.
            let to = if reader.asked == "/overview" {
                login
            } else {
                format!("{login}?next={}", reader.path)
            };
            Err(Redirect::to(&to).into_response())
        }
        Err(_) => Err(error::page(
            &reader.ui(None),
            StatusCode::SERVICE_UNAVAILABLE,
        )),
    }
}

/// The reader of a page for everyone. That the database is out of reach must not hide such a page: it only looks
/// as it does to the signed-out.
async fn anyone(reader: Reader) -> Ui {
    let account = reader.account().await.unwrap_or_default();
    reader.ui(account)
}
