//! What may an administrator do to models? Offer them, price them, switch them off and on.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::api::Refusal;

#[cfg(feature = "ssr")]
pub mod faults {
    use server::catalog::CatalogError;

    use crate::api::admin::{AdminFault, AdminField};
    use crate::flash::{Fault, Field};

    /// Where on the form, and what; nothing when it is no fault of the form.
    pub fn of(error: &CatalogError) -> Option<(Field, Fault)> {
        let (field, fault) = match error {
            CatalogError::ModelId => (AdminField::ModelId, AdminFault::ModelId),
            CatalogError::ModelExists(_) => (AdminField::ModelId, AdminFault::ModelTaken),
            CatalogError::NoUpstream(_) => (AdminField::Upstream, AdminFault::NoUpstream),
            CatalogError::UpstreamModel => (AdminField::UpstreamModel, AdminFault::ModelId),
            CatalogError::Context => (AdminField::Context, AdminFault::Context),
            CatalogError::PriceInThePast => (AdminField::StartsOn, AdminFault::Past),
            CatalogError::Priority => (AdminField::Priority, AdminFault::Priority),
            CatalogError::Weight => (AdminField::Weight, AdminFault::Weight),
            CatalogError::LastRoute => {
                return Some((Field::Form, Fault::Admin(AdminFault::LastRoute)));
            }
            CatalogError::Price(_) => (AdminField::Markup, AdminFault::OutOfRange),
            CatalogError::NoModel(_)
            | CatalogError::NoRoute
            | CatalogError::SameCalls
            | CatalogError::Database(_) => {
                return None;
            }
        };
        Some((Field::Admin(field), Fault::Admin(fault)))
    }

    /// A context as typed: digits, with spaces or commas between thousands.
    pub fn context(text: &str) -> Result<u64, (Field, Fault)> {
        let digits: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, ',' | '.' | '_' | '\u{2019}'))
            .collect();
        let field = Field::Admin(AdminField::Context);
        if digits.is_empty() {
            return Err((field, Fault::Missing));
        }
        digits
            .parse()
            .map_err(|_| (field, Fault::Admin(AdminFault::Context)))
    }
}

/// A model to offer, as typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewModelForm {
    pub model: String,
    pub upstream: String,
    pub upstream_model: String,
    pub context: String,
    pub cost_input: String,
    pub cost_cached: String,
    pub cost_output: String,
    pub markup: String,
}

/// Offers a model, served by one provider, at cost and mark-up.
///
/// # Errors
/// [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_create_model")]
pub async fn admin_create_model(#[server(flatten)] form: NewModelForm) -> Result<(), Refusal> {
    use server::catalog::NewModel;

    use super::desk::Desk;
    use super::{AdminField, AdminNotice, Priced, read_price};
    use crate::flash::{Fault, Field, Flash, Notice};
    use crate::pages::model_path;

    let desk = Desk::current()?;
    let priced = Priced {
        cost_input: &form.cost_input,
        cost_cached: &form.cost_cached,
        cost_output: &form.cost_output,
        markup: &form.markup,
    };
    let mut flash = priced.typed(
        Flash::default()
            .typed(Field::Admin(AdminField::ModelId), &form.model)
            .typed(Field::Admin(AdminField::Upstream), &form.upstream)
            .typed(
                Field::Admin(AdminField::UpstreamModel),
                &form.upstream_model,
            )
            .typed(Field::Admin(AdminField::Context), &form.context),
    );
    let (id, there) = (form.model.trim(), form.upstream_model.trim());
    if id.is_empty() {
        let field = Field::Admin(AdminField::ModelId);
        flash.faults.push((field, Fault::Missing));
    }
    let context = faults::context(&form.context);
    flash.faults.extend(context.as_ref().err().copied());
    let price = read_price(&priced);
    flash
        .faults
        .extend(price.as_ref().err().cloned().unwrap_or_default());
    if let (Ok(context), Ok(price), true) = (context, price, flash.faults.is_empty()) {
        let new = NewModel {
            id: id.to_owned(),
            upstream: form.upstream.clone(),
            upstream_model: (!there.is_empty()).then(|| there.to_owned()),
            price,
            context,
        };
        match desk
            .asker
            .services
            .catalog
            .acting(desk.by)
            .create_model(new)
            .await
        {
            Ok(view) => {
                let told = Flash::notice(Notice::Admin(AdminNotice::ModelAdded));
                desk.asker.go_and_tell(model_path(&view.id), &told);
                return Ok(());
            }
            Err(error) => {
                let fault = faults::of(&error).ok_or_else(|| desk.unavailable(&error))?;
                flash.faults.push(fault);
            }
        }
    }
    desk.asker.go_and_tell("/admin/models/new", &flash);
    Ok(())
}

