//! The rows of sessions, as `migrations/src/m002_accounts.rs` describes them.

use sea_orm::entity::prelude::*;

use super::{Session, SessionView};

#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id_hash: String,
    pub account_id: Option<String>,
    pub admin: bool,
    pub data: String,
    pub created_at: i64,
    pub last_seen: i64,
    pub expires_at: i64,
    pub agent: String,
    pub network: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(super) fn session(self) -> Result<Session, DbErr> {
        let account = self
            .account_id
            .map(|id| {
                id.parse().map_err(|_| {
                    DbErr::Type("session.account_id holds something that is not an id".into())
                })
            })
            .transpose()?;
        Ok(Session {
            account,
            data: self.data,
            expires_at: self.expires_at,
        })
    }

    pub(super) fn view(self) -> SessionView {
        SessionView {
            handle: self.id_hash,
            agent: self.agent,
            network: self.network,
            created_at: self.created_at,
            last_seen: self.last_seen,
            expires_at: self.expires_at,
        }
    }
}
