//! What may this session see again for a few minutes? A secret that was just made, sealed, so that reloading the page does
//! not lose it and nobody else can ask for it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use domain::views::UnixMs;
use server::secrets::{KeyRing, Purpose};
use tower_sessions::Session;

use super::Unavailable;

/// For how long (ten minutes).
pub const KEPT_MS: i64 = 10 * 60 * 1_000;

/// Keeps `text` under `name`, in place of what was there.
pub async fn keep(
    session: &Session,
    ring: &KeyRing,
    name: &'static str,
    text: &str,
    now: UnixMs,
) -> Result<(), Unavailable> {
    let sealed = ring
        .seal(Purpose::Session, name.as_bytes(), text.as_bytes())
        .map_err(|_| Unavailable)?;
    session
        .insert(name, (now, BASE64_STANDARD_NO_PAD.encode(sealed)))
        .await
        .map_err(|_| Unavailable)?;
    session.save().await.map_err(|_| Unavailable)
}

/// What was kept within the last ten minutes.
pub async fn kept(
    session: &Session,
    ring: &KeyRing,
    name: &'static str,
    now: UnixMs,
) -> Result<Option<String>, Unavailable> {
    let found: Option<(UnixMs, String)> = session.get(name).await.map_err(|_| Unavailable)?;
    let Some((since, sealed)) = found else {
        return Ok(None);
    };
    if !(0..=KEPT_MS).contains(&now.saturating_sub(since)) {
        return Ok(None);
    }
    let sealed = BASE64_STANDARD_NO_PAD.decode(sealed).unwrap_or_default();
    let plain = ring.unseal(Purpose::Session, name.as_bytes(), &sealed);
    // Sealed otherwise, or under other keys: as good as gone.
    Ok(plain
        .ok()
        .and_then(|plain| String::from_utf8(plain.to_vec()).ok()))
}
