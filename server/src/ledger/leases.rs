//! How does a node get credit it may spend in memory, and how does it go back? By rows that the database alone judges.
//!
//! A lease is a part of a wallet's balance that only one node may spend. The wallet row is locked while leases change
//! hands, and its CHECK (`posted - reserved >= 0`) is the last fence. A node stops admitting holds before the database
//! calls its lease over; what its calls hold stays theirs until `reclaim_after`, when anybody may take that back too.

use std::collections::HashMap;
use std::time::Duration;

use domain::Amount;
use domain::ids::LeaseId;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Value};

use crate::db::{Db, all, bounded, db_now, exec, for_update, is_locked, one, table};
use crate::ids::NewId;

use super::books::{lock_book, lock_wallet};
use super::store::{Asked, Asking, Attempt, Beat, Held};

/// How long a lease admits new holds without a heartbeat. What its calls do not hold is the wallet's again then: a dead
/// node keeps unused credit from the others for no longer.
pub(super) const TTL: Duration = Duration::from_secs(15);
/// How much longer running calls may settle on it: the longest call and half a minute.
pub(super) const GRACE: Duration = Duration::from_secs(630);
/// Leases taken back by one look; more are for the next.
pub(super) const RECLAIM_MAX: u64 = 1_000;

/// Takes at least `need` and at most `want` from the wallet, as a new lease or added to the existing one.
pub(super) async fn ask(db: &Db, asking: Asking<'_>) -> Result<Asked, DbErr> {
    let Asking {
        workspace, need, ..
    } = asking;
    let tx = db.begin().await?;
    let Some(wallet) = lock_wallet(&tx, workspace).await? else {
        return Ok(Asked::Insufficient {
            available: Amount::ZERO,
        });
    };
    let free = wallet.free();
    // Where others may want some too, nobody takes more than half of what is there, unless it must.
    let most = if db.backend() == DbBackend::Postgres {
        need.nanos().max(free / 2)
    } else {
        free
    };
    let grant = asking.want.nanos().min(most).min(free);
    if grant < need.nanos() || grant <= 0 {
        // Of a wallet that holds too little in all, a shorter answer may still be had: what others do not use counts for that,
        // and what they said of it may be half a second old.
        let first = asking.attempt == Attempt::First;
        let may_wait = wallet.posted >= need.nanos() || asking.attempt != Attempt::Last;
        if may_wait && wallet.reserved > 0 && recall(&tx, wallet.id, asking.existing, first).await?
        {
            tx.commit().await?;
            return Ok(Asked::Elsewhere);
        }
        let unheld = unheld(&tx, wallet.id, asking.existing).await?;
        return Ok(Asked::Insufficient {
            available: Amount::from_nanos(free).plus(unheld).unwrap_or(unheld),
        });
    }
    let lease = match asking.existing {
        Some(lease) => {
            let sql = "UPDATE lease SET granted = granted + $2 WHERE id = $1 AND state = 'active'";
            if exec(&tx, sql, [lease.to_string().into(), grant.into()])
                .await?
                .rows_affected()
                == 0
            {
                return Ok(Asked::LeaseLost);
            }
            lease
        }
        None => open(&tx, asking.node, wallet.id, grant).await?,
    };
    reserve(&tx, wallet.id, grant).await?;
    tx.commit().await?;
    Ok(Asked::Granted {
        lease,
        book: wallet.id,
        amount: Amount::from_nanos(grant),
    })
}

async fn open<C: ConnectionTrait>(
    conn: &C,
    node: &str,
    book: i64,
    grant: i64,
) -> Result<LeaseId, DbErr> {
    let lease = LeaseId::new();
    let (now, ends) = (db_now(conn), ends(conn));
    let sql = format!(
        "INSERT INTO lease (id, book_id, node_id, granted, state, created_at, expires_at, reclaim_after)
         VALUES ($1, $2, $3, $4, 'active', {now}, {}, {})",
        ends[0], ends[1]
    );
    let values = [
        lease.to_string().into(),
        book.into(),
        node.into(),
        grant.into(),
    ];
    exec(conn, &sql, values).await?;
    Ok(lease)
}

async fn reserve<C: ConnectionTrait>(conn: &C, book: i64, amount: i64) -> Result<(), DbErr> {
    let sql = "UPDATE book SET reserved = reserved + $2 WHERE id = $1";
    exec(conn, sql, [book.into(), amount.into()]).await?;
    Ok(())
}

/// What other leases of the wallet have and do not hold, as they last said.
async fn unheld<C: ConnectionTrait>(
    conn: &C,
    book: i64,
    but: Option<LeaseId>,
) -> Result<Amount, DbErr> {
    let own = but.map(|lease| lease.to_string()).unwrap_or_default();
    let sql = "SELECT CAST(coalesce(sum(granted - spent - held), 0) AS BIGINT) AS unheld FROM lease
               WHERE book_id = $1 AND state = 'active' AND id <> $2 AND held < granted - spent";
    match one(conn, sql, [book.into(), own.into()]).await? {
        Some(row) => Ok(Amount::from_nanos(row.try_get("", "unheld")?)),
        None => Ok(Amount::ZERO),
    }
}

