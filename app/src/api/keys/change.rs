//! What about a key can be changed and changed back? Its name, its limits, and whether it is switched on.

use leptos::prelude::*;

use super::KeyForm;
use crate::api::Refusal;

/// Sets name and limits of a key; what is wrong with the form is told by the form.
///
/// # Errors
/// [`Refusal::NotFound`] for a key of somebody else, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "update_key")]
pub async fn update_key(id: String, #[server(flatten)] form: KeyForm) -> Result<(), Refusal> {
    use server::keys::KeyError;

    use super::Owner;
    use super::form::fault_of;
    use crate::flash::{Field, Flash, Notice};

    let owner = Owner::current()?;
    let (asker, keys) = (&owner.asker, &owner.asker.services.keys);
    let id = owner.key(&id)?;
    let page = format!("/keys/{id}");
    let before = match keys.get(owner.workspace, id).await {
        Ok(Some(key)) if !key.zone => key,
        Ok(_) => return owner.refused(id, &KeyError::NotFound),
        Err(error) => return owner.refused(id, &error),
    };
    let limits = match form.limits(asker.prefs.zone, before.limits.expires_at) {
        Ok(limits) => limits,
        Err(faults) => {
            asker.go_and_tell(page, &form.back(faults));
            return Ok(());
        }
    };
    match keys.update(owner.workspace, id, &form.name, &limits).await {
        Ok(after) if after.name != before.name && after.limits == before.limits => {
            let told = Flash::notice(Notice::KeyRenamed(id));
            asker.go_and_tell(page, &told.typed(Field::KeyName, &before.name));
        }
        Ok(_) => asker.go_and_tell(page, &Flash::notice(Notice::KeySaved)),
        Err(error) => match fault_of(&error, &form.name) {
            Some(fault) => asker.go_and_tell(page, &form.back(vec![fault])),
            None => return owner.refused(id, &error),
        },
    }
    Ok(())
}

/// Gives a key its old name back.
///
/// # Errors
/// As [`update_key`].
#[server(prefix = "/api", endpoint = "rename_key")]
pub async fn rename_key(id: String, name: String) -> Result<(), Refusal> {
    use super::Owner;
    use crate::flash::{Flash, Notice};

    let owner = Owner::current()?;
    let id = owner.key(&id)?;
    let renamed = owner.asker.services.keys.rename(owner.workspace, id, &name);
    if let Err(error) = renamed.await {
        return owner.refused(id, &error);
    }
    let told = Flash::notice(Notice::KeySaved);
    owner.asker.go_and_tell(format!("/keys/{id}"), &told);
    Ok(())
}

/// Switches a key off; the page that follows offers to undo it.
///
/// # Errors
/// As [`update_key`].
#[server(prefix = "/api", endpoint = "disable_key")]
pub async fn disable_key(id: String) -> Result<(), Refusal> {
    use super::Owner;
    use crate::flash::{Flash, Notice};

    let owner = Owner::current()?;
    let id = owner.key(&id)?;
    if let Err(error) = owner.asker.services.keys.disable(owner.workspace, id).await {
        return owner.refused(id, &error);
    }
    let told = Flash::notice(Notice::KeyDisabled(id));
    owner.asker.go_and_tell(format!("/keys/{id}"), &told);
    Ok(())
}

/// Switches a key on again; the page that follows offers to undo it.
///
/// # Errors
/// As [`update_key`].
#[server(prefix = "/api", endpoint = "enable_key")]
pub async fn enable_key(id: String) -> Result<(), Refusal> {
    use super::Owner;
    use crate::flash::{Flash, Notice};

    let owner = Owner::current()?;
    let id = owner.key(&id)?;
    if let Err(error) = owner.asker.services.keys.enable(owner.workspace, id).await {
        return owner.refused(id, &error);
    }
    let told = Flash::notice(Notice::KeyEnabled(id));
    owner.asker.go_and_tell(format!("/keys/{id}"), &told);
    Ok(())
}
