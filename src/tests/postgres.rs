//! A PostgreSQL database for one test, on the server that `TEST_POSTGRES_URL` names.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::ConnectionTrait;
use server::db::Db;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A database that is dropped with this value, as far as nobody is connected any more.
pub struct Scratch {
    server: String,
    name: String,
}

impl Scratch {
    /// `None` when no server is named.
    pub async fn create() -> Option<Self> {
        let server = std::env::var("TEST_POSTGRES_URL")
            .ok()
            .filter(|url| !url.is_empty())?;
        let name = format!(
            "fb_{}_{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let db = Db::connect(&server)
            .await
            .expect("TEST_POSTGRES_URL names a server that answers");
        // One that a killed run of the same process number left behind.
        db.write()
            .execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}"))
            .await
            .unwrap();
        db.write()
            .execute_unprepared(&format!("CREATE DATABASE {name}"))
            .await
            .expect("the user may make databases");
        db.write().clone().close().await.unwrap();
        Some(Self { server, name })
    }

    /// The address of the database.
    pub fn url(&self) -> String {
        let (base, _) = self
            .server
            .rsplit_once('/')
            .expect("an address with a database in it");
        format!("{base}/{}", self.name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // `drop` cannot wait inside a runtime, so another thread does.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                if let Ok(db) = Db::connect(&server).await {
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    db.write().execute_unprepared(&sql).await.ok();
                }
            });
        });
        dropped.join().ok();
    }
}