/// Asks the wallet's leases for what they do not use, but for one. False when none has anything: what they have is held
/// by running calls, as their nodes said after they were asked.
///
/// What a node reported a moment ago may be free by now, so the `first` time every lease is asked. It answers by what it
/// gives back, and says what is held; later that is believed.
pub(super) async fn recall<C: ConnectionTrait>(
    conn: &C,
    book: i64,
    but: Option<LeaseId>,
    first: bool,
) -> Result<bool, DbErr> {
    let own = but.map(|lease| lease.to_string()).unwrap_or_default();
    let which = if first {
        ""
    } else {
        " AND (held < granted - spent OR recall = 1)"
    };
    let sql = format!(
        "UPDATE lease SET recall = 1 WHERE id IN (SELECT id FROM lease WHERE book_id = $1 AND state = 'active' AND id <> $2
            AND spent < granted{which} ORDER BY id{})",
        for_update(conn)
    );
    let asked = exec(conn, &sql, [book.into(), own.into()]).await?;
    Ok(asked.rows_affected() > 0)
}

/// Says that the node lives and what its calls hold, and learns whether the credit is wanted elsewhere.
///
/// First of the leases that no flush has locked just now: flushes would wait for all of them while this waits for one. Then
/// of the few that are left. One that stays locked keeps nothing from the others: of those nothing is answered.
pub(super) async fn beat(db: &Db, held: &[Held]) -> Result<Vec<Option<Beat>>, DbErr> {
    let mut recalls = tell(db, held, Locked::Left).await?;
    let left: Vec<Held> = held
        .iter()
        .filter(|held| !recalls.contains_key(&held.lease.to_string()))
        .copied()
        .collect();
    let mut locked = false;
    match tell(db, &left, Locked::WaitedFor).await {
        Ok(waited_for) => recalls.extend(waited_for),
        Err(error) if is_locked(&error) => {
            tracing::warn!(error = %error, leases = left.len(), "Leases stay locked: their heartbeat comes later");
            locked = true;
        }
        Err(error) => return Err(error),
    }
    let beats = held.iter().map(|held| {
        let answer = recalls.get(&held.lease.to_string()).copied();
        (answer.is_some() || !locked).then_some(Beat {
            alive: answer.is_some(),
            recall: answer.unwrap_or(false),
        })
    });
    Ok(beats.collect())
}

/// What becomes of leases that somebody has locked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Locked {
    Left,
    WaitedFor,
}

/// Answers for each lease that is there and this node's still whether it is wanted elsewhere.
async fn tell(db: &Db, held: &[Held], locked: Locked) -> Result<HashMap<String, bool>, DbErr> {
    if held.is_empty() {
        return Ok(HashMap::new());
    }
    let conn = db.write();
    let rows = held.iter().map(|held| {
        [
            Value::from(held.lease.to_string()),
            held.amount.nanos().into(),
        ]
    });
    let (told, values) = table(conn, rows.collect())?;
    let ends = ends(conn);
    // The first list of values once more: by their keys, however few leases PostgreSQL believes to be there.
    let (those, skip) = match (conn.get_database_backend(), locked) {
        (DbBackend::Postgres, Locked::Left) => ("= ANY (CAST($1 AS TEXT[]))", " SKIP LOCKED"),
        (DbBackend::Postgres, Locked::WaitedFor) => ("= ANY (CAST($1 AS TEXT[]))", ""),
        _ => ("IN (SELECT id FROM told)", ""),
    };
    // Locked in the order in which flushes lock them.
    let sql = format!(
        "WITH told (id, held) AS ({told}),
            ours AS (SELECT id FROM lease WHERE id {those} AND state = 'active' ORDER BY book_id, id{}{skip})
         UPDATE lease SET held = told.held, expires_at = {}, reclaim_after = {}
         FROM ours, told WHERE lease.id = ours.id AND told.id = ours.id
         RETURNING lease.id AS id, lease.recall AS recall",
        for_update(conn),
        ends[0],
        ends[1],
    );
    let mut recalls = HashMap::new();
    for row in all(conn, &sql, values).await? {
        let recall: i64 = row.try_get("", "recall")?;
        recalls.insert(row.try_get("", "id")?, recall != 0);
    }
    Ok(recalls)
}

/// The node's leases that are wanted back.
pub(super) async fn recalled(db: &Db, node: &str) -> Result<Vec<LeaseId>, DbErr> {
    let sql = "SELECT id FROM lease WHERE node_id = $1 AND recall = 1 AND state IN ('active', 'draining')";
    let found = all(db.read(), sql, [node.into()]).await?;
    found
        .iter()
        .map(|row| {
            let id: String = row.try_get("", "id")?;
            id.parse()
                .map_err(|_| DbErr::Type(format!("{id} is no id of a lease")))
        })
        .collect()
}

