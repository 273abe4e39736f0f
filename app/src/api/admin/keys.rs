//! What may an administrator do to anybody's key? End it, with a reason.

use leptos::prelude::*;

use crate::api::Refusal;

/// Ends a key for good. `back` is the page of ours that the administrator came from.
///
/// # Errors
/// [`Refusal::NotFound`] for no key, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_revoke_key")]
pub async fn admin_revoke_key(key: String, reason: String, back: String) -> Result<(), Refusal> {
    use domain::ids::KeyId;
    use server::keys::KeyError;

    use super::AdminNotice;
    use super::desk::{Desk, check_reason};
    use crate::flash::{Field, Flash, Notice};
    use crate::guard::safe_next;

    let desk = Desk::current()?;
    let services = &desk.asker.services;
    let id: KeyId = desk.id(&key)?;
    let back = safe_next(&back)
        .filter(|path| path.starts_with("/admin/"))
        .unwrap_or("/admin/keys");
    match services.keys.workspace_of(id).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(desk.missing()),
        Err(error) => return Err(desk.unavailable(&error)),
    }
    if let Some(fault) = check_reason(&reason) {
        let flash = Flash::fault(Field::Reason, fault).typed(Field::Reason, &reason);
        let page = crate::guard::with_next(&format!("/admin/keys/{id}"), back);
        desk.asker.go_and_tell(page, &flash);
        return Ok(());
    }
    let revoked = services
        .keys
        .revoke_audited(id, reason.trim(), desk.by, &services.audit);
    match revoked.await {
        // Revoked before is what was wanted.
        Ok(()) | Err(KeyError::Revoked) => {
            let told = Flash::notice(Notice::Admin(AdminNotice::KeyRevoked));
            desk.asker.go_and_tell(back, &told);
            Ok(())
        }
        Err(KeyError::NotFound) => Err(desk.missing()),
        Err(error) => Err(desk.unavailable(&error)),
    }
}
