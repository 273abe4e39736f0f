//! How fast is the ledger, and how near to the limit of its database? `cargo bench --bench ledger`, or as a part of
//! `make bench`. PostgreSQL takes part when `TEST_POSTGRES_URL` names a server (`scripts/with-postgres.sh` makes one).
//!
//! 256 callers hold and settle as production does, on one hot wallet and on 10,000; in the same run one connection
//! inserts the same rows of calls, of as many wallets and leases, in batches of 256, without any ledger: that is the limit, and the
//! ratio is what counts.
//! Every scenario has a database of its own, and the ledger is proved after each.
//!
//! `FAREBOX_BENCH_SECONDS` is how long each measures (5), and
//! `FAREBOX_BENCH_ONLY` leaves only `sqlite` or `postgres`. Without `--bench` (as `cargo test --benches` starts it) it only
//! shows that it works, in a second.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::ids::{CallId, KeyId, LeaseId, PriceId, UpstreamId, WorkspaceId};
use domain::{Amount, Ending, PricePerMtok, Rule, Usage};
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use server::calls::{Attempt, CallRecord, Outcome};
use server::catalog::{Catalog, NewModel, NewPrice};
use server::clock::Clock;
use server::db::Db;
use server::ids::NewId;
use server::ledger::{HoldError, Ledger, LedgerConfig, open_wallet, verify};
use server::upstreams::SANDBOX_URL;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Callers that settle at the same time.
const SETTLERS: usize = 256;
/// Rows of one plain insert: as many as the ledger's writer puts into one commit.
const BATCH: usize = 256;
/// On SQLite a statement of more rows is no quicker, for the ledger as well.
const SQLITE_ROWS: usize = 32;
/// In every wallet: more than any run can spend.
const CREDIT: i64 = 1_000_000_000_000;
/// One nano-dollar per answer token, so a call of a thousand tokens costs a thousand.
const NANO_A_TOKEN: i64 = 1_000;
const COST: u64 = 1_000;
/// What a call holds; its cost is a part of it, as ceilings are in real life.
const HELD: Amount = Amount::from_nanos(4_000);
/// The targets: nanoseconds of a hold, and per cent of the plain rate for one wallet and for many.
const HOLD_NS: u128 = 2_000;
const RATIOS: (u128, u128) = (60, 30);

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    wallets: usize,
    measured: Duration,
    holds: u32,
}

fn size() -> Size {
    let seconds = std::env::var("FAREBOX_BENCH_SECONDS").ok();
    let seconds = seconds.map_or(5, |text| text.parse().expect("whole seconds"));
    if std::env::args().any(|word| word == "--bench") {
        Size {
            wallets: 10_000,
            measured: Duration::from_secs(seconds),
            holds: 1_000_000,
        }
    } else {
        Size {
            wallets: 50,
            measured: Duration::from_millis(100),
            holds: 1_000,
        }
    }
}

