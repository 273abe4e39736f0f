//! What may an administrator do about somebody's order? Say that a bank transfer arrived, or will not; send money back;
//! say that what did not fit was looked at.

use leptos::prelude::*;

use crate::api::Refusal;

/// A bank transfer arrived, or a provider took another amount than was asked for. `received` is what the bank's statement
/// or the provider says, in the order's currency; `sure` credits it
/// also when it is not what was asked for. `paid_on` is the day it arrived, in the administrator's time zone; empty is
/// now.
///
/// # Errors
/// [`Refusal::NotFound`] for no order, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_confirm_order")]
pub async fn admin_confirm_order(
    id: String,
    received: String,
    sure: Option<String>,
    paid_on: String,
    confirm_note: String,
) -> Result<(), Refusal> {
    use server::orders::Confirmation;

    use super::{OrderFault, OrderField, WalletNotice, read_coins};
    use crate::flash::{Fault, Field, Flash};
    use asked::{At, check_note, read_day};

    let at = At::order(&id).await?;
    let mut flash = Flash::default()
        .typed(Field::Order(OrderField::Received), &received)
        .typed(Field::Order(OrderField::PaidOn), &paid_on)
        .typed(Field::Order(OrderField::ConfirmNote), &confirm_note);
    if sure.is_some() {
        flash = flash.typed(Field::Order(OrderField::Sure), "true");
    }
    let coins = read_coins(at.order.quote.paid.currency(), &received);
    if coins.is_none() {
        let fault = if received.trim().is_empty() {
            Fault::Missing
        } else {
            Fault::Order(OrderFault::Coins)
        };
        flash
            .faults
            .push((Field::Order(OrderField::Received), fault));
    }
    let day = read_day(&paid_on, at.desk.asker.prefs.zone, at.now());
    if day.is_err() {
        let field = Field::Order(OrderField::PaidOn);
        flash.faults.push((field, Fault::Order(OrderFault::Day)));
    }
    let field = Field::Order(OrderField::ConfirmNote);
    flash
        .faults
        .extend(check_note(&confirm_note).map(|fault| (field, fault)));
    let (Some(received), Ok(paid_at), true) = (coins, day, flash.faults.is_empty()) else {
        return at.wrong(&flash);
    };
    let confirmation = Confirmation {
        received,
        sure: sure.is_some(),
        paid_at,
        note: confirm_note.trim().to_owned(),
    };
    let desk = at.desk.asker.services.orders.acting(at.desk.by);
    let done = desk.confirm(at.order.id, &confirmation).await;
    at.answer(
        done,
        WalletNotice::Confirmed,
        flash,
        OrderField::Received,
        OrderField::ConfirmNote,
    )
}

/// A bank transfer will not arrive.
///
/// # Errors
/// [`Refusal::NotFound`] for no order, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_reject_order")]
pub async fn admin_reject_order(id: String, reject_note: String) -> Result<(), Refusal> {
    use super::{OrderField, WalletNotice};
    use crate::flash::{Field, Flash};
    use asked::{At, check_note};

    let at = At::order(&id).await?;
    let field = Field::Order(OrderField::RejectNote);
    let mut flash = Flash::default().typed(field, &reject_note);
    if let Some(fault) = check_note(&reject_note) {
        flash.faults.push((field, fault));
        return at.wrong(&flash);
    }
    let desk = at.desk.asker.services.orders.acting(at.desk.by);
    let done = desk.reject(at.order.id, reject_note.trim()).await;
    at.answer(
        done,
        WalletNotice::Rejected,
        flash,
        OrderField::RejectNote,
        OrderField::RejectNote,
    )
}

/// Somebody looked at an order that did not fit what its provider says: it is marked no more.
///
/// # Errors
/// [`Refusal::NotFound`] for no order, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_seen_order")]
pub async fn admin_seen_order(id: String, seen_note: String) -> Result<(), Refusal> {
    use super::{OrderField, WalletNotice};
    use crate::flash::{Field, Flash};
    use asked::{At, check_note};

    let at = At::order(&id).await?;
    let field = Field::Order(OrderField::SeenNote);
    let mut flash = Flash::default().typed(field, &seen_note);
    if let Some(fault) = check_note(&seen_note) {
        flash.faults.push((field, fault));
        return at.wrong(&flash);
    }
    let desk = at.desk.asker.services.orders.acting(at.desk.by);
    let done = desk.seen(at.order.id, seen_note.trim()).await;
    at.answer(
        done,
        WalletNotice::Seen,
        flash,
        OrderField::SeenNote,
        OrderField::SeenNote,
    )
}

