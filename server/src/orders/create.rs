//! How does an order come to be? Its rate is pinned and its row committed before any provider hears of it.

use domain::Currency;
use domain::fx::{Charging, Coins};
use domain::ids::{AccountId, OrderId, WorkspaceId};
use domain::order::{Limits, Method, OrderStatus, OrderView, Reference};
use domain::views::UnixMs;
use sea_orm::DbErr;

use super::poll::first_look;
use super::provider::Caps;
use super::{Ask, NewOrder, Offer, OrderError, Orders, rows};
use crate::db::{exec, one};
use crate::ids::NewId;

/// Whoever has so many orders open pays or cancels one first.
const OPEN_MAX: u32 = 20;
const KEY_MAX: usize = 64;
/// The code of a language is shorter.
const LOCALE_MAX: usize = 35;
/// A reference is drawn again when it is taken; of 2^39, twice in a row does not happen.
const TRIES: u32 = 5;

impl Orders {
    /// The ways to pay, each with the currencies that it takes now and their bounds. Empty: nobody can pay.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        self.0
            .registry
            .all()
            .into_iter()
            .map(|(provider, takes)| Method {
                provider,
                currencies: self.currencies(&takes.caps()),
                closed: self.closed(&takes.caps()),
            })
            .filter(|method| !method.currencies.is_empty())
            .collect()
    }

    fn currencies(&self, caps: &Caps) -> Vec<Limits> {
        Currency::ALL
            .into_iter()
            .filter(|currency| caps.currencies.contains(currency))
            .filter_map(|currency| self.limits(currency))
            .collect()
    }

    fn closed(&self, caps: &Caps) -> Vec<(Currency, UnixMs)> {
        let taken = |currency: &Currency| caps.currencies.contains(currency);
        let too_old = |currency| match self.0.rates.charging(currency) {
            Charging::TooOld { since } => Some((currency, since)),
            Charging::Chargeable => None,
        };
        let all = Currency::ALL.into_iter();
        all.filter(taken).filter_map(too_old).collect()
    }

    /// The operator's bounds in a currency, in whole units; `None` when nobody can pay in it now.
    fn limits(&self, currency: Currency) -> Option<Limits> {
        if self.0.rates.charging(currency) != Charging::Chargeable {
            return None;
        }
        let coins = |credit| self.0.rates.quote_credit(credit, currency).ok();
        let (min, max) = (
            coins(self.0.config.min)?.paid,
            coins(self.0.config.max)?.paid,
        );
        let unit = 10_i64.checked_pow(u32::from(currency.exponent()))?;
        let min = min.minor().checked_add(unit - 1)? / unit * unit;
        let max = max.minor() / unit * unit;
        Some(Limits {
            min: Coins::new(currency, min).ok()?,
            max: Coins::new(currency, max).ok()?,
        })
        .filter(|_| min <= max)
    }

    /// What would arrive now. Nothing is written down.
    ///
    /// # Errors
    /// [`OrderError::NoSuchMethod`], [`OrderError::OutOfBounds`], [`OrderError::Quote`].
    pub fn quote(&self, ask: &Ask) -> Result<Offer, OrderError> {
        let provider = self
            .0
            .registry
            .get(ask.provider)
            .ok_or(OrderError::NoSuchMethod)?;
        let currency = ask.paid.currency();
        if !provider.caps().currencies.contains(&currency) {
            return Err(OrderError::NoSuchMethod);
        }
        let quote = self.0.rates.quote(ask.paid);
        let limits = match self.limits(currency) {
            Some(limits) => limits,
            // The reason why nobody can pay in it, if the rate is one.
            None => {
                quote?;
                return Err(OrderError::NoSuchMethod);
            }
        };
        if !limits.allows(ask.paid) {
            return Err(OrderError::OutOfBounds(limits));
        }
        let quote = quote?;
        Ok(Offer {
            bonus: self.0.config.bonus_of(quote.credited),
            quote,
        })
    }

    /// Writes an order down, with the rate of now. The provider hears of it in [`Orders::begin`].
    ///
    /// # Errors
    /// As [`Orders::quote`]; [`OrderError::Moved`], [`OrderError::KeyReused`], [`OrderError::TooMany`].
    pub async fn create(
        &self,
        workspace: WorkspaceId,
        account: AccountId,
        new: &NewOrder,
    ) -> Result<OrderView, OrderError> {
        let key = new.idempotency_key.as_str();
        if key.is_empty() || key.len() > KEY_MAX {
            return Err(OrderError::KeyReused);
        }
        // On the connection that writes: what another request of this form committed is seen.
        let write = self.0.db.write();
        if let Some(row) = rows::by_key(write, workspace, key).await? {
            return same(new, row.view);
        }
        let offer = self.quote(&new.ask)?;
        // What does not fit into an amount is more than any page showed.
        let arrives = offer.quote.credited.plus(offer.bonus);
        if arrives.is_ok_and(|arrives| arrives < new.shown) {
            return Err(OrderError::Moved(Box::new(offer.quote)));
        }
        if self.open(workspace).await? >= i64::from(OPEN_MAX) {
            return Err(OrderError::TooMany(OPEN_MAX));
        }
        for _ in 0..TRIES {
            let id = self.insert(workspace, account, new, &offer).await?;
            let row = match id {
                Some(id) => rows::by_id(write, id).await?,
                // Somebody was faster with the same form, or the reference is taken.
                None => rows::by_key(write, workspace, key).await?,
            };
            if let Some(row) = row {
                return same(new, row.view);
            }
        }
        Err(DbErr::RecordNotInserted.into())
    }

    async fn open(&self, workspace: WorkspaceId) -> Result<i64, DbErr> {
        let sql = "SELECT count(*) AS open FROM orders WHERE workspace_id = $1 AND status IN ('created', 'pending')";
        let row = one(self.0.db.write(), sql, [workspace.to_string().into()]).await?;
        row.map_or(Ok(0), |row| row.try_get("", "open"))
    }

    async fn insert(
        &self,
        workspace: WorkspaceId,
        account: AccountId,
        new: &NewOrder,
        offer: &Offer,
    ) -> Result<Option<OrderId>, OrderError> {
        let (id, now) = (OrderId::new(), self.0.clock.now_ms());
        let mut bits = [0; 8];
        getrandom::fill(&mut bits)
            .map_err(|_| DbErr::Custom("the operating system gave no random bytes".into()))?;
        let reference = Reference::from_random(u64::from_le_bytes(bits));
        let online = self
            .0
            .registry
            .get(new.ask.provider)
            .is_some_and(|provider| provider.caps().online);
        let quote = &offer.quote;
        let locale: String = new.locale.chars().take(LOCALE_MAX).collect();
        let sql = "INSERT INTO orders (id, reference, workspace_id, account_id, provider, status, currency, amount_coins, rate_e9, spread_bp,
                rate_source, rate_date, rate_row, quoted_nusd, quote_valid_until, quoted_bonus_nusd, locale, idempotency_key,
                next_look_at, created_at)
             VALUES ($1, $2, $3, $4, $5, 'created', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
             ON CONFLICT DO NOTHING";
        let values = [
            id.to_string().into(),
            reference.compact().into(),
            workspace.to_string().into(),
            account.to_string().into(),
            new.ask.provider.code().into(),
            quote.paid.currency().code().into(),
            quote.paid.minor().into(),
            quote.rate.e9().into(),
            i64::from(quote.spread.bp()).into(),
            quote.source.code().into(),
            quote.date.into(),
            quote.row.into(),
            quote.credited.nanos().into(),
            // From the moment of the order, so that the row says it alone.
            (now + (quote.valid_until - quote.made_at)).into(),
            offer.bonus.nanos().into(),
            locale.into(),
            new.idempotency_key.as_str().into(),
            first_look(online, now).into(),
            now.into(),
        ];
        let inserted = exec(self.0.db.write(), sql, values).await?;
        Ok((inserted.rows_affected() == 1).then_some(id))
    }

    /// The customer gives an order up. Should it be paid all the same, it is credited.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Status`].
    pub async fn cancel(
        &self,
        workspace: WorkspaceId,
        id: OrderId,
    ) -> Result<OrderView, OrderError> {
        self.find(workspace, id)
            .await?
            .ok_or(OrderError::NotFound)?;
        // The provider goes on being asked: money that was on its way is not lost.
        let sql = "UPDATE orders SET status = 'canceled' WHERE id = $1 AND status IN ('created', 'pending')";
        exec(self.0.db.write(), sql, [id.to_string().into()]).await?;
        let now = self.find_written(id).await?;
        if now.status == OrderStatus::Canceled {
            Ok(now)
        } else {
            Err(OrderError::Status(now.status))
        }
    }

    /// An order as it is now, after this request changed it.
    pub(super) async fn find_written(&self, id: OrderId) -> Result<OrderView, OrderError> {
        rows::by_id(self.0.db.write(), id)
            .await?
            .map(|row| row.view)
            .ok_or(OrderError::NotFound)
    }
}

/// The order that this form made before, if it is the one that it asks for again.
fn same(new: &NewOrder, view: OrderView) -> Result<OrderView, OrderError> {
    if view.provider == new.ask.provider && view.quote.paid == new.ask.paid {
        Ok(view)
    } else {
        Err(OrderError::KeyReused)
    }
}
