//! `/policies`: which policies are there, and since when?

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::policies::{Name, State, Version};

use super::{day, policy_path, since, version_path};
use crate::pages::anyone;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, respond};

/// `GET /policies`
pub async fn list(reader: Reader) -> Response {
    let ui = anyone(reader).await;
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "policies.title"),
        description: Some(t!(ui, "policies.meta.description", brand = ui.site().brand)),
        body: content(ui),
    })
}

fn content(ui: &Ui) -> AnyView {
    let entries: Vec<_> = Name::ALL
        .into_iter()
        .filter_map(|name| entry(ui, name))
        .collect();
    view! {
        <div class="policies">
            <header class="stack">
                <h1>{t!(ui, "policies.title")}</h1>
                <p class="measure muted">{t!(ui, "policies.lead")}</p>
            </header>
            <ul class="policy-list">{entries}</ul>
        </div>
    }
    .into_any()
}

/// A policy that has a version to show.
fn entry(ui: &Ui, name: Name) -> Option<AnyView> {
    let versions = ui.policies().versions(name);
    let shown = shown(&versions)?.clone();
    let text = ui.policies().text(ui.locale(), name, shown.number)?;
    let announced = versions
        .iter()
        .find(|version| version.state == State::Announced && version.number != shown.number)
        .map(|next| {
            let words = t!(ui, "policies.next", date = day(ui, next.effective_at));
            view! { <p class="small"><a href=ui.link(&version_path(next))>{words}</a></p> }
        });
    let about = match name {
        Name::Terms => t!(ui, "policies.about.terms"),
        Name::Privacy => t!(ui, "policies.about.privacy"),
        Name::AcceptableUse => t!(ui, "policies.about.acceptable_use"),
        Name::Refunds => t!(ui, "policies.about.refunds"),
        Name::Cookies => t!(ui, "policies.about.cookies"),
    };
    let entry = view! {
        <li class="sheet">
            <h2><a href=ui.link(&policy_path(name))>{text.document.title}</a></h2>
            <p>{about}</p>
            <p class="hint">{since(ui, &shown)}</p>
            {announced}
        </li>
    };
    Some(entry.into_any())
}

/// What a policy's page shows: the version in force, or before there is one, the next that will be.
pub fn shown(versions: &[Version]) -> Option<&Version> {
    versions
        .iter()
        .find(|version| version.state == State::InForce)
        .or_else(|| versions.last())
}
