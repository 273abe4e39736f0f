//! What do people see of an order, and of the ways to pay? Plain values, shared by pages and commands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::reference::Reference;
use super::status::OrderStatus;
use crate::fx::{Coins, Quote, Rate, Refunded, Source, Spread};
use crate::ids::{AccountId, OrderId, WorkspaceId};
use crate::views::UnixMs;
use crate::{Amount, Currency};

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderId {
    /// Play money on this machine, for trying things out.
    Sandbox,
    /// A bank transfer that an administrator confirms.
    Manual,
}

impl ProviderId {
    pub const ALL: [Self; 2] = [Self::Sandbox, Self::Manual];

    /// Its name in the database, in addresses and in commands.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text names no provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown provider of payments: it is one of sandbox, manual")]
pub struct ProviderError;

impl FromStr for ProviderId {
    type Err = ProviderError;

    fn from_str(text: &str) -> Result<Self, ProviderError> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.code() == text)
            .ok_or(ProviderError)
    }
}

/// Why an administrator should look at an order: what the provider says about it does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// Another amount than was asked for.
    Amount,
    Currency,
    /// The payment names another order, or the order belongs to another payment.
    Reference,
    /// Real money where play money is expected, or the other way round.
    Mode,
    /// Paid so late that the rate of now counts, and that one is too old to charge by.
    Rate,
    /// More went back at the provider than we know of.
    Refund,
}

impl Attention {
    pub const ALL: [Self; 6] = [
        Self::Amount,
        Self::Currency,
        Self::Reference,
        Self::Mode,
        Self::Rate,
        Self::Refund,
    ];

    /// Its name in the database and in the keys of texts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Reference => "reference",
            Self::Mode => "mode",
            Self::Rate => "rate",
            Self::Refund => "refund",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

/// An order as its owner and administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    pub id: OrderId,
    /// The short name for people.
    pub reference: Reference,
    pub workspace: WorkspaceId,
    /// Who made it; `None` once that account is gone.
    pub account: Option<AccountId>,
    pub provider: ProviderId,
    /// What the provider calls it; `None` until the provider has answered.
    pub provider_ref: Option<String>,
    pub status: OrderStatus,
    /// What is to be paid, and what arrives for it: pinned when the order was made.
    pub quote: Quote,
    /// Promised on top, when it is paid.
    pub bonus: Amount,
    /// What was paid and what arrived; `None` until then.
    pub settled: Option<Settled>,
    /// What went back. Zero before.
    pub refunded: Refunded,
    /// A refund is on its way.
    pub refunding: bool,
    pub attention: Option<Attention>,
    pub created_at: UnixMs,
}

/// How an order was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    pub at: UnixMs,
    /// What arrived at the provider.
    pub paid: Coins,
    /// What arrived in the wallet, without the bonus.
    pub credited: Amount,
    pub bonus: Amount,
    /// By which rate; another than the quote's when it was paid late.
    pub rate: Rate,
    pub spread: Spread,
    pub source: Source,
    /// The day of the rate; `None` for dollars.
    pub date: Option<UnixMs>,
    pub row: i64,
}

/// A way to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    pub provider: ProviderId,
    /// In the order of the menu of currencies; never empty.
    pub currencies: Vec<Limits>,
    /// What it would take, were the newest rate not too old: with the day of that rate.
    pub closed: Vec<(Currency, UnixMs)>,
}

impl Method {
    /// The bounds in this currency; `None` when nobody can pay in it.
    #[must_use]
    pub fn limits(&self, currency: Currency) -> Option<&Limits> {
        self.currencies
            .iter()
            .find(|limits| limits.currency() == currency)
    }
}

/// How little and how much one order may be, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub min: Coins,
    pub max: Coins,
}

impl Limits {
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.min.currency()
    }

    #[must_use]
    pub const fn allows(&self, paid: Coins) -> bool {
        self.min.minor() <= paid.minor() && paid.minor() <= self.max.minor()
    }
}

/// What the customer does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Go to the provider's page.
    Redirect(String),
    /// Transfer money by hand.
    Instructions(ManualDetails),
}

/// What to write into a bank transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualDetails {
    /// Whose account it is.
    pub holder: String,
    /// As the operator wrote them: `IBAN DE00 …`, the bank's name.
    pub lines: Vec<String>,
    pub reference: Reference,
    pub amount: Coins,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn names_survive_their_text() {
        for provider in ProviderId::ALL {
            assert_eq!(provider.code().parse::<ProviderId>().unwrap(), provider);
            assert!(ProviderError.to_string().contains(provider.code()));
        }
        assert!("stripe".parse::<ProviderId>().is_err());
        for attention in Attention::ALL {
            assert_eq!(Attention::from_code(attention.code()), Some(attention));
        }
    }

    #[test]
    fn both_bounds_are_allowed() {
        let coins = |minor| Coins::new(Currency::Eur, minor).unwrap();
        let limits = Limits {
            min: coins(100),
            max: coins(200),
        };
        for (minor, allowed) in [(99, false), (100, true), (200, true), (201, false)] {
            assert_eq!(limits.allows(coins(minor)), allowed, "{minor}");
        }
    }
}
