//! How much text is in a piece of JSON? A walk over it without building a tree: memory stays flat for any body.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};

/// What a walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Bytes of UTF-8 text, attachments not included.
    pub text_bytes: u64,
    /// Images, audio and files sent inside the body.
    pub attachments: u64,
}

/// Measures all strings in the JSON; object names are not counted.
///
/// # Errors
/// When it is no JSON.
pub fn measure(json: &[u8]) -> Result<Size, serde_json::Error> {
    let mut size = Size::default();
    walk(json, &mut |text, attached| {
        if attached {
            size.attachments += 1;
        } else {
            size.text_bytes += text.len() as u64;
        }
    })?;
    Ok(size)
}

/// Hands every string that is text to `each`.
///
/// # Errors
/// When it is no JSON.
pub fn each_text(json: &[u8], each: &mut dyn FnMut(&str)) -> Result<(), serde_json::Error> {
    walk(json, &mut |text, attached| {
        if !attached {
            each(text);
        }
    })
}

/// The fields of the dialects that carry images, audio and files. Judged by name, never by content: prose that looks
/// like base64 is still read by the model and has its price.
fn carries_attachment(name: &str) -> bool {
    matches!(name, "url" | "image_url" | "data" | "file_data")
}

type Each<'a> = &'a mut dyn FnMut(&str, bool);

fn walk(json: &[u8], each: Each<'_>) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    deserializer.deserialize_any(Walk {
        each,
        attached: false,
    })
}

/// `attached`: the value stands in a field that carries attachments.
struct Walk<'a> {
    each: Each<'a>,
    attached: bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        (self.each)(text, self.attached);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq
            .next_element_seed(Walk {
                each: self.each,
                attached: self.attached,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            map.next_value_seed(Walk {
                each: self.each,
                attached: carries_attachment(&name),
            })?;
        }
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn text_is_counted_and_attachments_are_not() {
        let image = format!("data:image/png;base64,{}", "A".repeat(5_000));
        let json = serde_json::json!([{"role": "user", "content": [{"type": "text", "text": "héllo"}, {"image_url": {"url": image}}]}]);
        let size = measure(json.to_string().as_bytes()).unwrap();
        assert_eq!(
            size,
            Size {
                text_bytes: "userhéllotext".len() as u64,
                attachments: 1
            }
        );
    }

    #[test]
    fn prose_that_looks_like_an_attachment_is_prose() {
        let disguised = format!("data:{}", "A".repeat(5_000));
        let json = serde_json::json!([{"content": disguised}, {"content": [{"text": disguised}]}]);
        let size = measure(json.to_string().as_bytes()).unwrap();
        assert_eq!((size.attachments, size.text_bytes), (0, 2 * 5_005));
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        assert!(measure(b"[1, ").is_err());
    }
}
