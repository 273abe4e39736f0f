//! How does the European Central Bank say it? `<Cube time='2026-11-20'><Cube currency='USD' rate='1.0850'/>…`, per euro.

use domain::fx::{Rate, Source};
use encoding_rs::UTF_8;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::document::{Collector, Document, DocumentError, Guard, day, decode};

/// Reads the first day of the document: the daily one has no other, the history begins with the newest.
pub(super) fn parse(raw: &[u8]) -> Result<Document, DocumentError> {
    let text = decode(raw, UTF_8)?;
    let mut reader = Reader::from_str(&text);
    let mut found = Collector::new(Source::Ecb);
    let (mut guard, mut date) = (Guard::default(), None);
    loop {
        let event = reader.read_event()?;
        guard.see(&event)?;
        match event {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "Cube" => {
                if let Some(time) = attribute(&tag, "time")? {
                    if date.is_some() {
                        break;
                    }
                    date = Some(day(&time, '-').ok_or(DocumentError::NoDay)?);
                }
                if let Some(code) = attribute(&tag, "currency")? {
                    let rate = attribute(&tag, "rate")?.unwrap_or_default();
                    found.add(&code, |currency| {
                        Rate::parse(&rate, '.').map_err(|_| DocumentError::Rate(currency))
                    })?;
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found.finish(date.ok_or(DocumentError::NoDay)?, raw)
}

/// An attribute as it stands there. Entities stay as they are: no code, number or day has any.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, DocumentError> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| DocumentError::Syntax(error.to_string()))?;
        if attribute.key.as_ref() == name {
            return Ok(Some(attribute.value.trim().to_owned()));
        }
    }
    Ok(None)
}
