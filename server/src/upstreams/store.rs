//! How are upstreams kept? One row each; the credential is encrypted to the row and its address.

use std::net::SocketAddr;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::UpstreamId;
use domain::views::UnixMs;
use sea_orm::DbErr;
use serde::Serialize;
use thiserror::Error;

use crate::changes::{Topic, bump};
use crate::db::{Db, all, exec};
use crate::ids::NewId;
use crate::secrets::{KeyRing, Purpose, Secret};

use super::address::{AddressError, AddressRule, BaseUrl};
use super::{SANDBOX_URL, Upstream};

/// The public AI format that an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    OpenAi,
}

impl Dialect {
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
        }
    }
}

impl FromStr for Dialect {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        match text {
            "openai" => Ok(Self::OpenAi),
            other => Err(UpstreamError::Dialect(other.to_owned())),
        }
    }
}

/// What an operator gives to add an upstream.
pub struct NewUpstream {
    pub name: String,
    pub dialect: Dialect,
    pub base_url: String,
    pub api_key: Option<Secret>,
}

/// An upstream without its credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpstreamView {
    pub id: UpstreamId,
    pub name: String,
    pub dialect: Dialect,
    pub base_url: String,
    pub has_api_key: bool,
}

/// Why an upstream was not added, or cannot be used.
#[derive(Debug, Error)]
pub enum UpstreamError {
    #[error("a name is 1 to 100 characters, without spaces at its ends")]
    Name,
    #[error("there is an upstream {0} already")]
    NameTaken(String),
    #[error("unknown dialect {0}: this version speaks openai")]
    Dialect(String),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(
        "the credential cannot be opened: the key file upstream-credentials is not the one it was sealed with"
    )]
    Credential,
    #[error("the operating system gave no randomness")]
    Randomness,
    #[error("the sandbox upstream is not running in this process")]
    NoSandbox,
    #[error("the database refused")]
    Database(#[from] DbErr),
}

pub(super) struct Row {
    pub(super) name: String,
    id: UpstreamId,
    dialect: Dialect,
    base_url: String,
    sealed_key: Option<String>,
}

impl Row {
    pub(super) fn view(&self) -> UpstreamView {
        UpstreamView {
            id: self.id,
            name: self.name.clone(),
            dialect: self.dialect,
            base_url: self.base_url.clone(),
            has_api_key: self.sealed_key.is_some(),
        }
    }

    pub(super) fn ready(
        &self,
        ring: &KeyRing,
        rule: &AddressRule,
        sandbox: Option<SocketAddr>,
    ) -> Result<Upstream, UpstreamError> {
        let base = if self.base_url == SANDBOX_URL {
            BaseUrl::sandbox(sandbox.ok_or(UpstreamError::NoSandbox)?)
        } else {
            rule.check(&self.base_url)?
        };
        let api_key = self
            .sealed_key
            .as_deref()
            .map(|sealed| unseal(ring, self.id, &self.base_url, sealed))
            .transpose()?;
        Ok(Upstream {
            id: self.id,
            name: self.name.clone(),
            dialect: self.dialect,
            base,
            api_key,
        })
    }
}

pub(super) async fn rows(db: &Db) -> Result<Vec<Row>, DbErr> {
    let sql = "SELECT id, name, dialect, base_url, sealed_key FROM upstream ORDER BY name";
    let wrong = |error: String| DbErr::Type(error);
    all(db.read(), sql, [])
        .await?
        .iter()
        .map(|row| {
            Ok(Row {
                id: row
                    .try_get::<String>("", "id")?
                    .parse()
                    .map_err(|error: domain::ids::IdError| wrong(error.to_string()))?,
                name: row.try_get("", "name")?,
                dialect: row
                    .try_get::<String>("", "dialect")?
                    .parse()
                    .map_err(|error: UpstreamError| wrong(error.to_string()))?,
                base_url: row.try_get("", "base_url")?,
                sealed_key: row.try_get("", "sealed_key")?,
            })
        })
        .collect()
}

pub(super) async fn create(
    db: &Db,
    ring: &KeyRing,
    rule: &AddressRule,
    new: NewUpstream,
    now: UnixMs,
) -> Result<UpstreamView, UpstreamError> {
    if new.name.trim() != new.name || new.name.is_empty() || new.name.len() > 100 {
        return Err(UpstreamError::Name);
    }
    let base_url = if new.base_url == SANDBOX_URL {
        SANDBOX_URL.to_owned()
    } else {
        rule.check(&new.base_url)?.as_str().to_owned()
    };
    let id = UpstreamId::new();
    let sealed_key = new
        .api_key
        .as_ref()
        .map(|key| seal(ring, id, &base_url, key))
        .transpose()?;
    let tx = db.begin().await?;
    let sql = "INSERT INTO upstream (id, name, dialect, base_url, sealed_key, created_at) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (name) DO NOTHING";
    let has_api_key = sealed_key.is_some();
    let values = [
        id.to_string().into(),
        new.name.clone().into(),
        new.dialect.id().into(),
        base_url.clone().into(),
        sealed_key.into(),
        now.into(),
    ];
    if exec(&tx, sql, values).await?.rows_affected() == 0 {
        return Err(UpstreamError::NameTaken(new.name));
    }
    bump(&tx, Topic::Catalog).await?;
    tx.commit().await?;
    Ok(UpstreamView {
        id,
        name: new.name,
        dialect: new.dialect,
        base_url,
        has_api_key,
    })
}

/// The address is part of what is sealed: pointing the row at another host makes the credential unreadable, so a
/// changed address can never carry the old key to a stranger.
fn bound_to(id: UpstreamId, base_url: &str) -> Vec<u8> {
    format!("upstream\0{id}\0{base_url}").into_bytes()
}

fn seal(
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
