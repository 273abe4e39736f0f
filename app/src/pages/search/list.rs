//! How is what was found shown? As a list box for the palette's arrow keys, as plain links and buttons on the page.

use leptos::prelude::*;

use super::find::{Does, Entry, Found, Group};
use crate::reader::Ui;
use crate::shell::{copy_button, icon};

/// The id of the palette's list box.
const LIST: &str = "palette-list";
/// The palette's form that the buttons of its list belong to: they stand in a list, where no form may.
pub const ACTIONS_IN_PALETTE: &str = "palette-do";
/// The same on the page.
const ACTIONS_ON_PAGE: &str = "search-do";

/// The palette's list; the field names the chosen one by its id, so nothing in it takes the focus.
pub fn options(ui: &Ui, query: &str, found: &Found) -> AnyView {
    if found.groups.is_empty() {
        return view! { <p class="palette-none" data-said="">{none(ui, query)}</p> }.into_any();
    }
    let mut number = 0_usize;
    let groups: Vec<_> = found
        .groups
        .iter()
        .map(|(group, entries)| {
            let id = format!("palette-group-{number}");
            let options: Vec<_> = entries
                .iter()
                .map(|entry| {
                    number += 1;
                    option(ui, entry, format!("palette-{number}"))
                })
                .collect();
            view! {
                <div role="group" aria-labelledby=id.clone()>
                    <p class="hint" role="presentation" id=id.clone()>{words(ui, *group)}</p>
                    {options}
                </div>
            }
        })
        .collect();
    view! {
        <p class="vh" data-said="">{n!(ui, "palette.count", found.count())}</p>
        <div id=LIST role="listbox" aria-label=t!(ui, "palette.title")>{groups}</div>
    }
    .into_any()
}

fn option(ui: &Ui, entry: &Entry, id: String) -> AnyView {
    let face = face(ui, entry);
    match entry.does.clone() {
        Does::Go(path) => view! {
            <a id=id role="option" tabindex="-1" aria-selected="false" href=path>{face}</a>
        }
        .into_any(),
        Does::Post { action, pair } => {
            let (name, value) = pair.unzip();
            view! {
                <button id=id role="option" tabindex="-1" aria-selected="false" type="submit" form=ACTIONS_IN_PALETTE
                    formaction=action name=name value=value>{face}</button>
            }
            .into_any()
        }
        Does::Copy(text) => view! {
            <button id=id role="option" tabindex="-1" aria-selected="false" type="button" data-copy-text=text>{face}</button>
        }
        .into_any(),
    }
}

/// The page's lists, one for each kind.
pub fn sections(ui: &Ui, query: &str, found: &Found) -> AnyView {
    if found.groups.is_empty() {
        return view! { <div class="empty"><p>{none(ui, query)}</p></div> }.into_any();
    }
    let sections: Vec<_> = found
        .groups
        .iter()
        .enumerate()
        .map(|(number, (group, entries))| {
            let id = format!("found-{number}");
            let entries: Vec<_> = entries.iter().map(|entry| item(ui, entry)).collect();
            view! {
                <section class="sheet" aria-labelledby=id.clone()>
                    <h2 id=id.clone()>{words(ui, *group)}</h2>
                    <ul class="found">{entries}</ul>
                </section>
            }
        })
        .collect();
    let form = found.has_posts().then(|| {
        view! {
            <form id=ACTIONS_ON_PAGE method="post" action="/api/set_prefs">
                <input type="hidden" name="back" value=ui.asked().to_owned()/>
            </form>
        }
    });
    view! {
        <p class="hint" role="status">{n!(ui, "palette.count", found.count())}</p>
        {form}
        <div class="stack">{sections}</div>
    }
    .into_any()
}

fn item(ui: &Ui, entry: &Entry) -> AnyView {
    let face = face(ui, entry);
    match entry.does.clone() {
        Does::Go(path) => view! { <li><a href=path>{face}</a></li> }.into_any(),
        Does::Post { action, pair } => {
            let (name, value) = pair.unzip();
            view! {
                <li><button type="submit" form=ACTIONS_ON_PAGE formaction=action name=name value=value>{face}</button></li>
            }
            .into_any()
        }
        Does::Copy(text) => {
            let sign = icon(ui, entry.sign, "");
            // Only pages of who is signed in have the island that copies.
            let button = ui.account().map(|_| copy_button(ui, entry.words.clone()));
            view! {
                <li class="copyable" data-copyable="">
                    {sign}<span>{entry.words.clone()}</span>
                    <code data-copy="" dir="ltr" translate="no">{text}</code>{button}
                </li>
            }
            .into_any()
        }
    }
}

fn face(ui: &Ui, entry: &Entry) -> AnyView {
    let named = matches!(entry.group, Group::Keys | Group::Models).then_some("no");
    let detail = entry
        .detail
        .clone()
        .map(|detail| view! { <bdi class="hint autonym" translate="no">{detail}</bdi> });
    view! { {icon(ui, entry.sign, "")}<bdi class="words" translate=named>{entry.words.clone()}</bdi>{detail} }.into_any()
}

fn none(ui: &Ui, query: &str) -> String {
    t!(ui, "palette.none", query = query)
}

fn words(ui: &Ui, group: Group) -> String {
    match group {
        Group::Pages => t!(ui, "palette.groups.pages"),
        Group::Keys => t!(ui, "palette.groups.keys"),
        Group::Models => t!(ui, "palette.groups.models"),
        Group::Docs => t!(ui, "palette.groups.docs"),
        Group::Actions => t!(ui, "palette.groups.actions"),
    }
}
