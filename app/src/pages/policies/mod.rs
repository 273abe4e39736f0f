//! What do people and the operator agree on? Every policy with its versions and what changed between them, for everybody.

mod changes;
mod list;
mod one;

use domain::views::UnixMs;
use leptos::prelude::*;
use server::policies::{Name, State, Version};
use texts::format;

pub use changes::compare;
pub use list::list;
pub use one::{one, version};

use crate::reader::Ui;
use crate::shell::{icon, rich};

/// The list of policies.
pub const PATH: &str = "/policies";

/// A policy's page, without the language.
pub fn policy_path(name: Name) -> String {
    format!("{PATH}/{}", name.code())
}

/// A version's page, without the language.
pub fn version_path(version: &Version) -> String {
    format!("{PATH}/{}/{}", version.name.code(), version.number)
}

/// Where a version is compared with the one before it; the first has none.
pub fn changes_path(version: &Version) -> Option<String> {
    let before = version.number.checked_sub(1).filter(|number| *number > 0)?;
    let (path, number) = (policy_path(version.name), version.number);
    Some(format!("{path}/compare?from={before}&to={number}"))
}

/// A policy in a word or two, as links name it.
pub fn short_name(ui: &Ui, name: Name) -> String {
    match name {
        Name::Terms => t!(ui, "policies.names.terms"),
        Name::Privacy => t!(ui, "policies.names.privacy"),
        Name::AcceptableUse => t!(ui, "policies.names.acceptable_use"),
        Name::Refunds => t!(ui, "policies.names.refunds"),
        Name::Cookies => t!(ui, "policies.names.cookies"),
    }
}

/// The day from which a version counts; days of policies are those of UTC, the same for everybody.
fn day(ui: &Ui, at: UnixMs) -> String {
    format::date(ui.locale(), at, format::Zone::UTC)
}

/// Whether a version counts, as a pill.
fn state(ui: &Ui, version: &Version) -> AnyView {
    match version.state {
        State::InForce => {
            view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "policies.state.in_force")}</span> }.into_any()
        }
        State::Announced => {
            view! { <span class="pill test">{t!(ui, "policies.state.announced")}</span> }.into_any()
        }
        State::Replaced => {
            view! { <span class="pill off">{t!(ui, "policies.state.replaced")}</span> }.into_any()
        }
    }
}

/// `Version 2, in force since 22 November 2026`.
fn since(ui: &Ui, version: &Version) -> String {
    let number = ui.number(version.number.into());
    let date = day(ui, version.effective_at);
    match version.state {
        State::Announced => t!(ui, "policies.from", version = number, date = date),
        _ => t!(ui, "policies.since", version = number, date = date),
    }
}

/// On every page of somebody who has yet to accept terms that are in force: a quiet word, and the way there.
pub fn to_accept(ui: &Ui) -> Option<AnyView> {
    if !ui.to_accept() || ui.path() == "/settings/policies" {
        return None;
    }
    let words = rich(&t!(ui, "policies.banner"), |inner| {
        view! { <a href="/settings/policies">{inner}</a> }.into_any()
    });
    let note = view! {
        <div class="note">{icon(ui, "circle-alert", "")}<p>{words}</p></div>
    };
    Some(note.into_any())
}

/// The links at the bottom of public pages.
pub fn policy_links(ui: &Ui) -> AnyView {
    let links = Name::ALL.map(|name| {
        view! { <a href=ui.link(&policy_path(name))>{short_name(ui, name)}</a> }
    });
    links.into_iter().collect::<Vec<_>>().into_any()
}
