//! How do we reach the database? SQLite with one writer and read-only readers, or a PostgreSQL pool; same verbs.

mod lists;

pub use lists::insert_all;
pub(crate) use lists::{AtOnce, also_among, among, insert_numbered, places, table};

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use sea_orm::sqlx::Connection;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, ExecResult, QueryResult, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, Value,
};

/// A connected database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    /// On SQLite the only connection that writes; on PostgreSQL the pool.
    write: DatabaseConnection,
    /// On SQLite a pool that can only read; on PostgreSQL the same pool.
    read: DatabaseConnection,
}

/// Readers never wait for the writer in WAL mode; a few are enough for one machine.
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a write waits for another process (a command beside the server) to finish its own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);

/// How long PostgreSQL lets one statement of ours wait for a lock, and take in all.
#[derive(Clone, Copy)]
struct Patience {
    lock: &'static str,
    /// `0` is without end.
    statement: &'static str,
}

/// Somebody waits for an answer.
const SERVING: Patience = Patience {
    lock: "2s",
    statement: "5s",
};
/// A new index takes as long as its table is large. Nodes that still read a table are waited for, but not for ever:
/// everybody else queues behind this lock.
const MIGRATING: Patience = Patience {
    lock: "60s",
    statement: "0",
};

impl Db {
    /// Connects to `sqlite:path`, `sqlite://path` or `postgres://…`. An SQLite file is created when missing.
    ///
    /// # Errors
    /// When the address has another scheme or the database cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, DbErr> {
        Self::connect_with(url, SERVING).await
    }

    /// As [`Db::connect`], for changing the schema: on PostgreSQL a statement may take as long as it must.
    ///
    /// # Errors
    /// As [`Db::connect`].
    pub async fn connect_for_migrations(url: &str) -> Result<Self, DbErr> {
        Self::connect_with(url, MIGRATING).await
    }

    async fn connect_with(url: &str, patience: Patience) -> Result<Self, DbErr> {
        if let Some(path) = sqlite_path(url) {
            Self::sqlite(Path::new(path)).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::postgres(url, patience).await
        } else {
            Err(DbErr::Custom(
                "DATABASE_URL must begin with sqlite: or postgres://".into(),
            ))
        }
    }

    async fn sqlite(path: &Path) -> Result<Self, DbErr> {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let mut options = ConnectOptions::new(url.clone());
        options
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            // SQLite rolls back by itself when a COMMIT meets a full disk, and sqlx does not notice: it would begin
            // the next transaction as a savepoint of one that is gone. Such a connection is thrown away.
            .map_sqlx_sqlite_before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            })
            .map_sqlx_sqlite_opts(|o| {
                // FULL: a commit is on the disk before anybody hears of it; group commit makes that affordable.
                o.busy_timeout(BUSY_TIMEOUT)
                    .foreign_keys(true)
                    .pragma("journal_mode", "WAL")
                    .pragma("synchronous", "FULL")
                    .pragma("temp_store", "MEMORY")
                    .pragma("secure_delete", "ON")
                    .pragma("journal_size_limit", "67108864")
                    // The pages that ten thousand wallets' flushes touch stay in memory, and go from the log to their
                    // places once in a while instead of after every other commit: when the log is as large as its limit.
                    .pragma("cache_size", "-65536")
                    .pragma("wal_autocheckpoint", "16000")
                    // As many rows as a batch asks for: the thread that reads them does not wait for whoever takes them.
                    .row_buffer_size(512)
            });
        let write = Database::connect(options).await?;
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(SQLITE_READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|o| {
                o.busy_timeout(BUSY_TIMEOUT)
                    .pragma("query_only", "ON")
                    .pragma("temp_store", "MEMORY")
            });
        let read = Database::connect(options).await?;
        Ok(Self { write, read })
    }

    async fn postgres(url: &str, patience: Patience) -> Result<Self, DbErr> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .map_sqlx_postgres_opts(move |o| {
                o.application_name("farebox").options([
                    ("lock_timeout", patience.lock),
                    ("statement_timeout", patience.statement),
                    ("idle_in_transaction_session_timeout", "10s"),
                ])
            });
        let pool = Database::connect(options).await?;
        Ok(Self {
            write: pool.clone(),
            read: pool,
        })
    }

    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }

    /// For questions. On SQLite a connection that refuses to write.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// For single statements that change something, and for migrations.
    #[must_use]
    pub fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Begins a transaction that may write; dropping it without commit rolls back.
    ///
    /// On SQLite it begins IMMEDIATE: a deferred one that reads first and writes later fails at once when another
    /// process has written in between, without waiting.
    ///
    /// # Errors
    /// When the database cannot be reached, or SQLite's writer stays busy for five seconds.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let mode =
            (self.backend() == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate);
        self.write
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: mode,
                ..Default::default()
            })
            .await
    }

    /// Begins a read-only view of one moment.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        match self.backend() {
            DbBackend::Postgres => {
                self.read
                    .begin_with_config(
                        Some(sea_orm::IsolationLevel::RepeatableRead),
                        Some(sea_orm::AccessMode::ReadOnly),
                    )
                    .await
            }
            _ => self.read.begin().await,
        }
    }

    /// Runs `work` in a transaction: committed when it returns `Ok`, rolled back when it returns `Err`.
    ///
    /// # Errors
    /// What `work` returned, or the database's own error.
    pub async fn tx<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send,
        E: From<DbErr> + Send,
        F: for<'c> FnOnce(
                &'c DatabaseTransaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
    {
        let tx = self.begin().await?;
        let value = work(&tx).await?;
        tx.commit().await?;
        Ok(value)
    }

    /// Is the database there? One cheap question.
    ///
    /// # Errors
    /// When it is not.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.read
            .query_one_raw(Statement::from_string(self.backend(), "SELECT 1"))
            .await
            .map(|_| ())
    }
}

