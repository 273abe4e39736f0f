//! What can an administrator do to rates? Set one by hand, end that again, have a source asked at once; each with its
//! line in the audit log.

use domain::Currency;
use domain::fx::{Charging, Known, PerUsd, Rate, Source, day_of};
use domain::views::UnixMs;
use sea_orm::DbErr;
use serde_json::{Value, json};
use thiserror::Error;

use super::{FetchError, Fetched, Rates, store};
use crate::audit::{Act, By};

/// What is ten times as much as before is a typing mistake, until somebody says that it is not.
const MOST_TIMES: u32 = 10;

/// The rates in somebody's hands.
pub struct Desk<'a> {
    pub(super) rates: &'a Rates,
    pub(super) by: By,
}

/// Why a rate cannot be set.
#[derive(Debug, Error)]
pub enum SetError {
    #[error("wallets are held in US dollars: the dollar has no rate")]
    Dollar,
    #[error("the day of a rate is today or before, at most a month ago")]
    Day,
    #[error(
        "this is more than ten times as much, or less than a tenth, of the rate in use; if it is right, say that you are sure"
    )]
    Far,
    #[error("there is no rate of {0} that was set by hand")]
    NotSet(Currency),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Desk<'_> {
    /// Sets what one dollar is in `currency`, by the rates of the day of `date`. It comes before every source until it is
    /// ended or a month old. `sure` allows a rate far from the one in use.
    ///
    /// # Errors
    /// See [`SetError`].
    pub async fn set(
        &self,
        currency: Currency,
        rate: Rate,
        date: UnixMs,
        sure: bool,
    ) -> Result<Known, SetError> {
        if currency == Currency::Usd {
            return Err(SetError::Dollar);
        }
        let now = self.rates.now();
        let new = Known {
            rate: PerUsd::direct(rate),
            source: Source::Manual,
            date: day_of(date),
            row: 0,
        };
        if new.date > now || new.charging(now) != Charging::Chargeable {
            return Err(SetError::Day);
        }
        let before = self.rates.table().known(currency);
        if !sure && new.rate.beyond_times(MOST_TIMES, before.rate) {
            return Err(SetError::Far);
        }
        let detail = json!({
            "per_usd_e9": rate.e9(),
            "date": new.date,
            "before": told(&before),
        });
        self.write("rate.set", currency, Some(rate), new.date, detail)
            .await?;
        Ok(self.rates.table().known(currency))
    }

    /// Ends a rate that was set by hand: sources are believed again.
    ///
    /// # Errors
    /// See [`SetError`].
    pub async fn clear(&self, currency: Currency) -> Result<Known, SetError> {
        let set = store::load(&self.rates.0.db)
            .await?
            .into_iter()
            .find(|(of, known)| *of == currency && known.source == Source::Manual);
        let Some((_, before)) = set else {
            return Err(SetError::NotSet(currency));
        };
        let detail = json!({ "before": told(&before) });
        let today = day_of(self.rates.now());
        self.write("rate.clear", currency, None, today, detail)
            .await?;
        Ok(self.rates.table().known(currency))
    }

    /// Asks a source now, whenever it was asked last. What was asked is written down, also when nothing came of it.
    ///
    /// # Errors
    /// [`FetchError`]; whatever was in use stays.
    pub async fn fetch(&self, source: Source) -> Result<Fetched, FetchError> {
        let outcome = self.rates.fetch(source).await;
        let detail = match &outcome {
            Ok(fetched) => {
                let kept: Vec<&str> = fetched.moved.iter().map(|moved| moved.code()).collect();
                json!({ "stored": fetched.stored, "kept": kept.join(" ") })
            }
            Err(error) => json!({ "error": error.to_string() }),
        };
        let inner = &self.rates.0;
        let act = Act {
            actor: self.by.actor,
            action: "rate.fetch",
            subject: None,
            target: Some(source.code().to_owned()),
            detail,
            from: self.by.from,
        };
        inner.audit.note(inner.db.write(), &act).await?;
        outcome
    }

    async fn write(
        &self,
        action: &'static str,
        currency: Currency,
        rate: Option<Rate>,
        date: UnixMs,
        detail: Value,
    ) -> Result<(), SetError> {
        let inner = &self.rates.0;
        let tx = inner.db.begin().await?;
        store::insert_manual(&tx, currency, rate, date, self.rates.now()).await?;
        let act = Act {
            actor: self.by.actor,
            action,
            subject: None,
            target: Some(currency.code().to_owned()),
            detail,
            from: self.by.from,
        };
        inner.audit.note(&tx, &act).await?;
        tx.commit().await?;
        self.rates.reload().await?;
        Ok(())
    }
}

/// A rate for the audit log.
fn told(known: &Known) -> Value {
    json!({
        "per_usd_e9": known.rate.e9().to_string(),
        "source": known.source.code(),
        "date": known.date,
    })
}
