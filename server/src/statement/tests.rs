//! Facts about statements: they add up, whatever the zone, the period and the page.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::Amount;
use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use texts::format::Zone;

use super::{CallPlace, Line, Place, Statement, Statements, What};
use crate::calls::Range;
use crate::db::{Db, exec, one};
use crate::ids::NewId;
use crate::ledger::open_wallet;
use crate::testing::TestDb;

/// A wallet whose movements are written one by one, as the ledger writes them.
struct Wallet {
    db: TestDb,
    statements: Statements,
    workspace: WorkspaceId,
    book: i64,
    calls: u32,
}

impl Wallet {
    async fn open() -> Self {
        let db = crate::testing::db().await;
        let workspace = WorkspaceId::new();
        open_wallet(db.write(), workspace, 0).await.unwrap();
        let book = book(&db, "wallet").await;
        Self {
            statements: Statements::new(db.db.clone()),
            db,
            workspace,
            book,
            calls: 0,
        }
    }

    /// Moves so many nano-dollars at a moment, between the wallet and the book of another kind.
    async fn moves(&self, at: UnixMs, code: &str, nanos: i64, txn: &str) {
        let other = if code == "usage" { "revenue" } else { code };
        let other = book(&self.db, other).await;
        let (debit, credit) = if nanos > 0 {
            (other, self.book)
        } else {
            (self.book, other)
        };
        let sql = "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, note, created_at)
                   VALUES ($1, 0, $2, $3, 'USD', $4, $5, 'because', $6)";
        let values = [
            txn.into(),
            debit.into(),
            credit.into(),
            nanos.abs().into(),
            code.into(),
            at.into(),
        ];
        exec(self.db.write(), sql, values).await.unwrap();
    }

    /// One flush: a transfer and its calls, which began a second before.
    async fn uses(&mut self, at: UnixMs, nanos: &[i64]) {
        let txn = format!("flush:{at}:{}", self.calls);
        self.moves(at, "usage", -nanos.iter().sum::<i64>(), &txn)
            .await;
        for charge in nanos {
            self.calls += 1;
            let sql = "INSERT INTO call (id, workspace_id, key_id, txn_id, model, price_id, ending, rule, http_status, streamed, input,
                cached_input, output, reasoning, charge_nusd, unbilled_nusd, duration_ms, created_at)
                VALUES ($1, $2, 'k', $3, $4, 'p', 'finished', 'reported', 200, 0, 3, 2, 1, 0, $5, 7, 5, $6)";
            let model = if charge % 2 == 0 { "even" } else { "odd" };
            let id = domain::ids::CallId::new();
            let values = [
                id.to_string().into(),
                self.workspace.to_string().into(),
                txn.clone().into(),
                model.into(),
                (*charge).into(),
                (at - 1_000).into(),
            ];
            exec(self.db.write(), sql, values).await.unwrap();
        }
    }

    async fn read(&self, zone: Zone, first: &str, last: &str) -> Statement {
        let day = |text| zone.parse_day(text).unwrap();
        let range = Range::days(zone, day(first), day(last)).unwrap();
        let read = self.statements.read(self.workspace, range, zone).await;
        read.unwrap().unwrap()
    }

    /// All lines, read so many at a time, and that they add up.
    async fn lines(&self, statement: &Statement, at_once: u32) -> Vec<Line> {
        let (mut lines, mut after): (Vec<Line>, Option<Place>) = (Vec::new(), None);
        loop {
            let page = self.statements.lines(statement, after, at_once).await;
            let page = page.unwrap();
            let whole = page.len() == usize::try_from(at_once).unwrap();
            lines.extend(page);
            after = lines.last().map(|line| line.place);
            if !whole {
                break;
            }
        }
        let mut balance = statement.opening;
        for line in &lines {
            balance = balance.plus(line.amount).unwrap();
            assert_eq!(line.balance, balance, "{line:?}");
            assert!(balance >= Amount::ZERO, "{line:?}");
        }
        assert_eq!(balance, statement.closing, "{statement:?}");
        let totals = statement.totals.iter();
        let change = Amount::sum(totals.clone().map(|total| total.amount)).unwrap();
        assert_eq!(statement.opening.plus(change).unwrap(), statement.closing);
        let counted: u64 = totals.map(|total| total.lines).sum();
        assert_eq!(counted, u64::try_from(lines.len()).unwrap());
        lines
    }
}

