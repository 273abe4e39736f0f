//! Does a key work? In one word, and in which order keys stand.

use domain::views::{KeyStatus, KeyView};
use leptos::prelude::*;

use crate::reader::Ui;
use crate::shell::icon;

/// Those that work first, those that are gone last.
pub const fn rank(key: &KeyView) -> u8 {
    match key.status {
        KeyStatus::Active => 0,
        KeyStatus::Frozen => 1,
        KeyStatus::Disabled => 2,
        KeyStatus::Expired => 3,
        KeyStatus::Revoked => 4,
    }
}

/// The state of a key, and whether it is a test key.
pub fn pill(ui: &Ui, key: &KeyView) -> AnyView {
    let kind = key.test.then(|| {
        view! { <span class="pill test" title=t!(ui, "keys.kind.test_hint")>{t!(ui, "keys.kind.test")}</span> }
    });
    let state = match key.status {
        KeyStatus::Active => {
            view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "keys.status.active")}</span> }.into_any()
        }
        KeyStatus::Frozen => view! {
            <span class="pill warn" title=t!(ui, "keys.status.frozen_hint")>{t!(ui, "keys.status.frozen")}</span>
        }
        .into_any(),
        KeyStatus::Disabled => off(t!(ui, "keys.status.disabled"), None),
        KeyStatus::Expired => {
            let on = key.expires_at.map(|at| t!(ui, "keys.status.expired_on", date = ui.date(at)));
            off(t!(ui, "keys.status.expired"), on)
        }
        KeyStatus::Revoked => {
            let on = key.revoked_at.map(|at| t!(ui, "keys.status.revoked_on", date = ui.date(at)));
            off(t!(ui, "keys.status.revoked"), on)
        }
    };
    view! { <span class="row tight">{state}{kind}</span> }.into_any()
}

fn off(words: String, title: Option<String>) -> AnyView {
    view! { <span class="pill off" title=title>{words}</span> }.into_any()
}
