//! What has to be told by mail, and was it? A durable outbox: written in the transaction that is the reason, sent after.

use std::sync::Arc;

use domain::ids::AccountId;
use sea_orm::{ConnectionTrait, DbErr};
use texts::{Locale, Texts};

use crate::clock::Clock;
use crate::db::Db;
use crate::secrets::KeyRing;

/// Who gets a mail, and in which language.
#[derive(Debug, Clone)]
pub struct Recipient {
    pub account: Option<AccountId>,
    pub address: String,
    pub locale: Locale,
}

/// Everything that Farebox says by mail. `link` is a path of ours with its token (`/verify/…`): mails make it absolute.
#[derive(Clone)]
pub enum Message {
    /// Sign-up: prove that the address is yours.
    Verify {
        link: String,
    },
    /// Somebody signed up with an address that has an account already.
    AlreadyKnown {
        link: String,
    },
    /// Choose a new password.
    Reset {
        link: String,
    },
    PasswordChanged,
    /// To the new address.
    ConfirmEmail {
        link: String,
    },
    /// To the old address, with 72 hours to undo it.
    EmailChanged {
        new: String,
        link: String,
    },
    EmailChangeUndone,
    SecondFactorOn,
    SecondFactorOff,
    /// A recovery code was used; `left` remain.
    RecoveryCodeUsed {
        left: u64,
    },
    /// A sign-in from a browser that was never seen here.
    NewDevice {
        agent: String,
        network: String,
    },
    KeyRevealed {
        name: String,
        masked: String,
    },
    LowBalance {
        balance: domain::Amount,
        below: domain::Amount,
    },
    AccountBlocked,
}

/// How mail leaves.
#[derive(Clone, Default)]
pub struct MailConfig {
    /// Absolute base of links, without a trailing slash.
    pub public_url: String,
    pub brand: String,
    /// Whether this installation is local: its outbox page shows mails instead of SMTP.
    pub local: bool,
}

/// The outbox. Cheap to clone.
#[derive(Clone)]
pub struct Mail(Arc<Inner>);

#[expect(dead_code, reason = "skeleton")]
struct Inner {
    db: Db,
    clock: Clock,
    ring: KeyRing,
    texts: Texts,
    config: MailConfig,
}

impl Mail {
    #[must_use]
    pub fn new(db: Db, clock: Clock, ring: KeyRing, texts: Texts, config: MailConfig) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            ring,
            texts,
            config,
        }))
    }

    /// Whether a mail can reach anybody: SMTP is set up, or this is a local installation with its outbox page.
    #[must_use]
    pub fn delivers(&self) -> bool {
        self.0.config.local
    }

    /// Which language mails to somebody who chose `code` are in; English when it is none of ours.
    #[must_use]
    pub fn locale(&self, code: Option<&str>) -> Locale {
        code.and_then(|code| self.0.texts.locale(code))
            .unwrap_or_default()
    }

    /// An account at its own address, in its own language.
    #[must_use]
    pub fn recipient(&self, account: &domain::views::AccountView) -> Recipient {
        Recipient {
            account: Some(account.id),
            address: account.email.clone(),
            locale: self.locale(account.chosen.locale.as_deref()),
        }
    }

    /// Queues a mail in the caller's transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn queue<C: ConnectionTrait>(
        &self,
        _conn: &C,
        _to: &Recipient,
        _message: &Message,
    ) -> Result<(), DbErr> {
        Ok(())
    }
}
