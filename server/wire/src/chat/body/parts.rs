//! How is a part of a turn written as a part of a chat message?

use serde_json::{Value, json};

use crate::neutral::{Media, Part, Source, data_url};
use crate::request::BadRequest;

/// The text of a part that is one.
pub(super) fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) | Part::Refusal(text) => Some(text),
        _ => None,
    }
}

/// As a user may say it; `None` for what only a model or a tool says.
///
/// # Errors
/// [`BadRequest`] when the dialect cannot say it.
pub(super) fn user_part(part: &Part) -> Result<Option<Value>, BadRequest> {
    Ok(Some(match part {
        Part::Text(text) | Part::Refusal(text) => json!({"type": "text", "text": text}),
        Part::Image(media) => image(media)?,
        Part::File(media) => file(media)?,
        Part::Audio(media) => audio(media)?,
        Part::Reasoning { .. } | Part::ToolCall { .. } | Part::ToolResult { .. } => {
            return Ok(None);
        }
    }))
}

fn kept() -> BadRequest {
    let detail = "a `file_id` cannot be used with this model: send the file itself";
    BadRequest::new("file_id", detail)
}

fn image(media: &Media) -> Result<Value, BadRequest> {
    let mut image = json!({"url": data_url::write(&media.source).ok_or_else(kept)?});
    if let Some(detail @ ("low" | "high" | "auto")) = media.detail.as_deref() {
        image["detail"] = detail.into();
    }
    Ok(json!({"type": "image_url", "image_url": image}))
}

fn file(media: &Media) -> Result<Value, BadRequest> {
    let Source::Base64 { kind, .. } = &media.source else {
        return Err(match media.source {
            Source::Url(_) => BadRequest::new(
                "file_url",
                "a file cannot be given by its URL to this model: send the file itself",
            ),
            _ => kept(),
        });
    };
    // A name is required; its ending is told by the kind.
    let name = media.name.clone().unwrap_or_else(|| {
        let ending = match kind.as_str() {
            "text/plain" => "txt",
            kind => kind.rsplit('/').next().unwrap_or("pdf"),
        };
        format!("file.{ending}")
    });
    let data = data_url::write(&media.source).ok_or_else(kept)?;
    Ok(json!({"type": "file", "file": {"filename": name, "file_data": data}}))
}

fn audio(media: &Media) -> Result<Value, BadRequest> {
    let format = match &media.source {
        Source::Base64 { kind, .. } => match kind.as_str() {
            "audio/wav" | "audio/x-wav" | "audio/wave" => Some("wav"),
            "audio/mpeg" | "audio/mp3" => Some("mp3"),
            _ => None,
        },
        _ => None,
    };
    match (format, &media.source) {
        (Some(format), Source::Base64 { data, .. }) => {
            Ok(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
        }
        _ => Err(BadRequest::new(
            "input_audio",
            "audio must be sent to this model as base64 of wav or mp3",
        )),
    }
}
