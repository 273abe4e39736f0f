//! Which providers serve the model, in which order, and how is one added or taken away?

use leptos::prelude::*;
use server::catalog::{ModelDetail, RouteRow};
use server::upstreams::UpstreamRow;

use super::scrolled;
use crate::api::AdminField;
use crate::flash::Field;
use crate::pages::form::{Input, input, select};
use crate::reader::Ui;
use crate::shell::icon;

pub fn routes(ui: &Ui, model: &ModelDetail, upstreams: &[UpstreamRow]) -> AnyView {
    let head = view! {
        <th scope="col">{t!(ui, "admin.routes.upstream")}</th>
        <th scope="col">{t!(ui, "admin.routes.upstream_model")}</th>
        <th scope="col" class="n">{t!(ui, "admin.routes.priority")}</th>
        <th scope="col" class="n">{t!(ui, "admin.routes.weight")}</th>
        <th scope="col"><span class="vh">{t!(ui, "admin.routes.remove")}</span></th>
    };
    let alone = model.routes.len() == 1;
    let rows = model
        .routes
        .iter()
        .map(|route| line(ui, &model.id, route, alone))
        .collect();
    view! {
        <section class="sheet" aria-labelledby="routes">
            <header>
                <h2 id="routes">{t!(ui, "admin.routes.title")}</h2>
                <span class="hint">{t!(ui, "admin.routes.hint")}</span>
            </header>
            {scrolled(t!(ui, "admin.routes.title"), head.into_any(), rows)}
            {form(ui, model, upstreams)}
        </section>
    }
    .into_any()
}

fn line(ui: &Ui, model: &str, route: &RouteRow, alone: bool) -> AnyView {
    let off = route
        .off
        .then(|| view! { " "<span class="pill off">{t!(ui, "admin.upstreams.off")}</span> });
    // The last one cannot go; a model without a provider is switched off instead.
    let remove = (!alone).then(|| {
        let label = t!(ui, "admin.routes.remove_named", name = route.name);
        view! {
            <form method="post" action="/api/admin_remove_route">
                <input type="hidden" name="model" value=model.to_owned()/>
                <input type="hidden" name="upstream" value=route.upstream.to_string()/>
                <button class="btn slim danger" type="submit" aria-label=label>{t!(ui, "admin.routes.remove")}</button>
            </form>
        }
    });
    view! {
        <tr>
            <th scope="row"><a href=format!("/admin/upstreams/{}", route.upstream)><bdi translate="no">{route.name.clone()}</bdi></a>{off}</th>
            <td><bdi class="mono" translate="no">{route.upstream_model.clone()}</bdi></td>
            <td class="n num">{route.priority.to_string()}</td>
            <td class="n num">{route.weight.to_string()}</td>
            <td class="n">{remove}</td>
        </tr>
    }
    .into_any()
}

fn form(ui: &Ui, model: &ModelDetail, upstreams: &[UpstreamRow]) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let wrong = [
        AdminField::Upstream,
        AdminField::UpstreamModel,
        AdminField::Priority,
        AdminField::Weight,
    ];
    let open = wrong
        .iter()
        .any(|field| flash.of(Field::Admin(*field)).is_some());
    let names = upstreams
        .iter()
        .map(|row| (row.view.id.to_string(), row.view.name.clone()))
        .collect();
    let upstream = select(
        &flash,
        Field::Admin(AdminField::Upstream),
        t!(ui, "admin.routes.upstream"),
        names,
        "",
    );
    let mut there = Input::new(
        Field::Admin(AdminField::UpstreamModel),
        t!(ui, "admin.models.upstream_model"),
    )
    .hint(t!(ui, "admin.models.upstream_model_hint"));
    there.ltr = true;
    let number = |field, label, hint, value: &str| {
        let mut line = Input::new(Field::Admin(field), label)
            .hint(hint)
            .value(value);
        line.inputmode = Some("numeric");
        line.ltr = true;
        line
    };
    let priority = number(
        AdminField::Priority,
        t!(ui, "admin.routes.priority"),
        t!(ui, "admin.routes.priority_hint"),
        "50",
    );
    let weight = number(
        AdminField::Weight,
        t!(ui, "admin.routes.weight"),
        t!(ui, "admin.routes.weight_hint"),
        "1",
    );
    view! {
        <details class="more" open=open>
            <summary>{icon(ui, "chevron-down", "")}{t!(ui, "admin.routes.change")}</summary>
            <form class="form" method="post" action="/api/admin_put_route">
                <input type="hidden" name="model" value=model.id.clone()/>
                <div class="admin-fields">
                    {upstream}
                    {input(ui, &flash, there)}
                    {input(ui, &flash, priority)}
                    {input(ui, &flash, weight)}
                </div>
                <button class="btn" type="submit">{t!(ui, "admin.save")}</button>
            </form>
        </details>
    }
    .into_any()
}
