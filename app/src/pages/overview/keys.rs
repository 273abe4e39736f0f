//! Which keys call with this wallet's money? Their names, how they begin and end, when they were last used.

use domain::views::KeyView;
use leptos::prelude::*;

use crate::reader::Ui;
use crate::shell::{copy_button, icon};

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
                <span class="hint">{n!(ui, "keys.count", u64::try_from(keys.len()).unwrap_or(u64::MAX))}</span>
            </header>
            {content}
        </section>
    }
    .into_any()
}

/// No key yet: the one command that makes one.
fn empty(ui: &Ui) -> AnyView {
    let email = ui
        .account()
        .map(|account| account.email.clone())
        .unwrap_or_default();
    let command = format!("farebox admin key create --email {email} --name laptop --json");
    view! {
        <div class="empty" data-copyable="">
            <h3>{t!(ui, "keys.empty.title")}</h3>
            <p>{t!(ui, "keys.empty.body")}</p>
            <pre dir="ltr" tabindex="0" translate="no"><code data-copy="">{command}</code></pre>
            {copy_button(ui, t!(ui, "copy.copy_command"))}
        </div>
    }
    .into_any()
}

fn table(ui: &Ui, keys: &[KeyView]) -> AnyView {
    // Those that work first; within each, the newest.
    let (working, gone): (Vec<&KeyView>, Vec<&KeyView>) =
        keys.iter().partition(|key| key.revoked_at.is_none());
    let rows: Vec<_> = working
        .into_iter()
        .chain(gone)
        .map(|key| {
            let used = key.last_used_at.map_or_else(|| t!(ui, "keys.list.never_used"), |at| ui.ago(at));
            let kind = key.test.then(|| {
                view! { <span class="pill test" title=t!(ui, "keys.kind.test_hint")>{t!(ui, "keys.kind.test")}</span> }
            });
            view! {
                <tr>
                    <th scope="row" translate="no">
                        <bdi class="name">{key.name.clone()}</bdi>
                        <bdi class="masked mono">{key.masked.clone()}</bdi>
                    </th>
                    <td class="hide-narrow">{used}</td>
                    <td><span class="row tight">{status(ui, key)}{kind}</span></td>
                </tr>
            }
        })
        .collect();
    view! {
        <div class="tablewrap" role="group" aria-labelledby="keys" tabindex="0">
            <table class="keys">
                <thead>
                    <tr>
                        <th scope="col">{t!(ui, "keys.list.name")}" / "{t!(ui, "keys.list.key")}</th>
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

fn status(ui: &Ui, key: &KeyView) -> AnyView {
    match key.revoked_at {
        None => view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "keys.status.active")}</span> }.into_any(),
        Some(at) => view! {
            <span class="pill off" title=t!(ui, "keys.status.revoked_on", date = ui.date(at))>{t!(ui, "keys.status.revoked")}</span>
        }
        .into_any(),
    }
}
