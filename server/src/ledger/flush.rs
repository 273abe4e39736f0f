//! What is one flush? The settled calls of one lease: one transfer, the lots it ate, and the calls' rows, together.

use std::sync::Arc;

use domain::Amount;
use domain::ids::LeaseId;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use sha2::{Digest, Sha256};

use crate::budgets::{self, KeyCharge};
use crate::calls::{self, Booked};
use crate::db::{exec, for_update, one};

use super::books::{System, Transfer, lock_book, system_book, transfer};
use super::hold::SettleError;
use super::lots;
use super::wallet::Lease;
use super::writer::Item;

/// The calls of one lease that go to the database together, frozen once numbered.
pub(super) struct Flush {
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) items: Vec<Item>,
    number: i64,
    hash: String,
}

impl Flush {
    pub(super) fn new(first: Item) -> Self {
        Self {
            lease: first.lease.clone(),
            items: vec![first],
            number: 0,
            hash: String::new(),
        }
    }

    pub(super) fn lease_id(&self) -> Option<LeaseId> {
        self.lease.as_ref().map(|lease| lease.id)
    }

    /// Claims the calls that are still waited for, withdraws the others, numbers the rest and fingerprints its content.
    pub(super) fn claim(&mut self) {
        self.items.retain(|item| {
            let claimed = item.ticket.claim();
            if !claimed {
                item.undo();
            }
            claimed
        });
        self.number = self.lease.as_ref().map_or(0, |lease| lease.next_flush());
        let mut hasher = Sha256::new();
        for item in &self.items {
            hasher.update(item.record.id.as_uuid().as_bytes());
            hasher.update(item.charge.nanos().to_le_bytes());
            hasher.update(item.unbilled.nanos().to_le_bytes());
        }
        self.hash = hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
    }

    /// The database certainly does not have it: its waiters may give up again.
    pub(super) fn put_back(&self) {
        self.items.iter().for_each(|item| item.ticket.put_back());
    }

    pub(super) fn succeeded(self) {
        let charges =
            Amount::sum(self.items.iter().map(|item| item.charge)).unwrap_or(Amount::ZERO);
        if let Some(lease) = &self.lease {
            lease.committed(charges);
        }
        for item in self.items {
            let call = item.record.id;
            item.of_key.committed();
            if item.reply.send(Ok(())).is_err() {
                tracing::error!(call.id = %call, "A call was charged after its waiter had given up on a commit of unknown outcome");
            }
        }
    }

    pub(super) fn refused(self) {
        if let Some(lease) = &self.lease {
            lease.shut();
        }
        for item in self.items {
            item.undo();
            let _ = item.reply.send(Err(SettleError::NotCommitted));
        }
    }
}

/// Why a flush is not known to be committed.
pub(super) enum Failure {
    /// It failed before COMMIT: nothing of it is in the database.
    NotCommitted(DbErr),
    /// COMMIT was sent and its answer lost: all of it is there, or nothing. Sending it again finds out.
    Unknown(DbErr),
}

/// Commits the flushes in one transaction. Repeating it is harmless.
pub(super) async fn apply(
    tx: DatabaseTransaction,
    now: UnixMs,
    flushes: &[Flush],
) -> Result<(), Failure> {
    for flush in flushes {
        let written = match &flush.lease {
            Some(lease) => apply_to_lease(&tx, now, flush, lease).await,
            // Calls that cost nothing have no lease; their rows are unique by id.
            None => calls::insert(&tx, &booked(flush, &as_settled(flush), None, None)).await,
        };
        written.map_err(Failure::NotCommitted)?;
    }
    tx.commit().await.map_err(|error| {
        if was_answered(&error) {
            Failure::NotCommitted(error)
        } else {
            Failure::Unknown(error)
        }
    })
}

/// The database itself said that it did not commit; anything else may be a lost answer.
fn was_answered(error: &DbErr) -> bool {
    use sea_orm::RuntimeErr::SqlxError;
    let (DbErr::Conn(SqlxError(source))
    | DbErr::Exec(SqlxError(source))
    | DbErr::Query(SqlxError(source))) = error
    else {
        return false;
    };
    matches!(source.as_ref(), sea_orm::SqlxError::Database(_))
}

