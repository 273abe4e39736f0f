//! Who is signed in at this browser? A random cookie, a row under its hash, and in the row whose session it is.
//!
//! Anonymous visitors have no row: only signing in makes one. Rendering never changes a session.

mod store;

use std::sync::Arc;

use domain::ids::AccountId;
use domain::views::AccountView;
use server::accounts::Accounts;
use server::sessions::{ABSOLUTE_MS, Owner};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::services::Services;
use store::{Nowhere, Rows};

/// Where a session keeps its owner.
const OWNER: &str = "owner";

/// The database could not be asked who this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// What a session holds: the account, and whether it was an administrator's when it began (their sessions end sooner).
#[derive(serde::Serialize, serde::Deserialize)]
struct Holder {
    account: AccountId,
    admin: bool,
}

impl From<Holder> for Owner {
    fn from(holder: Holder) -> Self {
        Self {
            account: holder.account,
            admin: holder.admin,
        }
    }
}

/// The cookie and its store. The cookie lives as long as a session can; the database decides when one has ended.
pub fn layer(services: &Services) -> SessionManagerLayer<Rows> {
    let secure = services.site.secure();
    SessionManagerLayer::new(Rows::new(services.sessions.clone()))
        .with_name(if secure { "__Host-sid" } else { "sid" })
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::milliseconds(ABSOLUTE_MS)))
}

/// The session of a request that did not pass the layer: nobody's.
pub fn nobody() -> Session {
    Session::new(None, Arc::new(Nowhere), None)
}

/// The account of a session. Nobody, when the account is gone.
pub async fn signed_in(
    session: &Session,
    accounts: &Accounts,
) -> Result<Option<AccountView>, Unavailable> {
    if session.id().is_none() {
        return Ok(None);
    }
    let Some(holder) = session
        .get::<Holder>(OWNER)
        .await
        .map_err(|_| Unavailable)?
    else {
        return Ok(None);
    };
    accounts
        .by_id(holder.account)
        .await
        .map_err(|_| Unavailable)
}

/// Makes the session this account's, under a new id: one that somebody else may know gains nothing.
pub async fn begin(session: &Session, account: &AccountView) -> Result<(), Unavailable> {
    if session.id().is_some() {
        session.cycle_id().await.map_err(|_| Unavailable)?;
    }
    session.clear().await;
    let holder = Holder {
        account: account.id,
        admin: account.admin,
    };
    session
        .insert(OWNER, holder)
        .await
        .map_err(|_| Unavailable)?;
    session.save().await.map_err(|_| Unavailable)
}

/// Ends it here and in the database.
pub async fn end(session: &Session) -> Result<(), Unavailable> {
    session.flush().await.map_err(|_| Unavailable)
}
