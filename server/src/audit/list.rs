//! What happened? The audit log, newest first, by who did it, to whom, what, and when.

use std::str::FromStr;

use domain::ids::{AccountId, AuditId, IdError};
use domain::views::UnixMs;
use sea_orm::{DbErr, QueryResult, Value as SqlValue};
use serde_json::Value;

use crate::db::all;

use super::{Actor, Audit};

/// Which entries. Everything that is `None` is not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    pub actor: Option<Actor>,
    pub subject: Option<AccountId>,
    pub action: Option<String>,
    /// The id of the thing, exactly.
    pub target: Option<String>,
    /// From this moment on.
    pub from: Option<UnixMs>,
    /// Before this moment.
    pub until: Option<UnixMs>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    pub id: AuditId,
    pub at: UnixMs,
    pub actor: Actor,
    /// The address of the acting account, while there is one.
    pub actor_email: Option<String>,
    /// `noun.verb`.
    pub action: String,
    pub subject: Option<AccountId>,
    pub subject_email: Option<String>,
    pub target: Option<String>,
    pub detail: Value,
    /// `203.0.113.0/24`; empty for what was not done over the network.
    pub network: String,
}

/// The most entries that one question answers.
pub const PAGE_MAX: u32 = 200;

impl Audit {
    /// A page of entries, newest first: those older than `before`, at most `limit` (and [`PAGE_MAX`]). The id of the
    /// last one is where the next page goes on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn page(
        &self,
        filter: &AuditFilter,
        before: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, DbErr> {
        let mut sql = String::from(
            "SELECT u.id, u.at, u.actor, a.email AS actor_email, u.action, u.subject, s.email AS subject_email, u.target,
                 u.detail, u.network
             FROM audit u LEFT JOIN account a ON a.id = u.actor LEFT JOIN account s ON s.id = u.subject WHERE 1 = 1",
        );
        let mut values: Vec<SqlValue> = Vec::new();
        let mut only = |condition: &str, value: Option<SqlValue>| {
            if let Some(value) = value {
                values.push(value);
                sql.push_str(&format!(" AND {condition} ${}", values.len()));
            }
        };
        only(
            "u.actor =",
            filter.actor.map(|actor| actor.to_string().into()),
        );
        only(
            "u.subject =",
            filter.subject.map(|id| id.to_string().into()),
        );
        only("u.action =", filter.action.clone().map(Into::into));
        only("u.target =", filter.target.clone().map(Into::into));
        only("u.at >=", filter.from.map(Into::into));
        only("u.at <", filter.until.map(Into::into));
        // Ids sort by age.
        only("u.id <", before.map(|id| id.to_string().into()));
        values.push(i64::from(limit.clamp(1, PAGE_MAX)).into());
        sql.push_str(&format!(" ORDER BY u.id DESC LIMIT ${}", values.len()));
        all(self.db.read(), &sql, values)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// Every action that was ever written down, by name: what a list can be narrowed to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn actions(&self) -> Result<Vec<String>, DbErr> {
        let sql = "SELECT DISTINCT action FROM audit ORDER BY action";
        all(self.db.read(), sql, [])
            .await?
            .iter()
            .map(|row| row.try_get("", "action"))
            .collect()
    }
}

impl FromStr for Actor {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text {
            "operator" => Ok(Self::Operator),
            "system" => Ok(Self::System),
            id => id.parse().map(Self::Account),
        }
    }
}

fn read(row: &QueryResult) -> Result<AuditRow, DbErr> {
    let wrong = |error: IdError| DbErr::Type(error.to_string());
    let text = |name: &str| row.try_get::<String>("", name);
    Ok(AuditRow {
        id: text("id")?.parse().map_err(wrong)?,
        at: row.try_get("", "at")?,
        actor: text("actor")?.parse().map_err(wrong)?,
        actor_email: row.try_get("", "actor_email")?,
        action: text("action")?,
        subject: row
            .try_get::<Option<String>>("", "subject")?
            .map(|id| id.parse().map_err(wrong))
            .transpose()?,
        subject_email: row.try_get("", "subject_email")?,
        target: row.try_get("", "target")?,
        detail: serde_json::from_str(&text("detail")?)
            .map_err(|error| DbErr::Type(error.to_string()))?,
        network: text("network")?,
    })
}
