//! Where am I signed in? Every browser, which of them is this one, and the way to end the others.

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::sessions::{SessionView, Sessions};

use super::framed;
use crate::pages::{error, signed_in};
use crate::reader::{Reader, Ui};
use crate::shell::{icon, respond};

pub async fn sessions(reader: Reader) -> Response {
    let services = reader.services.clone();
    let here = reader
        .session
        .id()
        .map(|id| Sessions::handle(&id.to_string()));
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Ok(mut list) = services.sessions.list_of(account.id).await else {
        return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE);
    };
    // This one first, then those that were used last.
    list.sort_by_key(|session| {
        (
            here.as_deref() != Some(session.handle.as_str()),
            std::cmp::Reverse(session.last_seen),
        )
    });
    respond(&ui, StatusCode::OK, |ui| {
        let others = list.len() > 1;
        let rows: Vec<_> = list
            .iter()
            .map(|session| row(ui, session, here.as_deref()))
            .collect();
        let end_others = others.then(|| {
            view! {
                <form method="post" action="/api/end_other_sessions">
                    <button class="btn" type="submit">{t!(ui, "settings.sessions.end_others")}</button>
                </form>
            }
        });
        let body = view! {
            <section class="sheet" aria-labelledby="sessions">
                <header>
                    <h2 id="sessions">{t!(ui, "settings.sessions.title")}</h2>
                    {end_others}
                </header>
                <p class="muted">{t!(ui, "settings.sessions.lead")}</p>
                <div class="tablewrap" role="group" aria-labelledby="sessions" tabindex="0">
                    <table class="sessions">
                        <thead>
                            <tr>
                                <th scope="col">{t!(ui, "settings.sessions.browser")}</th>
                                <th scope="col" class="hide-narrow">{t!(ui, "settings.sessions.network")}</th>
                                <th scope="col" class="hide-narrow">{t!(ui, "settings.sessions.last_seen")}</th>
                                <th scope="col"><span class="vh">{t!(ui, "settings.sessions.end")}</span></th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </section>
        };
        framed(ui, t!(ui, "settings.tabs.sessions"), body.into_any())
    })
}

fn row(ui: &Ui, session: &SessionView, here: Option<&str>) -> AnyView {
    let this = here == Some(session.handle.as_str());
    let agent = if session.agent.is_empty() {
        view! { {t!(ui, "settings.sessions.unknown")} }.into_any()
    } else {
        view! { <bdi translate="no">{session.agent.clone()}</bdi> }.into_any()
    };
    let end = if this {
        view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "settings.sessions.this")}</span> }.into_any()
    } else {
        let label = t!(
            ui,
            "settings.sessions.end_label",
            browser = session.agent,
            network = session.network
        );
        view! {
            <form method="post" action="/api/end_session">
                <input type="hidden" name="handle" value=session.handle.clone()/>
                <button class="btn slim" type="submit" aria-label=label>{t!(ui, "settings.sessions.end")}</button>
            </form>
        }
        .into_any()
    };
    let seen = ui.ago(session.last_seen);
    let since = t!(
        ui,
        "settings.sessions.since",
        date = ui.date_time(session.created_at)
    );
    view! {
        <tr>
            <th scope="row">{agent}<span class="since wide">{since}</span><span class="since slim">{seen.clone()}</span></th>
            <td class="hide-narrow"><bdi class="mono" translate="no">{session.network.clone()}</bdi></td>
            <td class="hide-narrow">{seen}</td>
            <td class="n">{end}</td>
        </tr>
    }
    .into_any()
}
