//! What proves a payment to whoever asks? Receipts and credit notes: the list, each as a page to print, and as a file.

mod file;
mod list;
mod one;

use axum::response::Response;
use domain::views::AccountView;
use http::StatusCode;
use server::receipts::Receipt;

pub use file::pdf;
pub use list::list;
pub use one::one;

use super::error;
use crate::reader::Ui;
use crate::services::Services;

/// The receipt that an address names, if it is one of this account's workspace.
///
/// # Errors
/// The page that says that there is no such receipt, or that the database cannot be reached.
async fn own(
    services: &Services,
    ui: &Ui,
    account: &AccountView,
    number: &str,
) -> Result<Receipt, Response> {
    let missing = || error::page(ui, StatusCode::NOT_FOUND);
    let number = number.parse().map_err(|_| missing())?;
    match services.receipts.find(account.workspace, &number).await {
        Ok(Some(receipt)) => Ok(receipt),
        Ok(None) => Err(missing()),
        Err(failed) => Err(unavailable(ui, &failed)),
    }
}

fn unavailable(ui: &Ui, failed: &impl std::fmt::Display) -> Response {
    tracing::error!(error = %failed, "receipts cannot be read");
    error::page(ui, StatusCode::SERVICE_UNAVAILABLE)
}
