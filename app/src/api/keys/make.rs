//! How does a secret come to be? With a key that is made, or with one that is rolled. It is then shown on a page of its
//! own, to this session only.

use leptos::prelude::*;

use super::KeyForm;
use crate::api::Refusal;

/// Makes a key and leads to its secret; what is wrong with the form is told by the form.
///
/// # Errors
/// [`Refusal::Unavailable`] when the database cannot be written.
#[server(prefix = "/api", endpoint = "create_key")]
pub async fn create_key(#[server(flatten)] form: KeyForm) -> Result<(), Refusal> {
    use server::keys::NewKeyForm;

    use super::form::fault_of;
    use super::{Owner, fresh};

    const BACK: &str = "/keys/new";

    let owner = Owner::current()?;
    if !owner.proved() {
        return Ok(());
    }
    let asker = &owner.asker;
    let limits = match form.limits(asker.prefs.zone, None) {
        Ok(limits) => limits,
        Err(faults) => {
            asker.go_and_tell(BACK, &form.back(faults));
            return Ok(());
        }
    };
    let wanted = NewKeyForm {
        name: form.name.clone(),
        test: form.is_test(),
        limits,
    };
    let made = match owner
        .asker
        .services
        .keys
        .create(owner.workspace, &wanted)
        .await
    {
        Ok(made) => made,
        Err(error) => {
            let fault = fault_of(&error, &form.name).ok_or_else(|| owner.unavailable())?;
            asker.go_and_tell(BACK, &form.back(vec![fault]));
            return Ok(());
        }
    };
    // Without it, the page says how to see the key all the same.
    let _ = fresh::keep(
        &asker.session,
        &asker.services.keys,
        made.view.id,
        &made.secret,
    )
    .await;
    asker.reply.go(format!("/keys/{}/secret", made.view.id));
    Ok(())
}

/// Gives a key a new secret, and leads to it. The old one opens the key for `overlap` more seconds.
///
/// # Errors
/// [`Refusal::NotFound`] for a key of somebody else, [`Refusal::Unavailable`] when the database cannot be written.
#[server(prefix = "/api", endpoint = "roll_key")]
pub async fn roll_key(id: String, overlap: u64) -> Result<(), Refusal> {
    use std::time::Duration;

    use super::{Owner, fresh};

    let owner = Owner::current()?;
    let asker = &owner.asker;
    let id = owner.key(&id)?;
    if !owner.proved() {
        return Ok(());
    }
    let rolled = asker
        .services
        .keys
        .roll(owner.workspace, id, Duration::from_secs(overlap));
    let made = match rolled.await {
        Ok(made) => made,
        Err(error) => return owner.refused(id, &error),
    };
    let _ = fresh::keep(
        &asker.session,
        &asker.services.keys,
        made.view.id,
        &made.secret,
    )
    .await;
    asker.reply.go(format!("/keys/{}/secret", made.view.id));
    Ok(())
}
