//! How does a node get a part of a key's limit to spend in memory, and how does it give the rest back?
//!
//! One row per node and limit, and the row is the right to spend: where it is gone, so is the right. Grants of a key are
//! made under the lock of its `api_key` row, one node at a time:
//!
//! available = limit − charges of the committed calls that began in the span − Σ (granted − spent) of all rows
//!
//! so what is spent and what may still be spent never exceed the limit together. `spent` moves in the commit that writes
//! the calls, which takes as much from one part of the sum as it adds to another.
//!
//! A node that is silent loses its rows when they expire: by the database's clock alone, and so late that its calls
//! have ended. A call that settles even later is charged only as far as its limit still has room (`settle`).

use std::time::Duration;

use domain::Amount;
use domain::ids::{GrantId, KeyId, WorkspaceId};
use domain::period::Span;
use sea_orm::{ConnectionTrait, DbErr};

use crate::db::{Db, all, db_now, exec, for_update, one};
use crate::ids::NewId;

use super::purse::{Ask, Part, Use, narrowest};
use super::spend::{self, Flushes, Limits, Standing};

/// How long a grant admits new holds without a heartbeat.
pub(super) const TTL: Duration = Duration::from_secs(60);
/// How much longer running calls may settle on it: the longest call and half a minute.
const GRACE: Duration = Duration::from_secs(630);
/// A grant takes so many times what the call needs, so that most calls find their room in memory.
const AHEAD: i64 = 64;
/// How often a sum may be forgotten while somebody asks for it.
const TRIES: u32 = 3;

/// Who asks, and for which key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) node: &'a str,
    /// Are there other nodes? Then one leaves them half of what there is.
    pub(super) several: bool,
    pub(super) key: KeyId,
    pub(super) workspace: WorkspaceId,
}

/// What asking brought.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// What the key has spent so far.
    pub(super) spent: Vec<(Span, Amount)>,
    /// Grants that this node thought it had.
    pub(super) lost: Vec<GrantId>,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// So much of each limit.
    Granted(Vec<Part>),
    /// This limit has too little room, whoever asks; `available` is the least room of all, what this node has free
    /// included.
    Reached { span: Span, available: Amount },
    /// There is room enough, but other nodes have it; they were asked to give back what they do not use.
    Elsewhere,
}

/// Takes at least what is missing of every limit, or nothing. `known` are all grants that this node has for the key.
pub(super) async fn ask(
    db: &Db,
    asker: Asker<'_>,
    known: &[GrantId],
    asks: &[Ask],
) -> Result<Answer, DbErr> {
    // A sum that was there before the key was locked may be forgotten after: then it is made in the next try.
    for _ in 0..TRIES {
        if let Some(answer) = try_to_ask(db, asker, known, asks).await? {
            return Ok(answer);
        }
    }
    Err(DbErr::RecordNotFound(format!(
        "what {} has spent",
        asker.key
    )))
}

async fn try_to_ask(
    db: &Db,
    asker: Asker<'_>,
    known: &[GrantId],
    asks: &[Ask],
) -> Result<Option<Answer>, DbErr> {
    let key = asker.key.to_string();
    let spans: Vec<Span> = asks.iter().map(|ask| ask.span).collect();
    let tx = db.begin().await?;
    let flushes = Flushes::of(&tx, asker.key, asker.workspace, &spans).await?;
    let limits = lock_key(&tx, asker.key).await?;
    let mine = tidy(&tx, asker, known).await?;
    for ask in asks.iter().filter(|ask| !ask.give_back.is_zero()) {
        let Some(grant) = ask.grant else { continue };
        reduce(&tx, grant, ask.give_back).await?;
    }
    let lost: Vec<GrantId> = known
        .iter()
        .filter(|grant| !mine.contains(grant))
        .copied()
        .collect();
    let standings = spend::standings(&tx, asker.key, &limits, &spans, flushes).await?;
    let Some(standings) = standings else {
        return Ok(None);
    };
    let needs: Vec<Need> = asks
        .iter()
        .zip(standings)
        .map(|(ask, standing)| Need::of(ask, standing, &lost))
        .collect();
    let spent = needs
        .iter()
        .map(|need| (need.standing.span, need.standing.spent))
        .collect();

    let rooms = needs.iter().map(|need| {
        let room = need.standing.room().plus(need.free);
        (need.standing.span, room.unwrap_or(Amount::MAX))
    });
    let amount = asks.first().map_or(Amount::ZERO, |ask| ask.amount);
    if let Some((span, available)) = narrowest(rooms, amount) {
        // What was given back and tidied up stays so.
        tx.commit().await?;
        let short = needs
            .iter()
            .filter(|need| need.missing > need.standing.room());
        let mut elsewhere = true;
        for need in short {
            elsewhere &= recall(db, asker.node, &key, need.standing.span).await?;
        }
        let outcome = if elsewhere {
            Outcome::Elsewhere
        } else {
            Outcome::Reached { span, available }
        };
        return Ok(Some(Answer {
            outcome,
            spent,
            lost,
        }));
    }
    let mut parts = Vec::with_capacity(needs.len());
    for need in &needs {
        parts.push(need.take(&tx, asker).await?);
    }
    tx.commit().await?;
    Ok(Some(Answer {
        outcome: Outcome::Granted(parts),
        spent,
        lost,
    }))
}

