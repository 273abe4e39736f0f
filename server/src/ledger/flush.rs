//! What is one flush? The settled calls of one lease: one transfer, the lots it ate, and the calls' rows, together.
//!
//! A batch holds the flushes of many leases. It is written by a few statements, however many those are: each says the
//! same of all of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use domain::Amount;
use domain::ids::{CallId, LeaseId};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Value};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::budgets::{self, Counted};
use crate::calls::{self, Booked, Repeated};
use crate::db::{all, also_among, among, for_update};

use super::batch::Batch;
use super::books::{Movement, OfFlushes};
use super::hold::SettleError;
use super::item::Item;
use super::losses;
use super::lots::{self, Consumption};
use super::store::{Flushed, Patience};
use super::wallet::Lease;

/// The calls of one lease that go to the database together, frozen once numbered.
pub(super) struct Flush {
    /// Calls that cost nothing have none.
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) items: Vec<Item>,
    pub(super) number: i64,
    pub(super) hash: String,
    /// It was sent and its outcome is not known: it is sent again as it is, and nobody can give up on its calls.
    frozen: bool,
}

impl Flush {
    pub(super) fn new(first: Item) -> Self {
        Self {
            lease: first.lease.clone(),
            items: vec![first],
            number: 0,
            hash: String::new(),
            frozen: false,
        }
    }

    pub(super) fn lease_id(&self) -> Option<LeaseId> {
        self.lease.as_ref().map(|lease| lease.id)
    }

    pub(super) fn book(&self) -> Option<i64> {
        self.lease.as_ref().map(|lease| lease.book)
    }

    /// Whether the other one's calls may become a part of this one.
    pub(super) fn takes(&self, other: &Self, most: usize) -> bool {
        !self.frozen && self.items.len() + other.items.len() <= most
    }

    /// The name of its movements: after its first call, because calls begin one after the other. Rows that are named so
    /// lie side by side in the indexes of names; named after their leases, every flush would write a page for each lease.
    fn txn(&self) -> Option<String> {
        let first = self.items.first()?;
        Some(format!("flush:{}", first.record.id))
    }

    /// Claims the calls that are still waited for, numbers the flush and fingerprints its content. The others leave it:
    /// they are lost, and answered as a flush of their own. A frozen flush stays as it is.
    pub(super) fn claim(&mut self) -> Option<Self> {
        if self.frozen {
            return None;
        }
        let mut lost: Option<Self> = None;
        for item in std::mem::take(&mut self.items) {
            if item.ticket.claim() {
                self.items.push(item);
                continue;
            }
            item.undo();
            let Some(loss) = item.into_loss() else {
                continue;
            };
            match &mut lost {
                Some(lost) => lost.items.push(loss),
                None => lost = Some(Self::new(loss)),
            }
        }
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
        lost
    }

    /// Nobody knows whether the database has it.
    pub(super) fn freeze(&mut self) {
        self.frozen = true;
    }

