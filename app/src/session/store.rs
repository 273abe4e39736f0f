//! How does tower-sessions keep a session? In the rows of `server::sessions`, translated here; the published stores
//! pin other versions of sqlx.

use async_trait::async_trait;
use server::sessions::{Owner, Seen, SessionError, Sessions};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::{Holder, OWNER, SEEN};

/// Sessions as rows.
#[derive(Clone)]
pub struct Rows(Sessions);

impl Rows {
    pub const fn new(sessions: Sessions) -> Self {
        Self(sessions)
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rows")
    }
}

#[async_trait]
impl SessionStore for Rows {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            match self
                .0
                .create(
                    &record.id.to_string(),
                    owner(record),
                    &data(record)?,
                    &seen(record),
                )
                .await
            {
                Err(SessionError::Taken) => record.id = Id::default(),
                done => return done.map_err(backend),
            }
        }
    }

    /// Updates only. A session that was ended meanwhile stays ended: its browser is signed out at the next page.
    async fn save(&self, record: &Record) -> Result<()> {
        self.0
            .save(
                &record.id.to_string(),
                owner(record),
                &data(record)?,
                &seen(record),
            )
            .await
            .map(|_| ())
            .map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(row) = self.0.load(&id.to_string()).await.map_err(backend)? else {
            return Ok(None);
        };
        let data =
            serde_json::from_str(&row.data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(row.expires_at.div_euclid(1_000));
        let expiry_date = expiry_date.map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0
            .delete(&id.to_string())
            .await
            .map(|_| ())
            .map_err(backend)
    }
}

/// The store of requests that have no session.
#[derive(Debug)]
pub struct Nowhere;

#[async_trait]
impl SessionStore for Nowhere {
    async fn save(&self, _record: &Record) -> Result<()> {
        Err(Error::Backend("this request has no session".to_owned()))
    }

    async fn load(&self, _id: &Id) -> Result<Option<Record>> {
        Ok(None)
    }

    async fn delete(&self, _id: &Id) -> Result<()> {
        Ok(())
    }
}

/// What the browser was when the session began.
fn seen(record: &Record) -> Seen {
    record
        .data
        .get(SEEN)
        .and_then(|value| serde_json::from_value(value.clone()).ok())
        .unwrap_or_default()
}

fn owner(record: &Record) -> Option<Owner> {
    let holder: Option<Holder> = record
        .data
        .get(OWNER)
        .and_then(|value| serde_json::from_value(value.clone()).ok());
    holder.and_then(|holder| holder.owner())
}

fn data(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn backend(error: SessionError) -> Error {
    Error::Backend(error.to_string())
}
