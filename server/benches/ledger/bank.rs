//! Where is measured? A database with one model at a price, and wallets with credit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::ids::{CallId, KeyId, PriceId, UpstreamId, WorkspaceId};
use domain::{Amount, Ending, PricePerMtok, Rule, Usage};
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Statement};
use server::calls::{Attempt, CallRecord, Outcome};
use server::catalog::{Catalog, NewModel, NewPrice};
use server::clock::Clock;
use server::db::Db;
use server::ids::NewId;
use server::ledger::{Ledger, LedgerConfig, open_wallet, verify};
use server::upstreams::SANDBOX_URL;
use tempfile::TempDir;

/// In every wallet: more than any run can spend.
const CREDIT: i64 = 1_000_000_000_000;
/// One nano-dollar per answer token, so a call of a thousand tokens costs a thousand.
const NANO_A_TOKEN: i64 = 1_000;
const COST: u64 = 1_000;

/// Where databases are made.
pub enum Place {
    Sqlite(TempDir),
    Postgres(String),
}

static NUMBER: AtomicUsize = AtomicUsize::new(0);

impl Place {
    pub fn word(&self) -> &'static str {
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
    pub async fn name(&self) -> String {
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
    pub async fn drop_database(&self, db: Db) {
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

pub async fn run(db: &Db, sql: &str) {
    db.write().execute_unprepared(sql).await.unwrap();
}

/// A database with one model at a price, and wallets with credit.
pub struct Bank {
    pub db: Db,
    pub wallets: Vec<WorkspaceId>,
    price: PriceId,
    upstream: UpstreamId,
}

impl Bank {
    pub async fn open(place: &Place, wallets: usize) -> Self {
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
    pub fn ledger(&self) -> Ledger {
        let config = LedgerConfig {
            idle_return: Duration::from_secs(3600),
            ..LedgerConfig::default()
        };
        let ledger = Ledger::new(self.db.clone(), Clock::system(), config);
        ledger.start();
        ledger
    }

    pub fn call(&self, wallet: WorkspaceId) -> CallRecord {
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
    pub async fn settle_down(&self) {
        run(&self.db, "ANALYZE").await;
    }

    pub async fn proved(&self) {
        let report = verify(&self.db).await.unwrap();
        assert!(report.holds(), "the ledger is violated: {report:#?}");
    }
}