/// The file behind an SQLite address, `None` for other databases.
#[must_use]
pub fn sqlite_path(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    Some(rest.split_once('?').map_or(rest, |(path, _)| path))
}

/// Hand-written SQL in one line; `$1`, `$2` … are the values, on both databases.
pub(crate) async fn exec<C: ConnectionTrait>(
    conn: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<ExecResult, DbErr> {
    conn.execute_raw(Statement::from_sql_and_values(
        conn.get_database_backend(),
        sql,
        values,
    ))
    .await
}

/// The first row of a question, if any.
pub(crate) async fn one<C: ConnectionTrait>(
    conn: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<QueryResult>, DbErr> {
    conn.query_one_raw(Statement::from_sql_and_values(
        conn.get_database_backend(),
        sql,
        values,
    ))
    .await
}

/// All rows of a question.
pub(crate) async fn all<C: ConnectionTrait>(
    conn: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    conn.query_all_raw(Statement::from_sql_and_values(
        conn.get_database_backend(),
        sql,
        values,
    ))
    .await
}

/// Locks the rows of a SELECT until commit. SQLite's IMMEDIATE transaction already holds the only write lock.
pub(crate) fn for_update<C: ConnectionTrait>(conn: &C) -> &'static str {
    if conn.get_database_backend() == DbBackend::Postgres {
        " FOR NO KEY UPDATE"
    } else {
        ""
    }
}

/// A database that does not answer at all, not even with an error, is left after this: PostgreSQL itself ends a statement
/// after five seconds.
pub(crate) const SILENCE: Duration = Duration::from_secs(8);

/// The work, if the database answers.
///
/// # Errors
/// Its own, or that the database is silent.
pub(crate) async fn bounded<T>(work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    tokio::time::timeout(SILENCE, work)
        .await
        .unwrap_or_else(|_| Err(silent()))
}

/// Was the database out of reach, silent, or gone in the middle? Otherwise it answered, with a no.
pub(crate) fn is_away(error: &DbErr) -> bool {
    use sea_orm::RuntimeErr::SqlxError;
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(SqlxError(source)) | DbErr::Query(SqlxError(source)) => {
            !matches!(source.as_ref(), sea_orm::SqlxError::Database(_))
        }
        _ => false,
    }
}

/// Did PostgreSQL stop waiting for a row that somebody else has locked (`55P03`, `lock_not_available`)?
pub(crate) fn is_locked(error: &DbErr) -> bool {
    use sea_orm::RuntimeErr::SqlxError;
    match error {
        DbErr::Exec(SqlxError(source)) | DbErr::Query(SqlxError(source)) => source
            .as_database_error()
            .is_some_and(|error| error.code().as_deref() == Some("55P03")),
        _ => false,
    }
}

pub(crate) fn silent() -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::Internal(
        "the database does not answer".into(),
    ))
}

/// The database's own clock in milliseconds since 1970 UTC: leases are judged by it alone.
pub(crate) fn db_now<C: ConnectionTrait>(conn: &C) -> &'static str {
    if conn.get_database_backend() == DbBackend::Postgres {
        "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)"
    } else {
        "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)"
    }
}
