//! What about this key? How it stands, what it may do, and everything that can be done with it.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use domain::views::{KeyStatus, KeyView};
use http::StatusCode;
use leptos::prelude::*;

use super::form::{limits, name_input, problems};
use super::meter::{Used, again, meter, used};
use super::{act, confirm, crumbs, own, page, pill};
use crate::api::KeyForm;
use crate::pages::{error, signed_in};
use crate::reader::{Reader, Ui};
use crate::shell::{copy_button, icon, notice, respond};

/// `GET /keys/{id}`
pub async fn one(Path(id): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    let key = match own(&services, &ui, &account, &id).await {
        Ok(key) => key,
        Err(elsewhere) => return elsewhere,
    };
    let Ok(used) = used(&services, account.workspace, &key).await else {
        return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE);
    };
    let models: Vec<String> = services
        .catalog
        .models()
        .into_iter()
        .map(|model| model.id)
        .collect();
    respond(&ui, StatusCode::OK, |ui| {
        let title = t!(ui, "keys.one.title", name = key.name);
        page(title, content(ui, &key, &used, &models))
    })
}

fn content(ui: &Ui, key: &KeyView, used: &[Used], models: &[String]) -> AnyView {
    let changeable = key.status != KeyStatus::Revoked;
    view! {
        {crumbs(ui, None)}
        <div class="head"><h1><bdi translate="no">{key.name.clone()}</bdi></h1>{pill(ui, key)}</div>
        {told(ui, key)}
        {facts(ui, key)}
        {(!used.is_empty()).then(|| meters(ui, used))}
        {changeable.then(|| view! { {edit(ui, key, models)}{doings(ui, key)} })}
    }
    .into_any()
}

/// What a reader should know first about a key that does not simply work.
fn told(ui: &Ui, key: &KeyView) -> Option<AnyView> {
    let said = match key.status {
        KeyStatus::Active => return rolled(ui, key),
        KeyStatus::Frozen => {
            let words = crate::shell::rich(&t!(ui, "keys.one.frozen"), |inner| {
                view! { <a href="/keys">{inner}</a> }.into_any()
            });
            notice(ui, "warn", words)
        }
        KeyStatus::Disabled => notice(ui, "warn", t!(ui, "keys.one.disabled")),
        KeyStatus::Expired => notice(ui, "warn", t!(ui, "keys.one.expired")),
        KeyStatus::Revoked => notice(ui, "", t!(ui, "keys.one.revoked")),
    };
    Some(said)
}

/// What it was before a roll still works: until when, and how to end that sooner.
fn rolled(ui: &Ui, key: &KeyView) -> Option<AnyView> {
    let old = key.previous.as_ref()?;
    let until = ui.date_time(old.until);
    let words = t!(ui, "keys.one.rolled", masked = old.masked, date = until);
    let words = crate::shell::rich(&words, |inner| {
        view! { <bdi class="mono" dir="ltr" translate="no">{inner}</bdi> }.into_any()
    });
    let end =
        view! { <button class="btn slim" type="submit">{t!(ui, "keys.one.end_overlap")}</button> };
    let end = act("/api/end_key_overlap", key.id, end.into_any());
    Some(notice(ui, "", view! { {words}" "{end} }))
}

fn facts(ui: &Ui, key: &KeyView) -> AnyView {
    let fact =
        |words: String, value: AnyView| view! { <div><dt>{words}</dt><dd>{value}</dd></div> };
    let last = key
        .last_used_at
        .map_or_else(|| t!(ui, "keys.list.never_used"), |at| ui.ago(at));
    let expires = key
        .expires_at
        .map_or_else(|| t!(ui, "keys.list.no_end"), |at| ui.date(at));
    let masked = view! { <bdi class="mono" translate="no">{key.masked.clone()}</bdi> };
    let id = view! {
        <span class="row tight" data-copyable="">
            <code data-copy="" dir="ltr" translate="no">{key.id.to_string()}</code>
            {copy_button(ui, t!(ui, "keys.one.copy_id"))}
        </span>
    };
    view! {
        <dl class="kv">
            {fact(t!(ui, "keys.list.key"), masked.into_any())}
            {fact(t!(ui, "keys.list.created"), ui.date(key.created_at).into_any())}
            {fact(t!(ui, "keys.list.last_used"), last.into_any())}
            {fact(t!(ui, "keys.list.expires"), expires.into_any())}
            {fact(t!(ui, "keys.one.id"), id.into_any())}
        </dl>
    }
    .into_any()
}