/// What one limit has to give for a call.
struct Need {
    standing: Standing,
    grant: Option<GrantId>,
    amount: Amount,
    /// How much of it this node has.
    free: Amount,
    missing: Amount,
}

impl Need {
    fn of(ask: &Ask, standing: Standing, lost: &[GrantId]) -> Self {
        // What a lost grant had free is gone with it.
        let grant = ask.grant.filter(|grant| !lost.contains(grant));
        let free = grant.map_or(Amount::ZERO, |_| ask.free);
        Self {
            standing,
            grant,
            amount: ask.amount,
            free,
            missing: ask.amount.minus_or_zero(free),
        }
    }

    /// Takes what is missing and some ahead, if anything is missing; says in any case that the node lives.
    async fn take<C: ConnectionTrait>(&self, conn: &C, asker: Asker<'_>) -> Result<Part, DbErr> {
        let amount = if self.missing.is_zero() {
            Amount::ZERO
        } else {
            let ahead = Amount::from_nanos(self.amount.nanos().saturating_mul(AHEAD));
            let room = self.standing.room();
            let share = if asker.several {
                Amount::from_nanos(room.nanos() / 2)
            } else {
                room
            };
            ahead.min(share).max(self.missing)
        };
        let now = db_now(conn);
        let (grant, span) = (self.grant.unwrap_or_else(GrantId::new), self.standing.span);
        if self.grant.is_some() {
            let sql = format!(
                "UPDATE key_grant SET granted = granted + $2, expires_at = {now} + $3 WHERE id = $1"
            );
            let values = [
                grant.to_string().into(),
                amount.nanos().into(),
                lifetime().into(),
            ];
            exec(conn, &sql, values).await?;
        } else {
            let sql = format!(
                "INSERT INTO key_grant (id, key_id, node, period, period_start, granted, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, {now} + $7)"
            );
            let values = [
                grant.to_string().into(),
                asker.key.to_string().into(),
                asker.node.into(),
                span.period.id().into(),
                span.start.into(),
                amount.nanos().into(),
                lifetime().into(),
            ];
            exec(conn, &sql, values).await?;
        }
        Ok(Part {
            span,
            grant,
            amount,
            limit: self.standing.limit,
        })
    }
}

/// Locks the key's row until commit: grants of a key are made one after the other. Answers its limits as they are now.
pub(super) async fn lock_key<C: ConnectionTrait>(conn: &C, key: KeyId) -> Result<Limits, DbErr> {
    let sql = format!(
        "SELECT day_nusd, week_nusd, month_nusd, total_nusd FROM api_key WHERE id = $1{}",
        for_update(conn)
    );
    let row = one(conn, &sql, [key.to_string().into()]).await?;
    row.as_ref().map_or(Ok(Limits::NONE), Limits::read)
}

/// Deletes the key's grants that expired, and those of this node that it does not know of: it left while they were being
/// committed. Answers the ones it has.
async fn tidy<C: ConnectionTrait>(
    conn: &C,
    asker: Asker<'_>,
    known: &[GrantId],
) -> Result<Vec<GrantId>, DbErr> {
    let key = asker.key.to_string();
    let sql = format!(
        "DELETE FROM key_grant WHERE key_id = $1 AND expires_at <= {}",
        db_now(conn)
    );
    exec(conn, &sql, [key.clone().into()]).await?;
    let sql = "SELECT id FROM key_grant WHERE key_id = $1 AND node = $2";
    let mut mine = Vec::new();
    for row in all(conn, sql, [key.into(), asker.node.into()]).await? {
        let id: String = row.try_get("", "id")?;
        match id.parse().ok().filter(|grant| known.contains(grant)) {
            Some(grant) => mine.push(grant),
            None => {
                exec(conn, "DELETE FROM key_grant WHERE id = $1", [id.into()]).await?;
            }
        }
    }
    Ok(mine)
}

