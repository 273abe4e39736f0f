//! What do administrators' functions share? Who acts and from where, reasons, and prices as they are typed.

use domain::views::UnixMs;
use domain::{Markup, Price, PricePerMtok};
use http::StatusCode;
use server::audit::{Actor, By};
use server::catalog::NewPrice;
use texts::format::Zone;

use super::{AdminFault, AdminField};
use crate::api::Refusal;
use crate::api::amount::typed_amount;
use crate::api::call::Asker;
use crate::flash::{Fault, Field, Flash};

/// A reason is a sentence, not a letter.
const REASON_MAX: usize = 300;

/// An administrator at work.
pub struct Desk {
    pub asker: Asker,
    pub by: By,
}

impl Desk {
    /// # Errors
    /// Never, as long as the table says that only administrators may call.
    pub fn current() -> Result<Self, Refusal> {
        let asker = Asker::current();
        let account = asker.account.as_ref().ok_or(Refusal::SignedOut)?;
        let by = By {
            actor: Actor::Account(account.id),
            from: Some(asker.ip),
        };
        Ok(Self { asker, by })
    }

    /// The thing that a form names. What is no id is no thing.
    pub fn id<T: std::str::FromStr>(&self, text: &str) -> Result<T, Refusal> {
        text.parse().map_err(|_| self.missing())
    }

    pub fn missing(&self) -> Refusal {
        self.asker.reply.fail(StatusCode::NOT_FOUND);
        Refusal::NotFound
    }

    /// The log gets the error, the person a page that says it did not work.
    pub fn unavailable(&self, error: &dyn std::error::Error) -> Refusal {
        tracing::error!(error = %error, "An administrator's act failed");
        self.asker.reply.fail(StatusCode::SERVICE_UNAVAILABLE);
        Refusal::Unavailable
    }
}

/// A reason is there and is short; why not, otherwise.
pub fn check_reason(reason: &str) -> Option<Fault> {
    let letters = reason.trim().chars().count();
    if letters == 0 {
        Some(Fault::Missing)
    } else if letters > REASON_MAX {
        Some(Fault::Admin(AdminFault::ReasonTooLong))
    } else {
        None
    }
}

/// The price part of a form, as typed.
pub struct Priced<'a> {
    pub cost_input: &'a str,
    /// Empty: as `cost_input`.
    pub cost_cached: &'a str,
    pub cost_output: &'a str,
    /// Per cent.
    pub markup: &'a str,
}

impl Priced<'_> {
    /// The flash with everything that was typed.
    pub fn typed(&self, flash: Flash) -> Flash {
        flash
            .typed(Field::Admin(AdminField::CostInput), self.cost_input)
            .typed(Field::Admin(AdminField::CostCached), self.cost_cached)
            .typed(Field::Admin(AdminField::CostOutput), self.cost_output)
            .typed(Field::Admin(AdminField::Markup), self.markup)
    }
}

/// What callers will pay, computed as it is when it is published: preview and publication share it.
///
/// # Errors
/// What is wrong, and where.
pub fn read_price(typed: &Priced<'_>) -> Result<NewPrice, Vec<(Field, Fault)>> {
    let mut faults = Vec::new();
    let mut cost = |field: AdminField, text: &str| {
        let text = text.trim();
        if text.is_empty() {
            faults.push((Field::Admin(field), Fault::Missing));
            return None;
        }
        let read = typed_amount(text).and_then(|plain| PricePerMtok::parse_usd(&plain).ok());
        if read.is_none() {
            faults.push((Field::Admin(field), Fault::Admin(AdminFault::Price)));
        }
        read
    };
    let input = cost(AdminField::CostInput, typed.cost_input);
    let cached = if typed.cost_cached.trim().is_empty() {
        input
    } else {
        cost(AdminField::CostCached, typed.cost_cached)
    };
    let output = cost(AdminField::CostOutput, typed.cost_output);
    let markup = typed_amount(typed.markup).and_then(|plain| Markup::parse_percent(&plain).ok());
    let field = Field::Admin(AdminField::Markup);
    if typed.markup.trim().is_empty() {
        faults.push((field, Fault::Missing));
    } else if markup.is_none() {
        faults.push((field, Fault::Admin(AdminFault::Percent)));
    }
    let (Some(input), Some(cached_input), Some(output), Some(markup)) =
        (input, cached, output, markup)
    else {
        return Err(faults);
    };
    let cost = Price::of(input, cached_input, output).with_usual_tools();
    NewPrice::from_cost(cost, markup)
        .map_err(|_| vec![(field, Fault::Admin(AdminFault::OutOfRange))])
}

/// When a price starts: the first moment of the day in the administrator's time zone; now when nothing was typed, or
/// today.
///
/// # Errors
/// What is wrong with it.
pub fn read_start(text: &str, zone: Zone, now: UnixMs) -> Result<Option<UnixMs>, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let start = zone
        .parse_day(text)
        .ok_or(Fault::Admin(AdminFault::Start))?;
    if start >= now {
        Ok(Some(start))
    } else if start == zone.day_start(now) {
        Ok(None)
    } else {
        Err(Fault::Admin(AdminFault::Past))
    }
}
