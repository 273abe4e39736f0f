//! What did somebody type about a key? Its name, its kind and its limits: read from the form, and carried back to it
//! when something is wrong.

use serde::{Deserialize, Serialize};

/// A key's form as browsers send it; what is not there was left empty or not ticked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    pub name: String,
    /// `test` or `live`. Only asked when a key is made.
    pub kind: String,
    /// US dollars, as people write them.
    pub day: String,
    pub week: String,
    pub month: String,
    pub total: String,
    pub requests_per_minute: String,
    pub tokens_per_minute: String,
    pub concurrency: String,
    /// The ticked ones; none means all.
    pub models: Vec<String>,
    /// One a line, or with commas or spaces between.
    pub ip_ranges: String,
    /// The last day on which the key works, as `2026-11-21`.
    pub expires_on: String,
    /// The ticked ones.
    pub scopes: Vec<String>,
}

#[cfg(feature = "ssr")]
mod read {
    use domain::views::{KeyView, UnixMs};
    use domain::{Amount, KeyLimits, LimitFault, Scopes};
    use server::keys::KeyError;
    use texts::format::Zone;

    use super::KeyForm;
    use crate::api::amount::typed_amount;
    use crate::flash::{Fault, Field, Flash};

    /// The word for test keys in a form.
    pub const TEST: &str = "test";

    impl KeyForm {
        /// A form that shows a key as it is.
        pub fn of(key: &KeyView, zone: Zone) -> Self {
            let limits = &key.limits;
            let usd = |amount: Option<Amount>| amount.map_or(String::new(), Amount::to_usd_string);
            let count = |count: Option<u32>| count.map_or(String::new(), |count| count.to_string());
            Self {
                name: key.name.clone(),
                kind: if key.test { TEST } else { "live" }.to_owned(),
                day: usd(limits.day),
                week: usd(limits.week),
                month: usd(limits.month),
                total: usd(limits.total),
                requests_per_minute: count(limits.requests_per_minute),
                tokens_per_minute: count(limits.tokens_per_minute),
                concurrency: count(limits.concurrency),
                models: limits.models.clone(),
                ip_ranges: limits.ip_ranges.join("\n"),
                expires_on: limits
                    .expires_at
                    .map_or(String::new(), |end| last_day(end, zone)),
                scopes: limits
                    .scopes
                    .iter()
                    .map(|scope| scope.id().to_owned())
                    .collect(),
            }
        }

        /// A form for a new key: no limits, every scope.
        pub fn empty() -> Self {
            Self {
                kind: "live".to_owned(),
                scopes: Scopes::all()
                    .iter()
                    .map(|scope| scope.id().to_owned())
                    .collect(),
                ..Self::default()
            }
        }

        /// The same form with what was typed into it before something was found wrong.
        pub fn or_typed(mut self, flash: &Flash) -> Self {
            if flash.faults.is_empty() {
                return self;
            }
            let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
            for (field, at) in self.lines() {
                if let Some(text) = flash.value(field) {
                    text.clone_into(at);
                }
            }
            if let Some(text) = flash.value(Field::Models) {
                self.models = words(text);
            }
            if let Some(text) = flash.value(Field::Scopes) {
                self.scopes = words(text);
            }
            self
        }

        fn lines(&mut self) -> [(Field, &mut String); 11] {
            [
                (Field::KeyName, &mut self.name),
                (Field::Kind, &mut self.kind),
                (Field::Day, &mut self.day),
                (Field::Week, &mut self.week),
                (Field::Month, &mut self.month),
                (Field::Total, &mut self.total),
                (Field::RequestsPerMinute, &mut self.requests_per_minute),
                (Field::TokensPerMinute, &mut self.tokens_per_minute),
                (Field::Concurrency, &mut self.concurrency),
                (Field::ExpiresOn, &mut self.expires_on),
                (Field::IpRanges, &mut self.ip_ranges),
            ]
        }

