//! `/policies/{name}` and `/policies/{name}/{version}`: what does it say, is it in force, and what was there before?

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::policies::{Name, State, Text, Version};
use texts::content::Heading;

use super::list::shown;
use super::{PATH, changes_path, day, policy_path, short_name, since, state, version_path};
use crate::pages::{anyone, error};
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, notice, respond, rich};

/// `GET /policies/{name}`: the version in force.
pub async fn one(Path(name): Path<String>, reader: Reader) -> Response {
    page(reader, &name, None).await
}

/// `GET /policies/{name}/{version}`
pub async fn version(Path((name, number)): Path<(String, String)>, reader: Reader) -> Response {
    page(reader, &name, Some(number)).await
}

async fn page(reader: Reader, name: &str, number: Option<String>) -> Response {
    let ui = anyone(reader).await;
    let found = Name::parse(name).and_then(|name| {
        let versions = ui.policies().versions(name);
        let number = match number {
            // One spelling per version: 01 is no version.
            Some(text) => text.parse().ok().filter(|n: &u32| n.to_string() == text)?,
            None => shown(&versions)?.number,
        };
        let text = ui.policies().text(ui.locale(), name, number)?;
        Some((versions, text))
    });
    let Some((versions, text)) = found else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: text.document.title.clone(),
        description: Some(t!(
            ui,
            "policies.meta.one",
            policy = short_name(ui, text.version.name),
            brand = ui.site().brand
        )),
        body: content(ui, &versions, text),
    })
}

fn content(ui: &Ui, versions: &[Version], text: Text) -> AnyView {
    let Text {
        version, document, ..
    } = text;
    let changes = changes_path(&version).map(|path| {
        view! { <a class="btn slim" href=ui.link(&path)>{t!(ui, "policies.changes")}</a> }
    });
    // The text may be in English for readers of a language that has none; the page around it is theirs.
    let elsewhere = (document.locale != ui.locale().code()).then(|| document.locale.clone());
    let untranslated = elsewhere
        .is_some()
        .then(|| notice(ui, "", t!(ui, "policies.untranslated")));
    let dir = elsewhere.is_some().then_some("ltr");
    view! {
        <div class="policies">
            <nav class="crumbs" aria-label=t!(ui, "policies.crumbs")>
                <ol><li><a href=ui.link(PATH)>{icon(ui, "arrow-left", "flip")}{t!(ui, "policies.title")}</a></li></ol>
            </nav>
            <header class="stack">
                <h1 id="title" lang=elsewhere.clone() dir=dir>{document.title.clone()}</h1>
                <div class="row">{state(ui, &version)}<p class="muted">{since(ui, &version)}</p>{changes}</div>
            </header>
            {other_version(ui, versions, &version)}
            {untranslated}
            <div class="policy">
                {contents(ui, &document.headings)}
                <article class="policy-text" lang=elsewhere dir=dir inner_html=document.html></article>
            </div>
            {history(ui, versions, &version)}
        </div>
    }
    .into_any()
}

/// That this is not the version in force, or that another one is on its way.
fn other_version(ui: &Ui, versions: &[Version], version: &Version) -> Option<AnyView> {
    let link = |path: String| move |inner: String| view! { <a href=path>{inner}</a> }.into_any();
    let in_force = versions.iter().find(|other| other.state == State::InForce);
    match version.state {
        State::InForce => {
            let next = versions
                .iter()
                .rfind(|other| other.state == State::Announced)?;
            let text = t!(
                ui,
                "policies.announcement",
                date = day(ui, next.effective_at)
            );
            let words = rich(&text, link(ui.link(&version_path(next))));
            Some(notice(ui, "", words))
        }
        State::Announced => {
            let text = t!(ui, "policies.not_yet", date = day(ui, version.effective_at));
            let words = match in_force {
                Some(other) => rich(&text, link(ui.link(&policy_path(other.name)))),
                None => return Some(notice(ui, "warn", t!(ui, "policies.none_yet"))),
            };
            Some(notice(ui, "warn", words))
        }
        State::Replaced => {
            let text = t!(ui, "policies.no_longer");
            let words = rich(&text, link(ui.link(&policy_path(version.name))));
            Some(notice(ui, "warn", words))
        }
    }
}

/// The table of contents.
fn contents(ui: &Ui, headings: &[Heading]) -> AnyView {
    let entries: Vec<_> = headings
        .iter()
        .filter(|heading| heading.level == 2)
        .map(|heading| {
            let href = format!("#{}", heading.id);
            view! { <li><a href=href>{heading.text.clone()}</a></li> }
        })
        .collect();
    view! {
        <nav class="contents" aria-labelledby="contents">
            <p id="contents" class="hint">{t!(ui, "policies.contents")}</p>
            <ol>{entries}</ol>
        </nav>
    }
    .into_any()
}

fn history(ui: &Ui, versions: &[Version], version: &Version) -> AnyView {
    let rows: Vec<_> = versions
        .iter()
        .map(|other| {
            let number = ui.number(other.number.into());
            let words = t!(ui, "policies.history.number", version = number);
            let current = (other.number == version.number).then_some("page");
            let changes = changes_path(other).map(|path| {
                let label = t!(ui, "policies.history.changes_of", version = ui.number(other.number.into()));
                view! { <a href=ui.link(&path) aria-label=label>{t!(ui, "policies.changes")}</a> }
            });
            view! {
                <tr>
                    <th scope="row"><a href=ui.link(&version_path(other)) aria-current=current>{words}</a></th>
                    <td class="when">{day(ui, other.effective_at)}</td>
                    <td>{state(ui, other)}</td>
                    <td>{ui.policies().summary(ui.locale(), other)}</td>
                    <td>{changes}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="sheet" aria-labelledby="history">
            <h2 id="history">{t!(ui, "policies.history.title")}</h2>
            <div class="tablewrap" role="group" aria-labelledby="history" tabindex="0">
                <table aria-labelledby="history">
                    <thead><tr>
                        <th scope="col">{t!(ui, "policies.history.version")}</th>
                        <th scope="col">{t!(ui, "policies.history.from")}</th>
                        <th scope="col">{t!(ui, "policies.history.state")}</th>
                        <th scope="col">{t!(ui, "policies.history.summary")}</th>
                        <th scope="col">{t!(ui, "policies.history.compare")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
