//! Does the ledger hold? Each invariant is one question to one read-only moment of the database.

use domain::{Amount, Rule};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use serde::Serialize;

use super::{verify_lots, verify_orders};
use crate::calls::counted;
use crate::catalog::row;
use crate::db::{Db, all};
use crate::receipts;

/// The outcome of every check.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub checks: Vec<Check>,
}

impl Report {
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

/// One invariant.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    pub id: &'static str,
    /// What must be true, for the operator.
    pub title: &'static str,
    pub holds: bool,
    /// What breaks it: ids of wallets, leases, transfers or calls; at most a hundred.
    pub offenders: Vec<String>,
}

const OFFENDERS_MAX: usize = 100;
/// Calls recomputed per question; memory stays flat however many there are.
const PAGE: i64 = 5_000;

/// Each question names the rows that break its rule; none is the answer wanted. What adds up large tables reads each of
/// them once: asked anew for every row of another, it takes as long as the planner is wrong about them, or needs an index
/// that every call pays for.
const QUESTIONS: [(&str, &str, &str); 10] = [
    (
        "I1",
        "no wallet is below zero, or reserves more than it holds",
        "SELECT 'wallet of ' || coalesce(workspace_id, '?') || ': posted ' || posted || ', reserved ' || reserved AS offender
         FROM book WHERE kind = 'wallet' AND (posted < 0 OR reserved < 0 OR posted < reserved)",
    ),
    (
        "I2",
        "the books of each currency together sum to zero, and every transfer is between two of them, within its currency and its unit",
        "SELECT 'currency ' || currency || ': off by ' || CAST(sum(amount) AS BIGINT) AS offender FROM (
            SELECT b.currency, -t.amount AS amount FROM transfer t JOIN book b ON b.id = t.debit_id
            UNION ALL SELECT b.currency, t.amount FROM transfer t JOIN book b ON b.id = t.credit_id
         ) legs GROUP BY currency HAVING sum(amount) <> 0
         UNION ALL SELECT 'transfer ' || t.id FROM transfer t LEFT JOIN book d ON d.id = t.debit_id LEFT JOIN book c ON c.id = t.credit_id
            WHERE d.id IS NULL OR c.id IS NULL OR d.currency <> t.currency OR c.currency <> t.currency OR d.exponent <> c.exponent",
    ),
    (
        "I3",
        "every wallet's balance is what its transfers add up to",
        "SELECT 'wallet of ' || b.workspace_id || ': posted ' || b.posted || ', transfers say ' || coalesce(t.derived, 0) AS offender
         FROM book b LEFT JOIN (SELECT book, CAST(sum(amount) AS BIGINT) AS derived FROM (
            SELECT credit_id AS book, amount FROM transfer UNION ALL SELECT debit_id, -amount FROM transfer
         ) legs GROUP BY book) t ON t.book = b.id
         WHERE b.kind = 'wallet' AND b.posted <> coalesce(t.derived, 0)",
    ),
    (
        "I4",
        "what a wallet reserves is what its live leases may still spend",
        "SELECT 'wallet of ' || b.workspace_id || ': reserved ' || b.reserved || ', leases say ' || b.leased AS offender FROM (
            SELECT workspace_id, reserved, CAST(coalesce((SELECT sum(granted - spent) FROM lease
                WHERE book_id = book.id AND state IN ('active', 'draining')), 0) AS BIGINT) AS leased
            FROM book WHERE kind = 'wallet'
         ) b WHERE b.reserved <> b.leased",
    ),
    (
        "I5",
        "every wallet's balance is what remains in its lots, and every lot lost what was taken from it",
        "SELECT 'wallet of ' || b.workspace_id || ': posted ' || b.posted || ', lots say ' || coalesce(l.left_over, 0) AS offender
         FROM book b LEFT JOIN (SELECT book_id, CAST(sum(remaining) AS BIGINT) AS left_over FROM lot GROUP BY book_id) l
            ON l.book_id = b.id
         WHERE b.kind = 'wallet' AND b.posted <> coalesce(l.left_over, 0)
         UNION ALL SELECT 'lot ' || l.id FROM lot l LEFT JOIN (
            SELECT p.lot_id, CAST(sum(CASE WHEN t.credit_id = o.book_id THEN -p.amount ELSE p.amount END) AS BIGINT) AS taken
            FROM lot_part p JOIN transfer t ON t.id = p.transfer_id JOIN lot o ON o.id = p.lot_id GROUP BY p.lot_id
         ) p ON p.lot_id = l.id WHERE l.original - l.remaining <> coalesce(p.taken, 0)
         UNION ALL SELECT 'part of transfer ' || p.transfer_id || ' and lot ' || p.lot_id FROM lot_part p
            LEFT JOIN transfer t ON t.id = p.transfer_id LEFT JOIN lot l ON l.id = p.lot_id WHERE t.id IS NULL OR l.id IS NULL",
    ),
    (
        "I5b",
        "every given portion of credit was opened by one transfer of its kind, of its amount, out of that kind's book",
        "SELECT 'lot ' || l.id AS offender FROM lot l
         LEFT JOIN transfer t ON t.txn_id = l.txn_id AND t.credit_id = l.book_id
         LEFT JOIN book d ON d.id = t.debit_id
         WHERE l.kind IN ('bonus', 'adjustment')
            AND (t.id IS NULL OR t.amount <> l.original OR t.code <> l.kind OR d.kind <> l.kind)",
    ),
    (
        "I6",
        "the calls of every usage transfer add up to it, and those of every lease to what it spent",
        "SELECT 'transfer ' || coalesce(t.txn_id, c.txn_id, '?') || ': ' || coalesce(t.amount, 0) || ', calls say ' || coalesce(c.charged, 0)
            AS offender
         FROM (SELECT txn_id, amount FROM transfer WHERE code = 'usage') t
         FULL OUTER JOIN (SELECT txn_id, CAST(sum(charge_nusd + reversed_nusd) AS BIGINT) AS charged FROM call
            WHERE charge_nusd + reversed_nusd > 0 GROUP BY txn_id) c ON c.txn_id = t.txn_id
         WHERE coalesce(t.amount, 0) <> coalesce(c.charged, 0) OR (c.txn_id IS NULL AND c.charged IS NOT NULL)
         UNION ALL SELECT 'lease ' || l.id || ': spent ' || l.spent || ', calls say ' || coalesce(c.charged, 0) FROM lease l
         LEFT JOIN (SELECT lease_id, CAST(sum(charge_nusd + reversed_nusd) AS BIGINT) AS charged FROM call
            WHERE lease_id IS NOT NULL GROUP BY lease_id) c ON c.lease_id = l.id
         WHERE l.spent <> coalesce(c.charged, 0)",
    ),
    (
        "I6b",
        "what calls left unbilled is booked as the operator's loss",
        "SELECT 'transfer ' || coalesce(t.txn_id, c.txn_id, '?') || ': ' || coalesce(t.amount, 0) || ', calls say ' || coalesce(c.lost, 0)
            AS offender
         FROM (SELECT txn_id, amount FROM transfer WHERE code = 'unbilled') t
         FULL OUTER JOIN (SELECT txn_id, CAST(sum(unbilled_nusd) AS BIGINT) AS lost FROM call
            WHERE unbilled_nusd > 0 GROUP BY txn_id) c ON c.txn_id = t.txn_id
         WHERE coalesce(t.amount, 0) <> coalesce(c.lost, 0)",
    ),
    (
        "I6c",
        "what went back to a caller who was told that nothing is charged is one transfer for that call, of its charge",
        "SELECT 'call ' || coalesce(c.id, r.txn_id) || ': ' || coalesce(c.reversed_nusd, 0) || ', transfers say ' || coalesce(r.amount, 0)
            AS offender
         FROM (SELECT id, reversed_nusd FROM call WHERE reversed_nusd > 0) c
         FULL OUTER JOIN (SELECT txn_id, amount FROM transfer WHERE code = 'reversal') r ON r.txn_id = 'reversal:' || c.id
         WHERE coalesce(c.reversed_nusd, 0) <> coalesce(r.amount, 0)",
    ),
    // That no key spent more than its limit cannot be asked: limits change and keep no history. What can be asked is
    // whether the sums that grants are made from are true.
    (
        "K1",
        "what is counted against a key's limits is what its calls of that time cost, and no grant counts more",
        "SELECT 'key ' || s.key_id || ' per ' || s.period || ': counted ' || s.spent || ', calls say ' || s.charged AS offender FROM (
            SELECT key_id, period, spent, CAST(coalesce((SELECT sum(charge_nusd + reversed_nusd) FROM call WHERE key_id = key_spend.key_id
                AND created_at >= period_start AND created_at < period_end), 0) AS BIGINT) AS charged
            FROM key_spend
         ) s WHERE s.spent <> s.charged
         UNION ALL SELECT 'grants of key ' || g.key_id || ' per ' || g.period || ': spent ' || g.spent || ' of ' || s.spent
         FROM (SELECT key_id, period, period_start, CAST(sum(spent) AS BIGINT) AS spent FROM key_grant
            GROUP BY key_id, period, period_start) g
         JOIN key_spend s ON s.key_id = g.key_id AND s.period = g.period AND s.period_start = g.period_start
         WHERE g.spent > s.spent",
    ),
];