        /// What is told to the form when it is shown again: the faults, and everything that was typed. What is too long
        /// to travel is a fault itself: an empty list of models or networks would mean all of them.
        pub fn back(mut self, faults: Vec<(Field, Fault)>) -> Flash {
            let lists = [
                (Field::Scopes, self.scopes.join(" ")),
                (Field::Models, self.models.join(" ")),
            ];
            let lines = self.lines().map(|(field, text)| (field, text.clone()));
            let mut flash = Flash {
                faults,
                ..Flash::default()
            };
            for (field, text) in lines.into_iter().chain(lists) {
                flash = flash.typed(field, &text);
                if flash.value(field).is_none() {
                    flash.faults.push((field, Fault::NotCarried));
                }
            }
            flash
        }

        pub fn is_test(&self) -> bool {
            self.kind == TEST
        }

        /// The limits that the form asks for. `before` is the end that the key has now: an end is a moment, the form
        /// shows its day, and a day that was not changed must not move the moment.
        ///
        /// # Errors
        /// Every fault that can be seen without the database.
        pub fn limits(
            &self,
            zone: Zone,
            before: Option<UnixMs>,
        ) -> Result<KeyLimits, Vec<(Field, Fault)>> {
            let mut faults = Vec::new();
            let mut wrong = |field, fault| faults.push((field, fault));
            let mut usd = |field, text: &str| match amount(text) {
                Ok(amount) => amount,
                Err(fault) => {
                    wrong(field, fault);
                    None
                }
            };
            let (day, week) = (usd(Field::Day, &self.day), usd(Field::Week, &self.week));
            let (month, total) = (
                usd(Field::Month, &self.month),
                usd(Field::Total, &self.total),
            );
            let mut count = |field, text: &str| match text.trim() {
                "" => None,
                text => match text.parse() {
                    Ok(0) | Err(_) => {
                        wrong(field, Fault::Malformed);
                        None
                    }
                    Ok(count) => Some(count),
                },
            };
            let requests_per_minute = count(Field::RequestsPerMinute, &self.requests_per_minute);
            let tokens_per_minute = count(Field::TokensPerMinute, &self.tokens_per_minute);
            let concurrency = count(Field::Concurrency, &self.concurrency);
            let expires_at = match self.expires_on.trim() {
                "" => None,
                text if before.is_some_and(|end| last_day(end, zone) == text) => before,
                text => {
                    let day = zone.parse_day(text);
                    if day.is_none() {
                        wrong(Field::ExpiresOn, Fault::Malformed);
                    }
                    day.map(|day| zone.next_day(day))
                }
            };
            let scopes: Option<Scopes> =
                self.scopes.iter().map(|scope| scope.parse().ok()).collect();
            if scopes.is_none_or(Scopes::is_empty) {
                wrong(Field::Scopes, Fault::Missing);
            }
            if !faults.is_empty() {
                return Err(faults);
            }
            Ok(KeyLimits {
                day,
                week,
                month,
                total,
                requests_per_minute,
                tokens_per_minute,
                concurrency,
                models: self.models.clone(),
                ip_ranges: self
                    .ip_ranges
                    .split([',', ';', ' ', '\t', '\r', '\n'])
                    .filter(|range| !range.is_empty())
                    .map(ToOwned::to_owned)
                    .collect(),
                expires_at,
                scopes: scopes.unwrap_or_else(Scopes::none),
            })
        }
    }

    /// The last day on which something works that ends at this moment.
    fn last_day(end: UnixMs, zone: Zone) -> String {
        zone.iso_day(end.saturating_sub(1))
    }

    /// US dollars, as people write them. Empty is no limit.
    fn amount(text: &str) -> Result<Option<Amount>, Fault> {
        let text = text.trim().trim_start_matches('$');
        if text.is_empty() {
            return Ok(None);
        }
        typed_amount(text)
            .and_then(|plain| Amount::parse_usd(&plain).ok())
            .map(Some)
            .ok_or(Fault::Malformed)
    }

