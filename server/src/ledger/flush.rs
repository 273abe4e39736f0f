//! What is one flush? The settled calls of one lease: one transfer, the lots it ate, and the calls' rows, together.
//!
//! A batch holds the flushes of many leases. It is written by about ten statements, however many those are: each says
//! the same of all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::Amount;
use domain::ids::{CallId, LeaseId};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, Value};
use sha2::{Digest, Sha256};

use crate::budgets::{self, KeyCharge};
use crate::calls::{self, Booked, Repeated};
use crate::db::{all, among, exec, for_update, table};

use super::books::{Movement, System, WalletRow, move_all, system_book};
use super::hold::SettleError;
use super::lots::{self, Consumption};
use super::store::Flushed;
use super::wallet::Lease;
use super::writer::Item;

/// The calls of one lease that go to the database together, frozen once numbered.
pub(super) struct Flush {
    /// Calls that cost nothing have none.
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) items: Vec<Item>,
    pub(super) number: i64,
    pub(super) hash: String,
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

    /// Tells the waiters. Answers the calls whose waiters had already been told that nothing is charged.
    pub(super) fn succeeded(self) -> Vec<CallId> {
        if let Some(lease) = &self.lease {
            lease.committed(sum_or_zero(self.items.iter().map(|item| item.charge)));
        }
        let mut to_reverse = Vec::new();
        for item in self.items {
            item.of_key.committed();
            if item.ticket.done() {
                // Nobody may listen any more: the charge stands all the same.
                let _ = item.reply.send(Ok(()));
            } else {
                to_reverse.push(item.record.id);
            }
        }
        to_reverse
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

/// Writes the flushes in the caller's transaction. Those that are there already are left alone, so repeating it is
/// harmless.
///
/// # Errors
/// When the database refuses, or has one of the flushes with another content.
pub(super) async fn apply<C: ConnectionTrait>(
    conn: &C,
    now: UnixMs,
    flushes: &[Flush],
) -> Result<Vec<Flushed>, DbErr> {
    // The wallets' rows first, then the leases', each by id: the same order as everywhere else.
    let mut wallets = lock_wallets(conn, flushes).await?;
    let leases = lock_leases(conn, flushes).await?;
    let mut plans = Vec::with_capacity(flushes.len());
    for flush in flushes {
        plans.extend(Plan::make(flush, &leases, &mut wallets)?);
    }
    within_limits(conn, &mut plans).await?;
    write_leases(conn, &plans).await?;
    write_reserved(conn, &plans).await?;
    write_movements(conn, now, &plans).await?;
    let booked = |paid: bool| -> Vec<Booked<'_>> {
        let plans = plans.iter().filter(|plan| plan.txn.is_some() == paid);
        plans.flat_map(Plan::booked).collect()
    };
    calls::insert(conn, &booked(true), Repeated::Refused).await?;
    calls::insert(conn, &booked(false), Repeated::Kept).await?;
    let flushed = flushes.iter().map(|flush| Flushed {
        recall: flush
            .lease_id()
            .and_then(|id| leases.get(&id))
            .is_some_and(|row| row.recall),
    });
    Ok(flushed.collect())
}

/// A lease as the database has it, locked.
struct LeaseRow {
    live: bool,
    /// Granted and not spent.
    left: Amount,
    last_flush: i64,
    last_hash: Option<String>,
    recall: bool,
}

async fn lock_wallets<C: ConnectionTrait>(
    conn: &C,
    flushes: &[Flush],
) -> Result<BTreeMap<i64, WalletRow>, DbErr> {
    let books: BTreeSet<i64> = leases_of(flushes).map(|lease| lease.book).collect();
    if books.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (those, values) = among(conn, "id", books.into_iter().map(Value::from))?;
    let sql = format!(
        "SELECT id, posted, reserved FROM book WHERE {those} ORDER BY id{}",
        for_update(conn)
    );
    let found = all(conn, &sql, values).await?;
    let wallets = found.iter().map(|row| {
        let wallet = WalletRow::read(row)?;
        Ok((wallet.id, wallet))
    });
    wallets.collect()
}

