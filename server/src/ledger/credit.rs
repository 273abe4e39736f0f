//! How does credit enter a wallet, and how does an administrator take some back? Each is one transfer that cannot be
//! edited afterwards, and a lot to go with it.

use domain::ids::{AccountId, WorkspaceId};
use domain::views::{BalanceView, UnixMs};
use domain::{Amount, MoneyError};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use thiserror::Error;
use uuid::Uuid;

use crate::db::one;

use super::books::{self, System, Transfer, WalletRow, lock_wallet, system_book};
use super::lots::{self, LotKind, NewLot};

/// What a grant did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// False when the same id had been granted before: nothing happened again.
    pub credited: bool,
    pub balance: BalanceView,
}

/// Why credit was not granted, or not taken back.
#[derive(Debug, Error)]
pub enum GrantError {
    #[error("the amount must be more than zero")]
    NotPositive,
    #[error("the amount must not be zero")]
    Zero,
    #[error("only {available} can be taken back: the rest is spent or reserved by running calls")]
    TooMuch {
        /// Posted − reserved at that moment.
        available: Amount,
    },
    #[error("the end of the credit is over already")]
    Over,
    #[error("this workspace has no wallet")]
    NoWallet,
    #[error(
        "the id {id} was used before for another account, amount, reason or end; choose a new id"
    )]
    IdReused { id: String },
    #[error("the wallet cannot hold that much")]
    Overflow(#[from] MoneyError),
    #[error("the database refused")]
    Database(#[from] DbErr),
}

/// An administrator's correction of a wallet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adjustment<'a> {
    /// More than zero gives credit, less than zero takes it back.
    pub(super) amount: Amount,
    /// Why, for whoever reads the ledger later.
    pub(super) reason: &'a str,
    /// The same id twice moves money once.
    pub(super) id: Option<&'a str>,
}

/// Gives or takes adjustment credit in the caller's transaction. Taking back stops at what no lease has: a wallet is
/// never below zero, and a running call never loses what it holds.
///
/// # Errors
/// See [`GrantError`]; the caller rolls back.
pub(super) async fn adjust<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    adjustment: Adjustment<'_>,
    now: UnixMs,
) -> Result<Granted, GrantError> {
    let Adjustment { amount, reason, id } = adjustment;
    if amount.is_zero() {
        return Err(GrantError::Zero);
    }
    let txn = id.map_or_else(
        || format!("grant:{}", Uuid::now_v7()),
        |id| format!("grant:{id}"),
    );
    let wallet = lock_wallet(conn, workspace)
        .await?
        .ok_or(GrantError::NoWallet)?;
    let wanted = Wanted {
        txn: &txn,
        id,
        book: wallet.id,
        amount,
        reason,
        life: None,
    };
    let mut credited = !is_repeated(conn, &wanted).await?;
    if credited {
        let adjustment = system_book(conn, System::Adjustment).await?;
        let movement = Movement {
            txn: &txn,
            note: reason,
            wallet,
            other: adjustment,
            now,
        };
        credited = if amount > Amount::ZERO {
            movement.give(conn, amount).await?
        } else {
            movement.take(conn, Amount::ZERO.minus(amount)?).await?
        };
        if !credited {
            is_repeated(conn, &wanted).await?;
        }
    }
    let balance = books::balance(conn, workspace)
        .await?
        .ok_or(GrantError::NoWallet)?;
    Ok(Granted { credited, balance })
}

/// Gives bonus credit out of the operator's own pocket, in the caller's transaction: `bonus` is debited, the wallet
/// credited, with a lot of its own. `txn_id` makes it happen once, whichever wallet it was for: false when it had
/// happened before.
///
/// # Errors
/// When the database refuses: no such wallet, an amount that is not more than zero, or one that no wallet can hold.
pub(crate) async fn give_bonus<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    amount: Amount,
    txn_id: &str,
    note: &str,
    expires_at: Option<UnixMs>,
    now: UnixMs,
) -> Result<bool, DbErr> {
    let wallet = lock_wallet(conn, workspace)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("wallet of {workspace}")))?;
    Amount::from_nanos(wallet.posted)
        .plus(amount)
        .map_err(|error| DbErr::Custom(error.to_string()))?;
    let movement = Transfer {
        txn: txn_id,
        seq: 0,
        debit: system_book(conn, System::Bonus).await?,
        credit: wallet.id,
        amount: amount.into(),
        code: "bonus",
        note: Some(note),
        now,
    };
    if books::transfer_once(conn, &movement).await?.is_none() {
        return Ok(false);
    }
    let lot = NewLot {
        book: wallet.id,
        kind: LotKind::Bonus,
        amount,
        txn: txn_id,
        expires_at,
        now,
    };
    lots::open(conn, &lot).await?;
    Ok(true)
}