async fn reduce<C: ConnectionTrait>(conn: &C, grant: GrantId, by: Amount) -> Result<(), DbErr> {
    let sql = "UPDATE key_grant SET granted = granted - $2 WHERE id = $1 AND granted - spent >= $2";
    exec(conn, sql, [grant.to_string().into(), by.nanos().into()]).await?;
    Ok(())
}

/// Asks other nodes for what their calls do not hold. False when they have nothing to give.
///
/// Row by row, outside any transaction: it may be lost, and it never waits for two locks.
async fn recall(db: &Db, node: &str, key: &str, span: Span) -> Result<bool, DbErr> {
    let sql = "SELECT id FROM key_grant WHERE key_id = $1 AND period = $2 AND period_start = $3 AND node <> $4
                   AND held < granted - spent";
    let values = [
        key.into(),
        span.period.id().into(),
        span.start.into(),
        node.into(),
    ];
    let rows = all(db.write(), sql, values).await?;
    for row in &rows {
        let id: String = row.try_get("", "id")?;
        let sql = "UPDATE key_grant SET recall = 1 WHERE id = $1";
        exec(db.write(), sql, [id.into()]).await?;
    }
    Ok(!rows.is_empty())
}

/// The grants of this node that another one wants.
pub(super) async fn recalled(db: &Db, node: &str) -> Result<Vec<(KeyId, GrantId)>, DbErr> {
    let sql = "SELECT key_id, id FROM key_grant WHERE node = $1 AND recall = 1";
    let broken = |_| DbErr::Type("key_grant holds something that is not an id".to_owned());
    all(db.read(), sql, [node.into()])
        .await?
        .iter()
        .map(|row| {
            let key: String = row.try_get("", "key_id")?;
            let grant: String = row.try_get("", "id")?;
            Ok((key.parse().map_err(broken)?, grant.parse().map_err(broken)?))
        })
        .collect()
}

/// Gives back what is free, and says what is held.
pub(super) async fn give_back(db: &Db, grant: GrantId, used: Use) -> Result<(), DbErr> {
    let sql = "UPDATE key_grant SET granted = granted - $2, held = $3, recall = 0
               WHERE id = $1 AND granted - spent >= $2";
    let values = [
        grant.to_string().into(),
        used.free.nanos().into(),
        used.held.nanos().into(),
    ];
    exec(db.write(), sql, values).await?;
    Ok(())
}

/// Says that the node lives and what its calls hold. False when the grant is no longer this node's.
pub(super) async fn beat(db: &Db, grant: GrantId, held: Amount) -> Result<bool, DbErr> {
    let sql = format!(
        "UPDATE key_grant SET held = $2, expires_at = {} + $3 WHERE id = $1",
        db_now(db.write())
    );
    let values = [
        grant.to_string().into(),
        held.nanos().into(),
        lifetime().into(),
    ];
    Ok(exec(db.write(), &sql, values).await?.rows_affected() == 1)
}

/// Gives back everything that was not spent. What was spent stays in the sum of the key's calls.
pub(super) async fn close(db: &Db, grant: GrantId) -> Result<(), DbErr> {
    let sql = "DELETE FROM key_grant WHERE id = $1";
    exec(db.write(), sql, [grant.to_string().into()]).await?;
    Ok(())
}

/// Takes back the grants of nodes that are silent, and answers how many there were.
///
/// `all_are_dead` is for SQLite's `serve`, which proves by the file lock that no other server lives.
pub(super) async fn reclaim(db: &Db, all_are_dead: bool) -> Result<u64, DbErr> {
    let overdue = if all_are_dead {
        String::new()
    } else {
        format!(" WHERE expires_at <= {}", db_now(db.write()))
    };
    let sql = format!("DELETE FROM key_grant{overdue}");
    Ok(exec(db.write(), &sql, []).await?.rows_affected())
}

/// Milliseconds from a heartbeat until anybody may take the grant back.
fn lifetime() -> i64 {
    i64::try_from((TTL + GRACE).as_millis()).unwrap_or(i64::MAX)
}