    /// Where in the form it is wrong, when the form is what is wrong.
    pub fn fault_of(error: &KeyError, name: &str) -> Option<(Field, Fault)> {
        let fault = match error {
            KeyError::Name if name.trim().is_empty() => (Field::KeyName, Fault::Missing),
            KeyError::Name => (Field::KeyName, Fault::TooLong),
            KeyError::Limits(fault) => match fault {
                LimitFault::NegativeBudget => (Field::Total, Fault::Malformed),
                LimitFault::ZeroRate => (Field::RequestsPerMinute, Fault::Malformed),
                LimitFault::TooManyModels | LimitFault::Model(_) => {
                    (Field::Models, Fault::Malformed)
                }
                LimitFault::TooManyRanges => (Field::IpRanges, Fault::TooLong),
                LimitFault::Range(_) => (Field::IpRanges, Fault::Malformed),
                LimitFault::Past | LimitFault::BeyondCalendars => {
                    (Field::ExpiresOn, Fault::Malformed)
                }
                LimitFault::NoScope => (Field::Scopes, Fault::Missing),
            },
            _ => return None,
        };
        Some(fault)
    }
}

#[cfg(feature = "ssr")]
pub use read::{TEST, fault_of};

#[cfg(all(test, feature = "ssr"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use domain::{Amount, KeyLimits};
    use texts::format::Zone;

    use super::*;
    use crate::flash::{Fault, Field};

    #[test]
    fn what_people_write_becomes_limits() {
        let form = KeyForm {
            day: " $2,50 ".to_owned(),
            total: "100".to_owned(),
            tokens_per_minute: "60000".to_owned(),
            ip_ranges: "192.0.2.0/24,\r\n2001:db8::1".to_owned(),
            expires_on: "2026-12-31".to_owned(),
            models: vec!["a/b".to_owned()],
            ..KeyForm::empty()
        };
        let limits = form.limits(Zone::UTC, None).unwrap();
        let wanted = KeyLimits {
            day: Some(Amount::parse_usd("2.50").unwrap()),
            total: Some(Amount::parse_usd("100").unwrap()),
            tokens_per_minute: Some(60_000),
            models: vec!["a/b".to_owned()],
            ip_ranges: vec!["192.0.2.0/24".to_owned(), "2001:db8::1".to_owned()],
            // Midnight after the last day.
            expires_at: Some(1_798_761_600_000),
            ..KeyLimits::default()
        };
        assert_eq!(limits, wanted);
    }

    #[test]
    fn an_end_whose_day_was_not_changed_stays_the_same_moment() {
        let form = KeyForm {
            expires_on: "2026-11-21".to_owned(),
            ..KeyForm::empty()
        };
        let noon = 1_795_262_400_000;
        let limits = form.limits(Zone::UTC, Some(noon)).unwrap();
        assert_eq!(limits.expires_at, Some(noon));
    }

    #[test]
    fn every_fault_is_told_at_once_and_everything_typed_comes_back() {
        let form = KeyForm {
            name: "ci".to_owned(),
            day: "a lot".to_owned(),
            week: "1,000".to_owned(),
            month: "-1".to_owned(),
            concurrency: "0".to_owned(),
            expires_on: "tomorrow".to_owned(),
            models: vec!["m1".to_owned(), "m2".to_owned()],
            ..KeyForm::default()
        };
        let faults = form.limits(Zone::UTC, None).unwrap_err();
        let wanted = [
            (Field::Day, Fault::Malformed),
            (Field::Week, Fault::Malformed),
            (Field::Month, Fault::Malformed),
            (Field::Concurrency, Fault::Malformed),
            (Field::ExpiresOn, Fault::Malformed),
            (Field::Scopes, Fault::Missing),
        ];
        assert_eq!(faults, wanted);
        let flash = form.clone().back(faults);
        assert_eq!(KeyForm::empty().or_typed(&flash), form);
    }

    #[test]
    fn a_list_that_cannot_travel_is_a_fault() {
        let form = KeyForm {
            models: vec!["m".repeat(200); 10],
            ..KeyForm::empty()
        };
        let flash = form.back(vec![(Field::KeyName, Fault::Missing)]);
        assert_eq!(flash.of(Field::Models), Some(Fault::NotCarried));
    }
}
