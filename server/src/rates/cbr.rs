//! How does the central bank of Russia say it? In windows-1251, with decimal commas, roubles per so many units:
//! `<Valute><CharCode>JPY</CharCode><Nominal>100</Nominal><Value>51,2534</Value><VunitRate>0,512534</VunitRate>`.
//!
//! The document is for the day it names: the next working day in the afternoon, the last one on a weekend. Older ones
//! have no `VunitRate`.

use domain::Currency;
use domain::fx::{Rate, Source};
use encoding_rs::WINDOWS_1251;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::document::{Collector, Document, DocumentError, Guard, day, decode};
use super::ecb::attribute;

/// The texts of one `<Valute>`.
#[derive(Default)]
struct Valute {
    code: String,
    nominal: String,
    value: String,
    unit_rate: String,
}

impl Valute {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "CharCode" => Some(&mut self.code),
            "Nominal" => Some(&mut self.nominal),
            "Value" => Some(&mut self.value),
            "VunitRate" => Some(&mut self.unit_rate),
            _ => None,
        }
    }

    /// Roubles for one unit.
    fn rate(&self, currency: Currency) -> Result<Rate, DocumentError> {
        let wrong = || DocumentError::Rate(currency);
        let read = |text: &str| Rate::parse(text.trim(), ',').map_err(|_| wrong());
        let nominal = self.nominal.trim().parse().map_err(|_| wrong())?;
        let divided = read(&self.value)?.of_one(nominal).map_err(|_| wrong())?;
        if self.unit_rate.trim().is_empty() {
            return Ok(divided);
        }
        let unit = read(&self.unit_rate)?;
        // It is printed with as many digits as it takes; a thousandth apart, one of the two is about other units.
        let apart = (i128::from(unit.e9()) - i128::from(divided.e9())).abs();
        if apart * 1_000 > i128::from(divided.e9()) {
            return Err(DocumentError::Units(currency));
        }
        Ok(unit)
    }
}

pub(super) fn parse(raw: &[u8]) -> Result<Document, DocumentError> {
    let text = decode(raw, WINDOWS_1251)?;
    let mut reader = Reader::from_str(&text);
    let mut found = Collector::new(Source::Cbr);
    let (mut guard, mut date) = (Guard::default(), None);
    let mut valute = Valute::default();
    let mut inside = String::new();
    loop {
        let event = reader.read_event()?;
        guard.see(&event)?;
        match event {
            Event::Start(tag) => {
                tag.local_name().as_ref().clone_into(&mut inside);
                match inside.as_str() {
                    "ValCurs" => date = attribute(&tag, "Date")?.and_then(|text| day(&text, '.')),
                    "Valute" => valute = Valute::default(),
                    _ => {}
                }
            }
            Event::Text(text) => {
                if let Some(field) = valute.field(&inside) {
                    field.push_str(&text);
                }
            }
            Event::End(tag) => {
                inside.clear();
                if tag.local_name().as_ref() == "Valute" {
                    let read = std::mem::take(&mut valute);
                    found.add(read.code.trim(), |currency| read.rate(currency))?;
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found.finish(date.ok_or(DocumentError::NoDay)?, raw)
}
