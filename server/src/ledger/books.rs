//! Which books are there, and how does credit enter a wallet?

use domain::ids::WorkspaceId;
use domain::views::{BalanceView, UnixMs};
use domain::{Amount, MoneyError};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use thiserror::Error;
use uuid::Uuid;

use crate::db::{Db, exec, for_update, one};

use super::lots::{self, LotKind};

/// The system's own books, made by the first migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Revenue,
    Adjustment,
    OperatorLoss,
}

impl System {
    const fn kind(self) -> &'static str {
        match self {
            Self::Revenue => "revenue",
            Self::Adjustment => "adjustment",
            Self::OperatorLoss => "operator_loss",
        }
    }
}

/// What a grant did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// False when the same id had been granted before: nothing happened again.
    pub credited: bool,
    pub balance: BalanceView,
}

/// Why credit was not granted.
#[derive(Debug, Error)]
pub enum GrantError {
    #[error("the amount must be more than zero")]
    NotPositive,
    #[error("this workspace has no wallet")]
    NoWallet,
    #[error("the id {id} was used before for another amount or another account; choose a new id")]
    IdReused { id: String },
    #[error("the wallet cannot hold that much")]
    Overflow(#[from] MoneyError),
    #[error("the database refused")]
    Database(#[from] DbErr),
}

/// Opens the wallet of a new workspace, empty. Part of the transaction that makes the workspace.
///
/// # Errors
/// When the database refuses, for example because the workspace already has one.
pub async fn open_wallet<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    now: UnixMs,
) -> Result<(), DbErr> {
    let sql = "INSERT INTO book (kind, workspace_id, currency, exponent, created_at) VALUES ('wallet', $1, 'USD', 9, $2)";
    exec(conn, sql, [workspace.to_string().into(), now.into()]).await?;
    Ok(())
}

/// The wallet row, locked until commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct WalletRow {
    pub(super) id: i64,
    pub(super) posted: i64,
    pub(super) reserved: i64,
}

impl WalletRow {
    /// What no lease has taken.
    pub(super) const fn free(&self) -> i64 {
        self.posted.saturating_sub(self.reserved)
    }

    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get("", "id")?,
            posted: row.try_get("", "posted")?,
            reserved: row.try_get("", "reserved")?,
        })
    }
}

pub(super) async fn lock_wallet<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
) -> Result<Option<WalletRow>, DbErr> {
    let sql = format!(
        "SELECT id, posted, reserved FROM book WHERE kind = 'wallet' AND workspace_id = $1{}",
        for_update(conn)
    );
    one(conn, &sql, [workspace.to_string().into()])
        .await?
        .as_ref()
        .map(WalletRow::read)
        .transpose()
}

pub(super) async fn lock_book<C: ConnectionTrait>(conn: &C, book: i64) -> Result<WalletRow, DbErr> {
    let sql = format!(
        "SELECT id, posted, reserved FROM book WHERE id = $1{}",
        for_update(conn)
    );
    let row = one(conn, &sql, [book.into()])
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("book {book}")))?;
    WalletRow::read(&row)
}

pub(super) async fn system_book<C: ConnectionTrait>(conn: &C, book: System) -> Result<i64, DbErr> {
    one(
        conn,
        "SELECT id FROM book WHERE kind = $1 AND currency = 'USD'",
        [book.kind().into()],
    )
    .await?
    .ok_or_else(|| DbErr::RecordNotFound(format!("book {}", book.kind())))?
    .try_get("", "id")
}

/// One movement to write. `txn` and `seq` make it unrepeatable.
pub(super) struct Transfer<'a> {
    pub(super) txn: &'a str,
    pub(super) seq: i64,
    pub(super) debit: i64,
    pub(super) credit: i64,
    pub(super) amount: Amount,
    pub(super) code: &'static str,
    pub(super) note: Option<&'a str>,
    pub(super) now: UnixMs,
}

/// Writes the movement and answers its row's id.
pub(super) async fn transfer<C: ConnectionTrait>(conn: &C, t: &Transfer<'_>) -> Result<i64, DbErr> {
    let sql = "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, note, created_at)
               VALUES ($1, $2, $3, $4, 'USD', $5, $6, $7, $8) RETURNING id";
    let values = [
        t.txn.into(),
        t.seq.into(),
        t.debit.into(),
        t.credit.into(),
        t.amount.nanos().into(),
        t.code.into(),
        t.note.map(str::to_owned).into(),
        t.now.into(),
    ];
    one(conn, sql, values)
        .await?
        .ok_or_else(|| DbErr::RecordNotInserted)?
        .try_get("", "id")
}

/// Gives adjustment credit, with a reason. The same `id` twice credits once.
pub(super) async fn grant(
    db: &Db,
    workspace: WorkspaceId,
    amount: Amount,
    reason: &str,
    id: Option<&str>,
    now: UnixMs,
) -> Result<Granted, GrantError> {
    if amount <= Amount::ZERO {
        return Err(GrantError::NotPositive);
    }
    let txn = id.map_or_else(
        || format!("grant:{}", Uuid::now_v7()),
        |id| format!("grant:{id}"),
    );
    let tx = db.begin().await?;
    let wallet = lock_wallet(&tx, workspace)
        .await?
        .ok_or(GrantError::NoWallet)?;
    let earlier = one(
        &tx,
        "SELECT amount, credit_id FROM transfer WHERE txn_id = $1 AND seq = 0",
        [txn.clone().into()],
    )
    .await?;
    let credited = match earlier {
        Some(row) => {
            let same = row.try_get::<i64>("", "amount")? == amount.nanos()
                && row.try_get::<i64>("", "credit_id")? == wallet.id;
            if !same {
                return Err(GrantError::IdReused {
                    id: id.unwrap_or_default().to_owned(),
                });
            }
            false
        }
        None => {
            Amount::from_nanos(wallet.posted).plus(amount)?;
            let adjustment = system_book(&tx, System::Adjustment).await?;
            let movement = Transfer {
                txn: &txn,
                seq: 0,
                debit: adjustment,
                credit: wallet.id,
                amount,
                code: "adjustment",
                note: Some(reason),
                now,
            };
            transfer(&tx, &movement).await?;
            lots::open(&tx, wallet.id, LotKind::Adjustment, amount, &txn, now).await?;
            true
        }
    };
    let balance = balance(&tx, workspace).await?.ok_or(GrantError::NoWallet)?;
    tx.commit().await?;
    Ok(Granted { credited, balance })
}

/// What the wallet holds. Leased credit that no call holds counts as available.
pub(super) async fn balance<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
) -> Result<Option<BalanceView>, DbErr> {
    let sql = "SELECT b.posted, CAST(coalesce((SELECT sum(CASE WHEN l.held < l.granted - l.spent THEN l.held ELSE l.granted - l.spent END)
                   FROM lease l WHERE l.book_id = b.id AND l.state IN ('active', 'draining')), 0) AS BIGINT) AS held
               FROM book b WHERE b.kind = 'wallet' AND b.workspace_id = $1";
    let Some(row) = one(conn, sql, [workspace.to_string().into()]).await? else {
        return Ok(None);
    };
    let posted = Amount::from_nanos(row.try_get("", "posted")?);
    let reserved = Amount::from_nanos(row.try_get("", "held")?);
    Ok(Some(BalanceView {
        posted,
        reserved,
        available: posted.minus_or_zero(reserved),
    }))
}
