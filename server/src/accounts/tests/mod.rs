//! The rules of accounts, one file per theme; here is what they share.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod basics;
mod guesses;
mod links;
mod operators;
mod profile;
mod second_factor;
mod setup;
mod sign_in;
mod sign_up;

use std::net::IpAddr;
use std::time::Duration;

use domain::Amount;
use sea_orm::EntityTrait;
use texts::{Locale, Texts};

use super::delay::At;
use super::password::{DUMMY, current, weak_hash_for_tests};
use super::*;
use crate::audit::{Actor, Audit};
use crate::ids::NewId;
use crate::mail::{Mail, MailConfig};
use crate::secrets::Secret;
use crate::sessions::{Owner, Seen, Sessions};
use crate::testing::{self, TestDb};

const NOW: i64 = 1_790_000_000_000;
const MINUTE: i64 = 60 * 1_000;
const HOUR: i64 = 60 * MINUTE;
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));
const GOOD: &str = "correct horse battery staple ";
const BETTER: &str = "a wholly new password";

struct House {
    accounts: Accounts,
    mail: Mail,
    audit: Audit,
    sessions: Sessions,
    clock: Clock,
    db: TestDb,
}

async fn house() -> House {
    let db = testing::db().await;
    let clock = Clock::fixed(NOW);
    House {
        accounts: Accounts::new(db.db.clone(), clock.clone(), KeyRing::for_tests()),
        mail: Mail::new(
            db.db.clone(),
            clock.clone(),
            KeyRing::for_tests(),
            Texts::embedded(),
            MailConfig {
                public_url: "https://pay.example".to_owned(),
                brand: "Farebox".to_owned(),
                local: true,
                ..MailConfig::default()
            },
        ),
        audit: Audit::new(db.db.clone(), clock.clone()),
        sessions: Sessions::new(db.db.clone(), clock.clone()),
        clock,
        db,
    }
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

impl House {
    async fn ann(&self) -> AccountView {
        self.accounts
            .create(&email("Ann@Example.com"), Some(secret(GOOD)), false)
            .await
            .unwrap()
    }

    /// An account whose password nobody knows: no hash has to be computed.
    async fn quick(&self, address: &str) -> AccountView {
        self.accounts
            .create(&email(address), None, false)
            .await
            .unwrap()
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<AccountView, SignInError> {
        self.sign_in_from(email, password, HOME).await
    }

    async fn sign_in_from(
        &self,
        email: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<AccountView, SignInError> {
        self.accounts
            .sign_in(&self.mail, email, secret(password), from, None, "")
            .await
            .map(|signed_in| signed_in.account)
    }

    async fn session(&self, id: &str, account: AccountId) {
        let owner = Owner {
            account,
            admin: false,
        };
        let seen = Seen::default();
        self.sessions
            .create(id, Some(owner), "{}", &seen)
            .await
            .unwrap();
    }

    async fn alive(&self, session: &str) -> bool {
        self.sessions.load(session).await.unwrap().is_some()
    }

    async fn stored_hash(&self, account: AccountId) -> Option<String> {
        table::account::Entity::find_by_id(account.to_string())
            .one(self.db.read())
            .await
            .unwrap()
            .unwrap()
            .password_hash
    }

    async fn count(&self, sql: &str) -> i64 {
        crate::db::one(self.db.read(), sql, [])
            .await
            .unwrap()
            .unwrap()
            .try_get_by_index(0)
            .unwrap()
    }

    async fn run(&self, sql: &str) {
        crate::db::exec(self.db.write(), sql, []).await.unwrap();
    }

    /// Kind and address of every mail, oldest first.
    async fn mails(&self) -> Vec<(String, String)> {
        let rows = crate::db::all(
            self.db.read(),
            "SELECT kind, address FROM mail ORDER BY id",
            [],
        )
        .await
        .unwrap();
        rows.iter()
            .map(|row| {
                (
                    row.try_get_by_index(0).unwrap(),
                    row.try_get_by_index(1).unwrap(),
                )
            })
            .collect()
    }

    async fn kinds(&self) -> Vec<String> {
        let mails = self.mails().await.into_iter();
        mails.map(|(kind, _)| kind).collect()
    }

    /// What the newest mail says.
    async fn letter(&self) -> String {
        let newest = self.mail.newest(1).await.unwrap().remove(0);
        newest.content.unwrap().text
    }

    /// The token in the newest mail that leads to this page.
    async fn token(&self, page: &str) -> String {
        let link = format!("https://pay.example{page}/");
        for mail in self.mail.newest(50).await.unwrap() {
            let text = mail.content.unwrap().text;
            if let Some((_, rest)) = text.split_once(&link) {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
                return rest[..end.unwrap_or(rest.len())].to_owned();
            }
        }
        panic!("no mail leads to {page}");
    }
}
