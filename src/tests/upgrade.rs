//! Does what the version before left behind survive this one? Databases that binaries of earlier versions really filled
//! (`scripts/make-upgrade-fixture.sh`) go up, down to where they came from, and up again: the ledger holds, and every
//! figure at the top of the fixture is what it was.
//!
//! On the level of the database: an installation's key files are not in a fixture, so nobody signs in or calls here.

use std::collections::BTreeMap;

use domain::ids::{CallId, KeyId, PriceId, WorkspaceId};
use domain::{Amount, Ending, Price, PricePerMtok, Rule, Usage};
use farebox::database::applied;
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};
use server::calls::CallRecord;
use server::clock::Clock;
use server::db::Db;
use server::ids::NewId;
use server::ledger::{Ledger, LedgerConfig};

use crate::binary::live_leases;
use crate::postgres::Scratch;

/// By the newest migration that they have, oldest first. A new version adds its own; none is taken away.
const SQLITE: [(&str, &str); 3] = [
    ("m016", include_str!("fixtures/upgrade/sqlite-m016.sql")),
    ("m021", include_str!("fixtures/upgrade/sqlite-m021.sql")),
    ("m025", include_str!("fixtures/upgrade/sqlite-m025.sql")),
];
const POSTGRES: [(&str, &str); 3] = [
    ("m016", include_str!("fixtures/upgrade/postgres-m016.sql")),
    ("m021", include_str!("fixtures/upgrade/postgres-m021.sql")),
    ("m025", include_str!("fixtures/upgrade/postgres-m025.sql")),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    for (version, dump) in SQLITE {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("old.db").display());
        survives(version, &url, dump).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("old.db").display());
    keeps_what_proves_charges(&url, SQLITE[1].1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    for (version, dump) in POSTGRES {
        let Some(scratch) = Scratch::create().await else {
            eprintln!("skipped: TEST_POSTGRES_URL is not set");
            return;
        };
        survives(version, &scratch.url(), dump).await;
    }
    if let Some(scratch) = Scratch::create().await {
        keeps_what_proves_charges(&scratch.url(), POSTGRES[1].1).await;
    }
}

/// Calls were charged by prices that versions before m019 know nothing of: nobody goes back there, and nothing is lost by
/// the attempt.
async fn keeps_what_proves_charges(url: &str, dump: &str) {
    let db = loaded(url, dump).await;
    let figures = Figure::all(dump);
    let by_variants = figures
        .iter()
        .find(|figure| figure.name == "calls_by_variants");
    assert!(by_variants.is_some_and(|figure| figure.value > 0));
    Migrator::up(db.write(), None).await.unwrap();
    let refused = Migrator::down(db.write(), None).await.unwrap_err();
    assert!(
        matches!(&refused, DbErr::Migration(why) if why.contains("could not be proved")),
        "{refused}"
    );
    let left = applied(&db).await.unwrap();
    assert!(left.iter().any(|name| name.starts_with("m019")), "{left:?}");
    agree(&db, &figures, "after the attempt").await;
    Migrator::up(db.write(), None).await.unwrap();
    agree(&db, &figures, "gone up again").await;
    holds(&db, "after the attempt").await;
    let price = "UPDATE price SET output = 0";
    let frozen = db.write().execute_unprepared(price).await;
    assert!(frozen.is_err(), "prices cannot be changed, as before");
}

async fn survives(version: &str, url: &str, dump: &str) {
    let db = loaded(url, dump).await;
    let figures = Figure::all(dump);
    assert!(
        figures.len() >= 20,
        "{version}: a fixture says what is in it"
    );
    let old = applied(&db).await.unwrap();
    assert!(
        old.last().unwrap().starts_with(version),
        "{version}: {old:?}"
    );
    let rows = all_rows(&db).await;
    let full = rows.values().filter(|rows| !rows.is_empty()).count();
    assert!(full > 25, "{version}: only {full} tables with rows");
    agree(&db, &figures, &format!("{version} as it was")).await;

    Migrator::up(db.write(), None).await.unwrap();
    agree(&db, &figures, &format!("{version} gone up")).await;
    holds(&db, version).await;
    let up = all_rows(&db).await;
    for (table, before) in &rows {
        let after = up.get(table).map_or(before.len(), Vec::len);
        assert!(
            after >= before.len(),
            "{version}: {table} lost rows on the way up"
        );
    }

    // As many steps as there were up: what is left is the version that it came from, row by row.
    let steps = u32::try_from(Migrator::migrations().len() - old.len()).unwrap();
    Migrator::down(db.write(), Some(steps)).await.unwrap();
    assert_eq!(applied(&db).await.unwrap(), old, "{version}: down");
    agree(&db, &figures, &format!("{version} gone down again")).await;
    let down = all_rows(&db).await;
    assert!(down.keys().eq(rows.keys()), "{version}: {:?}", down.keys());
    for (table, before) in &rows {
        assert_eq!(&down[table], before, "{version}: {table} after up and down");
    }

    Migrator::up(db.write(), None).await.unwrap();
    agree(&db, &figures, &format!("{version} gone up twice")).await;
    holds(&db, version).await;
    goes_on(&db, version).await;
}

/// A database with the fixture in it, on connections that the load has not touched.
async fn loaded(url: &str, dump: &str) -> Db {
    let db = Db::connect_for_migrations(url).await.unwrap();
    db.write().execute_unprepared(dump).await.unwrap();
    db.write().clone().close().await.unwrap();
    Db::connect_for_migrations(url).await.unwrap()
}

