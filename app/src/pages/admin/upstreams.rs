//! Who serves the models? The providers: listed, added, changed, switched off.

use axum::extract::Path;
use axum::response::Response;
use domain::Speaks;
use domain::ids::UpstreamId;
use leptos::prelude::*;
use server::upstreams::UpstreamRow;

use super::{admin, crumbs, missing, page, scrolled, unavailable};
use crate::api::AdminField;
use crate::flash::Field;
use crate::pages::form::{Input, input, select, tick};
use crate::reader::{Reader, Ui};
use crate::shell::{icon, notice};

/// `GET /admin/upstreams`
pub async fn upstreams(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    match services.upstreams.rows().await {
        Ok(rows) => page(&ui, t!(ui, "admin.upstreams.title"), |ui| list(ui, &rows)),
        Err(error) => unavailable(&ui, &error),
    }
}

/// `GET /admin/upstreams/new`
pub async fn new_upstream(reader: Reader) -> Response {
    match admin(reader).await {
        Ok((ui, _)) => page(&ui, t!(ui, "admin.upstreams.new_title"), new_form),
        Err(elsewhere) => elsewhere,
    }
}

/// `GET /admin/upstreams/{id}`
pub async fn upstream(Path(id): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Ok(id) = id.parse::<UpstreamId>() else {
        return missing(&ui);
    };
    match services.upstreams.rows().await {
        Ok(rows) => match rows.iter().find(|row| row.view.id == id) {
            Some(row) => page(&ui, row.view.name.clone(), |ui| one(ui, row)),
            None => missing(&ui),
        },
        Err(error) => unavailable(&ui, &error),
    }
}

fn list(ui: &Ui, rows: &[UpstreamRow]) -> AnyView {
    let table = if rows.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.upstreams.none")}</p> }.into_any()
    } else {
        let head = view! {
            <th scope="col">{t!(ui, "admin.upstreams.name")}</th>
            <th scope="col">{t!(ui, "admin.upstreams.dialect")}</th>
            <th scope="col">{t!(ui, "admin.upstreams.address")}</th>
            <th scope="col" class="n">{t!(ui, "admin.upstreams.models")}</th>
            <th scope="col">{t!(ui, "admin.upstreams.state")}</th>
        };
        let lines = rows.iter().map(|row| line(ui, row)).collect();
        scrolled(t!(ui, "admin.upstreams.title"), head.into_any(), lines)
    };
    view! {
        <div class="head">
            <h1>{t!(ui, "admin.upstreams.title")}</h1>
            <a class="btn primary" href="/admin/upstreams/new">{icon(ui, "plus", "")}{t!(ui, "admin.upstreams.add")}</a>
        </div>
        <section class="sheet" aria-label=t!(ui, "admin.upstreams.title")>
            <p class="muted">{t!(ui, "admin.upstreams.lead")}</p>
            {table}
        </section>
    }
    .into_any()
}

fn line(ui: &Ui, row: &UpstreamRow) -> AnyView {
    view! {
        <tr>
            <th scope="row"><a href=format!("/admin/upstreams/{}", row.view.id)><bdi translate="no">{row.view.name.clone()}</bdi></a></th>
            <td>{speaks_words(ui, row.view.dialect)}</td>
            <td><bdi class="mono" translate="no">{row.view.base_url.clone()}</bdi></td>
            <td class="n num">{ui.number(row.models)}</td>
            <td>{state(ui, row)}</td>
        </tr>
    }
    .into_any()
}

fn state(ui: &Ui, row: &UpstreamRow) -> AnyView {
    let works = if row.view.disabled_at.is_some() {
        view! { <span class="pill off">{t!(ui, "admin.upstreams.off")}</span> }.into_any()
    } else if row.usable {
        view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "admin.upstreams.on")}</span> }
            .into_any()
    } else {
        view! { <span class="pill danger">{t!(ui, "admin.upstreams.unusable")}</span> }.into_any()
    };
    let bare = (!row.view.has_api_key)
        .then(|| view! { <span class="pill off">{t!(ui, "admin.upstreams.no_key")}</span> });
    view! { <span class="row tight">{works}{bare}</span> }.into_any()
}

fn name_and_address(ui: &Ui, name: &str, base_url: &str) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let name = Input::new(Field::Name, t!(ui, "admin.upstreams.name"))
        .hint(t!(ui, "admin.upstreams.name_hint"))
        .value(name);
    let mut address = Input::new(
        Field::Admin(AdminField::BaseUrl),
        t!(ui, "admin.upstreams.address"),
    )
    .hint(t!(ui, "admin.upstreams.address_hint"))
    .value(base_url);
    address.inputmode = Some("url");
    address.ltr = true;
    view! { {input(ui, &flash, name)}{input(ui, &flash, address)} }.into_any()
}

