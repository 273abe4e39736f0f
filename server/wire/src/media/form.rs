//! What does a form say that carries a file? Its few fields are read where they lie; the file is not copied.

use std::ops::Range;

use bytes::Bytes;

use super::request::{media, plain};
use super::{Asked, Endpoint, Media};
use crate::request::{BadRequest, Places};

/// Fields that matter here, and the longest value that one of them has.
const KNOWN: [&str; 5] = ["model", "file", "prompt", "stream", "response_format"];
const VALUE_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 16 << 10;
const PARTS_MAX: usize = 100;
/// Bytes of compressed audio in a millisecond: 128 kbit/s, what most of it has, and 32 kbit/s, the least that is usual.
const USUAL_BYTES_PER_MS: u64 = 16;
const LEAST_BYTES_PER_MS: u64 = 4;

struct Part {
    name: String,
    at: Range<usize>,
}

/// Reads the form of `POST /v1/audio/transcriptions`.
///
/// # Errors
/// [`BadRequest`] when it is no such form, or asks for a stream.
pub(super) fn read(content_type: Option<&str>, body: Bytes) -> Result<Asked, BadRequest> {
    let kind = content_type.unwrap_or_default();
    let boundary = boundary(kind)
        .ok_or_else(|| malformed("the body must be a form: multipart/form-data with a boundary"))?;
    let parts = parts(&body, boundary)?;
    let found = |name: &'static str| -> Result<Option<&Part>, BadRequest> {
        let mut all = parts.iter().filter(|part| part.name == name);
        let first = all.next();
        match all.next() {
            Some(_) => Err(BadRequest::new(name, format!("`{name}` is given twice"))),
            None => Ok(first),
        }
    };
    let value = |name: &'static str| -> Result<Option<&str>, BadRequest> {
        let Some(part) = found(name)? else {
            return Ok(None);
        };
        let bytes = &body[part.at.clone()];
        let text = std::str::from_utf8(bytes).ok();
        text.filter(|text| text.len() <= VALUE_MAX)
            .map(Some)
            .ok_or_else(|| BadRequest::new(name, format!("`{name}` must be text")))
    };
    let missing = |name: &'static str| BadRequest::new(name, format!("`{name}` is missing"));
    let model = value("model")?.filter(|name| !name.is_empty());
    let model = model.ok_or_else(|| missing("model"))?.to_owned();
    let place = found("model")?.map(|part| part.at.clone());
    let file = found("file")?.ok_or_else(|| missing("file"))?.at.clone();
    if value("stream")?.is_some_and(|text| !matches!(text.trim(), "" | "false" | "False" | "0")) {
        return Err(BadRequest::new(
            "stream",
            "transcriptions are not streamed here; leave out `stream`",
        ));
    }
    let json = match value("response_format")?.map(str::trim) {
        Some("text" | "srt" | "vtt") => false,
        None | Some(_) => true,
    };
    let prompt = value("prompt")?.map_or(0, str::len);
    let (usual, most) = milliseconds(&body[file]);
    let media = Media {
        content_type: kind.to_owned(),
        units: usual,
        units_max: most,
        json,
        model: place,
        ..media(Endpoint::Transcriptions)
    };
    let places = Places {
        model: None,
        stream_options: None,
        max_tokens: Vec::new(),
        max_tokens_name: "max_tokens",
        read_by_model: Vec::new(),
    };
    let mut request = plain(model, body, places);
    request.size.text_bytes = prompt as u64;
    Ok(Asked { request, media })
}

