//! How does money get into the wallet? The balance, a top-up with what would arrive, and what became of each order.

mod choose;
mod home;
mod list;
mod next;
mod offer;
mod order;
mod status;
mod terms;
mod told;
mod top_up;

use axum::response::Response;
use domain::ids::OrderId;
use domain::order::OrderView;
use domain::views::AccountView;
use http::StatusCode;
use leptos::prelude::*;
use server::orders::OrderError;

pub use home::home;
pub use list::list;
pub use order::{come_back, order};
pub use status::{pill, provider_words, status_words};
pub use terms::{Terms, coins, terms};
pub use told::{fault_words, told};
pub use top_up::top_up;

use super::error;
use crate::reader::Ui;
use crate::services::Services;
use crate::shell::{Frame, Page, icon};

/// Where money is added.
pub const TOP_UP: &str = "/wallet/top-up";

/// The order that an address names, if it is one of this account's workspace.
///
/// # Errors
/// The page that says that there is no such order, or that the database cannot be reached.
async fn own(
    services: &Services,
    ui: &Ui,
    account: &AccountView,
    id: &str,
) -> Result<OrderView, Response> {
    let missing = || error::page(ui, StatusCode::NOT_FOUND);
    let id: OrderId = id.parse().map_err(|_| missing())?;
    match services.orders.find(account.workspace, id).await {
        Ok(Some(order)) => Ok(order),
        Ok(None) => Err(missing()),
        Err(error) => Err(unavailable(ui, &OrderError::Database(error))),
    }
}

/// The page that says that the database cannot be reached; why is for the log.
fn unavailable(ui: &Ui, error: &OrderError) -> Response {
    tracing::error!(%error, "orders cannot be read");
    error::page(ui, StatusCode::SERVICE_UNAVAILABLE)
}

fn page(title: String, body: AnyView) -> Page {
    Page {
        frame: Frame::Account,
        title,
        description: None,
        body,
    }
}

/// The way back to the wallet, above its other pages.
fn crumbs(ui: &Ui, orders: bool) -> AnyView {
    let orders = orders
        .then(|| view! { <li><a href="/wallet/orders">{t!(ui, "wallet.orders.title")}</a></li> });
    view! {
        <nav class="crumbs" aria-label=t!(ui, "wallet.home.crumbs")>
            <ol>
                <li><a href="/wallet">{icon(ui, "arrow-left", "flip")}{t!(ui, "wallet.home.title")}</a></li>
                {orders}
            </ol>
        </nav>
    }
    .into_any()
}

/// One fact under its name.
fn fact(name: String, value: impl IntoView + 'static) -> AnyView {
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
}