/// Sends money back. `refund_credit` is how much of the credit, in US dollars; empty is as much as can go back. `once`
/// names this filled-in form: sent twice, it refunds once.
///
/// # Errors
/// [`Refusal::NotFound`] for no order, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_refund_order")]
pub async fn admin_refund_order(
    id: String,
    refund_credit: String,
    refund_note: String,
    once: String,
) -> Result<(), Refusal> {
    use domain::Amount;
    use server::orders::RefundAsk;

    use super::{OrderField, WalletNotice};
    use crate::api::amount::typed_amount;
    use crate::flash::{Fault, Field, Flash};
    use asked::{At, check_note};

    let at = At::order(&id).await?;
    let mut flash = Flash::default()
        .typed(Field::Order(OrderField::RefundCredit), &refund_credit)
        .typed(Field::Order(OrderField::RefundNote), &refund_note);
    let all = refund_credit.trim().is_empty();
    let credit = typed_amount(&refund_credit)
        .and_then(|plain| Amount::parse_usd(&plain).ok())
        .filter(|amount| !amount.is_zero());
    if credit.is_none() && !all {
        // The words are those of every field for an amount.
        let field = Field::Order(OrderField::RefundCredit);
        flash.faults.push((field, Fault::Malformed));
    }
    let field = Field::Order(OrderField::RefundNote);
    flash
        .faults
        .extend(check_note(&refund_note).map(|fault| (field, fault)));
    if !flash.faults.is_empty() {
        return at.wrong(&flash);
    }
    let ask = RefundAsk {
        credit,
        note: refund_note.trim().to_owned(),
        idempotency_key: once.chars().take(64).collect(),
    };
    let desk = at.desk.asker.services.orders.acting(at.desk.by);
    let done = desk.refund(at.order.id, &ask).await;
    at.answer(
        done,
        WalletNotice::Refunded,
        flash,
        OrderField::RefundCredit,
        OrderField::RefundNote,
    )
}

#[cfg(feature = "ssr")]
mod asked {
    use domain::ids::OrderId;
    use domain::order::OrderView;
    use domain::views::UnixMs;
    use server::orders::OrderError;
    use texts::format::Zone;

    use crate::api::Refusal;
    use crate::api::admin::Desk;
    use crate::api::wallet::{OrderFault, OrderField, WalletNotice};
    use crate::flash::{Fault, Field, Flash, Notice};

    /// A note is a sentence, not a letter.
    const NOTE_MAX: usize = 300;

    /// An administrator before an order.
    pub struct At {
        pub desk: Desk,
        pub order: OrderView,
    }

    impl At {
        /// # Errors
        /// [`Refusal::NotFound`] when there is no such order, [`Refusal::Unavailable`] without a database.
        pub async fn order(id: &str) -> Result<Self, Refusal> {
            let desk = Desk::current()?;
            let id: OrderId = desk.id(id)?;
            match desk.asker.services.orders.any(id).await {
                Ok(Some(row)) => Ok(Self {
                    desk,
                    order: row.order,
                }),
                Ok(None) => Err(desk.missing()),
                Err(error) => Err(desk.unavailable(&error)),
            }
        }

        pub fn now(&self) -> UnixMs {
            self.desk.asker.services.clock.now_ms()
        }

        fn tell(&self, flash: &Flash) {
            let page = format!("/admin/orders/{}", self.order.id);
            self.desk.asker.go_and_tell(page, flash);
        }

        /// Back to the form with what is wrong.
        ///
        /// # Errors
        /// Never; server functions answer with a `Result`.
        pub fn wrong(&self, flash: &Flash) -> Result<(), Refusal> {
            self.tell(flash);
            Ok(())
        }

        /// What became of it: `done`, or what is wrong at `amount` or `note`.
        ///
        /// # Errors
        /// [`Refusal::Unavailable`] for what is nobody's mistake.
        pub fn answer(
            &self,
            result: Result<OrderView, OrderError>,
            done: WalletNotice,
            mut flash: Flash,
            amount: OrderField,
            note: OrderField,
        ) -> Result<(), Refusal> {
            let told = match result {
                Ok(_) => done,
                Err(OrderError::Status(status)) => WalletNotice::TooLate { status },
                Err(OrderError::NotManual) => WalletNotice::TooLate {
                    status: self.order.status,
                },
                Err(OrderError::Refunding) => WalletNotice::RefundUnderway,
                Err(OrderError::RefundRefused) => WalletNotice::RefundRefused,
                Err(OrderError::KeyReused) => WalletNotice::KeyReused,
                Err(OrderError::Provider | OrderError::NoSuchMethod) => {
                    WalletNotice::ProviderSilent
                }
                Err(OrderError::NotFound) => return Err(self.desk.missing()),
                Err(error) => {
                    let (field, fault) = match error {
                        OrderError::AmountDiffers { .. } => (amount, OrderFault::Differs),
                        OrderError::NoNote => (note, OrderFault::NoteMissing),
                        OrderError::NotRefundable { most } => {
                            (amount, OrderFault::TooMuch { most })
                        }
                        OrderError::NoCoin => (amount, OrderFault::NoCoin),
                        OrderError::NoRate => (amount, OrderFault::Rate),
                        error => return Err(self.desk.unavailable(&error)),
                    };
                    flash
                        .faults
                        .push((Field::Order(field), Fault::Order(fault)));
                    return self.wrong(&flash);
                }
            };
            self.tell(&Flash::notice(Notice::Wallet(told)));
            Ok(())
        }
    }

    /// A note is there and is short; why not, otherwise.
    pub fn check_note(note: &str) -> Option<Fault> {
        match note.trim().chars().count() {
            0 => Some(Fault::Order(OrderFault::NoteMissing)),
            1..=NOTE_MAX => None,
            _ => Some(Fault::Order(OrderFault::NoteTooLong)),
        }
    }

    /// The day of a payment: its first moment in the administrator's time zone, nothing when nothing was typed.
    ///
    /// # Errors
    /// A day that is none, or that has not begun.
    pub fn read_day(text: &str, zone: Zone, now: UnixMs) -> Result<Option<UnixMs>, ()> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        match zone.parse_day(text) {
            Some(day) if day <= now => Ok(Some(day)),
            _ => Err(()),
        }
    }
}
