//! How does a node get credit to spend in memory, and how does it give the rest back? One row per lease.
//!
//! Expiry is judged by the database's clock alone. A lease past `expires_at` admits no new hold on its node; its
//! running calls may still settle until `reclaim_after`, when anybody may take the rest back.

use std::time::Duration;

use domain::Amount;
use domain::ids::{LeaseId, WorkspaceId};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::db::{Db, all, db_now, exec, for_update, one};
use crate::ids::NewId;

use super::books::{lock_book, lock_wallet};

/// How long a lease admits new holds without a heartbeat.
pub(super) const TTL: Duration = Duration::from_secs(60);
/// How much longer running calls may settle on it: the longest call and half a minute.
const GRACE: Duration = Duration::from_secs(630);

/// Leases taken back by one look; more are for the next.
pub(super) const RECLAIM_MAX: u64 = 1_000;

/// What asking for credit brought.
#[derive(Debug)]
pub(super) enum Asked {
    /// So much, on this lease.
    Granted {
        lease: LeaseId,
        book: i64,
        amount: Amount,
    },
    /// The wallet holds too little, whoever asks; `unleased` is what no lease has taken.
    Insufficient { unleased: Amount },
    /// The wallet holds enough, but other leases have it; they were asked to give back what they do not use.
    Elsewhere,
    /// The lease to enlarge is no longer this node's.
    LeaseLost,
}

/// What a heartbeat answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beat {
    /// Still ours.
    pub(super) alive: bool,
    /// Another node wants credit: give back what is not held.
    pub(super) recall: bool,
}

/// Takes at least `need` and at most `want` from the wallet, as a new lease or added to `existing`.
pub(super) async fn ask(
    db: &Db,
    node: &str,
    workspace: WorkspaceId,
    existing: Option<LeaseId>,
    need: Amount,
    want: Amount,
) -> Result<Asked, DbErr> {
    let tx = db.begin().await?;
    let Some(wallet) = lock_wallet(&tx, workspace).await? else {
        return Ok(Asked::Insufficient {
            unleased: Amount::ZERO,
        });
    };
    let grant = want.nanos().min(wallet.free());
    if grant < need.nanos() || grant <= 0 {
        let too_little = Asked::Insufficient {
            unleased: Amount::from_nanos(wallet.free()),
        };
        if wallet.posted < need.nanos() || wallet.reserved == 0 {
            return Ok(too_little);
        }
        // Held by running calls everywhere it is truly spent; leased and not held it comes back.
        let own = existing.map(|lease| lease.to_string()).unwrap_or_default();
        let sql = "UPDATE lease SET recall = 1 WHERE book_id = $1 AND state = 'active' AND id <> $2 AND held < granted - spent";
        let recalled = exec(&tx, sql, [wallet.id.into(), own.into()])
            .await?
            .rows_affected();
        tx.commit().await?;
        return Ok(if recalled > 0 {
            Asked::Elsewhere
        } else {
            too_little
        });
    }
    let lease = match existing {
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
        None => {
            let lease = LeaseId::new();
            let (now, ttl) = (db_now(&tx), millis(TTL));
            let sql = format!(
                "INSERT INTO lease (id, book_id, node_id, granted, state, expires_at, reclaim_after, created_at)
                 VALUES ($1, $2, $3, $4, 'active', {now} + $5, {now} + $6, {now})"
            );
            let values = [
                lease.to_string().into(),
                wallet.id.into(),
                node.into(),
                grant.into(),
                ttl.into(),
                (ttl + millis(GRACE)).into(),
            ];
            exec(&tx, &sql, values).await?;
            lease
        }
    };
    exec(
        &tx,
        "UPDATE book SET reserved = reserved + $2 WHERE id = $1",
        [wallet.id.into(), grant.into()],
    )
    .await?;
    tx.commit().await?;
    Ok(Asked::Granted {
        lease,
        book: wallet.id,
        amount: Amount::from_nanos(grant),
    })
}

