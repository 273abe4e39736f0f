//! How are upstreams kept, and made ready to be called? One row each; the credential is encrypted to the row and its
//! address.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Speaks;
use domain::ids::UpstreamId;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;
use thiserror::Error;

use crate::db::all;
use crate::secrets::{KeyRing, Purpose, Secret};

use super::address::{AddressError, AddressRule, BaseUrl};
use super::{SANDBOX_URL, Upstream};

/// What an operator gives to add an upstream.
pub struct NewUpstream {
    pub name: String,
    pub dialect: Speaks,
    pub base_url: String,
    pub api_key: Option<Secret>,
}

/// An upstream without its credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpstreamView {
    pub id: UpstreamId,
    pub name: String,
    pub dialect: Speaks,
    pub base_url: String,
    pub has_api_key: bool,
    /// Since when no call is sent there; `None` is in use.
    pub disabled_at: Option<UnixMs>,
}

/// An upstream in an administrator's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamRow {
    pub view: UpstreamView,
    pub created_at: UnixMs,
    /// How many models it serves.
    pub models: u64,
    /// False when calls cannot be sent there as it stands: a forbidden address, a credential that does not open.
    pub usable: bool,
}

/// What an operator changes of an upstream.
#[derive(Debug)]
pub struct EditUpstream {
    pub name: String,
    pub base_url: String,
    pub credential: Credential,
}

/// What becomes of the credential.
#[derive(Debug)]
pub enum Credential {
    /// Only while the address stays the same.
    Keep,
    Set(Secret),
    Remove,
}

/// Why an upstream was not added or changed, or cannot be used.
#[derive(Debug, Error)]
pub enum UpstreamError {
    #[error("a name is 1 to 100 characters, without spaces at its ends")]
    Name,
    #[error("there is an upstream {0} already")]
    NameTaken(String),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(
        "the credential cannot be opened: the key file upstream-credentials is not the one it was sealed with"
    )]
    Credential,
    #[error("a changed address needs its credential anew: the old one is not sent to another host")]
    CredentialNeeded,
    #[error("there is no such upstream")]
    NotFound,
    #[error("the operating system gave no randomness")]
    Randomness,
    #[error("the sandbox upstream is not running in this process")]
    NoSandbox,
    #[error("the database refused")]
    Database(#[from] DbErr),
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) id: UpstreamId,
    dialect: Speaks,
    pub(super) base_url: String,
    sealed_key: Option<String>,
    created_at: UnixMs,
    pub(super) disabled_at: Option<UnixMs>,
    models: i64,
}

impl Row {
    pub(super) fn listed(&self, usable: bool) -> UpstreamRow {
        UpstreamRow {
            view: self.view(),
            created_at: self.created_at,
            models: u64::try_from(self.models).unwrap_or(0),
            usable,
        }
    }

    pub(super) fn view(&self) -> UpstreamView {
        UpstreamView {
            id: self.id,
            name: self.name.clone(),
            dialect: self.dialect,
            base_url: self.base_url.clone(),
            has_api_key: self.sealed_key.is_some(),
            disabled_at: self.disabled_at,
        }
    }

    pub(super) fn ready(
        &self,
        ring: &KeyRing,
        rule: &AddressRule,
        sandbox: Option<SocketAddr>,
    ) -> Result<Upstream, UpstreamError> {
        let (base, dialect) = if self.base_url == SANDBOX_URL {
            let base = BaseUrl::sandbox(sandbox.ok_or(UpstreamError::NoSandbox)?);
            // Whatever the row says: earlier versions knew only one dialect.
            (base, Speaks::OpenAiChat)
        } else {
            (rule.check(&self.base_url)?, self.dialect)
        };
        let api_key = self
            .sealed_key
            .as_deref()
            .map(|sealed| unseal(ring, self.id, &self.base_url, sealed))
            .transpose()?;
        Ok(Upstream {
            id: self.id,
            name: self.name.clone(),
            dialect,
            base,
            api_key,
        })
    }
}

/// Every upstream, by name.
pub(super) async fn rows<C: ConnectionTrait>(conn: &C) -> Result<Vec<Row>, DbErr> {
    let sql = "SELECT id, name, dialect, base_url, sealed_key, created_at, disabled_at,
                   (SELECT count(*) FROM route WHERE upstream_id = upstream.id) AS models
               FROM upstream ORDER BY name";
    let wrong = |error: String| DbErr::Type(error);
    all(conn, sql, [])
        .await?
        .iter()
        .map(|row| {
            Ok(Row {
                id: row
                    .try_get::<String>("", "id")?
                    .parse()
                    .map_err(|error: domain::ids::IdError| wrong(error.to_string()))?,
                name: row.try_get("", "name")?,
                dialect: speaks(&row.try_get::<String>("", "dialect")?)?,
                base_url: row.try_get("", "base_url")?,
                sealed_key: row.try_get("", "sealed_key")?,
                created_at: row.try_get("", "created_at")?,
                disabled_at: row.try_get("", "disabled_at")?,
                models: row.try_get("", "models")?,
            })
        })
        .collect()
}

fn speaks(id: &str) -> Result<Speaks, DbErr> {
    Speaks::find(id).ok_or_else(|| DbErr::Type(format!("unknown dialect {id}")))
}

/// The address is part of what is sealed: pointing the row at another host makes the credential unreadable, so a
/// changed address can never carry the old key to a stranger.
fn bound_to(id: UpstreamId, base_url: &str) -> Vec<u8> {
    format!("upstream\0{id}\0{base_url}").into_bytes()
}

pub(super) fn seal(
    ring: &KeyRing,
    id: UpstreamId,
    base_url: &str,
    key: &Secret,
) -> Result<String, UpstreamError> {
    let sealed = ring
        .seal(
            Purpose::UpstreamCredentials,
            &bound_to(id, base_url),
            key.expose().as_bytes(),
        )
        .map_err(|_| UpstreamError::Randomness)?;
    Ok(STANDARD.encode(sealed))
}

fn unseal(
    ring: &KeyRing,
    id: UpstreamId,
    base_url: &str,
    sealed: &str,
) -> Result<Secret, UpstreamError> {
    let sealed = STANDARD
        .decode(sealed)
        .map_err(|_| UpstreamError::Credential)?;
    let plain = ring
        .unseal(
            Purpose::UpstreamCredentials,
            &bound_to(id, base_url),
            &sealed,
        )
        .map_err(|_| UpstreamError::Credential)?;
    String::from_utf8(plain.to_vec())
        .map(Secret::from)
        .map_err(|_| UpstreamError::Credential)
}
