//! `[welcome]`: what does a new person get for a first look? Nothing, unless the operator says so.

use domain::Amount;
use server::accounts::WelcomeRule;

use super::Config;
use super::file::WelcomeTable;
use super::load::{Loader, optional, positive};

/// What the first look (`serve --welcome`) gives where nothing is set: fifty cents.
const FIRST_LOOK: Amount = Amount::from_nanos(500_000_000);

/// Credit that everybody gets once, after proving their address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// `None` when nothing is set.
    pub credit: Option<Amount>,
    /// At most so many within 24 hours from one network.
    pub per_network_per_day: u32,
}

pub(super) fn settings(l: &mut Loader<'_>, file: WelcomeTable) -> Welcome {
    let raw = l.raw(Some("FAREBOX_WELCOME_CREDIT"), file.credit, "");
    let credit = l.read("welcome.credit", raw, "", |text| optional(text, amount));
    let raw = l.raw(
        None,
        file.per_network_per_day.map(|number| number.to_string()),
        "3",
    );
    let most = l.read("welcome.per_network_per_day", raw, "3", positive);
    Welcome {
        credit,
        per_network_per_day: u32::try_from(most).unwrap_or(u32::MAX),
    }
}

fn amount(text: &str) -> Result<Amount, String> {
    let amount = Amount::parse_usd(text).map_err(|wrong| wrong.to_string())?;
    if amount < Amount::ZERO {
        return Err("credit cannot be less than zero".to_owned());
    }
    Ok(amount)
}

impl Config {
    /// As `serve --welcome` starts: with a little welcome credit, unless the operator set another. Everybody who tries it
    /// out sits at this machine, which is one network.
    #[must_use]
    pub fn for_a_first_look(mut self) -> Self {
        if self.welcome.credit.is_none() {
            self.welcome.credit = Some(FIRST_LOOK);
            self.welcome.per_network_per_day = u32::MAX;
        }
        self
    }

    /// The rule, if there is credit to give.
    #[must_use]
    pub fn welcome_rule(&self) -> Option<WelcomeRule> {
        let amount = self.welcome.credit.filter(|amount| !amount.is_zero())?;
        Some(WelcomeRule {
            amount,
            per_network_per_day: self.welcome.per_network_per_day,
        })
    }
}
