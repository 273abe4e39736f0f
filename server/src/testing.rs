//! What do this crate's tests share? A fresh, migrated database for each.

use std::sync::atomic::{AtomicU32, Ordering};

use migrations::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;
use tempfile::TempDir;

use crate::db::Db;

/// A database that disappears with this value.
pub(crate) struct TestDb {
    pub(crate) db: Db,
    // Dropped last: the folder and the database outlive the connections.
    _folder: Option<TempDir>,
    _scratch: Option<Scratch>,
}

impl std::ops::Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

/// A migrated SQLite file of its own.
pub(crate) async fn db() -> TestDb {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    TestDb {
        db: migrated(&url).await,
        _folder: Some(folder),
        _scratch: None,
    }
}

/// A migrated PostgreSQL database of its own, on the server that `TEST_POSTGRES_URL` names; `None` without one.
pub(crate) async fn postgres() -> Option<TestDb> {
    let scratch = Scratch::create().await?;
    let (base, _) = scratch
        .server
        .rsplit_once('/')
        .expect("an address with a database in it");
    let url = format!("{base}/{}", scratch.name);
    Some(TestDb {
        db: migrated(&url).await,
        _folder: None,
        _scratch: Some(scratch),
    })
}

async fn migrated(url: &str) -> Db {
    let db = Db::connect(url).await.expect("the test made the database");
    Migrator::up(db.write(), None)
        .await
        .expect("the migrations are valid");
    db
}

/// A PostgreSQL database, dropped with this value.
struct Scratch {
    server: String,
    name: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    async fn create() -> Option<Self> {
        let server = std::env::var("TEST_POSTGRES_URL")
            .ok()
            .filter(|url| !url.is_empty())?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("fb_unit_{}_{number}", std::process::id());
        run(
            &server,
            &[
                // One that a killed run of the same process number left behind.
                &format!("DROP DATABASE IF EXISTS {name}"),
                &format!("CREATE DATABASE {name}"),
            ],
        )
        .await;
        Some(Self { server, name })
    }
}

async fn run(server: &str, statements: &[&str]) {
    let db = Db::connect(server)
        .await
        .expect("TEST_POSTGRES_URL names a server that answers");
    for sql in statements {
        db.write()
            .execute_unprepared(sql)
            .await
            .expect("the user may make and drop databases");
    }
    db.write().clone().close().await.ok();
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // `drop` cannot wait inside a runtime, so another thread does.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for one statement");
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            runtime.block_on(run(&server, &[&sql]));
        });
        dropped.join().ok();
    }
}
