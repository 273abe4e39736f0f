//! How does a payment enter the books, and how does it leave them again?
//!
//! A payment is two movements of one transaction. `cash:<provider>` and `fx` count in coins of the currency that was
//! paid: money came to the provider, and was exchanged. `fx_credit` and the wallet count in nano-dollars: the exchange
//! gave credit, a lot of its own. So every book counts in one unit, dollars paid in cents too, and each currency sums to
//! zero by itself.
//!
//! A refund leaves the wallet first: `refund_clearing` holds the credit while the provider is asked. When the money went,
//! both movements of the payment are undone in part, at the payment's own rate; when it did not, the credit goes back
//! into its lot. The bonus that came with that credit goes the same two ways. Every function works inside the caller's
//! transaction and can be repeated without moving money twice.

use domain::fx::Coins;
use domain::ids::{OrderId, RefundId, WorkspaceId};
use domain::order::{ProviderId, Reference};
use domain::views::UnixMs;
use domain::{Amount, Currency};
use sea_orm::{ConnectionTrait, DbErr};

use super::books::{
    System, Transfer, WalletRow, balance, book_of, lock_wallet, system_book, transfer,
    transfer_once,
};
use super::credit::give_bonus;
use super::leases;
use super::lots::{self, LotKind, NewLot};

/// Digits after the point of a nano-dollar.
const NANOS: u8 = 9;

/// A paid order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payment {
    pub(crate) workspace: WorkspaceId,
    pub(crate) order: OrderId,
    /// The movements' note: what people call the order.
    pub(crate) reference: Reference,
    pub(crate) provider: ProviderId,
    pub(crate) paid: Coins,
    pub(crate) credited: Amount,
    /// On top, out of the operator's pocket; zero for none.
    pub(crate) bonus: Amount,
    pub(crate) now: UnixMs,
}

/// Locks the workspace's wallet until commit. Whoever changes an order and its wallet locks the wallet first, as every
/// flush does, so that no two transactions wait for each other.
///
/// # Errors
/// When the workspace has no wallet.
pub(crate) async fn lock<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
) -> Result<(), DbErr> {
    wallet(conn, workspace).await.map(|_| ())
}

async fn wallet<C: ConnectionTrait>(conn: &C, workspace: WorkspaceId) -> Result<WalletRow, DbErr> {
    lock_wallet(conn, workspace)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("wallet of {workspace}")))
}

/// The transaction of an order's payment, and of its lot.
fn txn_of(order: OrderId) -> String {
    format!("order:{order}")
}

fn bonus_txn_of(order: OrderId) -> String {
    format!("order:{order}:bonus")
}

async fn cash<C: ConnectionTrait>(
    conn: &C,
    provider: ProviderId,
    currency: Currency,
    now: UnixMs,
) -> Result<i64, DbErr> {
    let kind = format!("cash:{provider}");
    book_of(conn, &kind, currency, currency.exponent(), now).await
}

async fn fx<C: ConnectionTrait>(conn: &C, currency: Currency, now: UnixMs) -> Result<i64, DbErr> {
    book_of(conn, "fx", currency, currency.exponent(), now).await
}

async fn credit_book<C: ConnectionTrait>(conn: &C, kind: &str, now: UnixMs) -> Result<i64, DbErr> {
    book_of(conn, kind, Currency::Usd, NANOS, now).await
}

impl Payment {
    /// Books it, with its lot and its bonus. False when it had been booked before: nothing happened again.
    ///
    /// # Errors
    /// When the database refuses, or the wallet cannot hold that much.
    pub(crate) async fn book<C: ConnectionTrait>(&self, conn: &C) -> Result<bool, DbErr> {
        let wallet = wallet(conn, self.workspace).await?;
        Amount::from_nanos(wallet.posted)
            .plus(self.credited)
            .and_then(|posted| posted.plus(self.bonus))
            .map_err(|error| DbErr::Custom(error.to_string()))?;
        let (txn, note) = (txn_of(self.order), self.reference.to_string());
        let (currency, now) = (self.paid.currency(), self.now);
        let paid = Transfer {
            txn: &txn,
            seq: 0,
            debit: cash(conn, self.provider, currency, now).await?,
            credit: fx(conn, currency, now).await?,
            amount: self.paid.into(),
            code: "payment",
            note: Some(&note),
            now,
        };
        if transfer_once(conn, &paid).await?.is_none() {
            return Ok(false);
        }
        let credited = Transfer {
            seq: 1,
            debit: credit_book(conn, "fx_credit", now).await?,
            credit: wallet.id,
            amount: self.credited.into(),
            code: "top_up",
            ..paid
        };
        transfer(conn, &credited).await?;
        let lot = NewLot {
            book: wallet.id,
            kind: LotKind::Paid,
            amount: self.credited,
            txn: &txn,
            expires_at: None,
            now,
        };
        lots::open(conn, &lot).await?;
        if !self.bonus.is_zero() {
            let txn = bonus_txn_of(self.order);
            let given =
                give_bonus(conn, self.workspace, self.bonus, &txn, &note, None, now).await?;
            if !given {
                return Err(DbErr::Custom(format!(
                    "{txn} was booked without its payment"
                )));
            }
        }
        Ok(true)
    }
}

