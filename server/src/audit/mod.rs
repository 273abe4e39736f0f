//! Who did what? Every administrative act and every change of an account's security, never changed afterwards.

mod list;
#[cfg(test)]
mod tests;

pub use list::{AuditFilter, AuditRow, PAGE_MAX};

use std::net::IpAddr;

use domain::ids::{AccountId, AuditId};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::Value;

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::NewId;

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Account(AccountId),
    /// A command on the machine.
    Operator,
    System,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(id) => id.fmt(f),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

/// Who asked for an administrative act, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    pub actor: Actor,
    /// `None` for a command or the program itself.
    pub from: Option<IpAddr>,
}

impl By {
    /// A command on the machine.
    pub const OPERATOR: Self = Self {
        actor: Actor::Operator,
        from: None,
    };
    /// Farebox itself, as in a seeded installation.
    pub const SYSTEM: Self = Self {
        actor: Actor::System,
        from: None,
    };
}

/// One act. `detail` holds no secret and no personal data: before, after, amounts, ids.
#[derive(Debug, Clone)]
pub struct Act {
    pub actor: Actor,
    /// `noun.verb`, as in `key.reveal`, `account.block`, `credit.grant`.
    pub action: &'static str,
    /// Whose account it was done to.
    pub subject: Option<AccountId>,
    /// The id of the thing.
    pub target: Option<String>,
    pub detail: Value,
    pub from: Option<IpAddr>,
}

/// The audit log. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    db: Db,
    clock: Clock,
}

impl Audit {
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Writes an act down, in the transaction that does it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note<C: ConnectionTrait>(&self, conn: &C, act: &Act) -> Result<(), DbErr> {
        db::exec(
            conn,
            "INSERT INTO audit (id, at, actor, action, subject, target, detail, network)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            vec![
                AuditId::new().to_string().into(),
                self.clock.now_ms().into(),
                act.actor.to_string().into(),
                act.action.into(),
                act.subject.map(|id| id.to_string()).into(),
                act.target.clone().into(),
                act.detail.to_string().into(),
                act.from.map(network).unwrap_or_default().into(),
            ],
        )
        .await?;
        Ok(())
    }
}

/// The network an address is in: the first 24 bits of IPv4, 56 of IPv6. Enough to recognise, not to find a person.
#[must_use]
pub fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[3] &= 0xff00;
            segments[4..].fill(0);
            format!("{}/56", std::net::Ipv6Addr::from(segments))
        }
    }
}