async fn lock_leases<C: ConnectionTrait>(
    conn: &C,
    flushes: &[Flush],
) -> Result<HashMap<LeaseId, LeaseRow>, DbErr> {
    let ids: BTreeSet<LeaseId> = flushes.iter().filter_map(Flush::lease_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let (those, values) = among(conn, "id", ids.iter().map(|id| Value::from(id.to_string())))?;
    let sql = format!(
        "SELECT id, state, granted - spent AS rest, last_flush, last_hash, recall FROM lease WHERE {those}
         ORDER BY book_id, id{}",
        for_update(conn)
    );
    let found = all(conn, &sql, values).await?;
    let leases = found.iter().map(|row| {
        let id: String = row.try_get("", "id")?;
        let id: LeaseId = id
            .parse()
            .map_err(|_| DbErr::Type(format!("{id} is no id of a lease")))?;
        let state: String = row.try_get("", "state")?;
        let lease = LeaseRow {
            live: matches!(state.as_str(), "active" | "draining"),
            left: Amount::from_nanos(row.try_get("", "rest")?),
            last_flush: row.try_get("", "last_flush")?,
            last_hash: row.try_get("", "last_hash")?,
            recall: row.try_get::<i64>("", "recall")? != 0,
        };
        Ok((id, lease))
    });
    leases.collect()
}

fn leases_of(flushes: &[Flush]) -> impl Iterator<Item = &Arc<Lease>> {
    flushes.iter().filter_map(|flush| flush.lease.as_ref())
}

/// What becomes of one call's cost.
#[derive(Clone, Copy)]
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

/// What one flush does to the books.
struct Plan<'a> {
    flush: &'a Flush,
    /// The movements' name; calls without a lease move nothing.
    txn: Option<String>,
    /// Whether the lease pays. A lease that was taken back does not: then the wallet does, as far as it can.
    on_lease: bool,
    /// What the lease is given in addition, because it had been taken back in part.
    more: Amount,
    due: Vec<Due>,
}

impl<'a> Plan<'a> {
    /// `None` when the database has the flush already.
    fn make(
        flush: &'a Flush,
        leases: &HashMap<LeaseId, LeaseRow>,
        wallets: &mut BTreeMap<i64, WalletRow>,
    ) -> Result<Option<Self>, DbErr> {
        let Some(lease) = &flush.lease else {
            return Ok(Some(Self {
                flush,
                txn: None,
                on_lease: false,
                more: Amount::ZERO,
                due: flush.items.iter().map(Due::settled).collect(),
            }));
        };
        let row = leases
            .get(&lease.id)
            .ok_or_else(|| DbErr::RecordNotFound(format!("lease {}", lease.id)))?;
        let wallet = wallets
            .get_mut(&lease.book)
            .ok_or_else(|| DbErr::RecordNotFound(format!("book {}", lease.book)))?;
        if flush.number <= row.last_flush {
            return dup(flush, row);
        }
        // What no lease has is the wallet's to give: to a lease that was taken back in part, or in its place.
        let (left, free) = (
            if row.live { row.left } else { Amount::ZERO },
            Amount::from_nanos(wallet.free()),
        );
        let due = fitting(flush, left.plus(free).map_err(overflow)?);
        let charges = sum(due.iter().map(|due| due.charge))?;
        let more = charges.minus_or_zero(left);
        wallet.reserve(more);
        let txn = format!("flush:{}:{}", lease.id, flush.number);
        if !more.is_zero() {
            tracing::warn!(lease.id = %lease.id, "A late flush was charged to the wallet directly");
        }
        Ok(Some(Self {
            flush,
            txn: Some(if row.live { txn } else { format!("late:{txn}") }),
            on_lease: row.live,
            more: if row.live { more } else { Amount::ZERO },
            due,
        }))
    }

    fn charges(&self) -> Result<Amount, DbErr> {
        sum(self.due.iter().map(|due| due.charge))
    }

    fn unbilled(&self) -> Result<Amount, DbErr> {
        sum(self.due.iter().map(|due| due.unbilled))
    }

    /// The rows of its calls. What the lease did not pay is not in its spent part, so those do not name it.
    fn booked(&self) -> impl Iterator<Item = Booked<'_>> {
        let lease = self.on_lease.then(|| self.flush.lease_id()).flatten();
        self.flush
            .items
            .iter()
            .zip(&self.due)
            .map(move |(item, due)| Booked {
                record: &item.record,
                charge: due.charge,
                unbilled: due.unbilled,
                lease,
                txn: self.txn.as_deref(),
            })
    }
}

/// It was sent before. That is fine, unless it was something else.
fn dup<'a>(flush: &Flush, row: &LeaseRow) -> Result<Option<Plan<'a>>, DbErr> {
    let same = flush.number < row.last_flush || row.last_hash.as_deref() == Some(&flush.hash);
    if same {
        return Ok(None);
    }
    Err(DbErr::Custom(format!(
        "flush {} was sent again with another content",
        flush.number
    )))
}

/// The calls in their order, as far as there is money for them. What is left was served at the operator's loss: never an
/// overdraft.
fn fitting(flush: &Flush, mut left: Amount) -> Vec<Due> {
    let due = flush.items.iter().map(|item| {
        if let Ok(rest) = left.minus(item.charge)
            && rest >= Amount::ZERO
        {
            left = rest;
            return Due::settled(item);
        }
        tracing::error!(call.id = %item.record.id, "A late call could not be charged: operator's loss");
        Due::lost(item)
    });
    due.collect()
}

