//! What may an administrator do to providers of models? Add, change, switch off and on.

use leptos::prelude::*;

use crate::api::Refusal;

#[cfg(feature = "ssr")]
mod faults {
    use server::upstreams::{AddressError, UpstreamError};

    use crate::api::admin::{AdminFault, AdminField};
    use crate::flash::{Fault, Field};

    /// Where on the form, and what; nothing when it is no fault of the form.
    pub fn of(error: &UpstreamError) -> Option<(Field, Fault)> {
        let address = |fault| (Field::Admin(AdminField::BaseUrl), Fault::Admin(fault));
        Some(match error {
            UpstreamError::Name => (Field::Name, Fault::Admin(AdminFault::Name)),
            UpstreamError::NameTaken(_) => (Field::Name, Fault::Admin(AdminFault::NameTaken)),
            UpstreamError::Address(AddressError::NotAnAddress) => address(AdminFault::Address),
            UpstreamError::Address(AddressError::Extras) => address(AdminFault::AddressExtras),
            UpstreamError::Address(AddressError::PlainHttp) => address(AdminFault::PlainHttp),
            UpstreamError::Address(AddressError::NotPublic(_)) => address(AdminFault::NotPublic),
            UpstreamError::CredentialNeeded => (
                Field::Admin(AdminField::ApiKey),
                Fault::Admin(AdminFault::CredentialNeeded),
            ),
            _ => return None,
        })
    }
}

/// Adds a provider. The credential never travels back to the form.
///
/// # Errors
/// [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_create_upstream")]
pub async fn admin_create_upstream(
    name: String,
    dialect: String,
    base_url: String,
    api_key: String,
) -> Result<(), Refusal> {
    use domain::Speaks;
    use server::secrets::Secret;
    use server::upstreams::NewUpstream;

    use super::desk::Desk;
    use super::{AdminField, AdminNotice};
    use crate::flash::{Field, Flash, Notice};

    let desk = Desk::current()?;
    let flash = Flash::default()
        .typed(Field::Name, &name)
        .typed(Field::Admin(AdminField::Dialect), &dialect)
        .typed(Field::Admin(AdminField::BaseUrl), &base_url);
    let api_key = api_key.trim();
    let new = NewUpstream {
        name: name.trim().to_owned(),
        // The form offers those that there are.
        dialect: Speaks::find(&dialect).unwrap_or(Speaks::OpenAi),
        base_url: base_url.trim().to_owned(),
        api_key: (!api_key.is_empty()).then(|| Secret::new(api_key.to_owned())),
    };
    match desk
        .asker
        .services
        .upstreams
        .acting(desk.by)
        .create(new)
        .await
    {
        Ok(_) => {
            let told = Flash::notice(Notice::Admin(AdminNotice::UpstreamAdded));
            desk.asker.go_and_tell("/admin/upstreams", &told);
        }
        Err(error) => {
            let fault = faults::of(&error).ok_or_else(|| desk.unavailable(&error))?;
            let faults = vec![fault];
            desk.asker
                .go_and_tell("/admin/upstreams/new", &Flash { faults, ..flash });
        }
    }
    Ok(())
}

/// Changes a provider. An empty `api_key` keeps the credential, which another address does not allow.
///
/// # Errors
/// [`Refusal::NotFound`] for no provider, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_edit_upstream")]
pub async fn admin_edit_upstream(
    id: String,
    name: String,
    base_url: String,
    api_key: String,
    remove_key: Option<String>,
) -> Result<(), Refusal> {
    use server::secrets::Secret;
    use server::upstreams::{Credential, EditUpstream, UpstreamError};

    use super::desk::Desk;
    use super::{AdminField, AdminNotice};
    use crate::flash::{Field, Flash, Notice};

    let desk = Desk::current()?;
    let id: domain::ids::UpstreamId = desk.id(&id)?;
    let mut flash = Flash::default()
        .typed(Field::Name, &name)
        .typed(Field::Admin(AdminField::BaseUrl), &base_url);
    if remove_key.is_some() {
        flash = flash.typed(Field::Admin(AdminField::RemoveKey), "true");
    }
    let api_key = api_key.trim();
    let edit = EditUpstream {
        name: name.trim().to_owned(),
        base_url: base_url.trim().to_owned(),
        credential: if !api_key.is_empty() {
            Credential::Set(Secret::new(api_key.to_owned()))
        } else if remove_key.is_some() {
            Credential::Remove
        } else {
            Credential::Keep
        },
    };
    match desk
        .asker
        .services
        .upstreams
        .acting(desk.by)
        .edit(id, edit)
        .await
    {
        Ok(_) => {
            let told = Flash::notice(Notice::Admin(AdminNotice::UpstreamSaved));
            desk.asker.go_and_tell("/admin/upstreams", &told);
        }
        Err(UpstreamError::NotFound) => return Err(desk.missing()),
        Err(error) => {
            let fault = faults::of(&error).ok_or_else(|| desk.unavailable(&error))?;
            let faults = vec![fault];
            desk.asker
                .go_and_tell(format!("/admin/upstreams/{id}"), &Flash { faults, ..flash });
        }
    }
    Ok(())
}

/// Sends no call to a provider any more (`on` is not `true`), or again.
///
/// # Errors
/// As [`admin_edit_upstream`].
#[server(prefix = "/api", endpoint = "admin_switch_upstream")]
pub async fn admin_switch_upstream(id: String, on: String) -> Result<(), Refusal> {
    use server::upstreams::UpstreamError;

    use super::AdminNotice;
    use super::desk::Desk;
    use crate::flash::{Flash, Notice};

    let desk = Desk::current()?;
    let id: domain::ids::UpstreamId = desk.id(&id)?;
    let on = on == "true";
    match desk
        .asker
        .services
        .upstreams
        .acting(desk.by)
        .switch(id, on)
        .await
    {
        Ok(()) => {
            let notice = if on {
                AdminNotice::UpstreamOn
            } else {
                AdminNotice::UpstreamOff
            };
            let told = Flash::notice(Notice::Admin(notice));
            desk.asker.go_and_tell("/admin/upstreams", &told);
            Ok(())
        }
        Err(UpstreamError::NotFound) => Err(desk.missing()),
        Err(error) => Err(desk.unavailable(&error)),
    }
}
