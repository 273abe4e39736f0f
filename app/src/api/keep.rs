//! Where does a choice or a secret go that a form has made? Into the account, the cookie, or sealed into the session.

use domain::views::{AccountView, Chosen};
use texts::Locale;
use texts::format::Zone;

use super::call::Asker;
use super::faults::of_profile;
use crate::flash::Fault;
use crate::reader::{Choice, Cookie, Theme};
use crate::session::Unavailable;

/// The session's entry for recovery codes.
pub const CODES: &str = "codes";

impl Asker {
    /// This browser has signed in here: it is known next time.
    pub fn know_browser(&self, device: &str) {
        self.set_cookie(Cookie::Browser, device);
    }

    /// A choice for when nobody is signed in.
    pub fn remember(&self, choice: Choice) {
        self.set_cookie(Cookie::Prefs, &choice.to_cookie());
    }

    /// A choice for this person in every browser.
    pub async fn keep_in_account(
        &self,
        account: &AccountView,
        choice: Choice,
        shortcuts: bool,
    ) -> Result<(), Fault> {
        let chosen = Chosen {
            locale: choice.locale.map(|locale| Locale::code(locale).to_owned()),
            currency: choice.currency.map(|currency| currency.code().to_owned()),
            time_zone: choice.zone.map(|zone| Zone::name(zone).to_owned()),
            theme: choice.theme.map(|theme| Theme::code(theme).to_owned()),
            shortcuts,
        };
        if chosen == account.chosen {
            return Ok(());
        }
        let kept = self.services.accounts.set_chosen(account.id, &chosen).await;
        kept.map_err(|error| of_profile(error).1)
    }

    /// What was chosen in this browser before the account had an opinion. Not worth failing a sign-in for.
    pub async fn keep_choice(&self, account: &AccountView) {
        let choice =
            Choice::of_account(&account.chosen, &self.services.texts).or(self.prefs.choice);
        let _ = self
            .keep_in_account(account, choice, account.chosen.shortcuts)
            .await;
    }

    /// Recovery codes for the page that shows them, to this session, for ten minutes.
    pub async fn keep_codes(&self, codes: &[String]) -> Result<(), Unavailable> {
        crate::session::keep(
            &self.session,
            &self.services.ring,
            CODES,
            &codes.join(" "),
            self.prefs.now,
        )
        .await
    }
}