/// How long the audio is, as far as its size tells: as is usual, and at most.
fn milliseconds(file: &[u8]) -> (u64, u64) {
    let length = file.len() as u64;
    // A WAV file says how many samples make a second, and how many bytes a sample. (It says their product too, which
    // nobody who plays it looks at.)
    let is_wav = file.get(..4) == Some(b"RIFF") && file.get(8..16) == Some(b"WAVEfmt ");
    let number = |at: usize, length: usize| {
        let bytes = file.get(at..at + length)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte)),
        )
    };
    let rate = is_wav
        .then(|| Some(number(24, 4)?.saturating_mul(number(32, 2)?)))
        .flatten()
        // More than the finest sound of eight channels is no sound.
        .filter(|rate| (1_000..=8 * 192_000 * 4).contains(rate));
    match rate {
        Some(rate) => {
            let exact = (length * 1_000).div_ceil(rate);
            (exact, exact)
        }
        None => (
            length.div_ceil(USUAL_BYTES_PER_MS),
            length.div_ceil(LEAST_BYTES_PER_MS),
        ),
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').map(str::trim);
    let kind = parameters.next()?;
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then(|| value.trim().trim_matches('"'))
    })?;
    // RFC 2046 allows seventy characters.
    (1..=70).contains(&value.len()).then_some(value)
}

/// The parts with a name, as RFC 7578 writes them.
fn parts(body: &[u8], boundary: &str) -> Result<Vec<Part>, BadRequest> {
    let broken = || malformed("the form does not end, or its parts have no headers");
    let delimiter = format!("\r\n--{boundary}");
    let first = delimiter.as_bytes().get(2..).ok_or_else(broken)?;
    let mut at = match body.starts_with(first) {
        true => first.len(),
        false => find(body, 0, delimiter.as_bytes()).ok_or_else(broken)? + delimiter.len(),
    };
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..).ok_or_else(broken)?;
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let blank = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        at += blank;
        if body.get(at..at + 2) != Some(b"\r\n") || parts.len() >= PARTS_MAX {
            return Err(broken());
        }
        // The line's end belongs to the headers' end, for a part without any.
        let headers_end =
            find(&body[..body.len().min(at + HEADERS_MAX)], at, b"\r\n\r\n").ok_or_else(broken)?;
        let start = headers_end + 4;
        // The end of the headers may begin the delimiter of an empty part.
        let end = find(body, start - 2, delimiter.as_bytes()).ok_or_else(broken)?;
        let name = name(&body[at..headers_end]).ok_or_else(broken)?;
        if let Some(known) = KNOWN
            .iter()
            .find(|known| known.eq_ignore_ascii_case(&name) && **known != name)
        {
            return Err(BadRequest::new(
                known,
                "field names are written in lower case",
            ));
        }
        parts.push(Part {
            name,
            at: start..end.max(start),
        });
        at = end + delimiter.len();
    }
}

/// Where the needle, which begins with the end of a line, is found from here on.
fn find(body: &[u8], mut from: usize, needle: &[u8]) -> Option<usize> {
    loop {
        let rest = body.get(from..)?;
        let at = from + rest.iter().position(|byte| *byte == b'\r')?;
        if body[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// `Content-Disposition: form-data; name="model"`.
fn name(headers: &[u8]) -> Option<String> {
    let headers = std::str::from_utf8(headers).ok()?;
    let mut said = headers.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value.trim())
    });
    // Said in any other way than every client does, it could be read differently by who gets it next.
    let (value, None) = (said.next()?, said.next()) else {
        return None;
    };
    let (kind, value) = value.split_once(';')?;
    let value = value.trim_start().strip_prefix("name=")?;
    let (name, rest) = match value.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => value.split_once(';').unwrap_or((value, "")),
    };
    // Behind it only the file's name may stand, which in quotes may hold anything.
    let rest = rest.trim_start_matches([';', ' ', '\t']);
    let is_usual = kind.trim().eq_ignore_ascii_case("form-data")
        && (rest.is_empty() || rest.starts_with("filename=") || rest.starts_with("filename*="));
    let is_plain = !name.contains(['\\', '"', '\'', '%', '*']);
    (is_usual && is_plain).then(|| name.trim().to_owned())
}