#[tokio::main]
async fn main() {
    let size = size();
    // Inside the target folder, which is on a disk: a temporary folder may be memory, and sync nothing.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut places = vec![Place::Sqlite(folder)];
    match std::env::var("TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => places.push(Place::Postgres(url)),
        _ => println!("PostgreSQL is left out: TEST_POSTGRES_URL is not set\n"),
    }
    hold_alone(&places[0], size).await;
    println!(
        "| database | wallets | settles/s | ms each waits | µs of CPU each | leases/s before | plain inserts/s | ratio | target |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let only = std::env::var("FAREBOX_BENCH_ONLY").unwrap_or_default();
    places.retain(|place| place.word().starts_with(&only));
    for place in &places {
        for (wallets, target) in [(1, RATIOS.0), (size.wallets, RATIOS.1)] {
            let plain = plain_inserts(place, wallets, size).await;
            let run = settles(place, wallets, size).await;
            let wait_us = run.taken.as_micros() * SETTLERS as u128 / u128::from(run.settled.max(1));
            println!(
                "| {} | {wallets} | {} | {} | {} | {} | {plain} | {} % | {target} % |",
                place.name().await,
                run.rate(),
                tenths(wait_us / 100),
                run.cpu_us.map_or("?".to_owned(), |cpu| {
                    tenths(cpu * 10 / u128::from(run.settled.max(1)))
                }),
                run.leases,
                run.rate() * 100 / plain.max(1),
            );
            if run.refused > 0 {
                println!("{} hold(s) were refused for want of time", run.refused);
            }
        }
    }
    println!(
        "\nCPU is the whole process: on SQLite the database's too. Leases are taken before the measuring begins.\n\
         `ledger verify` held after every scenario."
    );
}

/// So many tenths, with one digit after the point.
fn tenths(tenths: u128) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Where databases are made.
enum Place {
    Sqlite(TempDir),
    Postgres(String),
}

static NUMBER: AtomicUsize = AtomicUsize::new(0);

impl Place {
    fn word(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// A migrated database of its own.
    async fn database(&self) -> Db {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let url = match self {
            Self::Sqlite(folder) => {
                format!(
                    "sqlite:{}",
                    folder.path().join(format!("{number}.db")).display()
                )
            }
            Self::Postgres(server) => {
                let name = format!("fb_bench_{}_{number}", std::process::id());
                let db = Db::connect(server).await.unwrap();
                run(&db, &format!("CREATE DATABASE {name}")).await;
                let (base, _) = server.rsplit_once('/').expect("an address with a database");
                format!("{base}/{name}")
            }
        };
        let db = Db::connect(&url).await.unwrap();
        Migrator::up(db.write(), None).await.unwrap();
        db
    }

    /// Its name, with what decides about its speed.
    async fn name(&self) -> String {
        let Self::Postgres(server) = self else {
            return "SQLite (synchronous FULL)".to_owned();
        };
        let db = Db::connect(server).await.unwrap();
        let statement = Statement::from_string(db.backend(), "SHOW fsync");
        let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
        let fsync: String = row.try_get("", "fsync").unwrap();
        format!("PostgreSQL (fsync {fsync})")
    }

    /// Databases of a server outlive their connections.
    async fn drop_database(&self, db: Db) {
        if let Self::Postgres(server) = self {
            let sql = "SELECT current_database() AS name";
            let statement = Statement::from_string(db.backend(), sql);
            let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
            let name: String = row.try_get("", "name").unwrap();
            let server = Db::connect(server).await.unwrap();
            run(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

async fn run(db: &Db, sql: &str) {
    db.write().execute_unprepared(sql).await.unwrap();
}

/// A database with one model at a price, and wallets with credit.
struct Bank {
    db: Db,
    wallets: Vec<WorkspaceId>,
    price: PriceId,
    upstream: UpstreamId,
}

impl Bank {
    async fn open(place: &Place, wallets: usize) -> Self {
        let db = place.database().await;
        let clock = Clock::system();
        let upstream = UpstreamId::new();
        let sql = format!(
            "INSERT INTO upstream (id, name, dialect, base_url, created_at) VALUES ('{upstream}', 'u', 'openai', '{SANDBOX_URL}', 0)"
        );
        run(&db, &sql).await;
        let model = NewModel {
            id: "m".into(),
            upstream: "u".into(),
            upstream_model: None,
            price: NewPrice {
                output: PricePerMtok::from_micro_usd(NANO_A_TOKEN).unwrap(),
                ..NewPrice::default()
            },
            context: 1_000,
        };
        let catalog = Catalog::new(db.clone(), clock.clone());
        let price = catalog.create_model(model).await.unwrap().price_version;
        let wallets: Vec<WorkspaceId> = (0..wallets).map(|_| WorkspaceId::new()).collect();
        let tx = db.begin().await.unwrap();
        for wallet in &wallets {
            open_wallet(&tx, *wallet, clock.now_ms()).await.unwrap();
        }
        // As the ledger's own grants are, but all of them in two statements.
        for sql in [
            format!(
                "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, note, created_at)
                 SELECT 'grant:' || w.workspace_id, 0, a.id, w.id, 'USD', {CREDIT}, 'adjustment', 'a benchmark', 0
                 FROM book w JOIN book a ON a.kind = 'adjustment' WHERE w.kind = 'wallet' ORDER BY w.id"
            ),
            format!(
                "INSERT INTO lot (book_id, kind, original, remaining, txn_id, created_at)
                 SELECT id, 'adjustment', {CREDIT}, {CREDIT}, 'grant:' || workspace_id, 0 FROM book WHERE kind = 'wallet' ORDER BY id"
            ),
        ] {
            tx.execute_unprepared(&sql).await.unwrap();
        }
        tx.commit().await.unwrap();
        Self {
            db,
            wallets,
            price,
            upstream,
        }
    }

    /// A running ledger. Nothing goes back while it is measured.
    fn ledger(&self) -> Ledger {
        let config = LedgerConfig {
            idle_return: Duration::from_secs(3600),
            ..LedgerConfig::default()
        };
        let ledger = Ledger::new(self.db.clone(), Clock::system(), config);
        ledger.start();
        ledger
    }

    fn call(&self, wallet: WorkspaceId) -> CallRecord {
        let usage = Usage {
            output: COST,
            ..Usage::default()
        };
        CallRecord {
            id: CallId::new(),
            workspace: wallet,
            key: KeyId::new(),
            model: "m".into(),
            price: self.price,
            ending: Ending::Finished,
            rule: Rule::Reported,
            status: 200,
            streamed: false,
            usage,
            cost: Amount::from_nanos(i64::try_from(COST).unwrap()),
            first_byte_ms: Some(1),
            duration_ms: 2,
            created_at: Clock::system().now_ms(),
            attempts: vec![Attempt {
                upstream: self.upstream,
                outcome: Outcome::Answered,
                status: Some(200),
                duration_ms: 2,
            }],
        }
    }

    /// As a database is that has run for a while: PostgreSQL looks at its tables once a minute, and plans by what it saw.
    async fn settle_down(&self) {
        run(&self.db, "ANALYZE").await;
    }

    async fn proved(&self) {
        let report = verify(&self.db).await.unwrap();
        assert!(report.holds(), "the ledger is violated: {report:#?}");
    }
}

/// Hold and release in memory: what a call costs before its upstream.
async fn hold_alone(place: &Place, size: Size) {
    let bank = Bank::open(place, 1).await;
    let ledger = bank.ledger();
    let (wallet, one) = (bank.wallets[0], Amount::from_nanos(1));
    // The first one takes the lease.
    ledger.hold(wallet, one).await.unwrap().release();
    let begun = Instant::now();
    for _ in 0..size.holds {
        ledger.hold(wallet, one).await.unwrap().release();
    }
    let ns = begun.elapsed().as_nanos() / u128::from(size.holds);
    println!("hold and release, from a lease in memory: {ns} ns (target: {HOLD_NS} ns at most)\n");
    ledger.shutdown().await;
    bank.proved().await;
}

/// What one scenario came to.
struct Settled {
    settled: u64,
    /// Holds that were not had in time.
    refused: u64,
    taken: Duration,
    /// Of the process, while it was measured; `None` where the system does not say.
    cpu_us: Option<u128>,
    /// First holds per second, each of which asks the database for a lease.
    leases: u128,
}

impl Settled {
    fn rate(&self) -> u128 {
        per_second(u128::from(self.settled), self.taken)
    }
}

fn per_second(count: u128, taken: Duration) -> u128 {
    count * 1_000_000 / taken.as_micros().max(1)
}

async fn settles(place: &Place, wallets: usize, size: Size) -> Settled {
    let bank = Arc::new(Bank::open(place, wallets).await);
    let ledger = bank.ledger();
    let leases = first_holds(&bank, &ledger).await;
    bank.settle_down().await;
    let (cpu, begun) = (cpu_us(), Instant::now());
    let until = begun + size.measured;
    let mut settlers = JoinSet::new();
    for settler in 0..SETTLERS {
        let (bank, ledger) = (bank.clone(), ledger.clone());
        settlers.spawn(async move {
            let (mut settled, mut refused) = (0_u64, 0_u64);
            // Each begins elsewhere, and goes round.
            let mut at = settler * bank.wallets.len() / SETTLERS;
            while Instant::now() < until {
                let wallet = bank.wallets[at % bank.wallets.len()];
                at += 1;
                match ledger.hold(wallet, HELD).await {
                    Ok(hold) => {
                        hold.settle(bank.call(wallet)).await.unwrap();
                        settled += 1;
                    }
                    // Too slow for a caller's patience, never for want of money.
                    Err(error) => {
                        assert!(!matches!(error, HoldError::Insufficient { .. }), "{error}");
                        refused += 1;
                    }
                }
            }
            (settled, refused)
        });
    }
    let ends = settlers.join_all().await.into_iter();
    let (settled, refused) = ends.fold((0, 0), |(settled, refused), end| {
        (settled + end.0, refused + end.1)
    });
    let taken = begun.elapsed();
    let cpu_us = cpu_us().zip(cpu).map(|(after, before)| after - before);
    ledger.shutdown().await;
    bank.proved().await;
    let calls = count(&bank.db, "SELECT count(*) AS n FROM call").await;
    assert_eq!(
        u64::try_from(calls).unwrap(),
        settled,
        "rows and settled calls"
    );
    place.drop_database(bank.db.clone()).await;
    Settled {
        settled,
        refused,
        taken,
        cpu_us,
        leases,
    }
}

/// Takes the first lease of every wallet; answers how many per second.
async fn first_holds(bank: &Arc<Bank>, ledger: &Ledger) -> u128 {
    let (begun, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut holders = JoinSet::new();
    for _ in 0..SETTLERS.min(bank.wallets.len()) {
        let (bank, ledger, next) = (bank.clone(), ledger.clone(), next.clone());
        holders.spawn(async move {
            while let Some(wallet) = bank.wallets.get(next.fetch_add(1, Ordering::Relaxed)) {
                ledger.hold(*wallet, HELD).await.unwrap().release();
            }
        });
    }
    holders.join_all().await;
    per_second(bank.wallets.len() as u128, begun.elapsed())
}

/// The limit: the same rows, in batches, on one connection, and nothing else. Rows per second.
async fn plain_inserts(place: &Place, wallets: usize, size: Size) -> u128 {
    let bank = Bank::open(place, wallets).await;
    let backend = bank.db.backend();
    let rows_a_statement = match backend {
        DbBackend::Sqlite => SQLITE_ROWS,
        _ => BATCH,
    };
    let calls = insert_sql(backend, CALL, 29, rows_a_statement);
    let attempts = insert_sql(backend, ATTEMPT, 6, rows_a_statement);
    bank.settle_down().await;
    // The settled rows name the leases of their wallets: values that come again are dearer to index than new ones.
    let leases: Vec<String> = (0..wallets).map(|_| LeaseId::new().to_string()).collect();
    let begun = Instant::now();
    let mut rows = 0_usize;
    while begun.elapsed() < size.measured {
        let mut flushes = HashMap::new();
        // As the settlers go round.
        let batch: Vec<Row> = (0..BATCH)
            .map(|settler| {
                let at = (settler * wallets / BATCH + rows / BATCH) % wallets;
                let call = bank.call(bank.wallets[at]);
                let flush = flushes.entry(at).or_insert_with(|| flush_name(&call));
                Row {
                    flush: flush.clone(),
                    lease: leases[at].clone(),
                    call,
                }
            })
            .collect();
        let tx = bank.db.begin().await.unwrap();
        for some in batch.chunks(rows_a_statement) {
            let values = some.iter().flat_map(call_values);
            let statement = Statement::from_sql_and_values(backend, &calls, values);
            tx.execute_raw(statement).await.unwrap();
            let values = some.iter().flat_map(|row| attempt_values(&row.call));
            let statement = Statement::from_sql_and_values(backend, &attempts, values);
            tx.execute_raw(statement).await.unwrap();
        }
        tx.commit().await.unwrap();
        rows += BATCH;
    }
    let rate = per_second(rows as u128, begun.elapsed());
    place.drop_database(bank.db).await;
    rate
}

const CALL: &str = "call (id, workspace_id, key_id, lease_id, txn_id, model, price_id, ending, rule, http_status, streamed,
    input, cached_input, output, reasoning, charge_nusd, unbilled_nusd, first_byte_ms, duration_ms, created_at,
    cache_write, cache_write_1h, audio_input, image_input, audio_output, image_output, tool_calls, units, flagged)";
const ATTEMPT: &str = "attempt (call_id, seq, upstream_id, outcome, status, duration_ms)";

/// One statement for so many rows. On SQLite places without a number are quicker.
fn insert_sql(backend: DbBackend, table: &str, columns: usize, count: usize) -> String {
    let place = |at: usize| match backend {
        DbBackend::Sqlite => "?".to_owned(),
        _ => format!("${at}"),
    };
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns)
            .map(|column| place(row * columns + column))
            .collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..count).map(row).collect();
    format!("INSERT INTO {table} VALUES {}", rows.join(", "))
}

/// What the ledger writes for a settled call.
struct Row {
    call: CallRecord,
    lease: String,
    flush: String,
}

/// As the ledger names a flush: after the first of its calls.
fn flush_name(first: &CallRecord) -> String {
    format!("flush:{}", first.id)
}

fn call_values(row: &Row) -> [Value; 29] {
    let number = |tokens: u64| Value::from(i64::try_from(tokens).unwrap());
    let call = &row.call;
    [
        call.id.to_string().into(),
        call.workspace.to_string().into(),
        call.key.to_string().into(),
        row.lease.clone().into(),
        row.flush.clone().into(),
        call.model.clone().into(),
        call.price.to_string().into(),
        call.ending.id().into(),
        call.rule.id().into(),
        i64::from(call.status).into(),
        i64::from(call.streamed).into(),
        number(call.usage.input),
        number(call.usage.cached_input),
        number(call.usage.output),
        number(call.usage.reasoning),
        call.cost.nanos().into(),
        0_i64.into(),
        call.first_byte_ms.into(),
        call.duration_ms.into(),
        call.created_at.into(),
        number(call.usage.cache_write),
        number(call.usage.cache_write_1h),
        number(call.usage.audio_input),
        number(call.usage.image_input),
        number(call.usage.audio_output),
        number(call.usage.image_output),
        number(call.usage.tool_calls),
        number(call.usage.units),
        i64::from(call.usage.flagged).into(),
    ]
}

fn attempt_values(call: &CallRecord) -> Vec<Value> {
    let of = |(seq, attempt): (usize, &Attempt)| -> [Value; 6] {
        [
            call.id.to_string().into(),
            i64::try_from(seq).unwrap().into(),
            attempt.upstream.to_string().into(),
            attempt.outcome.id().into(),
            attempt.status.map(i64::from).into(),
            attempt.duration_ms.into(),
        ]
    };
    call.attempts.iter().enumerate().flat_map(of).collect()
}

async fn count(db: &Db, sql: &str) -> i64 {
    let statement = Statement::from_string(db.backend(), sql);
    let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

/// Microseconds of CPU that this process has used so far. Linux counts them in hundredths of a second.
fn cpu_us() -> Option<u128> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may contain anything: user and system time are the 12th and the 13th word.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut ticks = rest.split(' ').skip(11).map(str::parse::<u128>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) * 10_000)
}
