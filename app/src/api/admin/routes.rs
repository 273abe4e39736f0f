//! Who serves a model, and in which order? Its routes to providers.

use leptos::prelude::*;

use crate::api::Refusal;

/// Has a model served by a provider, or changes how it is.
///
/// # Errors
/// [`Refusal::NotFound`] for no model, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_put_route")]
pub async fn admin_put_route(
    model: String,
    upstream: String,
    upstream_model: String,
    priority: String,
    weight: String,
) -> Result<(), Refusal> {
    use server::catalog::{CatalogError, NewRoute};

    use super::desk::Desk;
    use super::models::faults;
    use super::{AdminFault, AdminField, AdminNotice};
    use crate::flash::{Fault, Field, Flash, Notice};
    use crate::pages::model_path;

    let desk = Desk::current()?;
    let mut flash = Flash::default()
        .typed(Field::Admin(AdminField::Upstream), &upstream)
        .typed(Field::Admin(AdminField::UpstreamModel), &upstream_model)
        .typed(Field::Admin(AdminField::Priority), &priority)
        .typed(Field::Admin(AdminField::Weight), &weight);
    let mut number = |text: &str, field, fault| {
        let read = text.trim().parse::<u32>();
        if read.is_err() {
            let wrong = (Field::Admin(field), Fault::Admin(fault));
            flash.faults.push(wrong);
        }
        read.ok()
    };
    let priority = number(&priority, AdminField::Priority, AdminFault::Priority);
    let weight = number(&weight, AdminField::Weight, AdminFault::Weight);
    let there = upstream_model.trim();
    let route = match (upstream.parse(), priority, weight) {
        (Ok(upstream), Some(priority), Some(weight)) => Some(NewRoute {
            upstream,
            upstream_model: if there.is_empty() { &model } else { there }.to_owned(),
            priority,
            weight,
        }),
        (Err(_), ..) => {
            let field = Field::Admin(AdminField::Upstream);
            let fault = Fault::Admin(AdminFault::NoUpstream);
            flash.faults.push((field, fault));
            None
        }
        _ => None,
    };
    if let Some(route) = route {
        let catalog = desk.asker.services.catalog.acting(desk.by);
        match catalog.put_route(&model, route).await {
            Ok(()) => flash = Flash::notice(Notice::Admin(AdminNotice::RouteSaved)),
            Err(CatalogError::NoModel(_)) => return Err(desk.missing()),
            Err(error) => {
                let fault = faults::of(&error).ok_or_else(|| desk.unavailable(&error))?;
                flash.faults.push(fault);
            }
        }
    }
    desk.asker.go_and_tell(model_path(&model), &flash);
    Ok(())
}

/// Takes a provider away from a model that has another one.
///
/// # Errors
/// [`Refusal::NotFound`] for no model or no route, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_remove_route")]
pub async fn admin_remove_route(model: String, upstream: String) -> Result<(), Refusal> {
    use server::catalog::CatalogError;

    use super::AdminNotice;
    use super::desk::Desk;
    use super::models::faults;
    use crate::flash::{Flash, Notice};
    use crate::pages::model_path;

    let desk = Desk::current()?;
    let upstream: domain::ids::UpstreamId = desk.id(&upstream)?;
    let catalog = desk.asker.services.catalog.acting(desk.by);
    let flash = match catalog.remove_route(&model, upstream).await {
        Ok(()) => Flash::notice(Notice::Admin(AdminNotice::RouteRemoved)),
        Err(CatalogError::NoModel(_) | CatalogError::NoRoute) => return Err(desk.missing()),
        Err(error) => {
            let (field, fault) = faults::of(&error).ok_or_else(|| desk.unavailable(&error))?;
            Flash::fault(field, fault)
        }
    };
    desk.asker.go_and_tell(model_path(&model), &flash);
    Ok(())
}