/// Counts the charges against the limits of their keys. All of them stand, but for those that come after their key's
/// part of a limit was taken back.
async fn within_limits<C: ConnectionTrait>(conn: &C, plans: &mut [Plan<'_>]) -> Result<(), DbErr> {
    let mut of_keys: Vec<&KeyCharge> = Vec::new();
    for plan in plans.iter() {
        let charged = plan.flush.items.iter().zip(&plan.due);
        of_keys.extend(
            charged
                .filter(|(_, due)| !due.charge.is_zero())
                .map(|(item, _)| &item.of_key),
        );
    }
    let mut stand = budgets::book(conn, &of_keys).await?.into_iter();
    for plan in plans {
        let charged = plan.flush.items.iter().zip(&mut plan.due);
        for (item, due) in charged.filter(|(_, due)| !due.charge.is_zero()) {
            if stand.next() == Some(false) {
                *due = Due::lost(item);
            }
        }
    }
    Ok(())
}

async fn write_leases<C: ConnectionTrait>(conn: &C, plans: &[Plan<'_>]) -> Result<(), DbErr> {
    let mut leases: Vec<[Value; 5]> = Vec::with_capacity(plans.len());
    for plan in plans {
        let Some(lease) = plan.flush.lease_id() else {
            continue;
        };
        let spent = if plan.on_lease {
            plan.charges()?
        } else {
            Amount::ZERO
        };
        leases.push([
            lease.to_string().into(),
            spent.nanos().into(),
            plan.more.nanos().into(),
            plan.flush.number.into(),
            plan.flush.hash.clone().into(),
        ]);
    }
    if leases.is_empty() {
        return Ok(());
    }
    let (flush, values) = table(conn, leases)?;
    let sql = format!(
        "WITH flush (lease, spent, more, number, hash) AS ({flush})
         UPDATE lease SET spent = lease.spent + flush.spent, granted = lease.granted + flush.more,
            last_flush = flush.number, last_hash = flush.hash
         FROM flush WHERE lease.id = flush.lease"
    );
    exec(conn, &sql, values).await.map(|_| ())
}

async fn write_reserved<C: ConnectionTrait>(conn: &C, plans: &[Plan<'_>]) -> Result<(), DbErr> {
    let mut by_book: BTreeMap<i64, i64> = BTreeMap::new();
    for plan in plans.iter().filter(|plan| plan.on_lease) {
        let Some(lease) = &plan.flush.lease else {
            continue;
        };
        let less = plan.charges()?.nanos().saturating_sub(plan.more.nanos());
        let sum = by_book.entry(lease.book).or_default();
        *sum = sum.saturating_add(less);
    }
    by_book.retain(|_, less| *less != 0);
    if by_book.is_empty() {
        return Ok(());
    }
    let less = by_book
        .into_iter()
        .map(|(book, less)| [book.into(), less.into()]);
    let (flush, values) = table(conn, less.collect())?;
    let sql = format!(
        "WITH flush (book, less) AS ({flush})
         UPDATE book SET reserved = book.reserved - flush.less FROM flush WHERE book.id = flush.book"
    );
    exec(conn, &sql, values).await.map(|_| ())
}

async fn write_movements<C: ConnectionTrait>(
    conn: &C,
    now: UnixMs,
    plans: &[Plan<'_>],
) -> Result<(), DbErr> {
    let revenue = system_book(conn, System::Revenue).await?;
    let mut loss = None;
    let (mut movements, mut consumed) = (Vec::new(), Vec::new());
    for plan in plans {
        let (Some(txn), Some(lease)) = (&plan.txn, &plan.flush.lease) else {
            continue;
        };
        let (charges, unbilled) = (plan.charges()?, plan.unbilled()?);
        if !charges.is_zero() {
            consumed.push((lease.book, charges));
            movements.push(Movement {
                txn,
                seq: 0,
                debit: lease.book,
                credit: revenue,
                amount: charges,
                code: "usage",
            });
        }
        if !unbilled.is_zero() {
            if loss.is_none() {
                loss = Some(system_book(conn, System::OperatorLoss).await?);
            }
            movements.push(Movement {
                txn,
                seq: 1,
                debit: loss.unwrap_or_default(),
                credit: revenue,
                amount: unbilled,
                code: "unbilled",
            });
        }
    }
    let ids = move_all(conn, now, &movements).await?;
    let usage = movements
        .iter()
        .zip(ids)
        .filter(|(movement, _)| movement.code == "usage");
    let consumption: Vec<Consumption> = usage
        .zip(consumed)
        .map(|((_, transfer), (book, amount))| Consumption {
            book,
            transfer,
            amount,
        })
        .collect();
    lots::consume_all(conn, &consumption).await
}

fn sum(amounts: impl Iterator<Item = Amount>) -> Result<Amount, DbErr> {
    Amount::sum(amounts).map_err(overflow)
}

fn sum_or_zero(amounts: impl Iterator<Item = Amount>) -> Amount {
    Amount::sum(amounts).unwrap_or(Amount::ZERO)
}

fn overflow(error: domain::MoneyError) -> DbErr {
    DbErr::Custom(error.to_string())
}