/// Says that the node lives and what its calls hold, and learns whether the credit is wanted elsewhere.
pub(super) async fn beat(db: &Db, lease: LeaseId, held: Amount) -> Result<Beat, DbErr> {
    let (now, ttl) = (db_now(db.write()), millis(TTL));
    let sql = format!(
        "UPDATE lease SET held = $2, expires_at = {now} + $3, reclaim_after = {now} + $4
         WHERE id = $1 AND state = 'active' RETURNING recall"
    );
    let values = [
        lease.to_string().into(),
        held.nanos().into(),
        ttl.into(),
        (ttl + millis(GRACE)).into(),
    ];
    match one(db.write(), &sql, values).await? {
        Some(row) => Ok(Beat {
            alive: true,
            recall: row.try_get::<i64>("", "recall")? != 0,
        }),
        None => Ok(Beat {
            alive: false,
            recall: false,
        }),
    }
}

/// Gives back a part that nothing holds.
pub(super) async fn shrink(
    db: &Db,
    lease: LeaseId,
    book: i64,
    amount: Amount,
) -> Result<(), DbErr> {
    let tx = db.begin().await?;
    lock_book(&tx, book).await?;
    let sql = "UPDATE lease SET granted = granted - $2, recall = 0
               WHERE id = $1 AND state = 'active' AND granted - spent >= $2 AND granted > $2";
    if exec(&tx, sql, [lease.to_string().into(), amount.nanos().into()])
        .await?
        .rows_affected()
        == 1
    {
        exec(
            &tx,
            "UPDATE book SET reserved = reserved - $2 WHERE id = $1",
            [book.into(), amount.nanos().into()],
        )
        .await?;
    }
    tx.commit().await
}

/// Gives back everything that was not spent, and ends the lease.
pub(super) async fn close(db: &Db, lease: LeaseId, book: i64) -> Result<(), DbErr> {
    let tx = db.begin().await?;
    lock_book(&tx, book).await?;
    end(&tx, &lease.to_string(), book, "closed").await?;
    tx.commit().await
}

/// Takes back the leases that no node can still settle on, and answers how many there were.
///
/// `all_are_dead` is for SQLite's `serve`, which proves by the file lock that no other server lives.
pub(super) async fn reclaim(db: &Db, all_are_dead: bool) -> Result<u64, DbErr> {
    let overdue = if all_are_dead {
        String::new()
    } else {
        format!(" AND reclaim_after < {}", db_now(db.write()))
    };
    let sql = format!(
        "SELECT id, book_id FROM lease WHERE state IN ('active', 'draining'){overdue} ORDER BY reclaim_after LIMIT {RECLAIM_MAX}"
    );
    let mut count = 0;
    for row in all(db.read(), &sql, []).await? {
        let (lease, book): (String, i64) = (row.try_get("", "id")?, row.try_get("", "book_id")?);
        let tx = db.begin().await?;
        lock_book(&tx, book).await?;
        // Asked again under the lock: its node may have come back to life in between.
        let sql = format!(
            "SELECT 1 AS due FROM lease WHERE id = $1 AND state IN ('active', 'draining'){overdue}"
        );
        if one(&tx, &sql, [lease.clone().into()]).await?.is_some() {
            end(&tx, &lease, book, "reclaimed").await?;
            count += 1;
        }
        tx.commit().await?;
    }
    Ok(count)
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
    exec(
        conn,
        "UPDATE lease SET state = $2, held = 0 WHERE id = $1",
        [lease.into(), state.into()],
    )
    .await?;
    exec(
        conn,
        "UPDATE book SET reserved = reserved - $2 WHERE id = $1",
        [book.into(), rest.into()],
    )
    .await?;
    Ok(())
}

/// Does this database admit several servers?
pub(super) fn many_nodes(db: &Db) -> bool {
    db.backend() == DbBackend::Postgres
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