/// One correction, on its way into the books. False when somebody else was quicker with its name.
struct Movement<'a> {
    txn: &'a str,
    note: &'a str,
    wallet: WalletRow,
    /// The system's book on the other side.
    other: i64,
    now: UnixMs,
}

impl Movement<'_> {
    async fn give<C: ConnectionTrait>(&self, conn: &C, amount: Amount) -> Result<bool, GrantError> {
        Amount::from_nanos(self.wallet.posted).plus(amount)?;
        let movement = self.transfer(self.other, self.wallet.id, amount);
        if books::transfer_once(conn, &movement).await?.is_none() {
            return Ok(false);
        }
        let lot = NewLot {
            book: self.wallet.id,
            kind: LotKind::Adjustment,
            amount,
            txn: self.txn,
            expires_at: None,
            now: self.now,
        };
        lots::open(conn, &lot).await?;
        Ok(true)
    }

    async fn take<C: ConnectionTrait>(&self, conn: &C, amount: Amount) -> Result<bool, GrantError> {
        let available = Amount::from_nanos(self.wallet.free());
        if amount > available {
            return Err(GrantError::TooMuch { available });
        }
        let movement = self.transfer(self.wallet.id, self.other, amount);
        let Some(transfer) = books::transfer_once(conn, &movement).await? else {
            return Ok(false);
        };
        lots::consume(conn, self.wallet.id, transfer, amount).await?;
        Ok(true)
    }

    fn transfer(&self, debit: i64, credit: i64, amount: Amount) -> Transfer<'_> {
        Transfer {
            txn: self.txn,
            seq: 0,
            debit,
            credit,
            amount: amount.into(),
            code: "adjustment",
            note: Some(self.note),
            now: self.now,
        }
    }
}

/// What is asked for under a name, to be compared with what was made under it.
pub(super) struct Wanted<'a> {
    /// The movement's name.
    pub(super) txn: &'a str,
    /// What the person called it.
    pub(super) id: Option<&'a str>,
    /// The wallet's.
    pub(super) book: i64,
    /// Less than zero leaves the wallet.
    pub(super) amount: Amount,
    pub(super) reason: &'a str,
    /// Milliseconds until it ends. Not when: who asks again a minute later means the same.
    pub(super) life: Option<i64>,
}

/// Whether this movement was made before.
///
/// # Errors
/// [`GrantError::IdReused`] when it was another one.
pub(super) async fn is_repeated<C: ConnectionTrait>(
    conn: &C,
    wanted: &Wanted<'_>,
) -> Result<bool, GrantError> {
    let sql =
        "SELECT t.amount, t.debit_id, t.credit_id, t.note, l.expires_at - l.created_at AS life
               FROM transfer t LEFT JOIN lot l ON l.txn_id = t.txn_id AND l.book_id = t.credit_id
               WHERE t.txn_id = $1 AND t.seq = 0";
    match one(conn, sql, [wanted.txn.into()]).await? {
        None => Ok(false),
        Some(earlier) if wanted.is(&earlier)? => Ok(true),
        Some(_) => {
            let id = wanted.id.unwrap_or_default().to_owned();
            Err(GrantError::IdReused { id })
        }
    }
}

impl Wanted<'_> {
    fn is(&self, earlier: &QueryResult) -> Result<bool, DbErr> {
        let number = |name: &str| earlier.try_get::<i64>("", name);
        let signed = if number("credit_id")? == self.book {
            number("amount")?
        } else if number("debit_id")? == self.book {
            -number("amount")?
        } else {
            return Ok(false);
        };
        let note: Option<String> = earlier.try_get("", "note")?;
        let life: Option<i64> = earlier.try_get("", "life")?;
        Ok(signed == self.amount.nanos()
            && note.as_deref() == Some(self.reason)
            && life == self.life)
    }
}

/// Whose own workspace it is.
pub(super) async fn owner<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
) -> Result<Option<AccountId>, DbErr> {
    let sql = "SELECT id FROM account WHERE workspace_id = $1";
    let Some(row) = one(conn, sql, [workspace.to_string().into()]).await? else {
        return Ok(None);
    };
    Ok(row.try_get::<String>("", "id")?.parse().ok())
}