    /// The database does not have it from this attempt: its waiters may give up again, unless an earlier one may still
    /// turn out to be there.
    pub(super) fn put_back(&self) {
        if !self.frozen {
            self.items.iter().for_each(|item| item.ticket.put_back());
        }
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

    /// Answers what is to be tried once more, each call by itself, because one of them may be what is wrong: losses of
    /// calls that a lease would have paid, whose waiters are told; and calls without a lease, as they are. The last of those
    /// has only its line in the log.
    pub(super) fn refused(self) -> Vec<Self> {
        let (paid, alone) = (self.lease.is_some(), self.items.len() == 1);
        if let Some(lease) = &self.lease {
            lease.shut();
        }
        let mut again = Vec::new();
        for mut item in self.items {
            if !paid && !alone {
                item.ticket.put_back();
                again.push(Self::new(item));
                continue;
            }
            item.undo();
            let (nobody, _) = oneshot::channel();
            let waiter = std::mem::replace(&mut item.reply, nobody);
            let _ = waiter.send(Err(SettleError::NotCommitted));
            if paid {
                losses::announce(item.record.id, item.record.cost);
                again.extend(item.into_loss().map(Self::new));
            } else {
                tracing::error!(call.id = %item.record.id, cost_nusd = item.record.cost.nanos(), "A call cannot be written");
            }
        }
        again
    }

    /// Money moves for it although no wallet pays.
    fn is_loss(&self) -> bool {
        self.items.iter().any(Item::is_loss)
    }
}

/// Writes the flushes in the caller's transaction. Those that are there already are left alone, so repeating it is
/// harmless. With little patience, those whose wallet somebody has locked are left out, and have no answer.
///
/// # Errors
/// When the database refuses, or has one of the flushes with another content.
pub(super) async fn apply<C: ConnectionTrait>(
    conn: &C,
    now: UnixMs,
    books: OfFlushes,
    flushes: &[Flush],
    patience: Patience,
) -> Result<Vec<Option<Flushed>>, DbErr> {
    let written = written(conn, books, flushes).await?;
    let Rows { leases, mut free } = lock(conn, flushes, patience).await?;
    let mut of_keys = of_keys(conn, flushes, &leases).await?;
    let (mut plans, mut flushed) = (Vec::new(), Vec::new());
    for flush in flushes {
        let row = flush.lease_id().and_then(|id| leases.get(&id));
        if flush.lease.is_some() && row.is_none() && patience == Patience::Short {
            flushed.push(None);
            continue;
        }
        let plan = match &flush.lease {
            Some(lease) => Plan::make(conn, flush, lease, row, &mut free, &mut of_keys).await?,
            None => Plan::without_lease(flush, &written),
        };
        flushed.push(Some(Flushed {
            recall: row.is_some_and(|row| row.recall),
            renewed: plan.is_some() && row.is_some_and(|row| row.state == State::Active),
        }));
        plans.extend(plan);
    }
    let (movements, consumed) = movements(&plans, books)?;
    let batch = Batch {
        now,
        leases: lease_rows(&plans)?,
        parts: lots::choose(conn, &consumed).await?,
        movements,
        calls: booked(&plans, true),
    };
    batch.write(conn).await?;
    calls::insert(conn, &booked(&plans, false), Repeated::Kept).await?;
    Ok(flushed)
}

/// The rows of the calls that moved money, or of those that moved none.
fn booked<'a>(plans: &'a [Plan<'_>], paid: bool) -> Vec<Booked<'a>> {
    let plans = plans.iter().filter(|plan| plan.txn.is_some() == paid);
    plans.flat_map(Plan::booked).collect()
}

/// The calls of losses that the database has already. No row of a lease tells, so the book of losses is locked instead:
/// the same flush, sent before, may still be under way.
async fn written<C: ConnectionTrait>(
    conn: &C,
    books: OfFlushes,
    flushes: &[Flush],
) -> Result<BTreeSet<String>, DbErr> {
    let losses = flushes.iter().filter(|flush| flush.is_loss());
    let items = losses.flat_map(|flush| &flush.items);
    let calls: BTreeSet<String> = items.map(|item| item.record.id.to_string()).collect();
    if calls.is_empty() {
        return Ok(calls);
    }
    let sql = format!("SELECT id FROM book WHERE id = $1{}", for_update(conn));
    all(conn, &sql, [books.loss.into()]).await?;
    let (those, values) = among(conn, "id", calls.into_iter().map(Value::from))?;
    let sql = format!("SELECT id FROM call WHERE {those}");
    let rows = all(conn, &sql, values).await?;
    rows.iter().map(|row| row.try_get("", "id")).collect()
}

/// Counts the charges of those that are not there yet against the limits of their keys.
async fn of_keys<C: ConnectionTrait>(
    conn: &C,
    flushes: &[Flush],
    leases: &HashMap<LeaseId, LeaseRow>,
) -> Result<Counted, DbErr> {
    let mut charges = Vec::new();
    for flush in flushes {
        let row = flush.lease_id().and_then(|id| leases.get(&id));
        if let Some(row) = row
            && !row.has(flush)?
        {
            charges.extend(flush.items.iter().map(|item| &item.of_key));
        }
    }
    budgets::book(conn, &charges).await
}

/// A lease as the database has it, locked.
struct LeaseRow {
    state: State,
    /// Granted and not spent.
    left: Amount,
    last_flush: i64,
    last_hash: Option<String>,
    recall: bool,
}

impl LeaseRow {
    /// Whether the flush was sent before. That is fine, unless it was something else.
    fn has(&self, flush: &Flush) -> Result<bool, DbErr> {
        let number = flush.number;
        if number > self.last_flush {
            return Ok(false);
        }
        if number == self.last_flush && self.last_hash.as_deref() != Some(&flush.hash) {
            let error = format!("flush {number} was sent again with another content");
            return Err(DbErr::Custom(error));
        }
        Ok(true)
    }
}

#[derive(PartialEq, Eq)]
enum State {
    /// Nothing of it was taken back: a flush is a heartbeat too.
    Active,
    /// Taken back but for what its calls hold.
    Draining,
    Over,
}

/// What the batch is about, locked.
#[derive(Default)]
struct Rows {
    leases: HashMap<LeaseId, LeaseRow>,
    /// What no lease has of each wallet, by its book.
    free: HashMap<i64, Amount>,
}

/// One statement for all of it. Every row is as its last change left it, also where that was waited for.
async fn lock<C: ConnectionTrait>(
    conn: &C,
    flushes: &[Flush],
    patience: Patience,
) -> Result<Rows, DbErr> {
    let ids: BTreeSet<LeaseId> = flushes.iter().filter_map(Flush::lease_id).collect();
    if ids.is_empty() {
        return Ok(Rows::default());
    }
    let mut values = Vec::new();
    let mut wallets = (String::new(), "book");
    let mut lock = String::new();
    if conn.get_database_backend() == DbBackend::Postgres {
        // The wallets' rows first, then the leases', each by id: the same order as everywhere else.
        let books: BTreeSet<i64> = leases_of(flushes).map(|lease| lease.book).collect();
        let books = books.into_iter().map(Value::from);
        let those = also_among(conn, "id", books, &mut values)?;
        lock = for_update(conn).to_owned();
        let skip = match patience {
            Patience::Usual => "",
            Patience::Short => " SKIP LOCKED",
        };
        let with = format!(
            "WITH wallets AS MATERIALIZED (SELECT id, posted, reserved FROM book WHERE {those} ORDER BY id{lock}{skip})"
        );
        wallets = (with, "wallets");
        lock.push_str(" OF l");
    }
    let ids = ids.iter().map(|id| Value::from(id.to_string()));
    let those = also_among(conn, "l.id", ids, &mut values)?;
    let sql = format!(
        "{} SELECT l.id, l.book_id, l.state, l.granted - l.spent AS rest, l.last_flush, l.last_hash, l.recall,
            w.posted - w.reserved AS free
         FROM lease l JOIN {} w ON w.id = l.book_id WHERE {those} ORDER BY l.book_id, l.id{lock}",
        wallets.0, wallets.1
    );
    let mut locked = Rows::default();
    for row in all(conn, &sql, values).await? {
        let id: String = row.try_get("", "id")?;
        let id: LeaseId = id
            .parse()
            .map_err(|_| DbErr::Type(format!("{id} is no id of a lease")))?;
        let state = match row.try_get::<String>("", "state")?.as_str() {
            "active" => State::Active,
            "draining" => State::Draining,
            _ => State::Over,
        };
        let lease = LeaseRow {
            state,
            left: Amount::from_nanos(row.try_get("", "rest")?),
            last_flush: row.try_get("", "last_flush")?,
            last_hash: row.try_get("", "last_hash")?,
            recall: row.try_get::<i64>("", "recall")? != 0,
        };
        locked.leases.insert(id, lease);
        let free = Amount::from_nanos(row.try_get("", "free")?);
        locked.free.insert(row.try_get("", "book_id")?, free);
    }
    Ok(locked)
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
    /// The movements' name; calls without a lease that cost nothing move nothing.
    txn: Option<String>,
    /// Whether the lease pays. A lease that was taken back does not: then the wallet does, as far as it can.
    on_lease: bool,
    /// What the lease is given in addition, because it had been taken back in part.
    more: Amount,
    due: Vec<Due>,
}

impl<'a> Plan<'a> {
    /// Nobody pays for these. `None` when the database has the flush already.
    fn without_lease(flush: &'a Flush, written: &BTreeSet<String>) -> Option<Self> {
        let txn = flush.txn().filter(|_| flush.is_loss());
        let is_written = |item: &Item| written.contains(&item.record.id.to_string());
        if txn.is_some() && flush.items.iter().all(is_written) {
            return None;
        }
        Some(Self {
            flush,
            txn,
            on_lease: false,
            more: Amount::ZERO,
            due: flush.items.iter().map(Due::settled).collect(),
        })
    }

    /// `None` when the database has the flush already.
    async fn make<C: ConnectionTrait>(
        conn: &C,
        flush: &'a Flush,
        lease: &Lease,
        row: Option<&LeaseRow>,
        free: &mut HashMap<i64, Amount>,
        of_keys: &mut Counted,
    ) -> Result<Option<Self>, DbErr> {
        let row = row.ok_or_else(|| DbErr::RecordNotFound(format!("lease {}", lease.id)))?;
        let free = free
            .get_mut(&lease.book)
            .ok_or_else(|| DbErr::RecordNotFound(format!("book {}", lease.book)))?;
        if row.has(flush)? {
            return Ok(None);
        }
        // What no lease has is the wallet's to give: to a lease that was taken back in part, or in its place.
        let live = row.state != State::Over;
        let left = if live { row.left } else { Amount::ZERO };
        let there = left.plus(*free).map_err(overflow)?;
        let due = fitting(conn, flush, there, of_keys).await?;
        let charges = sum(due.iter().map(|due| due.charge))?;
        let more = charges.minus_or_zero(left);
        *free = free.minus(more).map_err(overflow)?;
        let Some(txn) = flush.txn() else {
            return Ok(None);
        };
        if !more.is_zero() {
            tracing::warn!(lease.id = %lease.id, "A late flush was charged to the wallet directly");
        }
        Ok(Some(Self {
            flush,
            txn: Some(if live { txn } else { format!("late:{txn}") }),
            on_lease: live,
            more: if live { more } else { Amount::ZERO },
            due,
        }))
    }

    fn charges(&self) -> Result<Amount, DbErr> {
        sum(self.due.iter().map(|due| due.charge))
    }

    fn unbilled(&self) -> Result<Amount, DbErr> {
        sum(self.due.iter().map(|due| due.unbilled))
    }

    /// What of the charges the wallet had reserved for the lease: all but what the lease is given in addition.
    fn released(&self) -> Result<Amount, DbErr> {
        if self.on_lease {
            self.charges()?.minus(self.more).map_err(overflow)
        } else {
            Ok(Amount::ZERO)
        }
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

/// The calls in their order, as far as there is money for them and their keys' limits pay. What is left was served at the
/// operator's loss: never an overdraft, never above a limit. What the one does not pay, the other is not asked for.
async fn fitting<C: ConnectionTrait>(
    conn: &C,
    flush: &Flush,
    mut left: Amount,
    of_keys: &mut Counted,
) -> Result<Vec<Due>, DbErr> {
    let mut due = Vec::with_capacity(flush.items.len());
    for item in &flush.items {
        if left < item.charge {
            tracing::error!(call.id = %item.record.id, "A late call could not be charged: operator's loss");
            of_keys.take_out(conn, &item.of_key).await?;
            due.push(Due::lost(item));
        } else if of_keys.stands(conn, &item.of_key).await? {
            left = left.minus(item.charge).map_err(overflow)?;
            due.push(Due::settled(item));
        } else {
            due.push(Due::lost(item));
        }
    }
    Ok(due)
}

/// Each lease: its id, what it spent, what it was given in addition, the number of the flush and its hash.
fn lease_rows(plans: &[Plan<'_>]) -> Result<Vec<[Value; 5]>, DbErr> {
    let mut leases = Vec::with_capacity(plans.len());
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
    Ok(leases)
}

/// The movements, those out of wallets first, and what these take: the first of the ones is by the first of the others.
fn movements<'a>(
    plans: &'a [Plan<'_>],
    books: OfFlushes,
) -> Result<(Vec<Movement<'a>>, Vec<Consumption>), DbErr> {
    let (mut usage, mut unbilled) = (Vec::with_capacity(plans.len()), Vec::new());
    let mut consumed = Vec::with_capacity(plans.len());
    for plan in plans {
        let Some(txn) = &plan.txn else {
            continue;
        };
        let amount = plan.charges()?;
        if let Some(lease) = plan.flush.lease.as_ref().filter(|_| !amount.is_zero()) {
            let book = lease.book;
            consumed.push(Consumption { book, amount });
            usage.push(Movement {
                txn,
                seq: 0,
                debit: book,
                credit: books.revenue,
                amount,
                released: plan.released()?,
                code: "usage",
            });
        }
        let amount = plan.unbilled()?;
        if !amount.is_zero() {
            unbilled.push(Movement {
                txn,
                seq: 1,
                debit: books.loss,
                credit: books.revenue,
                amount,
                released: Amount::ZERO,
                code: "unbilled",
            });
        }
    }
    usage.extend(unbilled);
    Ok((usage, consumed))
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
