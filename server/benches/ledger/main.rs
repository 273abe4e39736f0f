//! How fast is the ledger, and how near to the limit of its database? `cargo bench --bench ledger`, or as a part of
//! `make bench`. PostgreSQL takes part when `TEST_POSTGRES_URL` names a server (`scripts/with-postgres.sh` makes one).
//!
//! 256 callers hold and settle as production does, on one hot wallet and on 10,000. In the same run one connection inserts
//! the same rows in batches of 256, without any ledger: that is the limit, and the ratio is what counts. It is measured
//! twice: with all rows that settling inserts, and with the calls' rows alone, as somebody would who only counts.
//! Every scenario has a database of its own, and the ledger is proved after each.
//!
//! `FAREBOX_BENCH_SECONDS` is how long each measures (5), and `FAREBOX_BENCH_ONLY` leaves only `sqlite` or `postgres`.
//! Without `--bench` (as `cargo test --benches` starts it) it only shows that it works, in a second.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod bank;
mod plain;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::Amount;
use sea_orm::{ConnectionTrait, Statement};
use server::db::Db;
use server::ledger::{HoldError, Ledger};
use tokio::task::JoinSet;

use bank::{Bank, Place};
use plain::{Rows, plain_inserts};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Callers that settle at the same time.
const SETTLERS: usize = 256;
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
        "| database | wallets | settles/s | ms each waits | µs of CPU each | leases/s before | plain/s, all rows | ratio | target | plain/s, calls alone | ratio |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let only = std::env::var("FAREBOX_BENCH_ONLY").unwrap_or_default();
    places.retain(|place| place.word().starts_with(&only));
    for place in &places {
        for (wallets, target) in [(1, RATIOS.0), (size.wallets, RATIOS.1)] {
            let plain = plain_inserts(place, wallets, Rows::All, size.measured).await;
            let calls = plain_inserts(place, wallets, Rows::OfCalls, size.measured).await;
            let run = settles(place, wallets, size).await;
            let wait_us = run.taken.as_micros() * SETTLERS as u128 / u128::from(run.settled.max(1));
            println!(
                "| {} | {wallets} | {} | {} | {} | {} | {plain} | {} % | {target} % | {calls} | {} % |",
                place.name().await,
                run.rate(),
                tenths(wait_us / 100),
                run.cpu_us.map_or("?".to_owned(), |cpu| {
                    tenths(cpu * 10 / u128::from(run.settled.max(1)))
                }),
                run.leases,
                run.rate() * 100 / plain.max(1),
                run.rate() * 100 / calls.max(1),
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
