//! How does a running server learn that a command or another node changed something? It polls small counters.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::db::Db;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    Keys,
    Catalog,
    Accounts,
    Rates,
}

impl Topic {
    pub const ALL: [Self; 4] = [Self::Keys, Self::Catalog, Self::Accounts, Self::Rates];

    const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Catalog => "catalog",
            Self::Accounts => "accounts",
            Self::Rates => "rates",
        }
    }
}

/// Counts a change, in the transaction that makes it.
///
/// # Errors
/// When the database refuses.
pub async fn bump<C: ConnectionTrait>(conn: &C, topic: Topic) -> Result<(), DbErr> {
    conn.execute_raw(Statement::from_sql_and_values(
        conn.get_database_backend(),
        "INSERT INTO change_counter (topic, value) VALUES ($1, 1)
         ON CONFLICT (topic) DO UPDATE SET value = change_counter.value + 1",
        [topic.name().into()],
    ))
    .await?;
    Ok(())
}

/// The counters as last seen; [`Seen::changed`] says which have moved since.
#[derive(Debug, Default)]
pub struct Seen(std::collections::HashMap<String, i64>);

impl Seen {
    /// Asks the database once. The first look reports every topic that was ever counted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn changed(&mut self, db: &Db) -> Result<Vec<Topic>, DbErr> {
        let rows = db
            .read()
            .query_all_raw(Statement::from_string(
                db.backend(),
                "SELECT topic, value FROM change_counter",
            ))
            .await?;
        let mut moved = Vec::new();
        for row in rows {
            let (name, value): (String, i64) =
                (row.try_get("", "topic")?, row.try_get("", "value")?);
            let topic = Topic::ALL.into_iter().find(|topic| topic.name() == name);
            if self.0.insert(name, value) != Some(value) {
                moved.extend(topic);
            }
        }
        Ok(moved)
    }
}
