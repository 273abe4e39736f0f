//! Who is signed in at this browser? A random cookie, a row under its hash, and in the row whose session it is.
//!
//! Anonymous visitors have no row: only signing in makes one. Rendering never changes a session.

mod kept;
mod store;

use std::sync::Arc;

use domain::ids::AccountId;
use domain::views::{AccountView, UnixMs};
use server::accounts::Accounts;
use server::sessions::Owner;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::reader::Cookie;
use crate::services::Services;
pub use kept::{keep, kept};
pub use server::sessions::Seen;
use store::{Nowhere, Rows};

/// Where a session keeps its owner.
const OWNER: &str = "owner";
/// Where it keeps what its browser is and where it came from.
const SEEN: &str = "seen";

/// The database could not be asked who this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// A password typed again is believed for this long (ten minutes).
pub const CONFIRMED_MS: i64 = 10 * 60 * 1_000;
/// Between the password and the code of the second factor (ten minutes).
const PENDING_MS: i64 = 10 * 60 * 1_000;

/// What a session holds. What it does not say about itself is not so.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Holder {
    account: AccountId,
    /// Whether it was an administrator's when it began: their sessions end sooner.
    admin: bool,
    /// Whether the code of the second factor was given too.
    #[serde(default)]
    second_factor: bool,
    /// When the password was last typed again.
    #[serde(default)]
    confirmed_at: Option<UnixMs>,
    /// Since when only the code of the second factor is missing. Such a session opens nothing else.
    #[serde(default)]
    pending_since: Option<UnixMs>,
    /// What the browser is to keep once the code was given, so that it is known next time.
    #[serde(default)]
    device: Option<String>,
    /// The account's epoch when the password was looked at. A session of another one opens nothing: it may have been
    /// on its way while everybody was signed out.
    #[serde(default)]
    epoch: i64,
}

impl Holder {
    fn is_of(&self, account: &AccountView) -> bool {
        !account.blocked && account.epoch == self.epoch
    }

    /// Whose the row is. Half-way in it is nobody's: it stands in no list, and pushes no session of the owner out.
    fn owner(&self) -> Option<Owner> {
        self.pending_since.is_none().then_some(Owner {
            account: self.account,
            admin: self.admin,
        })
    }
}

/// Who is signed in, and how sure of it this session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub account: AccountView,
    /// Whether the code of the second factor was given in this session.
    pub second_factor: bool,
    confirmed_at: Option<UnixMs>,
}

impl Known {
    /// Whether the password was typed again within the last ten minutes.
    pub fn confirmed(&self, now: UnixMs) -> bool {
        self.confirmed_at
            .is_some_and(|at| (0..=CONFIRMED_MS).contains(&now.saturating_sub(at)))
    }
}

/// How far somebody has come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// All that was asked for was given.
    In { second_factor: bool },
    /// The password was right; the code of the second factor is still to come. `device` is for the browser after it.
    Code { now: UnixMs, device: String },
}

/// Who may still give the code of the second factor.
pub struct HalfWay {
    pub account: AccountView,
    /// What the browser is to keep afterwards.
    pub device: Option<String>,
}

/// The cookie and its store. The cookie lives as long as a session can; the database decides when one has ended.
pub fn layer(services: &Services) -> SessionManagerLayer<Rows> {
    let secure = services.site.secure();
    SessionManagerLayer::new(Rows::new(services.sessions.clone()))
        .with_name(Cookie::Session.name(secure))
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::seconds(
            Cookie::Session.lifetime_s(),
        )))
}

/// The session of a request that did not pass the layer: nobody's.
pub fn nobody() -> Session {
    Session::new(None, Arc::new(Nowhere), None)
}

async fn holder(session: &Session) -> Result<Option<Holder>, Unavailable> {
    if session.id().is_none() {
        return Ok(None);
    }
    session.get::<Holder>(OWNER).await.map_err(|_| Unavailable)
}

/// Who is signed in. Nobody, when the account is gone or blocked, or while the second factor is missing.
pub async fn known(session: &Session, accounts: &Accounts) -> Result<Option<Known>, Unavailable> {
    let holder = holder(session).await?;
    let Some(holder) = holder.filter(|holder| holder.pending_since.is_none()) else {
        return Ok(None);
    };
    let account = accounts
        .by_id(holder.account)
        .await
        .map_err(|_| Unavailable)?;
    let Some(account) = account.filter(|account| holder.is_of(account)) else {
        return Ok(None);
    };
    // Much depends on an administrator's second factor: it must still be in force, not only have been so here once.
    let second_factor = holder.second_factor
        && (!account.admin
            || accounts
                .second_factor(account.id)
                .await
                .map_err(|_| Unavailable)?
                .on);
    Ok(Some(Known {
        account,
        second_factor,
        confirmed_at: holder.confirmed_at,
    }))
}

/// The account that may still give the code of its second factor: after the right password, for ten minutes, or
/// signed in without one (the factor was set up in another browser).
pub async fn half_way(
    session: &Session,
    accounts: &Accounts,
    now: UnixMs,
) -> Result<Option<HalfWay>, Unavailable> {
    let Some(holder) = holder(session).await? else {
        return Ok(None);
    };
    let waits = match holder.pending_since {
        Some(since) => (0..=PENDING_MS).contains(&now.saturating_sub(since)),
        None => !holder.second_factor,
    };
    if !waits {
        return Ok(None);
    }
    let account = accounts
        .by_id(holder.account)
        .await
        .map_err(|_| Unavailable)?;
    Ok(account
        .filter(|account| holder.is_of(account))
        .map(|account| HalfWay {
            account,
            device: holder.device,
        }))
}

/// Makes the session this account's, under a new id: one that somebody else may know gains nothing.
pub async fn begin(
    session: &Session,
    account: &AccountView,
    step: Step,
    seen: &Seen,
) -> Result<(), Unavailable> {
    if session.id().is_some() {
        session.cycle_id().await.map_err(|_| Unavailable)?;
    }
    session.clear().await;
    let (second_factor, pending_since, device) = match step {
        Step::In { second_factor } => (second_factor, None, None),
        Step::Code { now, device } => (false, Some(now), Some(device)),
    };
    let holder = Holder {
        account: account.id,
        admin: account.admin,
        second_factor,
        confirmed_at: None,
        pending_since,
        device,
        epoch: account.epoch,
    };
    session.insert(SEEN, seen).await.map_err(|_| Unavailable)?;
    session
        .insert(OWNER, holder)
        .await
        .map_err(|_| Unavailable)?;
    session.save().await.map_err(|_| Unavailable)
}

/// The password was typed again, at `now`.
pub async fn confirm(session: &Session, now: UnixMs) -> Result<(), Unavailable> {
    raise(session, |holder| holder.confirmed_at = Some(now)).await
}

/// All sessions of the account ended, this one goes on: under a new id, in the `epoch` that began.
pub async fn renew(session: &Session, epoch: i64) -> Result<(), Unavailable> {
    raise(session, |holder| holder.epoch = epoch).await
}

/// A second factor was set up or ended in this session, and all others ended.
pub async fn second_factor(session: &Session, given: bool, epoch: i64) -> Result<(), Unavailable> {
    raise(session, |holder| {
        holder.second_factor = given;
        holder.epoch = epoch;
    })
    .await
}

/// Changes what the session may do, under a new id.
async fn raise(session: &Session, change: impl FnOnce(&mut Holder)) -> Result<(), Unavailable> {
    let mut holder = holder(session).await?.ok_or(Unavailable)?;
    change(&mut holder);
    session.cycle_id().await.map_err(|_| Unavailable)?;
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
