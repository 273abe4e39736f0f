//! Which ways to pay did the operator set up, between which bounds, and what is given on top?

use std::collections::BTreeMap;
use std::net::SocketAddr;

use domain::{Amount, Currency};

use crate::secrets::Secret;

/// `[payments]` of the settings.
#[derive(Debug, Clone)]
pub struct PaymentsConfig {
    /// Whether this installation is local: play money exists only there.
    pub local: bool,
    /// The least and the most credit of one order, in US dollars.
    pub min: Amount,
    pub max: Amount,
    /// What is given on top, by the credit that is bought.
    pub bonus: Vec<BonusTier>,
    pub manual: Option<ManualConfig>,
    /// Where the sandbox provider listens, when that is set rather than told later.
    pub sandbox: Option<SandboxConfig>,
}

impl Default for PaymentsConfig {
    fn default() -> Self {
        Self {
            local: false,
            min: Amount::from_nanos(1_000_000_000),
            max: Amount::from_nanos(10_000_000_000_000),
            bonus: Vec::new(),
            manual: None,
            sandbox: None,
        }
    }
}

impl PaymentsConfig {
    /// What comes on top of so much credit: the part of the highest tier that it reaches, rounded down.
    #[must_use]
    pub fn bonus_of(&self, credit: Amount) -> Amount {
        self.bonus
            .iter()
            .filter(|tier| tier.from <= credit)
            .max_by_key(|tier| tier.from)
            .map_or(Amount::ZERO, |tier| tier.of(credit))
    }
}

/// From so much credit on, so much on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BonusTier {
    pub from: Amount,
    /// Basis points of the credit: 500 are five per cent. At most 10 000.
    pub bp: u16,
}

impl BonusTier {
    fn of(self, credit: Amount) -> Amount {
        let nanos = i128::from(credit.nanos()) * i128::from(self.bp) / 10_000;
        i64::try_from(nanos).map_or(Amount::ZERO, Amount::from_nanos)
    }
}

/// Where customers transfer money to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualConfig {
    pub holder: String,
    /// Per currency the lines that a customer needs, as the operator wrote them.
    pub accounts: BTreeMap<Currency, Vec<String>>,
}

/// The provider of play money.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// On this machine.
    pub address: SocketAddr,
    /// Signs what it tells us, and what we ask of it.
    pub secret: Secret,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_highest_tier_that_is_reached_counts() {
        let usd = |text| Amount::parse_usd(text).unwrap();
        let tier = |from, bp| BonusTier {
            from: usd(from),
            bp,
        };
        let config = PaymentsConfig {
            bonus: vec![tier("100", 1_000), tier("25", 500)],
            ..PaymentsConfig::default()
        };
        for (credit, bonus) in [
            ("24.999999999", "0"),
            ("25", "1.25"),
            ("99.999999999", "4.999999999"),
            ("100", "10"),
        ] {
            assert_eq!(config.bonus_of(usd(credit)), usd(bonus), "{credit}");
        }
    }
}
