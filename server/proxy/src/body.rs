//! How is a request body read? Whole, within the limit, unpacked if it came packed.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use bytes::{Bytes, BytesMut};
use domain::Problem;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::ProxyConfig;

/// What is read and thrown away after a body proved too large: a client that is still sending hears the answer only
/// when it has finished, and a connection closed in its face looks like a network fault.
const DRAIN_MAX: usize = 128 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);
/// A stranger's body is worth less patience.
const DISCARD_MAX: usize = 1 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(2);
/// Unpacking less than this costs less than handing it to another thread.
const UNPACK_INLINE: usize = 64 << 10;

/// Reads the body and unpacks it.
///
/// # Errors
/// [`Problem::BodyTooLarge`], [`Problem::UnsupportedEncoding`], or [`Problem::InvalidBody`] when it broke off, stalled or
/// is not what its encoding says.
pub(crate) async fn read(
    config: &ProxyConfig,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Problem> {
    let encoding = Encoding::of(headers)?;
    let packed = gather(config, headers, body).await?;
    let max = config.body_max;
    match encoding {
        Encoding::Identity => Ok(packed),
        _ if packed.len() <= UNPACK_INLINE => unpack(encoding, &packed, max),
        _ => tokio::task::spawn_blocking(move || unpack(encoding, &packed, max))
            .await
            .map_err(|_| Problem::Internal)?,
    }
}

#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get(CONTENT_ENCODING) else {
            return Ok(Self::Identity);
        };
        match value
            .to_str()
            .map(|text| text.trim().to_ascii_lowercase())
            .as_deref()
        {
            Ok("" | "identity") => Ok(Self::Identity),
            Ok("gzip" | "x-gzip") => Ok(Self::Gzip),
            Ok("zstd") => Ok(Self::Zstd),
            _ => Err(Problem::UnsupportedEncoding),
        }
    }
}

async fn gather(
    config: &ProxyConfig,
    headers: &HeaderMap,
    mut body: Body,
) -> Result<Bytes, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > config.body_max) {
        drain(body).await;
        return Err(too_large(config.body_max));
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    loop {
        let frame = timeout(config.body_pause, body.frame())
            .await
            .map_err(|_| broken("the body stopped arriving"))?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| broken("the body broke off"))?.into_data() else {
            continue;
        };
        let length = first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len();
        if length > config.body_max {
            drain(body).await;
            return Err(too_large(config.body_max));
        }
        // Most bodies come in one piece, which then needs no copy.
        match &first {
            None => {
                first = Some(data);
            }
            Some(piece) => {
                if rest.is_empty() {
                    rest.reserve(announced.unwrap_or(length).min(config.body_max).max(length));
                    rest.extend_from_slice(piece);
                    first = Some(Bytes::new());
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() {
        first.unwrap_or_default()
    } else {
        rest.freeze()
    })
}

/// Reads the body of a request that is refused whatever it says. hyper closes a connection whose request was not
/// read, without a word, and a client that keeps it for the next request would see a network fault.
pub(crate) async fn discard(body: Body) {
    throw_away(body, DISCARD_MAX, DISCARD_TIME).await;
}

async fn drain(body: Body) {
    throw_away(body, DRAIN_MAX, DRAIN_TIME).await;
}

async fn throw_away(mut body: Body, max: usize, time: Duration) {
    let until = Instant::now() + time;
    let mut thrown = 0;
    while thrown < max {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => thrown += frame.data_ref().map_or(0, Bytes::len),
            _ => return,
        }
    }
}

fn unpack(encoding: Encoding, packed: &[u8], max: usize) -> Result<Bytes, Problem> {
    // One byte more than allowed is enough to know; a bomb is never unpacked further.
    let limit = max as u64 + 1;
    let mut plain = Vec::with_capacity(packed.len().saturating_mul(3).min(max));
    let outcome = match encoding {
        Encoding::Identity => packed.take(limit).read_to_end(&mut plain),
        Encoding::Gzip => flate2::read::MultiGzDecoder::new(packed)
            .take(limit)
            .read_to_end(&mut plain),
        Encoding::Zstd => zstd::Decoder::new(packed)
            .and_then(|decoder| decoder.take(limit).read_to_end(&mut plain)),
    };
    outcome.map_err(|_| broken("the body is not what its content-encoding says"))?;
    if plain.len() > max {
        Err(too_large(max))
    } else {
        Ok(Bytes::from(plain))
    }
}

fn too_large(max: usize) -> Problem {
    Problem::BodyTooLarge {
        max_mib: (max >> 20) as u64,
    }
}

fn broken(detail: &str) -> Problem {
    Problem::InvalidBody {
        detail: detail.to_owned(),
        param: None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_bodies_are_unpacked_and_bombs_are_not() {
        assert_eq!(unpack(Encoding::Gzip, &gzip(b"hello"), 5).unwrap(), "hello");
        let packed = zstd::encode_all(&b"hello"[..], 3).unwrap();
        assert_eq!(unpack(Encoding::Zstd, &packed, 5).unwrap(), "hello");
        let bomb = gzip(&vec![b' '; 1 << 20]);
        assert_eq!(
            unpack(Encoding::Gzip, &bomb, 1 << 10),
            Err(Problem::BodyTooLarge { max_mib: 0 })
        );
        assert!(matches!(
            unpack(Encoding::Gzip, b"no gzip", 100),
            Err(Problem::InvalidBody { .. })
        ));
    }

    #[tokio::test]
    async fn a_body_in_many_pieces_is_whole_again() {
        let pieces =
            ["a", "bc", "", "def"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
        let body = Body::from_stream(futures::stream::iter(pieces));
        assert_eq!(
            gather(&ProxyConfig::default(), &HeaderMap::new(), body)
                .await
                .unwrap(),
            "abcdef"
        );
    }
}