async fn book(db: &Db, kind: &str) -> i64 {
    let row = one(
        db.read(),
        "SELECT id FROM book WHERE kind = $1",
        [kind.into()],
    )
    .await;
    row.unwrap().unwrap().try_get("", "id").unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

/// A moment in UTC: day and hour.
fn at(day: &str, hour: i64) -> UnixMs {
    Zone::UTC.parse_day(day).unwrap() + hour * 3_600_000
}

fn kinds(lines: &[Line]) -> Vec<(&str, i64, i64)> {
    let told = |line: &Line| (line.amount.nanos(), line.balance.nanos());
    lines
        .iter()
        .map(|line| (line.kind.as_str(), told(line).0, told(line).1))
        .collect()
}

#[tokio::test]
async fn nobody_has_none_and_an_empty_wallet_has_an_empty_one() {
    let wallet = Wallet::open().await;
    let statement = wallet.read(Zone::UTC, "2026-11-01", "2026-11-30").await;
    assert_eq!(
        (statement.opening, statement.closing),
        (Amount::ZERO, Amount::ZERO)
    );
    assert_eq!((statement.as_of, statement.totals.len()), (0, 0));
    assert!(wallet.lines(&statement, 10).await.is_empty());
    assert!(
        wallet
            .statements
            .parts(&statement)
            .await
            .unwrap()
            .is_empty()
    );
    let stranger = wallet
        .statements
        .read(WorkspaceId::new(), statement.range, Zone::UTC);
    assert_eq!(stranger.await.unwrap(), None);
}

#[tokio::test]
async fn usage_is_the_last_line_of_its_day_and_other_movements_have_their_own() {
    let mut wallet = Wallet::open().await;
    wallet
        .moves(at("2026-11-20", 9), "adjustment", 1_000, "grant:1")
        .await;
    wallet.uses(at("2026-11-20", 10), &[100, 23]).await;
    wallet
        .moves(at("2026-11-20", 11), "bonus", 500, "bonus:1")
        .await;
    wallet.uses(at("2026-11-20", 12), &[7]).await;
    wallet
        .moves(at("2026-11-21", 0), "adjustment", -70, "grant:2")
        .await;
    wallet.uses(at("2026-11-22", 23), &[300]).await;
    let statement = wallet.read(Zone::UTC, "2026-11-20", "2026-11-22").await;
    let lines = wallet.lines(&statement, 100).await;
    assert_eq!(
        kinds(&lines),
        [
            ("adjustment", 1_000, 1_000),
            ("bonus", 500, 1_500),
            ("usage", -130, 1_370),
            ("adjustment", -70, 1_300),
            ("usage", -300, 1_000),
        ]
    );
    let What::Usage(day) = &lines[2].what else {
        unreachable!("{:?}", lines[2])
    };
    assert_eq!((day.calls, day.tokens, day.charged.nanos()), (3, 18, 130));
    assert_eq!(
        (day.start, day.last),
        (at("2026-11-20", 0), at("2026-11-20", 12))
    );
    let totals: Vec<_> = statement
        .totals
        .iter()
        .map(|t| (t.kind.as_str(), t.amount.nanos(), t.lines))
        .collect();
    assert_eq!(
        totals,
        [
            ("adjustment", 1_000, 1),
            ("bonus", 500, 1),
            ("adjustment", -70, 1),
            ("usage", -430, 2)
        ]
    );
    // Served and not charged is told, and in no balance.
    assert_eq!(
        wallet
            .statements
            .given_away(&statement)
            .await
            .unwrap()
            .nanos(),
        4 * 7
    );
}

/// However many lines are read at once, they are the same, and calls are as well.
#[tokio::test]
async fn pages_end_anywhere() {
    let mut wallet = Wallet::open().await;
    let day = at("2026-11-01", 0);
    for step in 0..40 {
        let moment = day + step * 9 * 3_600_000;
        // Two in the same millisecond, on both sides of midnights.
        wallet
            .moves(moment, "bonus", 1_000 + step, &format!("a:{step}"))
            .await;
        wallet
            .moves(moment, "bonus", 2_000 + step, &format!("b:{step}"))
            .await;
        wallet.uses(moment, &[step + 1, 5]).await;
    }
    let statement = wallet
        .read(zone("Asia/Kathmandu"), "2026-11-02", "2026-11-12")
        .await;
    let all = wallet.lines(&statement, 1_000).await;
    assert!(all.len() > 50, "{}", all.len());
    for at_once in [1, 2, 3, 7, u32::try_from(all.len()).unwrap()] {
        assert_eq!(wallet.lines(&statement, at_once).await, all, "{at_once}");
    }
    for line in &all {
        assert_eq!(Place::parse(&line.place.to_string()), Some(line.place));
    }
    let calls = wallet
        .statements
        .calls(&statement, None, 1_000)
        .await
        .unwrap();
    let (mut one_by_one, mut after): (Vec<_>, Option<CallPlace>) = (Vec::new(), None);
    while let Some(call) = wallet
        .statements
        .calls(&statement, after.as_ref(), 1)
        .await
        .unwrap()
        .pop()
    {
        after = CallPlace::parse(&call.place.to_string());
        assert_eq!(after.as_ref(), Some(&call.place));
        one_by_one.push(call);
    }
    assert_eq!(one_by_one, calls);
    let charged = Amount::sum(calls.iter().map(|call| call.call.charge_nusd)).unwrap();
    let parts = wallet.statements.parts(&statement).await.unwrap();
    let in_parts = Amount::sum(parts.iter().map(|part| part.charged)).unwrap();
    let in_days = Amount::sum(statement.days.iter().map(|day| day.charged)).unwrap();
    assert_eq!((charged, in_parts), (in_days, in_days));
    assert!(parts.len() == 2 && parts[0].charged >= parts[1].charged);
}

/// A day is as long as the reader's clocks say, and what is at midnight belongs to the day that begins.
#[tokio::test]
async fn days_and_months_meet_without_gap_or_overlap() {
    let mut wallet = Wallet::open().await;
    wallet
        .moves(at("2025-12-31", 5), "bonus", 1_000_000, "bonus:0")
        .await;
    // Every half hour around the days on which Berlin's and New York's clocks change, and the turns of months.
    for day in [
        "2026-01-31",
        "2026-03-07",
        "2026-03-28",
        "2026-10-24",
        "2026-10-31",
        "2026-12-31",
    ] {
        for half in 0..100 {
            wallet
                .uses(at(day, 0) + half * 1_800_000, &[half + 1])
                .await;
        }
    }
    for name in [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Pacific/Kiritimati",
        "Etc/GMT+12",
    ] {
        let zone = zone(name);
        let year = wallet.read(zone, "2026-01-02", "2026-12-30").await;
        let of_year = wallet.lines(&year, 1_000).await;
        let (mut start, mut closing, mut months) = (year.range.from, year.opening, Vec::new());
        while start < year.range.to {
            let next = zone
                .parse_day(&next_month(&zone.iso_day(start)))
                .unwrap()
                .min(year.range.to);
            let range = Range {
                from: start,
                to: next,
            };
            let month = wallet
                .statements
                .read(wallet.workspace, range, zone)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(month.opening, closing, "{name} {}", zone.iso(start));
            months.extend(wallet.lines(&month, 1_000).await);
            (start, closing) = (next, month.closing);
        }
        assert_eq!(closing, year.closing, "{name}");
        assert_eq!(months, of_year, "{name}");
        for line in &of_year {
            let What::Usage(day) = &line.what else {
                continue;
            };
            assert_eq!(zone.day_start(day.start), day.start, "{name}");
            assert_eq!(zone.next_day(day.start), day.end, "{name}");
            assert!(
                day.last >= day.start && day.last < day.end,
                "{name} {day:?}"
            );
        }
    }
    // The clocks of Berlin were set back on the 25th: fifty half hours.
    let day = wallet
        .read(zone("Europe/Berlin"), "2026-10-25", "2026-10-25")
        .await;
    let halves: i64 = (44..94).map(|half| half + 1).sum();
    assert_eq!(
        (day.days[0].calls, day.days[0].charged.nanos()),
        (50, halves)
    );
}

fn next_month(day: &str) -> String {
    let (year, month) = (&day[..4], day[5..7].parse::<u32>().unwrap());
    let year: u32 = year.parse().unwrap();
    if month == 12 {
        format!("{}-01-01", year + 1)
    } else {
        format!("{year}-{:02}-01", month + 1)
    }
}

/// What is booked while somebody reads is not in what they read.
#[tokio::test]
async fn a_statement_is_of_one_moment() {
    let mut wallet = Wallet::open().await;
    wallet
        .moves(at("2026-11-20", 9), "bonus", 1_000, "bonus:1")
        .await;
    wallet.uses(at("2026-11-20", 10), &[100]).await;
    let statement = wallet.read(Zone::UTC, "2026-11-20", "2026-11-20").await;
    let (lines, calls) = (
        wallet.lines(&statement, 10).await,
        wallet.statements.calls(&statement, None, 10).await.unwrap(),
    );
    wallet
        .moves(at("2026-11-20", 9), "bonus", 50, "bonus:2")
        .await;
    wallet.uses(at("2026-11-20", 10), &[1]).await;
    assert_eq!(wallet.lines(&statement, 10).await, lines);
    assert_eq!(
        wallet.statements.calls(&statement, None, 10).await.unwrap(),
        calls
    );
    let again = wallet.read(Zone::UTC, "2026-11-20", "2026-11-20").await;
    assert_eq!(again.closing.nanos(), 949);
    assert!(again.as_of > statement.as_of);
}

#[test]
fn places_are_read_as_they_are_written_and_nothing_else() {
    for wrong in ["", "1", "1.", ".1", "1.x", "u.1", "1.2.3"] {
        assert_eq!(Place::parse(wrong), None, "{wrong}");
        assert_eq!(CallPlace::parse(wrong), None, "{wrong}");
    }
}
