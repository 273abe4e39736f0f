//! Who sees a secret that was just made or just shown again? The session that did it, for ten minutes. The session holds
//! only under which id; the sealed copy is a row of its own, which goes when the time is over.

use domain::ids::KeyId;
use serde::{Deserialize, Serialize};
use server::keys::{KeySecret, Keys};
use tower_sessions::Session;

use crate::session::Unavailable;

/// Where a session keeps them.
const PLACE: &str = "fresh_keys";
/// More keys than anybody makes within ten minutes by hand; an older one can be revealed.
const MOST: usize = 8;

#[derive(Serialize, Deserialize)]
struct Fresh {
    key: KeyId,
    shown: String,
}

/// Shows a secret to this session.
pub async fn keep(
    session: &Session,
    keys: &Keys,
    key: KeyId,
    secret: &KeySecret,
) -> Result<(), Unavailable> {
    let shown = keys.show(key, secret).await.map_err(|_| Unavailable)?;
    let mut all = read(session).await?;
    all.retain(|fresh| fresh.key != key);
    all.truncate(MOST - 1);
    all.insert(0, Fresh { key, shown });
    session.insert(PLACE, all).await.map_err(|_| Unavailable)?;
    session.save().await.map_err(|_| Unavailable)
}

/// The secret of a key, if this session made or revealed it within the last ten minutes.
pub async fn shown(
    session: &Session,
    keys: &Keys,
    key: KeyId,
) -> Result<Option<KeySecret>, Unavailable> {
    let all = read(session).await?;
    let Some(fresh) = all.iter().find(|fresh| fresh.key == key) else {
        return Ok(None);
    };
    keys.shown(&fresh.shown, key).await.map_err(|_| Unavailable)
}

async fn read(session: &Session) -> Result<Vec<Fresh>, Unavailable> {
    let all = session.get(PLACE).await.map_err(|_| Unavailable)?;
    Ok(all.unwrap_or_default())
}