/// Asks every question of one moment.
///
/// # Errors
/// When the database cannot be read: then nothing is known about the ledger.
pub async fn verify(db: &Db) -> Result<Report, DbErr> {
    let moment = db.snapshot().await?;
    if db.backend() == DbBackend::Postgres {
        // The limit is for questions that somebody waits for; these read whole tables, however large.
        moment
            .execute_unprepared("SET LOCAL statement_timeout = 0")
            .await?;
    }
    let mut checks = Vec::new();
    let questions = QUESTIONS
        .into_iter()
        .chain(verify_orders::QUESTIONS)
        .chain(verify_lots::QUESTIONS)
        .chain(receipts::QUESTIONS);
    for (id, title, question) in questions {
        let sql = format!("{question} LIMIT {OFFENDERS_MAX}");
        let rows = all(&moment, &sql, []).await?;
        let offenders = rows
            .iter()
            .map(|row| row.try_get("", "offender"))
            .collect::<Result<Vec<String>, _>>()?;
        checks.push(Check {
            id,
            title,
            holds: offenders.is_empty(),
            offenders,
        });
    }
    let offenders = receipts::broken_seals(&moment).await?;
    checks.push(Check {
        id: "I10b",
        title: "every receipt is what it was when it was written",
        holds: offenders.is_empty(),
        offenders,
    });
    let offenders = receipts::wrong_orders(&moment).await?;
    checks.push(Check {
        id: "I10c",
        title: "every credited order has one receipt, of what was credited",
        holds: offenders.is_empty(),
        offenders,
    });
    let offenders = recompute_charges(&moment).await?;
    checks.push(Check {
        id: "I14",
        title: "every call's charge follows from its tokens, its price and its rule",
        holds: offenders.is_empty(),
        offenders,
    });
    moment.rollback().await?;
    Ok(Report { checks })
}

