//! Is the database there, and is its schema ours? Embedded ones are made and migrated; a PostgreSQL is only checked.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use server::db::Db;

use crate::config::Config;

const UNREACHABLE: &str = "the database cannot be reached; check DATABASE_URL and that it runs (`farebox config check` shows where the address comes from)";

/// Connects, and brings an embedded database to the newest schema.
///
/// # Errors
/// When the database cannot be reached, or is a PostgreSQL whose schema is not the one this program was built for.
pub async fn open(config: &Config) -> anyhow::Result<Db> {
    make_data_folder(&config.data)?;
    let db = connect(config).await?;
    // Asked first: most commands find nothing to do, and need not wait for a busy server's writes.
    if let Some(file) = config.sqlite_file()
        && matches!(schema(&db).await?, Schema::Older(_))
    {
        // Two commands may start at once: one migrates, the other waits and finds nothing to do.
        let lock = lock_file(&beside(&file, "migrate.lock")?)?;
        lock.lock().context("the migration lock cannot be taken")?;
        Migrator::up(db.write(), None)
            .await
            .context("the embedded database could not be migrated")?;
    }
    require_current(&db).await?;
    Ok(db)
}

/// Connects to a database that must be there, and changes nothing about its schema.
///
/// # Errors
/// When it cannot be reached, is not there, or has another schema.
pub async fn open_existing(config: &Config) -> anyhow::Result<Db> {
    if let Some(file) = config.sqlite_file()
        && !file.exists()
    {
        bail!(
            "there is no database at {}; `farebox serve` makes one",
            file.display()
        );
    }
    let db = connect(config).await?;
    require_current(&db).await?;
    Ok(db)
}

/// Connects, whatever schema is there.
///
/// # Errors
/// When the database cannot be reached.
pub async fn connect(config: &Config) -> anyhow::Result<Db> {
    Db::connect(&config.database_url).await.context(UNREACHABLE)
}

/// Connects to change the schema, whatever schema is there.
///
/// # Errors
/// When the database cannot be reached.
pub async fn connect_for_migrations(config: &Config) -> anyhow::Result<Db> {
    Db::connect_for_migrations(&config.database_url)
        .await
        .context(UNREACHABLE)
}

/// How the schema compares with the one this program was built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    Current,
    /// So many migrations are missing.
    Older(usize),
    /// A newer program migrated it.
    Newer,
}

/// Compares without changing anything.
///
/// # Errors
/// When the database cannot be read.
pub async fn schema(db: &Db) -> anyhow::Result<Schema> {
    let known: Vec<String> = Migrator::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();
    let applied = applied(db).await?;
    if applied.iter().any(|name| !known.contains(name)) {
        return Ok(Schema::Newer);
    }
    match known.iter().filter(|name| !applied.contains(name)).count() {
        0 => Ok(Schema::Current),
        missing => Ok(Schema::Older(missing)),
    }
}

/// The names of the migrations that the database has; none when it is empty.
///
/// # Errors
/// When the database cannot be read.
pub async fn applied(db: &Db) -> anyhow::Result<Vec<String>> {
    // Asked by hand: the migrator itself would first make its table, and this is for looking only.
    let there = match db.backend() {
        DbBackend::Postgres => {
            "SELECT 1 AS found WHERE to_regclass('seaql_migrations') IS NOT NULL"
        }
        _ => {
            "SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'"
        }
    };
    let ask = |sql| Statement::from_string(db.backend(), sql);
    if db
        .read()
        .query_one_raw(ask(there))
        .await
        .context("the database cannot be read")?
        .is_none()
    {
        return Ok(Vec::new());
    }
    let rows = db
        .read()
        .query_all_raw(ask("SELECT version FROM seaql_migrations ORDER BY version"))
        .await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get("", "version"))
        .collect::<Result<_, _>>()?)
}

async fn require_current(db: &Db) -> anyhow::Result<()> {
    match schema(db).await? {
        Schema::Current => Ok(()),
        Schema::Older(missing) => {
            bail!(
                "the database lacks {missing} migration(s) of this version; make a backup, then run `farebox migrate up`"
            )
        }
        Schema::Newer => bail!(
            "a newer Farebox has migrated this database; run that version, or go back with its `farebox migrate down` after a backup"
        ),
    }
}

/// The data folder, for its owner alone.
///
/// # Errors
/// When it cannot be made.
pub fn make_data_folder(data: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| {
            format!(
                "the data folder {} cannot be made; set FAREBOX_DATA to one that can",
                data.display()
            )
        })
}

/// The name of a file beside an embedded database: the same by whatever way the database is reached.
///
/// # Errors
/// When the database's folder is not there.
pub fn beside(database: &Path, what: &str) -> anyhow::Result<PathBuf> {
    let real = database.canonicalize().or_else(|_| {
        // Nobody has made it yet; its folder must be there.
        let folder = database.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize();
        folder.map(|folder| folder.join(database.file_name().unwrap_or_default()))
    });
    let real = real.with_context(|| {
        let database = database.display();
        format!("the folder of {database} cannot be entered; check DATABASE_URL")
    })?;
    let mut name = real.into_os_string();
    name.push(".");
    name.push(what);
    Ok(name.into())
}

/// A file that locks are taken on; a lock ends with its file.
///
/// # Errors
/// When it cannot be opened for writing.
pub fn lock_file(path: &Path) -> anyhow::Result<fs::File> {
    fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| {
            format!(
                "{} cannot be written; does its folder belong to another user?",
                path.display()
            )
        })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_database_has_one_lock_by_whatever_way_it_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let lock = beside(&real, "lock").unwrap();
        assert!(lock.ends_with("a.db.lock"));
        fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        fs::create_dir(folder.path().join("c")).unwrap();
        for way in [real, link, folder.path().join("c/../a.db")] {
            assert_eq!(beside(&way, "lock").unwrap(), lock);
        }
        let nowhere = beside(&folder.path().join("d/a.db"), "lock");
        assert!(nowhere.unwrap_err().to_string().contains("DATABASE_URL"));
    }
}
