//! What is true of this installation? Settings, lifetimes from the code that keeps them, who the upstreams are.
//!
//! The texts ask for these names; one that is not here is an error, and `tests` renders every text under many settings.

use std::collections::BTreeMap;
use std::fmt::Write;

use domain::Amount;
use texts::content::plain;
use texts::{Facts, Locale, Texts, format};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What the operator set, as far as the texts speak of it.
#[derive(Debug, Clone, Default)]
pub struct Installation {
    pub brand: String,
    /// The public address, without a trailing slash.
    pub site: String,
    pub seller: Option<Seller>,
    /// The e-mail address for questions about data and money.
    pub contact: Option<String>,
    /// Which law applies, in the operator's words.
    pub law: Option<String>,
    /// Whose servers these are and where, in the operator's words.
    pub hosting: Option<String>,
    /// Within how many days people get an answer.
    pub answer_days: u64,
    /// How many days backups are kept; `None` when the operator has not said.
    pub backup_days: Option<u64>,
    /// How many days logs are kept; `None` when the operator has not said.
    pub log_days: Option<u64>,
    /// Whose the upstreams are, in the operator's words.
    pub recipients: Vec<Recipient>,
    /// The server that mails leave by.
    pub mail_host: Option<String>,
    /// Whether mails are shown on a page of this machine.
    pub outbox: bool,
    /// Whether owners can see their keys again.
    pub key_copies: bool,
    /// Credit for new people.
    pub welcome: Option<Amount>,
    pub payments: Payments,
    /// Who is asked for rates of currencies, by name.
    pub rate_sources: Vec<String>,
    /// Every cookie that pages can set.
    pub cookies: Vec<Cookie>,
}

/// Who sells credit here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seller {
    pub name: String,
    /// In one line; empty when it is not given.
    pub address: String,
    /// Empty when it is not given.
    pub tax_id: String,
}

/// Whose a host is that prompts are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    pub host: String,
    /// `OpenAI, USA`
    pub who: String,
}

/// How credit can be bought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payments {
    /// Providers on whose pages people pay, by name.
    pub online: Vec<String>,
    /// By bank transfer, confirmed by an administrator.
    pub manual: bool,
    /// Play money, for trying out.
    pub sandbox: bool,
}

/// A cookie as the table shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// As the browser knows it.
    pub name: String,
    /// The key of the text that says what it is for.
    pub purpose: &'static str,
    pub lifetime: Lifetime,
}

/// How long a browser keeps a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    Days(u64),
    Minutes(u64),
}

impl Installation {
    /// The facts in a reader's language. `upstreams` are the hosts that prompts can be sent to.
    #[must_use]
    pub fn facts(&self, texts: &Texts, locale: Locale, upstreams: &[String]) -> Facts {
        let facts = self.people(Facts::default());
        let facts = self.features(facts, locale);
        let facts = self.times(facts, texts, locale);
        facts
            .list("upstreams", self.named(upstreams))
            .text("cookie_table", self.cookie_table(texts, locale))
    }

    /// Who runs this, and where to write.
    fn people(&self, facts: Facts) -> Facts {
        let seller = self.seller.clone().unwrap_or_default();
        let known = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
        facts
            .text("brand", plain(&self.brand))
            .text("site", plain(&self.site))
            .flag("https", self.site.starts_with("https://"))
            .flag("seller", self.seller.is_some())
            .text("seller_name", plain(&seller.name))
            .flag("address", !seller.address.is_empty())
            .text("seller_address", plain(&seller.address))
            .flag("tax_id", !seller.tax_id.is_empty())
            .text("seller_tax_id", plain(&seller.tax_id))
            // Also an address of a link, so its signs stay as they are: it was judged to be one of mail.
            .text("contact", self.contact.as_deref().unwrap_or_default())
            .text("law", known(&self.law))
            .text("hosting", known(&self.hosting))
    }

    /// What is switched on.
    fn features(&self, facts: Facts, locale: Locale) -> Facts {
        let Payments {
            online,
            manual,
            sandbox,
        } = &self.payments;
        let list = |names: &[String]| names.iter().map(|name| plain(name)).collect();
        let welcome = self.welcome.filter(|amount| !amount.is_zero());
        let mail = self.mail_host.is_some();
        facts
            .flag("mail", mail)
            .text(
                "mail_host",
                plain(self.mail_host.as_deref().unwrap_or_default()),
            )
            .flag("outbox", self.outbox && !mail)
            .flag("sign_up", mail || self.outbox)
            .flag("reveal", self.key_copies)
            .flag("welcome", welcome.is_some())
            .text(
                "welcome_credit",
                welcome.map_or_else(String::new, |amount| {
                    plain(&format::money_exact(locale, &amount.into()))
                }),
            )
            .flag("payments", !online.is_empty() || *manual || *sandbox)
            .flag("online_payments", !online.is_empty())
            .list("payment_providers", list(online))
            .flag("manual_payments", *manual)
            .flag("sandbox_payments", *sandbox)
            .list("rate_sources", list(&self.rate_sources))
            .flag("backups", self.backup_days.is_some())
            .flag("logs", self.log_days.is_some())
            // True as soon as a verb deletes accounts and hands out copies of their data: texts promise what code does.
            .flag("erasure", false)
    }

