//! `/policies/{name}/compare?from=1&to=2`: what is different between two versions? The newer text, with what was added
//! and removed marked for the eye and said for the ear.

use axum::extract::{Path, Query};
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;
use server::policies::{
    Change, Line, LineKind, Name, Piece, Text, Version, compare as differences,
};

use super::{day, policy_path, short_name};
use crate::pages::{anyone, error};
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, notice, respond};

/// Unchanged paragraphs that are shown beside a changed one; more are counted.
const NEIGHBOURS: usize = 1;

/// What the address asks for. Numbers are read by hand: nonsense is a page that does not exist, and no bare error.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    from: Option<String>,
    to: Option<String>,
}

/// `GET /policies/{name}/compare`
pub async fn compare(
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
    reader: Reader,
) -> Response {
    let ui = anyone(reader).await;
    let found = Name::parse(&name).and_then(|name| {
        let versions = ui.policies().versions(name);
        let newest = versions.first()?.number;
        let to = read(asked.to.as_deref(), newest)?;
        let from = read(asked.from.as_deref(), to.saturating_sub(1).max(1))?;
        let text = |number| ui.policies().text(ui.locale(), name, number);
        Some((versions, text(from)?, text(to)?))
    });
    let Some((versions, from, to)) = found else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Aside,
        title: t!(ui, "policies.compare.title", policy = to.document.title),
        description: None,
        body: content(ui, &versions, &from, &to),
    })
}

/// A number of the address, or what it means when it is not given.
fn read(text: Option<&str>, usual: u32) -> Option<u32> {
    text.filter(|text| !text.is_empty())
        .map_or(Some(usual), |text| text.parse().ok())
}

fn content(ui: &Ui, versions: &[Version], from: &Text, to: &Text) -> AnyView {
    let name = to.version.name;
    let lines = differences(&from.document.markdown, &to.document.markdown);
    let same = lines.iter().all(Line::same);
    let body = if same {
        notice(ui, "", t!(ui, "policies.compare.same"))
    } else {
        let shown = folded(ui, &lines);
        view! { <div class="policy-changes sheet">{shown}</div> }.into_any()
    };
    let back = ui.link(&policy_path(name));
    view! {
        <div class="policies">
            <nav class="crumbs" aria-label=t!(ui, "policies.crumbs")>
                <ol><li><a href=back>{icon(ui, "arrow-left", "flip")}{short_name(ui, name)}</a></li></ol>
            </nav>
            <h1>{t!(ui, "policies.compare.title", policy = to.document.title)}</h1>
            {choose(ui, versions, from.version.number, to.version.number)}
            {(!same).then(|| view! { <p class="hint">{t!(ui, "policies.compare.hint")}</p> })}
            {body}
        </div>
    }
    .into_any()
}

/// Which two versions; with one there is nothing to choose.
fn choose(ui: &Ui, versions: &[Version], from: u32, to: u32) -> Option<AnyView> {
    if versions.len() < 2 {
        return None;
    }
    let select = |name: &'static str, label: String, chosen: u32| {
        let entries: Vec<_> = versions
            .iter()
            .map(|version| {
                let (number, date) = (version.number, day(ui, version.effective_at));
                let words = t!(
                    ui,
                    "policies.compare.entry",
                    version = ui.number(number.into()),
                    date = date
                );
                let selected = number == chosen;
                view! { <option value=number.to_string() selected=selected>{words}</option> }
            })
            .collect();
        view! {
            <div class="item">
                <label for=name>{label}</label>
                <select class="field" id=name name=name>{entries}</select>
            </div>
        }
    };
    let form = view! {
        <form class="policy-choice" method="get">
            {select("from", t!(ui, "policies.compare.from"), from)}
            {select("to", t!(ui, "policies.compare.to"), to)}
            <button class="btn" type="submit">{t!(ui, "policies.compare.submit")}</button>
        </form>
    };
    Some(form.into_any())
}

/// The lines, with long unchanged stretches counted.
fn folded(ui: &Ui, lines: &[Line]) -> Vec<AnyView> {
    let near = |at: usize| {
        let (first, last) = (at.saturating_sub(NEIGHBOURS), at + NEIGHBOURS);
        (first..=last).any(|other| lines.get(other).is_some_and(|line| !line.same()))
    };
    let mut shown = Vec::new();
    let mut hidden = 0;
    for (at, line) in lines.iter().enumerate() {
        if near(at) {
            shown.extend(gap(ui, &mut hidden));
            shown.push(paragraph(ui, line));
        } else {
            hidden += 1;
        }
    }
    shown.extend(gap(ui, &mut hidden));
    shown
}

fn gap(ui: &Ui, hidden: &mut u64) -> Option<AnyView> {
    let count = std::mem::take(hidden);
    (count > 0).then(|| {
        view! { <p class="hint gap">{n!(ui, "policies.compare.unchanged", count)}</p> }.into_any()
    })
}

fn paragraph(ui: &Ui, line: &Line) -> AnyView {
    let pieces: Vec<_> = line.pieces.iter().map(|words| piece(ui, words)).collect();
    let class = match line.kind {
        LineKind::Heading => Some("heading"),
        LineKind::Entry => Some("entry"),
        LineKind::Paragraph => None,
    };
    view! { <p class=class>{pieces}</p> }.into_any()
}

/// Marks say nothing to most screen readers, so words do.
fn piece(ui: &Ui, piece: &Piece) -> AnyView {
    let text = piece.text.clone();
    match piece.change {
        Change::Same => text.into_any(),
        Change::Added => {
            view! { <ins><span class="vh">{t!(ui, "policies.compare.added")}" "</span>{text}</ins> }
                .into_any()
        }
        Change::Removed => {
            view! { <del><span class="vh">{t!(ui, "policies.compare.removed")}" "</span>{text}</del> }
                .into_any()
        }
    }
}