fn malformed(detail: &str) -> BadRequest {
    BadRequest {
        detail: detail.to_owned(),
        param: None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const KIND: Option<&str> = Some("multipart/form-data; boundary=\"b--1\"");

    fn form(fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend_from_slice(
            b"--b--1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a; name=x.wav\"\r\nContent-Type: audio/wav\r\n\r\n",
        );
        body.extend_from_slice(file);
        for (name, value) in fields {
            let part = format!(
                "\r\n--b--1\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}"
            );
            body.extend_from_slice(part.as_bytes());
        }
        body.extend_from_slice(b"\r\n--b--1--\r\n");
        body
    }

    #[test]
    fn only_the_models_name_changes() {
        let file = b"\r\n--b--\r\r\n--b\x00\xff\r\n";
        let body = form(
            &[("model", "m"), ("response_format", "vtt"), ("prompt", "")],
            file,
        );
        let asked = read(KIND, Bytes::from(body.clone()))
            .map_err(|bad| bad.detail)
            .unwrap();
        assert_eq!(
            (asked.request.model.as_str(), asked.media.json),
            ("m", false)
        );
        assert_eq!(asked.media.content_type, KIND.unwrap());
        let send = |model: &str| {
            let sent = asked
                .media
                .for_upstream(&asked.request, model, None)
                .unwrap();
            sent.into_pieces().concat()
        };
        assert_eq!(send("m"), body);
        let renamed = form(
            &[
                ("model", "real/m"),
                ("response_format", "vtt"),
                ("prompt", ""),
            ],
            file,
        );
        assert_eq!(send("real/m"), renamed);
    }

    #[test]
    fn the_length_of_audio_is_told_by_its_file() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend_from_slice(&16_000_u32.to_le_bytes());
        // It lies about their product.
        wav.extend_from_slice(&u32::MAX.to_le_bytes());
        wav.extend_from_slice(&[2, 0, 16, 0]);
        wav.resize(64_000, 0);
        assert_eq!(milliseconds(&wav), (2_000, 2_000));
        assert_eq!(milliseconds(&[0; 1_600]), (100, 400));
        assert_eq!(milliseconds(b"RIFF0000"), (1, 2));
    }

    #[test]
    fn a_part_has_the_name_that_everybody_reads() {
        for (header, wanted) in [
            (
                r#"form-data; name="file"; filename="a; name=x.wav""#,
                Some("file"),
            ),
            ("form-data; name=model", Some("model")),
            (r#"form-data; x="name=z"; name="file""#, None),
            (r#"form-data; name="a"; name="b""#, None),
            (
                "form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
                None,
            ),
            (r#"attachment; name="a""#, None),
            (r#"form-data; name="a%22""#, None),
        ] {
            let line = format!("\r\nContent-Disposition: {header}");
            assert_eq!(name(line.as_bytes()).as_deref(), wanted, "{header}");
        }
    }

    #[test]
    fn bad_forms_say_where_and_quote_nothing() {
        for (fields, param) in [
            (&[("model", "m"), ("model", "canary")][..], Some("model")),
            (&[("Model", "canary")], Some("model")),
            (&[("prompt", "canary")], Some("model")),
            (&[("model", "")], Some("model")),
            (&[("model", "m"), ("stream", "true")], Some("stream")),
        ] {
            let bad = read(KIND, Bytes::from(form(fields, b"canary")))
                .err()
                .unwrap();
            assert_eq!(bad.param, param);
            assert!(!bad.detail.contains("canary"), "{}", bad.detail);
        }
        let whole = form(&[("model", "m")], b"canary");
        for (kind, body) in [
            (Some("application/json"), &whole[..]),
            (None, &whole),
            (KIND, &whole[..whole.len() - 5]),
            (KIND, b"canary"),
            (KIND, b"--b--1\r\n\r\n\r\n--b--1--"),
        ] {
            let bad = read(kind, Bytes::copy_from_slice(body)).err().unwrap();
            assert_eq!(bad.param, None);
            assert!(!bad.detail.contains("canary"), "{}", bad.detail);
        }
    }
}