/// What of an order's credit could leave its wallet now: what is left of its lot, and not held by a lease.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn refundable<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    order: OrderId,
) -> Result<Amount, DbErr> {
    let wallet = wallet(conn, workspace).await?;
    let lot = lots::of_txn(conn, wallet.id, &txn_of(order)).await?;
    Ok(lot.map_or(Amount::ZERO, |lot| {
        lot.remaining.min(Amount::from_nanos(wallet.free()))
    }))
}

/// The same for who looks: credit that nodes have leased and no call holds counts, because it can be asked back.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn in_sight<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    order: OrderId,
) -> Result<Amount, DbErr> {
    let wallet = wallet(conn, workspace).await?;
    let lot = lots::of_txn(conn, wallet.id, &txn_of(order)).await?;
    let available = balance(conn, workspace)
        .await?
        .map_or(Amount::ZERO, |balance| balance.available);
    Ok(lot.map_or(Amount::ZERO, |lot| lot.remaining.min(available)))
}

/// Asks nodes to give back what they have leased and no call holds. False when there is nothing of it, which is known
/// only after they were asked a `first` time.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn recall<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    first: bool,
) -> Result<bool, DbErr> {
    let wallet = wallet(conn, workspace).await?;
    leases::recall(conn, wallet.id, None, first).await
}

/// What of an order's credit and bonus is not spent yet, and what no lease has of the whole wallet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    pub(crate) bonus: Amount,
    pub(crate) free: Amount,
}

/// What is left beside the credit itself, for who waits until all of it is free.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn left<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    order: OrderId,
) -> Result<Left, DbErr> {
    let wallet = wallet(conn, workspace).await?;
    let bonus = lots::of_txn(conn, wallet.id, &bonus_txn_of(order)).await?;
    Ok(Left {
        bonus: bonus.map_or(Amount::ZERO, |lot| lot.remaining),
        free: Amount::from_nanos(wallet.free()),
    })
}

/// What calls held of a bonus that goes with its order ends so much later: in the eyes of every node that takes away what
/// has ended, in the future.
pub(super) const BONUS_ENDS_MS: UnixMs = 60_000;

/// Money of an order that goes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refund {
    pub(crate) workspace: WorkspaceId,
    pub(crate) order: OrderId,
    pub(crate) refund: RefundId,
    /// The movements' note.
    pub(crate) reference: Reference,
    pub(crate) provider: ProviderId,
    pub(crate) coins: Coins,
    pub(crate) credit: Amount,
    pub(crate) now: UnixMs,
}

