//! Who gets welcome credit? Each person once, when their address is proved, and not too many from one place.
//!
//! A person is the mailbox behind the address: `A.Nn+shop@gmail.com` and `ann@gmail.com` are one. Only a keyed hash of
//! it is kept, and it is kept when the account is deleted: otherwise deleting would be the way to more.

use domain::Amount;
use domain::views::{AccountView, UnixMs};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter};

use super::table::welcome_credit::{ActiveModel, Column, Entity};
use super::{Accounts, Email};
use crate::changes::{Topic, bump};
use crate::secrets::{Purpose, hex};

/// Credit that everybody gets once, after proving their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WelcomeRule {
    pub amount: Amount,
    /// At most so many within 24 hours from one network; sign-ups whose network is not known count as one.
    pub per_network_per_day: u32,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl Accounts {
    /// With welcome credit, or without (as at first).
    #[must_use]
    pub fn with_welcome(mut self, rule: Option<WelcomeRule>) -> Self {
        std::sync::Arc::make_mut(&mut self.0).welcome = rule;
        self
    }

    /// Gives an account its welcome credit, if there is any and nobody with the same mailbox had it. In the caller's
    /// transaction: credit and proof of the address come together.
    pub(super) async fn give_welcome<C: ConnectionTrait>(
        &self,
        conn: &C,
        account: &AccountView,
        network: &str,
        now: UnixMs,
    ) -> Result<(), DbErr> {
        let rule = self.0.welcome.filter(|rule| rule.amount > Amount::ZERO);
        let (Some(rule), Ok(email)) = (rule, Email::parse(&account.email)) else {
            return Ok(());
        };
        // One at a time on all nodes, or two at once would both be the last of their network: this locks a row.
        bump(conn, Topic::Accounts).await?;
        let today = Entity::find()
            .filter(Column::Network.eq(network))
            .filter(Column::CreatedAt.gt(now - DAY_MS))
            .count(conn)
            .await?;
        if today >= u64::from(rule.per_network_per_day) {
            return Ok(());
        }
        let bound = [b"person\0", mailbox(&email).as_bytes()].concat();
        let person = hex(&self.0.ring.hmac(Purpose::Token, &bound));
        let row = ActiveModel {
            person: Set(person.clone()),
            account_id: Set(account.id.to_string()),
            network: Set(network.to_owned()),
            created_at: Set(now),
        };
        let first = Entity::insert(row)
            .on_conflict(OnConflict::column(Column::Person).do_nothing().to_owned())
            .exec_without_returning(conn)
            .await?;
        if first == 1 {
            crate::ledger::give_bonus(
                conn,
                account.workspace,
                rule.amount,
                &format!("welcome:{person}"),
                "welcome credit",
                None,
                now,
            )
            .await?;
        }
        Ok(())
    }
}

/// The mailbox that mail to this address ends up in, as far as the address itself tells.
fn mailbox(email: &Email) -> String {
    let (name, domain) = email.key().split_once('@').unwrap_or((email.key(), ""));
    let domain = if domain == "googlemail.com" {
        "gmail.com"
    } else {
        domain
    };
    // A name that is nothing but a tag is a name.
    let name = name
        .split_once('+')
        .map_or(name, |(name, tag)| if name.is_empty() { tag } else { name });
    let name = if domain == "gmail.com" {
        name.replace('.', "")
    } else {
        name.to_owned()
    };
    format!("{name}@{domain}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn one_mailbox_has_many_addresses() {
        for (address, expected) in [
            ("Ann@Example.com", "ann@example.com"),
            ("ann+shop@example.com", "ann@example.com"),
            ("a.n.n@example.com", "a.n.n@example.com"),
            ("A.Nn+shop@gmail.com", "ann@gmail.com"),
            ("an.n@GoogleMail.com", "ann@gmail.com"),
            ("+shop@example.com", "shop@example.com"),
        ] {
            assert_eq!(mailbox(&Email::parse(address).unwrap()), expected);
        }
    }
}
