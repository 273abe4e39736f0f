//! How does somebody see a key again? After typing their password, with a line in the audit log and a mail to them.

use leptos::prelude::*;

use crate::api::Refusal;

/// Opens the copy of a key and leads to the page that shows it, to this session, for ten minutes.
///
/// # Errors
/// [`Refusal::NotFound`] for a key of somebody else, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "reveal_key")]
pub async fn reveal_key(id: String) -> Result<(), Refusal> {
    use server::audit::Actor;

    use super::{Owner, fresh};

    let owner = Owner::current()?;
    let (asker, services) = (&owner.asker, &owner.asker.services);
    let id = owner.key(&id)?;
    let to = services.mail.recipient(&owner.account);
    let actor = Actor::Account(owner.account.id);
    let revealed = services.keys.reveal(
        &services.mail,
        &services.audit,
        owner.workspace,
        id,
        actor,
        &to,
        asker.ip,
    );
    let secret = match revealed.await {
        Ok(secret) => secret,
        Err(error) => return owner.refused(id, &error),
    };
    fresh::keep(&asker.session, &services.keys, id, &secret)
        .await
        .map_err(|_| owner.unavailable())?;
    asker.reply.go(format!("/keys/{id}/secret"));
    Ok(())
}
