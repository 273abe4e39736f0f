//! What did I accept here, and is there something new to accept?

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use leptos::prelude::*;
use server::policies::{ACCEPTED, Accepted, How, Name, Text};

use super::framed;
use crate::pages::policies::{changes_path, policy_path, short_name, version_path};
use crate::pages::{error, signed_in};
use crate::reader::{Reader, Ui};
use crate::shell::respond;

/// `GET /settings/policies`
pub async fn policies(reader: Reader) -> Response {
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let policies = ui.policies().clone();
    let Ok(accepted) = policies.accepted(account.id).await else {
        return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE);
    };
    let missing: Vec<Text> = ACCEPTED
        .into_iter()
        .filter_map(|name| {
            let version = ui.policies().in_force(name)?;
            let is_it = |row: &Accepted| row.name == name && row.version == version.number;
            if accepted.iter().any(is_it) {
                return None;
            }
            ui.policies().text(ui.locale(), name, version.number)
        })
        .collect();
    respond(&ui, StatusCode::OK, |ui| {
        let body = view! {
            <div class="columns">
                {(!missing.is_empty()).then(|| ask(ui, &missing, &accepted))}
                {log(ui, &accepted)}
                {all(ui)}
            </div>
        };
        framed(ui, t!(ui, "policies.accepted.title"), body.into_any())
    })
}

/// `GET /settings/policies/{name}/{version}`: the text as it was when it was accepted, to keep.
pub async fn accepted_text(
    Path((name, number)): Path<(String, String)>,
    reader: Reader,
) -> Response {
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let (Some(name), Ok(number)) = (Name::parse(&name), number.parse::<u32>()) else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    let policies = ui.policies().clone();
    let text = match policies.accepted_text(account.id, name, number).await {
        Ok(Some(text)) => text,
        Ok(None) => return error::page(&ui, StatusCode::NOT_FOUND),
        Err(_) => return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    };
    let file = format!("attachment; filename=\"{}-{number}.md\"", name.code());
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/markdown; charset=utf-8".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, file),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, text).into_response()
}

/// The versions in force that this person has not accepted, to read and to accept.
fn ask(ui: &Ui, missing: &[Text], accepted: &[Accepted]) -> AnyView {
    let entries: Vec<_> = missing
        .iter()
        .map(|text| {
            let version = &text.version;
            // What changed is only of interest to who knows what it was.
            let before = accepted.iter().any(|row| row.name == version.name);
            let changes = changes_path(version).filter(|_| before).map(|path| {
                view! { " · " <a href=ui.link(&path)>{t!(ui, "policies.changes")}</a> }
            });
            let words = t!(
                ui,
                "policies.accepted.entry",
                policy = text.document.title,
                version = ui.number(version.number.into())
            );
            view! { <li><a href=ui.link(&version_path(version))>{words}</a>{changes}</li> }
        })
        .collect();
    // What exactly was shown travels with the form: nobody accepts what came in force while they read.
    let texts: Vec<_> = missing
        .iter()
        .map(|text| {
            let name = text.version.name.code();
            let value = format!("{}:{}", text.version.number, text.sha256);
            view! { <input type="hidden" name=name value=value/> }
        })
        .collect();
    view! {
        <section class="sheet" aria-labelledby="ask">
            <header><h2 id="ask">{t!(ui, "policies.accepted.ask")}</h2></header>
            <p>{t!(ui, "policies.accepted.ask_hint")}</p>
            <ul class="policy-asked">{entries}</ul>
            <form method="post" action="/api/accept_policies">
                <input type="hidden" name="locale" value=ui.locale().code()/>
                {texts}
                <button class="btn primary" type="submit">{t!(ui, "policies.accepted.submit")}</button>
            </form>
        </section>
    }
    .into_any()
}

fn log(ui: &Ui, accepted: &[Accepted]) -> AnyView {
    let content = if accepted.is_empty() {
        view! { <p class="muted">{t!(ui, "policies.accepted.none")}</p> }.into_any()
    } else {
        let rows: Vec<_> = accepted.iter().map(|row| line(ui, row)).collect();
        view! {
            <div class="tablewrap" role="group" aria-labelledby="accepted" tabindex="0">
                <table aria-labelledby="accepted">
                    <thead><tr>
                        <th scope="col">{t!(ui, "policies.accepted.policy")}</th>
                        <th scope="col">{t!(ui, "policies.accepted.when")}</th>
                        <th scope="col">{t!(ui, "policies.accepted.how")}</th>
                        <th scope="col">{t!(ui, "policies.accepted.text")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="sheet" aria-labelledby="accepted">
            <header><h2 id="accepted">{t!(ui, "policies.accepted.title")}</h2></header>
            {content}
        </section>
    }
    .into_any()
}

fn line(ui: &Ui, row: &Accepted) -> AnyView {
    let path = format!("{}/{}", policy_path(row.name), row.version);
    let words = t!(
        ui,
        "policies.accepted.entry",
        policy = short_name(ui, row.name),
        version = ui.number(row.version.into())
    );
    let file = format!("/settings/policies/{}/{}", row.name.code(), row.version);
    let label = t!(ui, "policies.accepted.download_of", policy = words);
    let how = match row.how {
        How::SignUp => t!(ui, "policies.accepted.sign_up"),
        How::Asked => t!(ui, "policies.accepted.asked"),
    };
    view! {
        <tr>
            <th scope="row"><a href=ui.link(&path)>{words}</a></th>
            <td class="when">{ui.date_time(row.accepted_at)}</td>
            <td>{how}</td>
            <td><a href=file aria-label=label>{t!(ui, "policies.accepted.download")}</a></td>
        </tr>
    }
    .into_any()
}

/// Every policy: pages of the signed-in have no footer.
fn all(ui: &Ui) -> AnyView {
    let entries = Name::ALL.map(|name| {
        view! { <li><a href=ui.link(&policy_path(name))>{short_name(ui, name)}</a></li> }
    });
    view! {
        <section class="sheet" aria-labelledby="all-policies">
            <header><h2 id="all-policies">{t!(ui, "policies.title")}</h2></header>
            <ul class="policy-asked">{entries.into_iter().collect::<Vec<_>>()}</ul>
        </section>
    }
    .into_any()
}
