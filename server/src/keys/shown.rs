//! Where is a secret for the ten minutes in which its page shows it? Sealed, in a row that goes when they are over; whose
//! page may open it is known to the session that made or revealed it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::KeyId;
use domain::views::UnixMs;

use super::{KeyError, KeySecret, Keys};
use crate::db::{exec, one};
use crate::secrets::{CannotOpen, Purpose, Secret};

/// How long a page shows a secret, in milliseconds.
pub const SHOWN_MS: i64 = 10 * 60 * 1_000;

impl Keys {
    /// Keeps a secret of this key for its page, and answers the id under which the page finds it.
    ///
    /// # Errors
    /// No randomness, no database.
    pub async fn show(&self, key: KeyId, secret: &KeySecret) -> Result<String, KeyError> {
        let id = Secret::random_token()?.expose().to_owned();
        let sealed = self.inner.ring.seal(
            Purpose::Session,
            &bound_to(&id, key),
            secret.expose().as_bytes(),
        )?;
        let sql = "INSERT INTO shown_secret (id, key_id, sealed, until) VALUES ($1, $2, $3, $4)";
        let values = [
            id.as_str().into(),
            key.to_string().into(),
            STANDARD.encode(sealed).into(),
            (self.inner.clock.now_ms() + SHOWN_MS).into(),
        ];
        exec(self.inner.db.write(), sql, values).await?;
        Ok(id)
    }

    /// The secret that is shown under this id, while it is.
    ///
    /// # Errors
    /// Key files that do not fit, no database.
    pub async fn shown(&self, id: &str, key: KeyId) -> Result<Option<KeySecret>, KeyError> {
        let sql = "SELECT sealed FROM shown_secret WHERE id = $1 AND key_id = $2 AND until > $3";
        let values = [
            id.into(),
            key.to_string().into(),
            self.inner.clock.now_ms().into(),
        ];
        let Some(row) = one(self.inner.db.read(), sql, values).await? else {
            return Ok(None);
        };
        let sealed: String = row.try_get("", "sealed")?;
        let sealed = STANDARD.decode(sealed).map_err(|_| CannotOpen)?;
        let plain = self
            .inner
            .ring
            .unseal(Purpose::Session, &bound_to(id, key), &sealed)?;
        Ok(Some(KeySecret::opened(&plain).ok_or(CannotOpen)?))
    }

    /// Deletes what is shown no more, and answers how many there were.
    ///
    /// # Errors
    /// No database.
    pub async fn sweep_shown(&self) -> Result<u64, KeyError> {
        let sql = "DELETE FROM shown_secret WHERE until <= $1";
        let now: UnixMs = self.inner.clock.now_ms();
        let swept = exec(self.inner.db.write(), sql, [now.into()]).await?;
        Ok(swept.rows_affected())
    }
}

fn bound_to(id: &str, key: KeyId) -> Vec<u8> {
    format!("shown-key\0{id}\0{key}").into_bytes()
}
