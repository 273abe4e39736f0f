//! How are wallets opened, time passed and rows read, on a real database and on the simulated one?

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::ids::{CallId, LeaseId, PriceId, WorkspaceId};
use domain::{Amount, PricePerMtok};
use parking_lot::Mutex;
use sea_orm::QueryResult;
use uuid::Uuid;

use crate::catalog::{Catalog, NewModel, NewPrice};
use crate::clock::Clock;
use crate::db::{Db, exec, one};
use crate::ledger::books::{System, Transfer, open_wallet, system_book, transfer};
use crate::ledger::lots::{self, LotKind, NewLot};
use crate::ledger::store::{DbStore, Store};
use crate::testing::TestDb;

use super::super::dice::Dice;
use super::super::faults::{Rates, Wire};
use super::super::store::SimStore;
use super::super::world::{Events, Shared, World};
use super::scripts::Kind;

/// When bonus credit expires: in the year 2100. It is spent first all the same.
const SOON: i64 = 4_102_444_800_000;

pub(super) trait Ground {
    fn store(&self) -> Arc<dyn Store>;
    fn price(&self) -> PriceId;
    /// Opens an empty wallet and answers its book.
    async fn open(&self, workspace: WorkspaceId) -> i64;
    async fn give(&self, book: i64, kind: Kind, amount: i64);
    async fn pass(&self, millis: i64);
    /// The wallet's balance and lots, in words.
    async fn book(&self, book: i64) -> String;
    async fn lease(&self, lease: LeaseId) -> String;
    async fn call(&self, call: CallId) -> String;
}

/// SQLite or PostgreSQL.
pub(super) struct Real {
    db: TestDb,
    store: Arc<dyn Store>,
    price: PriceId,
    gifts: AtomicI64,
}

impl Real {
    pub(super) async fn over(db: TestDb) -> Self {
        let sql = "INSERT INTO upstream (id, name, dialect, base_url, created_at) VALUES ('up_00000000000000000000000000000000', 'u', 'openai', 'sandbox:', 0)";
        exec(db.write(), sql, []).await.unwrap();
        // One nano-dollar per output token, so that the proof of charges can be done.
        let price = NewPrice {
            output: PricePerMtok::from_micro_usd(1_000).unwrap(),
            ..NewPrice::default()
        };
        let model = NewModel {
            id: "m".into(),
            upstream: "u".into(),
            upstream_model: None,
            price,
            context: 1_000,
        };
        let catalog = Catalog::new(db.db.clone(), Clock::system());
        let price = catalog.create_model(model).await.unwrap().price_version;
        Self {
            store: Arc::new(DbStore::new(db.db.clone())),
            db,
            price,
            gifts: AtomicI64::new(0),
        }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    async fn row(&self, sql: &str, id: impl Into<sea_orm::Value>) -> Option<QueryResult> {
        one(self.db.read(), sql, [id.into()]).await.unwrap()
    }
}

fn number(row: &QueryResult, column: &str) -> i64 {
    row.try_get("", column).unwrap()
}

impl Ground for Real {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn price(&self) -> PriceId {
        self.price
    }

    async fn open(&self, workspace: WorkspaceId) -> i64 {
        open_wallet(self.db.write(), workspace, 0).await.unwrap();
        let sql = "SELECT id FROM book WHERE workspace_id = $1";
        number(&self.row(sql, workspace.to_string()).await.unwrap(), "id")
    }