async fn apply_to_lease<C: ConnectionTrait>(
    conn: &C,
    now: UnixMs,
    flush: &Flush,
    lease: &Lease,
) -> Result<(), DbErr> {
    // The wallet's row first, then the lease's: the same order as everywhere else.
    let wallet = lock_book(conn, lease.book).await?;
    let sql = format!(
        "SELECT state, last_flush, last_hash FROM lease WHERE id = $1{}",
        for_update(conn)
    );
    let row = one(conn, &sql, [lease.id.to_string().into()])
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("lease {}", lease.id)))?;
    let last: i64 = row.try_get("", "last_flush")?;
    if flush.number <= last {
        let same = flush.number < last
            || row.try_get::<Option<String>>("", "last_hash")?.as_deref()
                == Some(flush.hash.as_str());
        return if same {
            Ok(())
        } else {
            Err(DbErr::Custom(format!(
                "flush {} was sent again with another content",
                flush.number
            )))
        };
    }
    let live = matches!(
        row.try_get::<String>("", "state")?.as_str(),
        "active" | "draining"
    );
    let txn = format!("flush:{}:{}", lease.id, flush.number);

    if live {
        let due = within_limits(conn, flush).await?;
        let charges = sum(due.iter().map(|due| due.charge))?;
        let sql =
            "UPDATE lease SET spent = spent + $2, last_flush = $3, last_hash = $4 WHERE id = $1";
        exec(
            conn,
            sql,
            [
                lease.id.to_string().into(),
                charges.nanos().into(),
                flush.number.into(),
                flush.hash.clone().into(),
            ],
        )
        .await?;
        exec(
            conn,
            "UPDATE book SET reserved = reserved - $2 WHERE id = $1",
            [lease.book.into(), charges.nanos().into()],
        )
        .await?;
        book(conn, now, flush, lease, &txn, &due).await
    } else {
        // The lease was taken back before this came: its money is the wallet's again. Charge what is free there;
        // if that is too little, the calls were served at the operator's loss. Never an overdraft.
        let sql = "UPDATE lease SET last_flush = $2, last_hash = $3 WHERE id = $1";
        exec(
            conn,
            sql,
            [
                lease.id.to_string().into(),
                flush.number.into(),
                flush.hash.clone().into(),
            ],
        )
        .await?;
        let txn = format!("late:{txn}");
        if wallet.free() >= sum(flush.items.iter().map(|item| item.charge))?.nanos() {
            tracing::warn!(lease.id = %lease.id, "A late flush was charged to the wallet directly");
            let due = within_limits(conn, flush).await?;
            book(conn, now, flush, lease, &txn, &due).await
        } else {
            tracing::error!(lease.id = %lease.id, "A late flush could not be charged: operator's loss");
            let due: Vec<Due> = flush.items.iter().map(Due::lost).collect();
            book(conn, now, flush, lease, &txn, &due).await
        }
    }
}

/// What becomes of one call's cost.
struct Due {
    charge: Amount,
    unbilled: Amount,
}

impl Due {
    /// As it was settled.
    fn settled(item: &Item) -> Self {
        Self {
            charge: item.charge,
            unbilled: item.unbilled,
        }
    }

    /// Nothing of it can be charged: all of it is written off.
    fn lost(item: &Item) -> Self {
        Self {
            charge: Amount::ZERO,
            unbilled: item.record.cost,
        }
    }
}

fn as_settled(flush: &Flush) -> Vec<Due> {
    flush.items.iter().map(Due::settled).collect()
}

/// Counts the charges against the limits of their keys. All of them stand, but for those that come after their key's
/// part of a limit was taken back.
async fn within_limits<C: ConnectionTrait>(conn: &C, flush: &Flush) -> Result<Vec<Due>, DbErr> {
    let of_keys: Vec<&KeyCharge> = flush.items.iter().map(|item| &item.of_key).collect();
    let stand = budgets::book(conn, &of_keys).await?;
    let due = flush.items.iter().zip(stand).map(|(item, stands)| {
        if stands {
            Due::settled(item)
        } else {
            Due::lost(item)
        }
    });
    Ok(due.collect())
}

async fn book<C: ConnectionTrait>(
    conn: &C,
    now: UnixMs,
    flush: &Flush,
    lease: &Lease,
    txn: &str,
    due: &[Due],
) -> Result<(), DbErr> {
    let charges = sum(due.iter().map(|due| due.charge))?;
    let unbilled = sum(due.iter().map(|due| due.unbilled))?;
    let revenue = system_book(conn, System::Revenue).await?;
    if !charges.is_zero() {
        let movement = Transfer {
            txn,
            seq: 0,
            debit: lease.book,
            credit: revenue,
            amount: charges.into(),
            code: "usage",
            note: None,
            now,
        };
        let row = transfer(conn, &movement).await?;
        lots::consume(conn, lease.book, row, charges).await?;
    }
    write_off(conn, now, txn, unbilled).await?;
    // A late flush is not in its lease's spent part, so its rows do not name the lease.
    let on_lease = (!txn.starts_with("late:")).then_some(lease.id);
    calls::insert(conn, &booked(flush, due, on_lease, Some(txn))).await
}

async fn write_off<C: ConnectionTrait>(
    conn: &C,
    now: UnixMs,
    txn: &str,
    amount: Amount,
) -> Result<(), DbErr> {
    if amount.is_zero() {
        return Ok(());
    }
    let (debit, credit) = (
        system_book(conn, System::OperatorLoss).await?,
        system_book(conn, System::Revenue).await?,
    );
    transfer(
        conn,
        &Transfer {
            txn,
            seq: 1,
            debit,
            credit,
            amount: amount.into(),
            code: "unbilled",
            note: None,
            now,
        },
    )
    .await?;
    Ok(())
}

fn booked<'a>(
    flush: &'a Flush,
    due: &[Due],
    lease: Option<LeaseId>,
    txn: Option<&'a str>,
) -> Vec<Booked<'a>> {
    flush
        .items
        .iter()
        .zip(due)
        .map(|(item, due)| Booked {
            record: &item.record,
            charge: due.charge,
            unbilled: due.unbilled,
            lease,
            txn,
        })
        .collect()
}

fn sum(amounts: impl Iterator<Item = Amount>) -> Result<Amount, DbErr> {
    Amount::sum(amounts).map_err(overflow)
}

fn overflow(error: domain::MoneyError) -> DbErr {
    DbErr::Custom(error.to_string())
}
