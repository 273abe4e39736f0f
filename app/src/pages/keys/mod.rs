//! Which programs may spend, and how far do they reach? The keys: listed, made, changed, rolled, ended.

mod confirm;
mod form;
mod list;
mod meter;
mod new;
mod one;
mod secret;
mod status;
mod told;

use axum::response::Response;
use domain::ids::KeyId;
use domain::views::{AccountView, KeyView};
use http::StatusCode;
use leptos::prelude::*;

pub use confirm::{freeze, reveal, revoke, roll};
pub use list::list;
pub use new::new;
pub use one::one;
pub use secret::{dot_env, secret};
pub use status::{pill, rank};
pub use told::told;

use super::error;
use crate::reader::Ui;
use crate::services::Services;
use crate::shell::{Frame, Page, icon};

/// The key that an address names, if it is one of this account's workspace and its pages are for people.
///
/// # Errors
/// The page that says that there is no such key, or that the database cannot be reached.
async fn own(
    services: &Services,
    ui: &Ui,
    account: &AccountView,
    id: &str,
) -> Result<KeyView, Response> {
    let missing = || error::page(ui, StatusCode::NOT_FOUND);
    let id: KeyId = id.parse().map_err(|_| missing())?;
    match services.keys.get(account.workspace, id).await {
        Ok(Some(key)) if !key.zone => Ok(key),
        Ok(_) => Err(missing()),
        Err(_) => Err(error::page(ui, StatusCode::SERVICE_UNAVAILABLE)),
    }
}

fn page(title: String, body: AnyView) -> Page {
    Page {
        frame: Frame::Account,
        title,
        description: None,
        body,
    }
}

/// The way back to the list, above a key's own pages.
fn crumbs(ui: &Ui, key: Option<&KeyView>) -> AnyView {
    let key = key.map(|key| {
        view! { <li><a href=format!("/keys/{}", key.id)><bdi translate="no">{key.name.clone()}</bdi></a></li> }
    });
    view! {
        <nav class="crumbs" aria-label=t!(ui, "keys.crumbs")>
            <ol>
                <li><a href="/keys">{icon(ui, "arrow-left", "flip")}{t!(ui, "keys.list.title")}</a></li>
                {key}
            </ol>
        </nav>
    }
    .into_any()
}

/// A form without fields but the key's id: one button.
fn act(action: &'static str, id: KeyId, button: AnyView) -> AnyView {
    view! {
        <form method="post" action=action>
            <input type="hidden" name="id" value=id.to_string()/>
            {button}
        </form>
    }
    .into_any()
}
