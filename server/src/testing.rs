//! What do this crate's tests share? A fresh, migrated database for each.

use migrations::{Migrator, MigratorTrait};
use tempfile::TempDir;

use crate::db::Db;

/// A database that disappears with this value.
pub(crate) struct TestDb {
    pub(crate) db: Db,
    _folder: TempDir,
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
    let db = Db::connect(&url).await.expect("SQLite makes the file");
    Migrator::up(db.write(), None)
        .await
        .expect("the migrations are valid");
    TestDb {
        db,
        _folder: folder,
    }
}
