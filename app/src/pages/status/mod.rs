//! `/status` and `/status.json`: does it work, and did it work? From what the nodes saw themselves; a visitor asks the
//! database nothing, so the page stands when the database does not.

mod bars;

use axum::Json;
use axum::extract::State as Extracted;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use leptos::prelude::*;
use serde_json::{Value, json};
use server::status::{FamilyPicture, Part, PartPicture, Picture, Share, State};
use texts::format;

use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::shell::{Frame, Page, icon, notice, respond};

pub const PATH: &str = "/status";

/// `GET /status`
pub async fn page(reader: Reader) -> Response {
    let picture = reader.services.status.picture();
    // Not even who reads: this page must come when the database does not.
    let ui = reader.ui(None);
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "status.title"),
        description: Some(t!(ui, "status.description", brand = ui.site().brand)),
        body: content(ui, &picture),
    })
}

/// `GET /status.json`
pub async fn json(Extracted(services): Extracted<Services>) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "public, max-age=20"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, Json(told(&services.status.picture()))).into_response()
}

fn told(picture: &Picture) -> Value {
    let minutes = |share: &Share| json!({"good": share.good, "bad": share.bad});
    let minutes = |shares: &[Share]| shares.iter().map(minutes).collect::<Vec<_>>();
    // How many calls there are is the operator's business: of them only the part that was answered is told, hundredths
    // of a per cent, and nothing where there were none.
    let parts_of = |shares: &[Share]| -> Vec<Option<i64>> {
        shares.iter().map(|share| share.basis_points()).collect()
    };
    let parts: Vec<_> = picture
        .parts
        .iter()
        .map(|part| {
            json!({
                "id": part.part.id(), "status": part.now.id(), "unit": "minutes",
                "hours": minutes(&part.history.hours), "days": minutes(&part.history.days),
            })
        })
        .collect();
    let families: Vec<_> = picture
        .families
        .iter()
        .map(|family| {
            json!({
                "id": family.family, "status": family.now.id(), "unit": "basis_points",
                "median_first_byte_ms": family.first_byte_ms,
                "hours": parts_of(&family.history.hours), "days": parts_of(&family.history.days),
            })
        })
        .collect();
    json!({
        "object": "status",
        "at": format::iso(picture.at),
        "since": picture.since.map(format::iso),
        "status": overall(picture).id(),
        "parts": parts,
        "models": families,
    })
}

/// What matters most to somebody who looks: trouble of ours before trouble of a family of models.
fn overall(picture: &Picture) -> State {
    let ours = |state| picture.parts.iter().any(|part| part.now == state);
    let theirs = |state| picture.families.iter().any(|family| family.now == state);
    if ours(State::Fails) {
        State::Fails
    } else if theirs(State::Fails) || theirs(State::Partly) {
        State::Partly
    } else if ours(State::Quiet) {
        State::Quiet
    } else {
        State::Works
    }
}

fn content(ui: &Ui, picture: &Picture) -> AnyView {
    let lead = match overall(picture) {
        State::Works => notice(ui, "ok", t!(ui, "status.overall.works")),
        State::Partly => notice(ui, "warn", t!(ui, "status.overall.partly")),
        State::Fails => notice(ui, "warn", t!(ui, "status.overall.fails")),
        State::Quiet => notice(ui, "", t!(ui, "status.overall.quiet")),
    };
    let parts: Vec<_> = picture
        .parts
        .iter()
        .map(|part| one_part(ui, part))
        .collect();
    let families: Vec<_> = picture
        .families
        .iter()
        .map(|family| one_family(ui, family))
        .collect();
    let families = if families.is_empty() {
        view! { <p class="muted">{t!(ui, "status.models.none")}</p> }.into_any()
    } else {
        view! { <ul class="status-list">{families}</ul> }.into_any()
    };
    let since = picture
        .since
        .map(|since| t!(ui, "status.since", date = ui.date(since)));
    view! {
        <div class="status-page">
            <header class="intro">
                <h1 id="title">{t!(ui, "status.title")}</h1>
                <p class="hint">{t!(ui, "status.at", time = ui.date_time(picture.at))}</p>
            </header>
            {lead}
            <section class="sheet" aria-labelledby="parts">
                <h2 id="parts">{t!(ui, "status.parts.title")}</h2>
                <ul class="status-list">{parts}</ul>
            </section>
            <section class="sheet" aria-labelledby="models">
                <h2 id="models">{t!(ui, "status.models.title")}</h2>
                <p class="hint">{t!(ui, "status.models.hint")}</p>
                {families}
            </section>
            <div class="stack">
                <p class="hint">{t!(ui, "status.how")}</p>
                <p class="hint">{since}</p>
                <p class="hint"><a href="/status.json">{t!(ui, "status.json")}</a></p>
            </div>
        </div>
    }
    .into_any()
}

fn one_part(ui: &Ui, part: &PartPicture) -> AnyView {
    let name = match part.part {
        Part::Api => t!(ui, "status.parts.api"),
        Part::Pages => t!(ui, "status.parts.pages"),
        Part::Database => t!(ui, "status.parts.database"),
    };
    let words = match (
        part.history.last_day().basis_points(),
        part.history.all().basis_points(),
    ) {
        (Some(day), Some(all)) => t!(
            ui,
            "status.parts.shares",
            day = ui.percent(day),
            all = ui.percent(all)
        ),
        _ => t!(ui, "status.parts.nothing"),
    };
    view! {
        <li>
            <div class="head"><h3>{name}</h3>{pill(ui, part.now)}</div>
            {bars::bars(ui, &part.history)}
            <p class="hint">{words}</p>
        </li>
    }
    .into_any()
}

fn one_family(ui: &Ui, family: &FamilyPicture) -> AnyView {
    let (day, all) = (family.history.last_day(), family.history.all());
    let words = match (day.basis_points(), all.basis_points()) {
        (Some(day), _) => t!(ui, "status.models.share_day", share = ui.percent(day)),
        (None, Some(all)) => t!(ui, "status.models.share_all", share = ui.percent(all)),
        (None, None) => t!(ui, "status.models.nothing"),
    };
    let time = family.first_byte_ms.map(|time| {
        let words = t!(ui, "status.models.first_byte", time = ui.number(time));
        view! { <p class="hint">{words}</p> }
    });
    view! {
        <li>
            <div class="head"><h3><bdi class="mono" translate="no">{family.family.clone()}</bdi></h3>{pill(ui, family.now)}</div>
            {bars::bars(ui, &family.history)}
            <p class="hint">{words}</p>
            {time}
        </li>
    }
    .into_any()
}

fn pill(ui: &Ui, state: State) -> AnyView {
    let (class, sign, words) = match state {
        State::Works => ("pill", "check", t!(ui, "status.state.works")),
        State::Partly => (
            "pill partly",
            "triangle-alert",
            t!(ui, "status.state.partly"),
        ),
        State::Fails => ("pill fails", "triangle-alert", t!(ui, "status.state.fails")),
        State::Quiet => ("pill off", "circle", t!(ui, "status.state.quiet")),
    };
    view! { <span class=class>{icon(ui, sign, "")}{words}</span> }.into_any()
}