/// A secret: it never comes back into the form.
fn credential(ui: &Ui, hint: String) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let mut field = Input::password(t!(ui, "admin.upstreams.api_key")).hint(hint);
    field.field = Field::Admin(AdminField::ApiKey);
    // "off" is not heeded for passwords; nothing of the administrator's own belongs here.
    field.autocomplete = "new-password";
    input(ui, &flash, field)
}

fn dialects(ui: &Ui) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let entries = Speaks::ALL
        .map(|speaks| (speaks.id().to_owned(), speaks_words(ui, speaks)))
        .to_vec();
    let field = Field::Admin(AdminField::Dialect);
    let label = t!(ui, "admin.upstreams.dialect");
    select(&flash, field, label, entries, Speaks::OpenAi.id())
}

fn speaks_words(ui: &Ui, speaks: Speaks) -> String {
    match speaks {
        Speaks::OpenAi => t!(ui, "admin.upstreams.speaks_openai"),
        Speaks::OpenAiChat => t!(ui, "admin.upstreams.speaks_chat"),
        Speaks::OpenAiResponses => t!(ui, "admin.upstreams.speaks_responses"),
        Speaks::Anthropic => t!(ui, "admin.upstreams.speaks_anthropic"),
    }
}

fn new_form(ui: &Ui) -> AnyView {
    view! {
        {crumbs(ui, "/admin/upstreams", t!(ui, "admin.upstreams.title"))}
        <section class="sheet narrow" aria-labelledby="title">
            <h1 id="title">{t!(ui, "admin.upstreams.new_title")}</h1>
            <p class="muted">{t!(ui, "admin.upstreams.any_dialect")}</p>
            <form class="form" method="post" action="/api/admin_create_upstream">
                {dialects(ui)}
                {name_and_address(ui, "", "")}
                {credential(ui, t!(ui, "admin.upstreams.api_key_hint"))}
                <button class="btn primary" type="submit">{t!(ui, "admin.upstreams.add")}</button>
            </form>
        </section>
    }
    .into_any()
}

fn one(ui: &Ui, row: &UpstreamRow) -> AnyView {
    let (view, id) = (&row.view, row.view.id.to_string());
    let flash = ui.flash().cloned().unwrap_or_default();
    let unusable = (!row.usable && view.disabled_at.is_none())
        .then(|| notice(ui, "danger", t!(ui, "admin.upstreams.unusable_note")));
    let (hint, remove) = if view.has_api_key {
        let words = view! { {t!(ui, "admin.upstreams.remove_key")} }.into_any();
        let field = Field::Admin(AdminField::RemoveKey);
        (
            t!(ui, "admin.upstreams.api_key_kept"),
            Some(tick(ui, &flash, field, words, false)),
        )
    } else {
        (t!(ui, "admin.upstreams.api_key_hint"), None)
    };
    let switch = if view.disabled_at.is_some() {
        view! {
            <form method="post" action="/api/admin_switch_upstream">
                <input type="hidden" name="id" value=id.clone()/>
                <input type="hidden" name="on" value="true"/>
                <button class="btn" type="submit">{t!(ui, "admin.upstreams.switch_on")}</button>
            </form>
        }
        .into_any()
    } else {
        view! {
            <details class="more">
                <summary>{icon(ui, "chevron-down", "")}{t!(ui, "admin.upstreams.switch_off")}</summary>
                <form class="form" method="post" action="/api/admin_switch_upstream">
                    <input type="hidden" name="id" value=id.clone()/>
                    <input type="hidden" name="on" value="false"/>
                    <p class="muted">{n!(ui, "admin.upstreams.switch_off_body", row.models)}</p>
                    <button class="btn danger" type="submit">{t!(ui, "admin.upstreams.switch_off_submit")}</button>
                </form>
            </details>
        }
        .into_any()
    };
    view! {
        {crumbs(ui, "/admin/upstreams", t!(ui, "admin.upstreams.title"))}
        <div class="head"><h1><bdi translate="no">{view.name.clone()}</bdi></h1>{state(ui, row)}</div>
        {unusable}
        <section class="sheet narrow" aria-label=t!(ui, "admin.upstreams.edit")>
            <form class="form" method="post" action="/api/admin_edit_upstream">
                <input type="hidden" name="id" value=id/>
                {name_and_address(ui, &view.name, &view.base_url)}
                {credential(ui, hint)}
                {remove}
                <button class="btn primary" type="submit">{t!(ui, "admin.save")}</button>
            </form>
        </section>
        <section class="sheet narrow" aria-label=t!(ui, "admin.upstreams.state")>{switch}</section>
    }
    .into_any()
}