fn meters(ui: &Ui, used: &[Used]) -> AnyView {
    let meters: Vec<_> = used
        .iter()
        .map(|used| {
            let again = again(ui, used).map(|words| view! { <span class="hint">{words}</span> });
            view! { <li>{meter(ui, used)}{again}</li> }
        })
        .collect();
    view! {
        <section class="sheet" aria-labelledby="spent">
            <h2 id="spent">{t!(ui, "keys.one.spent")}</h2>
            <ul class="meters">{meters}</ul>
        </section>
    }
    .into_any()
}

fn edit(ui: &Ui, key: &KeyView, models: &[String]) -> AnyView {
    // Without a fault nothing was typed that is not saved.
    let flash = ui
        .flash()
        .filter(|flash| !flash.faults.is_empty())
        .cloned()
        .unwrap_or_default();
    let form = KeyForm::of(key, ui.zone()).or_typed(&flash);
    view! {
        <section class="sheet" aria-labelledby="edit">
            <h2 id="edit">{t!(ui, "keys.one.edit")}</h2>
            {problems(ui, &flash)}
            <form class="form" method="post" action="/api/update_key">
                <input type="hidden" name="id" value=key.id.to_string()/>
                {name_input(ui, &flash, &form, false)}
                {limits(ui, &flash, &form, models)}
                <div class="row"><button class="btn primary" type="submit">{t!(ui, "keys.one.save")}</button></div>
            </form>
        </section>
    }
    .into_any()
}

/// Each thing that can be done with the key, with what it means.
fn doings(ui: &Ui, key: &KeyView) -> AnyView {
    let doing = |words: String, hint: String, button: AnyView| {
        view! { <li><div><h3>{words}</h3><p class="muted">{hint}</p></div>{button}</li> }
    };
    let page = |what: &str| format!("/keys/{}/{what}", key.id);
    let reveal = if key.copy_kept {
        doing(
            t!(ui, "keys.reveal.title"),
            t!(ui, "keys.reveal.lead"),
            view! { <a class="btn" href=page("reveal")>{icon(ui, "key", "")}{t!(ui, "keys.reveal.action")}</a> }
                .into_any(),
        )
    } else {
        doing(
            t!(ui, "keys.reveal.title"),
            t!(ui, "keys.reveal.no_copy"),
            ().into_any(),
        )
    };
    let roll = doing(
        t!(ui, "keys.roll.title"),
        t!(ui, "keys.roll.lead"),
        view! { <a class="btn" href=page("roll")>{t!(ui, "keys.roll.action")}</a> }.into_any(),
    );
    let switch = if key.disabled_at.is_some() {
        doing(
            t!(ui, "keys.enable.title"),
            t!(ui, "keys.enable.lead"),
            act(
                "/api/enable_key",
                key.id,
                view! { <button class="btn" type="submit">{t!(ui, "keys.enable.action")}</button> }
                    .into_any(),
            ),
        )
    } else {
        doing(
            t!(ui, "keys.disable.title"),
            t!(ui, "keys.disable.lead"),
            act(
                "/api/disable_key",
                key.id,
                view! { <button class="btn" type="submit">{t!(ui, "keys.disable.action")}</button> }.into_any(),
            ),
        )
    };
    let revoke = doing(
        t!(ui, "keys.revoke.title"),
        t!(ui, "keys.revoke.lead"),
        confirm::revoke_button(ui, key),
    );
    view! {
        <section class="sheet" aria-labelledby="doings">
            <h2 id="doings">{t!(ui, "keys.one.doings")}</h2>
            <ul class="doings">{reveal}{roll}{switch}{revoke}</ul>
        </section>
    }
    .into_any()
}
