//! Which keys call with this wallet's money? Their names, how they begin and end, when they were last used.

use domain::views::KeyView;
use leptos::prelude::*;

use crate::pages::keys::{pill, rank};
use crate::reader::Ui;
use crate::shell::icon;

pub fn keys(ui: &Ui, keys: &[KeyView]) -> AnyView {
    let content = if keys.is_empty() {
        empty(ui)
    } else {
        table(ui, keys)
    };
    view! {
        <section class="sheet" aria-labelledby="keys">
            <header>
                <h2 id="keys">{t!(ui, "keys.list.title")}</h2>
                <a class="btn slim" href="/keys/new">{icon(ui, "plus", "")}{t!(ui, "keys.new.action")}</a>
            </header>
            {content}
        </section>
    }
    .into_any()
}

/// No key yet: the way to the first one.
fn empty(ui: &Ui) -> AnyView {
    view! {
        <div class="empty">
            <h3>{t!(ui, "keys.empty.title")}</h3>
            <p>{t!(ui, "keys.empty.body")}</p>
        </div>
    }
    .into_any()
}

fn table(ui: &Ui, keys: &[KeyView]) -> AnyView {
    // Those that work first; among equals, the newest.
    let mut keys: Vec<&KeyView> = keys.iter().collect();
    keys.sort_by_key(|key| rank(key));
    let rows: Vec<_> = keys
        .into_iter()
        .map(|key| {
            let used = key.last_used_at.map_or_else(|| t!(ui, "keys.list.never_used"), |at| ui.ago(at));
            view! {
                <tr>
                    <th scope="row" translate="no">
                        <a class="name" href=format!("/keys/{}", key.id)><bdi>{key.name.clone()}</bdi></a>
                        <bdi class="masked mono">{key.masked.clone()}</bdi>
                    </th>
                    <td class="hide-narrow">{used}</td>
                    <td>{pill(ui, key)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <div class="tablewrap" role="group" aria-labelledby="keys" tabindex="0">
            <table class="keys">
                <thead>
                    <tr>
                        <th scope="col">{t!(ui, "keys.list.name_and_key")}</th>
                        <th scope="col" class="hide-narrow">{t!(ui, "keys.list.last_used")}</th>
                        <th scope="col">{t!(ui, "keys.list.status")}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