    async fn give(&self, book: i64, kind: Kind, amount: i64) {
        let number = self.gifts.fetch_add(1, Ordering::Relaxed);
        let txn = format!("given:{number}");
        let (from, code, kind, expires_at) = match kind {
            Kind::Adjustment => (System::Adjustment, "adjustment", LotKind::Adjustment, None),
            Kind::Bonus => (System::Bonus, "bonus", LotKind::Bonus, Some(SOON)),
            Kind::Paid => (System::Adjustment, "adjustment", LotKind::Paid, None),
        };
        let amount = Amount::from_nanos(amount);
        let tx = self.db.begin().await.unwrap();
        let movement = Transfer {
            txn: &txn,
            seq: 0,
            debit: system_book(&tx, from).await.unwrap(),
            credit: book,
            amount: amount.into(),
            code,
            note: None,
            now: 0,
        };
        transfer(&tx, &movement).await.unwrap();
        let lot = NewLot {
            book,
            kind,
            amount,
            txn: &txn,
            expires_at,
            now: 0,
        };
        lots::open(&tx, &lot).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The database's clock is not ours to move: instead all that it is compared with comes nearer.
    async fn pass(&self, millis: i64) {
        let sql =
            "UPDATE lease SET expires_at = expires_at - $1, reclaim_after = reclaim_after - $1";
        exec(self.db.write(), sql, [millis.into()]).await.unwrap();
    }

    async fn book(&self, book: i64) -> String {
        let sql = "SELECT posted, reserved FROM book WHERE id = $1";
        let row = self.row(sql, book).await.unwrap();
        let lots = "SELECT remaining FROM lot WHERE book_id = $1 ORDER BY id";
        let lots = crate::db::all(self.db.read(), lots, [book.into()])
            .await
            .unwrap();
        let lots = lots.iter().map(|lot| number(lot, "remaining"));
        of_book(number(&row, "posted"), number(&row, "reserved"), lots)
    }

    async fn lease(&self, lease: LeaseId) -> String {
        let sql = "SELECT granted, spent, held, state, last_flush, last_hash, recall FROM lease WHERE id = $1";
        let row = self.row(sql, lease.to_string()).await.unwrap();
        let state: String = row.try_get("", "state").unwrap();
        let hash: Option<String> = row.try_get("", "last_hash").unwrap();
        let numbers = ["granted", "spent", "held", "last_flush", "recall"];
        of_lease(
            numbers.map(|column| number(&row, column)),
            &state,
            hash.as_deref(),
        )
    }

    async fn call(&self, call: CallId) -> String {
        let sql = "SELECT charge_nusd, unbilled_nusd, reversed_nusd, lease_id, txn_id FROM call WHERE id = $1";
        let Some(row) = self.row(sql, call.to_string()).await else {
            return "no call".into();
        };
        let lease: Option<String> = row.try_get("", "lease_id").unwrap();
        let txn: Option<String> = row.try_get("", "txn_id").unwrap();
        let numbers = ["charge_nusd", "unbilled_nusd", "reversed_nusd"];
        of_call(
            numbers.map(|column| number(&row, column)),
            lease.is_some(),
            txn.as_deref(),
        )
    }
}

/// The one in memory, on a line where nothing goes wrong.
pub(super) struct Simulated {
    world: Shared,
    now: Arc<AtomicI64>,
    store: Arc<dyn Store>,
}

impl Simulated {
    /// With as many nodes as the real one has.
    pub(super) fn like(real: &Real) -> Self {
        Self::of(real.db.backend() == sea_orm::DbBackend::Postgres)
    }

    pub(super) fn alone() -> Self {
        Self::of(true)
    }

    fn of(many_nodes: bool) -> Self {
        let now = Arc::new(AtomicI64::new(1_000_000));
        let clock = now.clone();
        let world = World::new(many_nodes, None, move || clock.load(Ordering::Relaxed));
        let world = Arc::new(Mutex::new(world));
        let wire = Wire::new(world.clone(), Dice::new(0), Rates::default());
        Self {
            world,
            now,
            store: Arc::new(SimStore::new(wire)),
        }
    }

    pub(super) fn broken(&self) -> Vec<String> {
        self.world.lock().broken.clone()
    }

    pub(super) fn events(&self) -> Events {
        self.world.lock().events
    }
}

impl Ground for Simulated {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn price(&self) -> PriceId {
        PriceId::from_uuid(Uuid::from_u128(1))
    }

    async fn open(&self, workspace: WorkspaceId) -> i64 {
        let at = self.world.lock().open_wallet(workspace);
        i64::try_from(at).unwrap() + 1
    }

    async fn give(&self, book: i64, kind: Kind, amount: i64) {
        let expires_at = (kind == Kind::Bonus).then_some(SOON);
        let at = usize::try_from(book - 1).unwrap();
        let mut world = self.world.lock();
        world.give(at, amount, kind == Kind::Paid, expires_at);
    }

    async fn pass(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::Relaxed);
    }

    async fn book(&self, book: i64) -> String {
        let world = self.world.lock();
        let book = &world.books[usize::try_from(book - 1).unwrap()];
        let lots = book.lots.iter().map(|lot| lot.remaining);
        of_book(book.posted, book.reserved, lots)
    }

    async fn lease(&self, lease: LeaseId) -> String {
        let mut world = self.world.lock();
        let lease = world.lease(lease).unwrap();
        let numbers = [
            lease.granted,
            lease.spent,
            lease.held,
            lease.last_flush,
            i64::from(lease.recall),
        ];
        of_lease(numbers, lease.state.id(), lease.last_hash.as_deref())
    }

    async fn call(&self, call: CallId) -> String {
        let world = self.world.lock();
        let Some(call) = world.calls.get(&call) else {
            return "no call".into();
        };
        let numbers = [call.charge, call.unbilled, call.reversed];
        of_call(numbers, call.on_lease, call.txn.as_deref())
    }
}

fn of_book(posted: i64, reserved: i64, lots: impl Iterator<Item = i64>) -> String {
    let lots: Vec<i64> = lots.collect();
    format!("wallet: posted {posted}, reserved {reserved}, lots {lots:?}")
}

fn of_lease(numbers: [i64; 5], state: &str, hash: Option<&str>) -> String {
    let [granted, spent, held, flush, recall] = numbers;
    format!(
        "lease: granted {granted}, spent {spent}, held {held}, {state}, flush {flush} {hash:?}, recall {recall}"
    )
}

fn of_call(numbers: [i64; 3], on_lease: bool, txn: Option<&str>) -> String {
    let [charge, unbilled, reversed] = numbers;
    let late = txn.map(|txn| txn.starts_with("late:"));
    format!(
        "call: charge {charge}, unbilled {unbilled}, reversed {reversed}, on a lease: {on_lease}, late: {late:?}"
    )
}
