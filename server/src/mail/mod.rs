//! What has to be told by mail, and was it? A durable outbox: written in the transaction that is the reason, sent after.
//!
//! - [`Message`]: the closed list of what is said; `render` makes subject, text and HTML of it.
//! - `outbox`: the rows, sealed, and what the outbox page of a local installation shows.
//! - `sender`, `envelope`, `smtp`: how they leave; tried again until they arrive or two days have passed.
//! - `low_balance`: the one mail that no request is the reason for.

mod envelope;
mod low_balance;
mod message;
mod outbox;
mod render;
mod sender;
mod smtp;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use domain::ids::AccountId;
use domain::views::AccountView;
use texts::{Locale, Texts};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::db::Db;
use crate::secrets::KeyRing;

pub use message::Message;
pub use outbox::{KEPT_MS, OutboxContent, OutboxMail};
pub use smtp::{Authority, Security, Sender, SmtpConfig};

/// Who gets a mail, and in which language.
#[derive(Debug, Clone)]
pub struct Recipient {
    pub account: Option<AccountId>,
    pub address: String,
    pub locale: Locale,
}

/// How mail leaves.
#[derive(Clone, Default)]
pub struct MailConfig {
    /// Absolute base of links, without a trailing slash.
    pub public_url: String,
    pub brand: String,
    /// Whether this installation is local: its outbox page shows mails, with or without SMTP.
    pub local: bool,
    /// Where people write when they need help.
    pub support: Option<String>,
    /// The server that takes our mail. Without one mails wait in the outbox.
    pub smtp: Option<SmtpConfig>,
}

/// What one process did with mails since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The mail server took charge of them.
    pub sent: u64,
    /// Tries that have to be repeated.
    pub postponed: u64,
    pub failed: u64,
}

/// The outbox. Cheap to clone.
#[derive(Clone)]
pub struct Mail(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    ring: KeyRing,
    texts: Texts,
    config: MailConfig,
    /// Told when a mail was queued in this process.
    wake: Notify,
    figures: Counts,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    postponed: AtomicU64,
    failed: AtomicU64,
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
            wake: Notify::new(),
            figures: Counts::default(),
        }))
    }

    /// Whether a mail can reach anybody: SMTP is set up, or this is a local installation with its outbox page.
    #[must_use]
    pub fn delivers(&self) -> bool {
        self.0.config.local || self.0.config.smtp.is_some()
    }

    /// Whether mails leave this machine. Without it a local installation only shows them.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.0.config.smtp.is_some()
    }

    /// Which language mails to somebody who chose `code` are in; English when it is none of ours.
    #[must_use]
    pub fn locale(&self, code: Option<&str>) -> Locale {
        code.and_then(|code| self.0.texts.locale(code))
            .unwrap_or_default()
    }

    /// An account at its own address, in its own language.
    #[must_use]
    pub fn recipient(&self, account: &AccountView) -> Recipient {
        Recipient {
            account: Some(account.id),
            address: account.email.clone(),
            locale: self.locale(account.chosen.locale.as_deref()),
        }
    }
}
