#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delivery;
mod fake;
mod letters;
mod low_balance;

use domain::ids::AccountId;
use sea_orm::{QueryResult, TryGetable};

use super::*;
use crate::db;
use crate::testing::{self, TestDb};
use fake::FakeServer;

/// 2026-11-21 15:04 UTC.
pub const NOW: i64 = 1_795_273_440_000;

pub struct House {
    pub db: TestDb,
    pub clock: Clock,
    pub mail: Mail,
}

pub fn config(smtp: Option<&FakeServer>) -> MailConfig {
    MailConfig {
        public_url: "https://pay.example".to_owned(),
        brand: "Shop & Söhne".to_owned(),
        local: smtp.is_none(),
        support: Some("help@pay.example".to_owned()),
        smtp: smtp.map(|server| SmtpConfig {
            host: "127.0.0.1".to_owned(),
            port: server.port,
            security: Security::None,
            credentials: None,
            from: "no-reply@pay.example".parse().unwrap(),
            authority: None,
        }),
    }
}

impl House {
    pub async fn new(server: Option<&FakeServer>) -> Self {
        Self::at(server, Clock::fixed(NOW)).await
    }

    pub async fn at(server: Option<&FakeServer>, clock: Clock) -> Self {
        let db = testing::db().await;
        let mail = another(&db, &clock, server);
        Self { db, clock, mail }
    }

    pub async fn queue(&self, address: &str, message: &Message) {
        let to = to(address, Locale::EN);
        self.mail
            .queue(self.db.write(), &to, message)
            .await
            .unwrap();
    }

    /// One column of the only mail.
    pub async fn column<T: TryGetable>(&self, name: &str) -> T {
        self.row().await.try_get("", name).unwrap()
    }

    async fn row(&self) -> QueryResult {
        let rows = db::all(self.db.read(), "SELECT * FROM mail", [])
            .await
            .unwrap();
        assert_eq!(rows.len(), 1);
        rows.into_iter().next().unwrap()
    }
}

/// Another node on the same database.
pub fn another(db: &TestDb, clock: &Clock, server: Option<&FakeServer>) -> Mail {
    let texts = Texts::embedded().with_pseudo(true);
    Mail::new(
        Db::clone(db),
        clock.clone(),
        KeyRing::for_tests(),
        texts,
        config(server),
    )
}

pub fn to(address: &str, locale: Locale) -> Recipient {
    Recipient {
        account: None::<AccountId>,
        address: address.to_owned(),
        locale,
    }
}
