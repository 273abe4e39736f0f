//! For whom, and for how long, can a secret be read that was just made or just shown again? For the session that did
//! it, ten minutes. It is sealed in that session's data; nobody else's page can open it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::ids::KeyId;
use domain::views::UnixMs;
use serde::{Deserialize, Serialize};
use server::keys::KeySecret;
use server::secrets::{KeyRing, Purpose, Secret};
use tower_sessions::Session;

use crate::session::Unavailable;

/// How long the page shows it, in milliseconds.
pub const SHOWN_MS: i64 = 10 * 60 * 1_000;
/// Where a session keeps them.
const PLACE: &str = "fresh_keys";
/// More keys than anybody makes within ten minutes by hand; an older one can be revealed.
const MOST: usize = 8;

#[derive(Serialize, Deserialize)]
struct Fresh {
    key: KeyId,
    at: UnixMs,
    sealed: String,
}

impl Fresh {
    fn is_shown(&self, now: UnixMs) -> bool {
        (0..SHOWN_MS).contains(&now.saturating_sub(self.at))
    }
}

/// Keeps a secret for this session. What is too old to be shown leaves at the same time.
pub async fn keep(
    session: &Session,
    ring: &KeyRing,
    key: KeyId,
    secret: &KeySecret,
    now: UnixMs,
) -> Result<(), Unavailable> {
    let sealed = ring
        .seal(Purpose::Session, &bound_to(key), secret.expose().as_bytes())
        .map_err(|_| Unavailable)?;
    let mut all = read(session).await?;
    all.retain(|fresh| fresh.is_shown(now) && fresh.key != key);
    all.truncate(MOST - 1);
    all.insert(
        0,
        Fresh {
            key,
            at: now,
            sealed: BASE64_STANDARD.encode(sealed),
        },
    );
    session.insert(PLACE, all).await.map_err(|_| Unavailable)?;
    session.save().await.map_err(|_| Unavailable)
}

/// The secret of a key, if this session made or revealed it within the last ten minutes.
pub async fn shown(
    session: &Session,
    ring: &KeyRing,
    key: KeyId,
    now: UnixMs,
) -> Result<Option<Secret>, Unavailable> {
    let all = read(session).await?;
    let fresh = all
        .iter()
        .find(|fresh| fresh.key == key && fresh.is_shown(now));
    let plain = fresh
        .and_then(|fresh| BASE64_STANDARD.decode(&fresh.sealed).ok())
        .and_then(|sealed| ring.unseal(Purpose::Session, &bound_to(key), &sealed).ok());
    Ok(plain
        .and_then(|plain| String::from_utf8(plain.to_vec()).ok())
        .map(Secret::new))
}

async fn read(session: &Session) -> Result<Vec<Fresh>, Unavailable> {
    let all = session.get(PLACE).await.map_err(|_| Unavailable)?;
    Ok(all.unwrap_or_default())
}

fn bound_to(key: KeyId) -> Vec<u8> {
    format!("fresh-key\0{key}").into_bytes()
}
