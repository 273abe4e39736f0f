//! What can an administrator do to exchange rates? Set one by hand, end that again, have a source asked at once.

use leptos::prelude::*;

use crate::api::Refusal;

/// Sets what one dollar is in a currency. `sure` is there when its box was ticked.
///
/// # Errors
/// [`Refusal::NotFound`] for no currency, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_set_rate")]
pub async fn admin_set_rate(
    currency: String,
    per_usd: String,
    rate_day: String,
    sure: Option<String>,
) -> Result<(), Refusal> {
    use domain::Currency;
    use domain::fx::Rate;
    use server::rates::SetError;
    use texts::format::Zone;

    use super::desk::Desk;
    use super::{AdminFault, AdminField, AdminNotice};
    use crate::api::amount::typed_amount;
    use crate::flash::{Fault, Field, Flash, Notice};

    let desk = Desk::current()?;
    let currency: Currency = desk.id(&currency)?;
    let (value, day) = (
        Field::Admin(AdminField::PerUsd),
        Field::Admin(AdminField::RateDay),
    );
    let mut flash = Flash::default()
        .typed(value, &per_usd)
        .typed(day, &rate_day);
    let rate = typed_amount(&per_usd).and_then(|plain| Rate::parse(&plain, '.').ok());
    let date = match rate_day.trim() {
        "" => Some(desk.asker.prefs.now),
        typed => Zone::UTC.parse_day(typed),
    };
    if rate.is_none() {
        let fault = if per_usd.trim().is_empty() {
            Fault::Missing
        } else {
            Fault::Admin(AdminFault::Rate)
        };
        flash.faults.push((value, fault));
    }
    if date.is_none() {
        flash.faults.push((day, Fault::Admin(AdminFault::RateDay)));
    }
    if let (Some(rate), Some(date)) = (rate, date) {
        let rates = desk.asker.services.rates.acting(desk.by);
        match rates.set(currency, rate, date, sure.is_some()).await {
            Ok(_) => flash = Flash::notice(Notice::Admin(AdminNotice::RateSet)),
            Err(SetError::Day) => flash.faults.push((day, Fault::Admin(AdminFault::RateDay))),
            Err(SetError::Far) => {
                flash
                    .faults
                    .push((value, Fault::Admin(AdminFault::RateFar)));
            }
            // The dollar has no page.
            Err(SetError::Dollar | SetError::NotSet(_)) => return Err(desk.missing()),
            Err(SetError::Database(error)) => return Err(desk.unavailable(&error)),
        }
    }
    let page = format!("/admin/rates/{currency}");
    desk.asker.go_and_tell(page, &flash);
    Ok(())
}

/// Ends a rate that was set by hand.
///
/// # Errors
/// As [`admin_set_rate`].
#[server(prefix = "/api", endpoint = "admin_clear_rate")]
pub async fn admin_clear_rate(currency: String) -> Result<(), Refusal> {
    use domain::Currency;
    use server::rates::SetError;

    use super::AdminNotice;
    use super::desk::Desk;
    use crate::flash::{Flash, Notice};

    let desk = Desk::current()?;
    let currency: Currency = desk.id(&currency)?;
    let notice = match desk
        .asker
        .services
        .rates
        .acting(desk.by)
        .clear(currency)
        .await
    {
        Ok(_) => AdminNotice::RateCleared,
        Err(SetError::NotSet(_)) => AdminNotice::RateNotSet,
        Err(error) => return Err(desk.unavailable(&error)),
    };
    let page = format!("/admin/rates/{currency}");
    desk.asker
        .go_and_tell(page, &Flash::notice(Notice::Admin(notice)));
    Ok(())
}

/// Asks a source now. What it answers, or why it is not believed, stands in its line afterwards.
///
/// # Errors
/// [`Refusal::NotFound`] for a source that this installation does not ask, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_fetch_rates")]
pub async fn admin_fetch_rates(source: String) -> Result<(), Refusal> {
    use domain::fx::Source;
    use server::rates::FetchError;

    use super::AdminNotice;
    use super::desk::Desk;
    use crate::flash::{Flash, Notice};

    let desk = Desk::current()?;
    let source: Source = desk.id(&source)?;
    let rates = &desk.asker.services.rates;
    if !rates.asked().contains(&source) {
        return Err(desk.missing());
    }
    let notice = match rates.acting(desk.by).fetch(source).await {
        Ok(fetched) => {
            let stored = u64::try_from(fetched.stored).unwrap_or(u64::MAX);
            if fetched.moved.is_empty() {
                AdminNotice::RatesFetched { stored }
            } else {
                AdminNotice::RatesKept { stored }
            }
        }
        Err(FetchError::Refused(..)) => AdminNotice::RatesRefused,
        Err(FetchError::Busy(_)) => AdminNotice::RatesBusy,
        Err(FetchError::Database(error)) => return Err(desk.unavailable(&error)),
    };
    desk.asker
        .go_and_tell("/admin/rates", &Flash::notice(Notice::Admin(notice)));
    Ok(())
}
