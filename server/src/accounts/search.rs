//! Which accounts are there? For operators: by a part of the e-mail or the name, newest first, page by page.

use domain::ids::AccountId;
use domain::views::AccountView;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::table::account::{Column, Entity, Model};
use super::{AccountError, Accounts};

/// Accounts of one page at most.
const MOST: u32 = 200;

impl Accounts {
    /// Accounts whose e-mail or name contains `query`, or whose id it is; all of them when it is empty. Newest first, at
    /// most `limit` (200 in any case); the next page is what comes `before` the last one.
    ///
    /// # Errors
    /// No database.
    pub async fn search(
        &self,
        query: &str,
        before: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountView>, AccountError> {
        let query = query.trim().to_lowercase();
        // PostgreSQL answers a NUL with an error, not with "none".
        if query.contains('\0') {
            return Ok(Vec::new());
        }
        let mut found = Entity::find();
        if !query.is_empty() {
            let escaped = query
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            let like = || LikeExpr::new(format!("%{escaped}%")).escape('\\');
            found = found.filter(
                Condition::any()
                    .add(Expr::col(Column::EmailKey).like(like()))
                    .add(Expr::col(Column::NameKey).like(like()))
                    .add(Column::Id.eq(&query)),
            );
        }
        if let Some(before) = before {
            found = found.filter(Column::Id.lt(before.to_string()));
        }
        // Ids sort by age.
        let rows = found
            .order_by_desc(Column::Id)
            .limit(u64::from(Ord::min(limit, MOST)))
            .all(self.0.db.read())
            .await?;
        let views: Result<_, sea_orm::DbErr> = rows.into_iter().map(Model::view).collect();
        Ok(views?)
    }
}
