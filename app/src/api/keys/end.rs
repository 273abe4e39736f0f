//! How does a key stop for good, or what it was before a roll, and how do all of them stop at once?

use leptos::prelude::*;

use crate::api::Refusal;

/// Ends a key for good.
///
/// # Errors
/// [`Refusal::NotFound`] for a key of somebody else, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "revoke_key")]
pub async fn revoke_key(id: String) -> Result<(), Refusal> {
    use super::Owner;
    use crate::flash::{Flash, Notice};

    let owner = Owner::current()?;
    let id = owner.key(&id)?;
    if let Err(error) = owner.asker.services.keys.revoke(owner.workspace, id).await {
        return owner.refused(id, &error);
    }
    let told = Flash::notice(Notice::KeyRevoked);
    owner.asker.go_and_tell("/keys", &told);
    Ok(())
}

/// Ends what a key was before it was rolled.
///
/// # Errors
/// [`Refusal::NotFound`] for a key of somebody else, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "end_key_overlap")]
pub async fn end_key_overlap(id: String) -> Result<(), Refusal> {
    use super::Owner;
    use crate::flash::{Flash, Notice};

    let owner = Owner::current()?;
    let id = owner.key(&id)?;
    let keys = &owner.asker.services.keys;
    if let Err(error) = keys.end_overlap(owner.workspace, id).await {
        return owner.refused(id, &error);
    }
    let told = Flash::notice(Notice::KeyOverlapEnded);
    owner.asker.go_and_tell(format!("/keys/{id}"), &told);
    Ok(())
}

/// Stops all keys of the workspace, the test zone included, until they are released.
///
/// # Errors
/// [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "freeze_keys")]
pub async fn freeze_keys() -> Result<(), Refusal> {
    use super::Owner;
    use crate::flash::{Flash, Notice};

    let owner = Owner::current()?;
    let frozen = owner.asker.services.keys.freeze(owner.workspace).await;
    frozen.map_err(|_| owner.unavailable())?;
    let told = Flash::notice(Notice::KeysFrozen);
    owner.asker.go_and_tell("/keys", &told);
    Ok(())
}

/// Lets the keys work again.
///
/// # Errors
/// [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "unfreeze_keys")]
pub async fn unfreeze_keys() -> Result<(), Refusal> {
    use super::Owner;
    use crate::flash::{Flash, Notice};

    let owner = Owner::current()?;
    let released = owner.asker.services.keys.unfreeze(owner.workspace).await;
    released.map_err(|_| owner.unavailable())?;
    let told = Flash::notice(Notice::KeysUnfrozen);
    owner.asker.go_and_tell("/keys", &told);
    Ok(())
}
