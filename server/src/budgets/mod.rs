//! How much may a key still spend? Limits per day, week, month and in all, exact on any number of nodes.

use std::sync::Arc;

use crate::clock::Clock;
use crate::db::Db;

/// The spend limits of keys. Cheap to clone.
#[derive(Clone)]
pub struct Budgets(Arc<Inner>);

#[expect(dead_code, reason = "skeleton")]
struct Inner {
    db: Db,
    clock: Clock,
}

impl Budgets {
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner { db, clock }))
    }
}