impl Refund {
    /// Takes the credit out of the wallet and out of the order's own lot, before anybody is asked to send money, and with
    /// it as much of its bonus as is not spent or leased, at most `bonus`. How much of the bonus that was; `None` when
    /// there is not as much credit: nothing happened.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn take<C: ConnectionTrait>(
        &self,
        conn: &C,
        bonus: Amount,
    ) -> Result<Option<Amount>, DbErr> {
        let wallet = wallet(conn, self.workspace).await?;
        let Some(lot) = lots::of_txn(conn, wallet.id, &txn_of(self.order)).await? else {
            return Ok(None);
        };
        let free = Amount::from_nanos(wallet.free());
        if self.credit > lot.remaining.min(free) {
            return Ok(None);
        }
        let (txn, note) = self.names();
        let clearing = credit_book(conn, "refund_clearing", self.now).await?;
        let movement = self.movement(&txn, &note, 0, (wallet.id, clearing), "refund");
        let row = transfer(conn, &movement).await?;
        lots::take(conn, lot.id, row, self.credit).await?;
        let Some(lot) = lots::of_txn(conn, wallet.id, &bonus_txn_of(self.order)).await? else {
            return Ok(Some(Amount::ZERO));
        };
        let void = bonus
            .min(lot.remaining)
            .min(free.minus_or_zero(self.credit));
        if void > Amount::ZERO {
            let given = system_book(conn, System::Bonus).await?;
            let movement = Transfer {
                amount: void.into(),
                ..self.movement(&txn, &note, 3, (wallet.id, given), "bonus_void")
            };
            let row = transfer(conn, &movement).await?;
            lots::take(conn, lot.id, row, void).await?;
        }
        Ok(Some(void))
    }

    /// The money went: undoes the payment in part, at its own rate. `missing` is what of its bonus was to go and could not
    /// be taken with the credit, because running calls held it; it goes now. Answers how much of the bonus that was.
    ///
    /// # Errors
    /// When the database refuses, also because it was finished or given back before.
    pub(crate) async fn finish<C: ConnectionTrait>(
        &self,
        conn: &C,
        missing: Amount,
    ) -> Result<Amount, DbErr> {
        let void = self.void_late(conn, missing).await?;
        let (txn, note) = self.names();
        let clearing = credit_book(conn, "refund_clearing", self.now).await?;
        let exchanged = credit_book(conn, "fx_credit", self.now).await?;
        // The same number as giving it back: one of the two, whatever happens.
        let movement = self.movement(&txn, &note, 1, (clearing, exchanged), "refund_sent");
        transfer(conn, &movement).await?;
        let currency = self.coins.currency();
        let coins = Transfer {
            seq: 2,
            debit: fx(conn, currency, self.now).await?,
            credit: cash(conn, self.provider, currency, self.now).await?,
            amount: self.coins.into(),
            code: "refund_paid",
            ..movement
        };
        transfer(conn, &coins).await?;
        Ok(void)
    }

    /// Takes so much of the order's bonus, or what is left of it. What leases have of that is given anew, with an end: the
    /// calls that hold it may spend it, and what they leave goes when the portion ends.
    async fn void_late<C: ConnectionTrait>(
        &self,
        conn: &C,
        missing: Amount,
    ) -> Result<Amount, DbErr> {
        // Locked, as by everybody who moves an order's money.
        let wallet = wallet(conn, self.workspace).await?;
        let lot = lots::of_txn(conn, wallet.id, &bonus_txn_of(self.order)).await?;
        let Some(lot) = lot.filter(|lot| missing.min(lot.remaining) > Amount::ZERO) else {
            return Ok(Amount::ZERO);
        };
        let void = missing.min(lot.remaining);
        let (txn, note) = self.names();
        let leased = void.minus_or_zero(Amount::from_nanos(wallet.free()));
        if leased > Amount::ZERO {
            let (name, ends) = (format!("{txn}:bonus"), Some(self.now + BONUS_ENDS_MS));
            // Before the other is taken: a wallet never holds less than its leases have of it.
            let workspace = self.workspace;
            if !give_bonus(conn, workspace, leased, &name, &note, ends, self.now).await? {
                return Err(DbErr::Custom(format!(
                    "{name} was booked before {txn} ended"
                )));
            }
        }
        let given = system_book(conn, System::Bonus).await?;
        let movement = Transfer {
            amount: void.into(),
            ..self.movement(&txn, &note, 5, (wallet.id, given), "bonus_void")
        };
        let row = transfer(conn, &movement).await?;
        lots::take(conn, lot.id, row, void).await?;
        Ok(void)
    }

    /// The money did not go: the credit is in the wallet again, in the lot that it came from, and so is the bonus that was
    /// taken with it.
    ///
    /// # Errors
    /// When the database refuses, also because it was finished or given back before.
    pub(crate) async fn give_back<C: ConnectionTrait>(
        &self,
        conn: &C,
        bonus: Amount,
    ) -> Result<(), DbErr> {
        let wallet = wallet(conn, self.workspace).await?;
        let lot = lots::of_txn(conn, wallet.id, &txn_of(self.order))
            .await?
            .ok_or_else(|| DbErr::RecordNotFound(format!("lot of {}", self.order)))?;
        let (txn, note) = self.names();
        let clearing = credit_book(conn, "refund_clearing", self.now).await?;
        let movement = self.movement(&txn, &note, 1, (clearing, wallet.id), "refund_back");
        let row = transfer(conn, &movement).await?;
        lots::put_back(conn, lot.id, row, self.credit).await?;
        if bonus.is_zero() {
            return Ok(());
        }
        let lot = lots::of_txn(conn, wallet.id, &bonus_txn_of(self.order))
            .await?
            .ok_or_else(|| DbErr::RecordNotFound(format!("bonus of {}", self.order)))?;
        let given = system_book(conn, System::Bonus).await?;
        let movement = Transfer {
            amount: bonus.into(),
            ..self.movement(&txn, &note, 4, (given, wallet.id), "bonus_back")
        };
        let row = transfer(conn, &movement).await?;
        lots::put_back(conn, lot.id, row, bonus).await
    }

    fn names(&self) -> (String, String) {
        (
            format!("refund:{}", self.refund),
            self.reference.to_string(),
        )
    }

    fn movement<'a>(
        &self,
        txn: &'a str,
        note: &'a str,
        seq: i64,
        (debit, credit): (i64, i64),
        code: &'static str,
    ) -> Transfer<'a> {
        Transfer {
            txn,
            seq,
            debit,
            credit,
            amount: self.credit.into(),
            code,
            note: Some(note),
            now: self.now,
        }
    }
}
