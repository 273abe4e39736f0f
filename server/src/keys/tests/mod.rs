//! What do the tests of keys share? A house with accounts, and a second process that looks at the same database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod found;
mod noted;
mod secrets;
mod states;

use super::*;
use crate::accounts::{Accounts, Email};
use crate::ids::NewId;
use crate::testing::{self, TestDb};

const NOW: i64 = 1_790_000_000_000;

struct House {
    keys: Keys,
    clock: Clock,
    db: TestDb,
}

async fn house() -> House {
    let db = testing::db().await;
    let clock = Clock::fixed(NOW);
    House {
        keys: Keys::new(db.db.clone(), clock.clone(), KeyRing::for_tests()),
        clock,
        db,
    }
}

impl House {
    async fn workspace(&self, email: &str) -> WorkspaceId {
        let accounts = Accounts::new(self.db.db.clone(), self.clock.clone(), KeyRing::for_tests());
        accounts
            .create(&Email::parse(email).unwrap(), None, false)
            .await
            .unwrap()
            .workspace
    }

    /// The same installation, seen by another process.
    fn another_process(&self) -> Keys {
        Keys::new(self.db.db.clone(), self.clock.clone(), KeyRing::for_tests())
    }
}