async fn recompute_charges<C: ConnectionTrait>(conn: &C) -> Result<Vec<String>, DbErr> {
    let sql = format!(
        "SELECT c.id, c.rule, c.charge_nusd, c.unbilled_nusd, c.reversed_nusd, p.prompt_from, {}, {}
         FROM call c LEFT JOIN price p ON p.id = c.price_id WHERE c.id > $1 ORDER BY c.id LIMIT $2",
        counted::COLUMNS
            .map(|column| format!("c.{column}"))
            .join(", "),
        row::columns("p")
    );
    let mut offenders = Vec::new();
    let mut after = String::new();
    loop {
        let rows = all(conn, &sql, [after.clone().into(), PAGE.into()]).await?;
        let Some(last) = rows.last() else {
            return Ok(offenders);
        };
        after = last.try_get("", "id")?;
        for row in &rows {
            if offenders.len() < OFFENDERS_MAX && !charge_follows(row)? {
                offenders.push(format!("call {}", row.try_get::<String>("", "id")?));
            }
        }
    }
}

fn charge_follows(call: &QueryResult) -> Result<bool, DbErr> {
    let number = |name: &str| call.try_get::<i64>("", name);
    let booked = ["charge_nusd", "unbilled_nusd", "reversed_nusd"]
        .into_iter()
        .map(|name| number(name).map(Amount::from_nanos))
        .collect::<Result<Vec<Amount>, DbErr>>()
        .map(Amount::sum)?;
    let Some(rule) = Rule::from_id(&call.try_get::<String>("", "rule")?) else {
        return Ok(false);
    };
    if !rule.charges() {
        return Ok(booked == Ok(Amount::ZERO));
    }
    // A call whose price version is gone cannot be proved.
    let Some(price) = row::read(call, "p")? else {
        return Ok(false);
    };
    let usage = counted::read(call)?;
    // A price for long prompts is for no other call.
    let from = u64::try_from(number("prompt_from")?).unwrap_or(u64::MAX);
    Ok(usage.prompt() >= from && price.charge(&usage) == booked)
}