    /// How long things are kept, from the code that keeps them.
    fn times(&self, facts: Facts, texts: &Texts, locale: Locale) -> Facts {
        use crate::{accounts, keys, mail, rates, sessions};
        let days = |count| period(texts, locale, "policies.period.days", count);
        let last = |ms: i64| {
            let count = |unit: i64| ms.div_euclid(unit).unsigned_abs();
            if ms > DAY_MS && ms % DAY_MS == 0 {
                days(count(DAY_MS))
            } else if ms >= HOUR_MS && ms % HOUR_MS == 0 {
                period(texts, locale, "policies.period.hours", count(HOUR_MS))
            } else {
                period(texts, locale, "policies.period.minutes", count(MINUTE_MS))
            }
        };
        facts
            .text("session_idle", last(sessions::IDLE_MS))
            .text("session_longest", last(sessions::ABSOLUTE_MS))
            .text("admin_idle", last(sessions::ADMIN_IDLE_MS))
            .text("admin_longest", last(sessions::ADMIN_ABSOLUTE_MS))
            .text("delay_kept", last(accounts::DELAY_KEPT_MS))
            .text("secret_shown", last(keys::SHOWN_MS))
            .text("refusals_kept", last(keys::REFUSALS_KEPT_MS))
            .text("mail_kept", last(mail::KEPT_MS))
            .text("quote_valid", last(rates::QUOTE_MS))
            .text("answer_time", days(self.answer_days))
            .text(
                "backups_kept",
                self.backup_days.map_or_else(String::new, days),
            )
            .text("logs_kept", self.log_days.map_or_else(String::new, days))
    }

    /// The upstreams as the operator names them, each host once.
    fn named(&self, hosts: &[String]) -> Vec<String> {
        let mut all: BTreeMap<&str, &str> = BTreeMap::new();
        for host in hosts {
            let known = self.recipients.iter().find(|known| known.host == *host);
            all.insert(host, known.map_or("", |known| known.who.as_str()));
        }
        all.into_iter()
            .map(|(host, who)| match who {
                "" => format!("`{host}`"),
                who => format!("{} (`{host}`)", plain(who)),
            })
            .collect()
    }

    fn cookie_table(&self, texts: &Texts, locale: Locale) -> String {
        let cell = |key: &str| texts.t(locale, key, &[]);
        let mut table = format!(
            "| {} | {} | {} |\n| --- | --- | --- |",
            cell("policies.cookies.name"),
            cell("policies.cookies.purpose"),
            cell("policies.cookies.lifetime")
        );
        for cookie in &self.cookies {
            let lifetime = match cookie.lifetime {
                Lifetime::Days(count) => period(texts, locale, "policies.period.days", count),
                Lifetime::Minutes(count) => period(texts, locale, "policies.period.minutes", count),
            };
            write!(
                table,
                "\n| `{}` | {} | {lifetime} |",
                cookie.name,
                cell(cookie.purpose)
            )
            .expect("writing to a string cannot fail");
        }
        table
    }

    /// Settings without which the texts say that something is not known.
    pub(super) fn unsaid(&self) -> Vec<&'static str> {
        let said = [
            (self.seller.is_some(), "seller.name"),
            (self.contact.is_some(), "brand.support"),
        ];
        said.into_iter()
            .filter(|(said, _)| !said)
            .map(|(_, setting)| setting)
            .collect()
    }

    /// Hosts of upstreams that no `policies.recipients` entry explains.
    pub(super) fn nameless(&self, hosts: &[String]) -> Vec<String> {
        let known = |host: &String| self.recipients.iter().any(|known| known.host == *host);
        let mut nameless: Vec<_> = hosts.iter().filter(|host| !known(host)).cloned().collect();
        nameless.sort();
        nameless.dedup();
        nameless
    }
}

/// `30 days`, as the language says it.
fn period(texts: &Texts, locale: Locale, key: &str, count: u64) -> String {
    texts.n(locale, key, count, &[])
}