/// A line at the top of a fixture: `-- figure NAME = VALUE: SQL`.
struct Figure<'a> {
    name: &'a str,
    value: i64,
    sql: &'a str,
}

impl<'a> Figure<'a> {
    fn all(dump: &'a str) -> Vec<Self> {
        let lines = dump
            .lines()
            .filter_map(|line| line.strip_prefix("-- figure "));
        lines
            .map(|line| {
                let (fact, sql) = line.split_once(": ").unwrap();
                let (name, value) = fact.split_once(" = ").unwrap();
                let value = value.parse().unwrap();
                Self { name, value, sql }
            })
            .collect()
    }
}

async fn agree(db: &Db, figures: &[Figure<'_>], when: &str) {
    for figure in figures {
        let sql = format!("SELECT CAST(({}) AS BIGINT) AS n", figure.sql);
        let rows = query(db, &sql).await;
        let value: i64 = rows[0].try_get("", "n").unwrap();
        assert_eq!(value, figure.value, "{when}: {}", figure.name);
    }
}

async fn holds(db: &Db, version: &str) {
    let report = server::ledger::verify(db).await.unwrap();
    let wrong: Vec<_> = report.checks.iter().filter(|check| !check.holds).collect();
    assert!(
        wrong.is_empty(),
        "{version}: the ledger is violated: {wrong:#?}"
    );
}

/// The next server takes the crashed one's lease back, and somebody's credit from back then pays for a call of today.
async fn goes_on(db: &Db, version: &str) {
    let ledger = Ledger::new(db.clone(), Clock::system(), LedgerConfig::default());
    assert!(live_leases(db).await > 0, "{version}: it did not crash");
    ledger.reclaim_predecessors().await.unwrap();
    assert_eq!(live_leases(db).await, 0, "{version}");
    let row = &query(
        db,
        "SELECT workspace_id, posted FROM book WHERE kind = 'wallet' ORDER BY posted DESC LIMIT 1",
    )
    .await[0];
    let workspace: WorkspaceId = text(row, "workspace_id").parse().unwrap();
    let before: i64 = row.try_get("", "posted").unwrap();
    ledger.start();
    let record = call(db, workspace).await;
    let cost = record.cost;
    let hold = ledger.hold(workspace, cost).await.unwrap();
    assert_eq!(hold.settle(record).await.unwrap(), cost);
    ledger.shutdown().await;
    let after = ledger.balance(workspace).await.unwrap().unwrap().posted;
    assert_eq!(after.nanos(), before - cost.nanos(), "{version}");
    holds(db, version).await;
}

/// A thousand answer tokens at a price of back then.
async fn call(db: &Db, workspace: WorkspaceId) -> CallRecord {
    let sql = "SELECT id, model_id, input, cached_input, output FROM price WHERE output > 1000 ORDER BY id LIMIT 1";
    let row = &query(db, sql).await[0];
    let micro_usd = |name: &str| {
        let number: i64 = row.try_get("", name).unwrap();
        PricePerMtok::from_micro_usd(number).unwrap()
    };
    let price = Price::of(
        micro_usd("input"),
        micro_usd("cached_input"),
        micro_usd("output"),
    );
    let usage = Usage {
        output: 1_000,
        ..Usage::default()
    };
    let cost = price.charge(&usage).unwrap();
    assert!(cost > Amount::ZERO);
    CallRecord {
        id: CallId::new(),
        workspace,
        key: KeyId::new(),
        model: text(row, "model_id"),
        price: text(row, "id").parse::<PriceId>().unwrap(),
        ending: Ending::Finished,
        rule: Rule::Reported,
        status: 200,
        streamed: false,
        usage,
        cost,
        first_byte_ms: None,
        duration_ms: 1,
        created_at: Clock::system().now_ms(),
        attempts: Vec::new(),
    }
}

/// Every row of every table as sorted text, but for the migrations' own.
async fn all_rows(db: &Db) -> BTreeMap<String, Vec<String>> {
    let postgres = db.backend() == DbBackend::Postgres;
    let sql = if postgres {
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns
         WHERE table_schema = current_schema() ORDER BY table_name, column_name"
    } else {
        "SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.name"
    };
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in query(db, sql).await {
        // By name and not by place: a table that was made anew may have them in another order.
        let quoted = if postgres {
            format!("quote_nullable(\"{}\")", text(&row, "c"))
        } else {
            format!("quote(\"{}\")", text(&row, "c"))
        };
        columns.entry(text(&row, "t")).or_default().push(quoted);
    }
    columns.remove("seaql_migrations");
    let mut tables = BTreeMap::new();
    for (table, columns) in columns {
        let sql = format!(
            "SELECT {} AS line FROM \"{table}\"",
            columns.join(" || ', ' || ")
        );
        let mut lines: Vec<String> = query(db, &sql)
            .await
            .iter()
            .map(|row| text(row, "line"))
            .collect();
        lines.sort_unstable();
        tables.insert(table, lines);
    }
    tables
}

async fn query(db: &Db, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(db.backend(), sql);
    db.read().query_all_raw(statement).await.unwrap()
}

fn text(row: &QueryResult, column: &str) -> String {
    row.try_get("", column).unwrap()
}
