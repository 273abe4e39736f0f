//! What is the key itself? Shown to the session that made it, or revealed it, for ten minutes: to be copied, kept in a
//! file, or tried at once.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use domain::views::KeyView;
use http::{StatusCode, header};
use leptos::prelude::*;
use server::keys::KeySecret;

use super::{crumbs, own, page};
use crate::api::shown;
use crate::pages::landing::first_model;
use crate::pages::snippets::{Call, snippets};
use crate::pages::{error, signed_in, test_button};
use crate::reader::{Reader, Ui};
use crate::shell::{copy_button, icon, notice, respond};

/// What both addresses need: the reader, the key, and its secret while it is shown.
struct Fresh {
    ui: Ui,
    key: KeyView,
    secret: Option<KeySecret>,
    model: String,
}

async fn fresh(id: &str, reader: Reader) -> Result<Fresh, Response> {
    let (services, session) = (reader.services.clone(), reader.session.clone());
    let (ui, account) = signed_in(reader)
        .await
        .map_err(IntoResponse::into_response)?;
    let key = own(&services, &ui, &account, id).await?;
    let secret = if key.revoked_at.is_some() {
        None
    } else {
        shown(&session, &services.keys, key.id)
            .await
            .map_err(|_| error::page(&ui, StatusCode::SERVICE_UNAVAILABLE))?
    };
    let models = services.catalog.models();
    // A test key reaches only the sandbox.
    let model = first_model(&models).filter(|model| !key.test || model.id.starts_with("sandbox-"));
    let model = model.map_or_else(|| "sandbox-echo".to_owned(), |model| model.id.clone());
    Ok(Fresh {
        ui,
        key,
        secret,
        model,
    })
}

/// `GET /keys/{id}/secret`
pub async fn secret(Path(id): Path<String>, reader: Reader) -> Response {
    match fresh(&id, reader).await {
        // Every page of the signed-in is `no-store`; this one most of all.
        Ok(fresh) => respond(&fresh.ui, StatusCode::OK, |ui| {
            let title = t!(ui, "keys.secret.title", name = fresh.key.name);
            let body = match &fresh.secret {
                Some(secret) => content(ui, &fresh, secret.expose()),
                None => gone(ui, &fresh.key),
            };
            page(title, body)
        }),
        Err(elsewhere) => elsewhere,
    }
}

/// `GET /keys/{id}/env`: the key and where to send it, as a file that programs read.
pub async fn dot_env(Path(id): Path<String>, reader: Reader) -> Response {
    let fresh = match fresh(&id, reader).await {
        Ok(fresh) => fresh,
        Err(elsewhere) => return elsewhere,
    };
    let Some(secret) = fresh.secret else {
        return error::page(&fresh.ui, StatusCode::GONE);
    };
    let text = format!(
        "OPENAI_API_KEY={}\nOPENAI_BASE_URL={}\n",
        secret.expose(),
        fresh.ui.site().api_base()
    );
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        // Browsers take the dot off a name that begins with one.
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"key.env\"",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

fn content(ui: &Ui, fresh: &Fresh, secret: &str) -> AnyView {
    let Fresh { key, model, .. } = fresh;
    let told = if key.copy_kept {
        t!(ui, "keys.secret.kept")
    } else {
        t!(ui, "keys.secret.not_kept")
    };
    let call = Call {
        base_url: ui.site().api_base(),
        model: model.clone(),
        key: secret.to_owned(),
    };
    let back = format!("/keys/{}/secret", key.id);
    view! {
        {crumbs(ui, Some(key))}
        <h1>{t!(ui, "keys.secret.title", name = key.name)}</h1>
        {notice(ui, "warn", told)}
        <section class="sheet" aria-labelledby="key">
            <div class="secret" data-copyable="">
                <label id="key" for="secret">{t!(ui, "keys.secret.label")}</label>
                <div class="line">
                    <input class="field mono" id="secret" type="text" readonly autocomplete="off" spellcheck="false" dir="ltr"
                        translate="no" data-copy="" value=secret.to_owned()/>
                    {copy_button(ui, t!(ui, "copy.copy_key"))}
                </div>
            </div>
            <p class="row">
                <a class="btn" href=format!("/keys/{}/env", key.id) download="key.env">
                    {icon(ui, "download", "")}{t!(ui, "keys.secret.download")}
                </a>
                <a class="btn" href=format!("/keys/{}", key.id)>{t!(ui, "keys.secret.done")}</a>
            </p>
        </section>
        <section class="sheet" aria-labelledby="use">
            <header><h2 id="use">{t!(ui, "keys.secret.use")}</h2></header>
            {snippets(ui, &call, true)}
            {test_button(ui, back)}
        </section>
    }
    .into_any()
}

/// Too late, or another browser: what can be done instead.
fn gone(ui: &Ui, key: &KeyView) -> AnyView {
    let (body, way) = if key.revoked_at.is_some() {
        (t!(ui, "keys.one.revoked"), None)
    } else if key.copy_kept {
        let link = view! { <a class="btn primary" href=format!("/keys/{}/reveal", key.id)>{t!(ui, "keys.reveal.action")}</a> };
        (t!(ui, "keys.secret.gone"), Some(link.into_any()))
    } else {
        let link = view! { <a class="btn primary" href=format!("/keys/{}/roll", key.id)>{t!(ui, "keys.roll.action")}</a> };
        (t!(ui, "keys.secret.gone_for_good"), Some(link.into_any()))
    };
    view! {
        {crumbs(ui, Some(key))}
        <section class="sheet narrow" aria-labelledby="gone">
            <h1 id="gone">{t!(ui, "keys.secret.title", name = key.name)}</h1>
            <p class="muted">{body}</p>
            <p class="row"><a class="btn" href=format!("/keys/{}", key.id)>{t!(ui, "keys.back")}</a>{way}</p>
        </section>
    }
    .into_any()
}
