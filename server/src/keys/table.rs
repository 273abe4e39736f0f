//! The rows of keys, as `migrations/src/m003_keys.rs` describes them.

use domain::views::KeyView;
use sea_orm::entity::prelude::*;

use super::KeyRecord;

#[derive(Clone, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub workspace_id: String,
    pub name: String,
    pub test: bool,
    pub lookup: String,
    pub sealed: Option<String>,
    pub masked: String,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Rows hold a key's hash and ciphertext: logs get the id.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "api_key {}", self.id)
    }
}

impl Model {
    pub(super) fn record(self) -> Result<KeyRecord, DbErr> {
        Ok(KeyRecord {
            id: self.id.parse().map_err(|_| broken("api_key.id"))?,
            workspace: self
                .workspace_id
                .parse()
                .map_err(|_| broken("api_key.workspace_id"))?,
            test: self.test,
            name: self.name,
            expires_at: self.expires_at,
        })
    }

    pub(super) fn view(self) -> Result<KeyView, DbErr> {
        Ok(KeyView {
            id: self.id.parse().map_err(|_| broken("api_key.id"))?,
            name: self.name,
            masked: self.masked,
            test: self.test,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            revoked_at: self.revoked_at,
        })
    }
}

fn broken(column: &str) -> DbErr {
    DbErr::Type(format!("{column} holds something that is not an id"))
}
