//! Which books are there, and how is a movement between them written?

use domain::fx::Coins;
use domain::ids::WorkspaceId;
use domain::views::{BalanceView, UnixMs};
use domain::{Amount, Currency};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use crate::db::{exec, for_update, one};

/// The system's own books, made by the first migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Revenue,
    Adjustment,
    Bonus,
    OperatorLoss,
}

impl System {
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Revenue => "revenue",
            Self::Adjustment => "adjustment",
            Self::Bonus => "bonus",
            Self::OperatorLoss => "operator_loss",
        }
    }
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

    pub(super) fn read(row: &QueryResult) -> Result<Self, DbErr> {
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

/// Keeps every flush of this workspace's calls out until commit: a flush that charges locks the wallet before
/// anything of it.
pub(crate) async fn exclude_flushes<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
) -> Result<(), DbErr> {
    lock_wallet(conn, workspace).await.map(|_| ())
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
        "SELECT id FROM book WHERE kind = $1 AND currency = 'USD' AND exponent = 9",
        [book.kind().into()],
    )
    .await?
    .ok_or_else(|| DbErr::RecordNotFound(format!("book {}", book.kind())))?
    .try_get("", "id")
}

/// The system's books that flushes move money to and from. Books never go, so they are asked for once.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfFlushes {
    pub(super) revenue: i64,
    pub(super) loss: i64,
}

impl OfFlushes {
    pub(super) async fn read<C: ConnectionTrait>(conn: &C) -> Result<Self, DbErr> {
        Ok(Self {
            revenue: system_book(conn, System::Revenue).await?,
            loss: system_book(conn, System::OperatorLoss).await?,
        })
    }
}

/// The book of that kind and currency, made when nobody has asked for it before. `digits` is after the point in its
/// unit: those of the currency's coins, or nine where credit is counted.
pub(super) async fn book_of<C: ConnectionTrait>(
    conn: &C,
    kind: &str,
    currency: Currency,
    digits: u8,
    now: UnixMs,
) -> Result<i64, DbErr> {
    let find = "SELECT id FROM book WHERE kind = $1 AND currency = $2 AND exponent = $3 AND kind <> 'wallet'";
    let values = || {
        [
            kind.into(),
            currency.code().into(),
            i64::from(digits).into(),
        ]
    };
    if let Some(row) = one(conn, find, values()).await? {
        return row.try_get("", "id");
    }
    let sql = "INSERT INTO book (kind, currency, exponent, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    exec(conn, sql, values().into_iter().chain([now.into()])).await?;
    one(conn, find, values())
        .await?
        .ok_or_else(|| {
            DbErr::Custom(format!(
                "the book {kind} of {currency} counts in another unit"
            ))
        })?
        .try_get("", "id")
}

/// How much moves: credit in nano-dollars, or coins of a currency.
#[derive(Debug, Clone, Copy)]
pub(super) enum Money {
    Credit(Amount),
    Coins(Coins),
}

impl Money {
    const fn currency(self) -> Currency {
        match self {
            Self::Credit(_) => Currency::Usd,
            Self::Coins(coins) => coins.currency(),
        }
    }

    /// In units of the books it moves between.
    const fn units(self) -> i64 {
        match self {
            Self::Credit(amount) => amount.nanos(),
            Self::Coins(coins) => coins.minor(),
        }
    }
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self::Credit(amount)
    }
}

impl From<Coins> for Money {
    fn from(coins: Coins) -> Self {
        Self::Coins(coins)
    }
}

/// One movement to write. `txn` and `seq` make it unrepeatable.
#[derive(Clone, Copy)]
pub(super) struct Transfer<'a> {
    pub(super) txn: &'a str,
    pub(super) seq: i64,
    pub(super) debit: i64,
    pub(super) credit: i64,
    pub(super) amount: Money,
    pub(super) code: &'static str,
    pub(super) note: Option<&'a str>,
    pub(super) now: UnixMs,
}

/// Writes the movement and answers its row's id.
///
/// # Errors
/// When the database refuses, also because this `txn` and `seq` were written before.
pub(super) async fn transfer<C: ConnectionTrait>(conn: &C, t: &Transfer<'_>) -> Result<i64, DbErr> {
    insert(conn, t, "")
        .await?
        .ok_or_else(|| DbErr::RecordNotInserted)
}

/// Writes the movement unless its `txn` and `seq` are there already: then `None`, whoever wrote them.
pub(super) async fn transfer_once<C: ConnectionTrait>(
    conn: &C,
    t: &Transfer<'_>,
) -> Result<Option<i64>, DbErr> {
    insert(conn, t, "ON CONFLICT (txn_id, seq) DO NOTHING").await
}

async fn insert<C: ConnectionTrait>(
    conn: &C,
    t: &Transfer<'_>,
    on_conflict: &str,
) -> Result<Option<i64>, DbErr> {
    let sql = format!(
        "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, note, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) {on_conflict} RETURNING id"
    );
    let values = [
        t.txn.into(),
        t.seq.into(),
        t.debit.into(),
        t.credit.into(),
        t.amount.currency().code().into(),
        t.amount.units().into(),
        t.code.into(),
        t.note.map(str::to_owned).into(),
        t.now.into(),
    ];
    one(conn, &sql, values)
        .await?
        .map(|row| row.try_get("", "id"))
        .transpose()
}

/// One of many movements of credit that are written together.
#[derive(Clone, Copy)]
pub(super) struct Movement<'a> {
    pub(super) txn: &'a str,
    pub(super) seq: i64,
    pub(super) debit: i64,
    pub(super) credit: i64,
    pub(super) amount: Amount,
    /// What of it the wallet had reserved for a lease: that much less is reserved then.
    pub(super) released: Amount,
    pub(super) code: &'static str,
}

/// Table and columns of [`movement_rows`].
pub(super) const INTO_TRANSFERS: &str =
    "transfer (txn_id, seq, debit_id, credit_id, currency, amount, released, code, created_at)";

pub(super) fn movement_rows(now: UnixMs, movements: &[Movement<'_>]) -> Vec<[Value; 9]> {
    let row = |movement: &Movement<'_>| -> [Value; 9] {
        [
            movement.txn.into(),
            movement.seq.into(),
            movement.debit.into(),
            movement.credit.into(),
            Currency::Usd.code().into(),
            movement.amount.nanos().into(),
            movement.released.nanos().into(),
            movement.code.into(),
            now.into(),
        ]
    };
    movements.iter().map(row).collect()
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