/// Publishes a new version of a model's price, computed from cost and mark-up.
///
/// # Errors
/// [`Refusal::NotFound`] for no model, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_publish_price")]
pub async fn admin_publish_price(
    model: String,
    cost_input: String,
    cost_cached: String,
    cost_output: String,
    markup: String,
    starts_on: String,
) -> Result<(), Refusal> {
    use server::catalog::CatalogError;

    use super::desk::Desk;
    use super::{AdminField, AdminNotice, Priced, read_price, read_start};
    use crate::flash::{Field, Flash, Notice};
    use crate::pages::model_path;

    let desk = Desk::current()?;
    let priced = Priced {
        cost_input: &cost_input,
        cost_cached: &cost_cached,
        cost_output: &cost_output,
        markup: &markup,
    };
    let starts = Field::Admin(AdminField::StartsOn);
    let mut flash = priced.typed(Flash::default().typed(starts, &starts_on));
    let price = read_price(&priced);
    flash
        .faults
        .extend(price.as_ref().err().cloned().unwrap_or_default());
    let start = read_start(&starts_on, desk.asker.prefs.zone, desk.asker.prefs.now);
    flash
        .faults
        .extend(start.err().map(|fault| (starts, fault)));
    match desk.asker.services.catalog.detail(&model).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(desk.missing()),
        Err(error) => return Err(desk.unavailable(&error)),
    }
    if let (Ok(price), Ok(start), true) = (price, start, flash.faults.is_empty()) {
        let catalog = desk.asker.services.catalog.acting(desk.by);
        match catalog.set_price(&model, price, start).await {
            Ok(_) => {
                let told = Flash::notice(Notice::Admin(AdminNotice::PricePublished));
                desk.asker.go_and_tell(model_path(&model), &told);
                return Ok(());
            }
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

/// Takes a model off the list (`on` is not `true`), or puts it back.
///
/// # Errors
/// As [`admin_publish_price`].
#[server(prefix = "/api", endpoint = "admin_switch_model")]
pub async fn admin_switch_model(model: String, on: String) -> Result<(), Refusal> {
    use server::catalog::CatalogError;

    use super::AdminNotice;
    use super::desk::Desk;
    use crate::flash::{Flash, Notice};
    use crate::pages::model_path;

    let desk = Desk::current()?;
    let on = on == "true";
    let catalog = desk.asker.services.catalog.acting(desk.by);
    match catalog.switch_model(&model, on).await {
        Ok(()) => {
            let notice = if on {
                AdminNotice::ModelOn
            } else {
                AdminNotice::ModelOff
            };
            let told = Flash::notice(Notice::Admin(notice));
            desk.asker.go_and_tell(model_path(&model), &told);
            Ok(())
        }
        Err(CatalogError::NoModel(_)) => Err(desk.missing()),
        Err(error) => Err(desk.unavailable(&error)),
    }
}

/// Says how many tokens prompt and answer may have together.
///
/// # Errors
/// As [`admin_publish_price`].
#[server(prefix = "/api", endpoint = "admin_set_context")]
pub async fn admin_set_context(model: String, context: String) -> Result<(), Refusal> {
    use server::catalog::CatalogError;

    use super::desk::Desk;
    use super::{AdminField, AdminNotice};
    use crate::flash::{Field, Flash, Notice};
    use crate::pages::model_path;

    let desk = Desk::current()?;
    let mut flash = Flash::default().typed(Field::Admin(AdminField::Context), &context);
    let catalog = desk.asker.services.catalog.acting(desk.by);
    let outcome = match faults::context(&context) {
        Ok(tokens) => match catalog.set_context(&model, tokens).await {
            Ok(()) => Ok(()),
            Err(CatalogError::NoModel(_)) => return Err(desk.missing()),
            Err(error) => Err(faults::of(&error).ok_or_else(|| desk.unavailable(&error))?),
        },
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(()) => flash = Flash::notice(Notice::Admin(AdminNotice::ContextSaved)),
        Err(fault) => flash.faults.push(fault),
    }
    desk.asker.go_and_tell(model_path(&model), &flash);
    Ok(())
}