/// Gives back a part that nothing holds, says what is held, and takes the recall as answered. False when the lease was
/// taken back before.
pub(super) async fn shrink(db: &Db, held: Held, free: Amount) -> Result<bool, DbErr> {
    let tx = db.begin().await?;
    lock_book(&tx, held.book).await?;
    // `granted` stays above zero: a lease of which all is given back is closed by its node.
    let sql = "UPDATE lease SET granted = granted - $2
               WHERE id = $1 AND state = 'active' AND granted - spent >= $2 AND granted > $2";
    let id = held.lease.to_string();
    if !free.is_zero()
        && exec(&tx, sql, [id.clone().into(), free.nanos().into()])
            .await?
            .rows_affected()
            == 1
    {
        reserve(&tx, held.book, -free.nanos()).await?;
    }
    let ends = ends(&tx);
    let sql = format!(
        "UPDATE lease SET recall = 0, held = $2, expires_at = {}, reclaim_after = {} WHERE id = $1 AND state = 'active'",
        ends[0], ends[1]
    );
    let told = exec(&tx, &sql, [id.into(), held.amount.nanos().into()])
        .await?
        .rows_affected();
    tx.commit().await?;
    Ok(told > 0)
}

/// Gives back everything that was not spent, and ends the lease.
pub(super) async fn close(db: &Db, lease: LeaseId, book: i64) -> Result<(), DbErr> {
    let tx = db.begin().await?;
    lock_book(&tx, book).await?;
    end(&tx, &lease.to_string(), book, "closed").await?;
    tx.commit().await
}

/// Takes back what no node can still use: of leases that are over what nothing holds, of those whose calls are over too
/// the rest. Answers how many leases changed.
///
/// `all_are_dead` is for SQLite's `serve`, which proves by the file lock that no other server lives.
pub(super) async fn reclaim(db: &Db, all_are_dead: bool) -> Result<u64, DbErr> {
    let now = db_now(db.write());
    let due = if all_are_dead {
        "state IN ('active', 'draining')".to_owned()
    } else {
        format!(
            "state IN ('active', 'draining') AND ((state = 'active' AND expires_at < {now}) OR (state = 'draining' AND reclaim_after < {now}))"
        )
    };
    let sql = format!(
        "SELECT id, book_id FROM lease WHERE {due} ORDER BY reclaim_after LIMIT {RECLAIM_MAX}"
    );
    let mut count = 0;
    for row in bounded(all(db.read(), &sql, [])).await? {
        let (lease, book): (String, i64) = (row.try_get("", "id")?, row.try_get("", "book_id")?);
        let reclaimed = reclaim_one(db, &lease, book, &due, all_are_dead);
        count += u64::from(bounded(reclaimed).await?);
    }
    Ok(count)
}

/// False when its node came back to life in between.
async fn reclaim_one(
    db: &Db,
    lease: &str,
    book: i64,
    due: &str,
    all_are_dead: bool,
) -> Result<bool, DbErr> {
    let tx = db.begin().await?;
    lock_book(&tx, book).await?;
    let now = db_now(&tx);
    let sql = format!(
        "SELECT CASE WHEN reclaim_after < {now} THEN 0 WHEN held < granted - spent THEN held ELSE granted - spent END AS held
         FROM lease WHERE id = $1 AND {due}{}",
        for_update(&tx)
    );
    let Some(row) = one(&tx, &sql, [lease.into()]).await? else {
        return Ok(false);
    };
    let held: i64 = row.try_get("", "held")?;
    if all_are_dead || held == 0 {
        end(&tx, lease, book, "reclaimed").await?;
    } else {
        keep_only(&tx, lease, book, held).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// The lease is over, but calls may still settle what they hold.
async fn keep_only<C: ConnectionTrait>(
    conn: &C,
    lease: &str,
    book: i64,
    held: i64,
) -> Result<(), DbErr> {
    let unheld = "SELECT granted - spent - $2 AS unheld FROM lease WHERE id = $1";
    let Some(row) = one(conn, unheld, [lease.into(), held.into()]).await? else {
        return Ok(());
    };
    let unheld: i64 = row.try_get("", "unheld")?;
    let sql = "UPDATE lease SET state = 'draining', granted = granted - $2 WHERE id = $1";
    exec(conn, sql, [lease.into(), unheld.into()]).await?;
    reserve(conn, book, -unheld).await
}

async fn end<C: ConnectionTrait>(
    conn: &C,
    lease: &str,
    book: i64,
    state: &str,
) -> Result<(), DbErr> {
    let sql = format!(
        "SELECT granted - spent AS rest FROM lease WHERE id = $1 AND state IN ('active', 'draining'){}",
        for_update(conn)
    );
    let Some(row) = one(conn, &sql, [lease.into()]).await? else {
        return Ok(());
    };
    let rest: i64 = row.try_get("", "rest")?;
    let sql = "UPDATE lease SET state = $2, held = 0, recall = 0 WHERE id = $1";
    exec(conn, sql, [lease.into(), state.into()]).await?;
    reserve(conn, book, -rest).await
}

/// `expires_at` and `reclaim_after` of a lease that the database hears of now.
pub(super) fn ends<C: ConnectionTrait>(conn: &C) -> [String; 2] {
    let now = db_now(conn);
    [TTL, TTL + GRACE].map(|life| format!("{now} + {}", millis(life)))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
