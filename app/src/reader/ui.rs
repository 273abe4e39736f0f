//! What does every view carry? The reader's language and the means to say and format things in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::views::{AccountView, UnixMs};
use domain::{Amount, Currency, PricePerMtok};
use server::policies::Policies;
use texts::{Facts, Locale, format};

use super::{Low, Prefs, Reader, localized};
use crate::flash::Flash;
use crate::services::{Assets, Services, SiteConfig};

/// A reader and the signed-in account. Cheap to clone.
#[derive(Clone)]
pub struct Ui {
    reader: Arc<Reader>,
    account: Option<AccountView>,
    low: Option<Low>,
}

impl Ui {
    pub fn new(reader: Arc<Reader>, account: Option<AccountView>) -> Self {
        Self {
            reader,
            account,
            low: None,
        }
    }

    /// With what is to be said about the balance.
    #[must_use]
    pub fn with_low(mut self, low: Option<Low>) -> Self {
        self.low = low;
        self
    }

    pub fn low(&self) -> Option<Low> {
        self.low
    }

    /// For a server function: a reader without a page.
    pub fn of_prefs(services: &Services, prefs: Prefs) -> Self {
        let reader = Reader {
            services: services.clone(),
            rates: services.rates.table(),
            session: crate::session::nobody(),
            prefs,
            prefix: None,
            asked: String::new(),
            path: String::new(),
            accept_language: String::new(),
            request_number: String::new(),
            flash: None,
            to_accept: false,
            put_away: None,
        };
        Self::new(Arc::new(reader), None)
    }

    pub fn prefs(&self) -> &Prefs {
        &self.reader.prefs
    }

    pub fn locale(&self) -> Locale {
        self.reader.prefs.locale
    }

    /// The zone in which days are counted and times are shown.
    pub fn zone(&self) -> format::Zone {
        self.reader.prefs.zone
    }

    pub fn site(&self) -> &SiteConfig {
        &self.reader.services.site
    }

    pub fn assets(&self) -> &Assets {
        &self.reader.services.assets
    }

    pub fn account(&self) -> Option<&AccountView> {
        self.account.as_ref()
    }

    /// Whether strangers may make an account: only where a mail can reach them.
    pub fn sign_up_open(&self) -> bool {
        self.reader.services.mail.delivers()
    }

    pub fn flash(&self) -> Option<&Flash> {
        self.reader.flash.as_ref()
    }

    /// Whether this person has yet to accept terms that are in force.
    pub fn to_accept(&self) -> bool {
        self.reader.to_accept
    }

    pub fn policies(&self) -> &Policies {
        &self.reader.services.policies
    }

    /// Path and query as asked.
    pub fn asked(&self) -> &str {
        &self.reader.asked
    }

    /// The path without the language's prefix.
    pub fn path(&self) -> &str {
        &self.reader.path
    }

    /// The languages to choose from.
    pub fn locales(&self) -> Vec<Locale> {
        super::prefs::offered(&self.reader.services.texts)
    }

    /// The address of a public page in the reader's language.
    pub fn link(&self, path: &str) -> String {
        localized(self.locale(), path)
    }

    /// Use `t!`.
    pub fn text(&self, key: &str, args: &[(&str, &str)]) -> String {
        self.reader.services.texts.t(self.locale(), key, args)
    }

    /// A text in another language than the reader's.
    pub fn text_in(&self, locale: Locale, key: &str) -> String {
        self.reader.services.texts.t(locale, key, &[])
    }

    /// The front matter of a long text in the reader's language.
    pub fn front_matter(&self, path: &str, facts: &Facts) -> Option<BTreeMap<String, String>> {
        let texts = &self.reader.services.texts;
        texts.front_matter(self.locale().code(), path, facts)
    }

    /// By which this request can be asked about.
    pub fn request_number(&self) -> &str {
        &self.reader.request_number
    }

    /// What the browser asked for, whatever the reader chose.
    pub fn accept_language(&self) -> &str {
        &self.reader.accept_language
    }

    /// Use `n!`.
    pub fn count(&self, key: &str, count: u64) -> String {
        self.count_with(key, count, &[])
    }

    /// Use `n!` with values.
    pub fn count_with(&self, key: &str, count: u64, args: &[(&str, &str)]) -> String {
        let texts = &self.reader.services.texts;
        texts.n(self.locale(), key, count, args)
    }

    /// An amount in the reader's currency, rounded to its coins (and finer when it is small).
    pub fn money(&self, amount: Amount) -> String {
        format::money(self.locale(), &self.convert(amount))
    }

    /// A price per million tokens in the reader's currency.
    pub fn price(&self, price: PricePerMtok) -> String {
        self.money(Amount::from_nanos(price.micro_usd().saturating_mul(1_000)))
    }

    /// The amount exactly as it is booked, in US dollars to the nano-dollar.
    pub fn exact(&self, amount: Amount) -> String {
        format::money_exact(self.locale(), &amount.into())
    }

    /// Pico-dollars with every digit they have: the parts of a charge before it is rounded.
    pub fn exact_picos(&self, picos: i128) -> String {
        format::money_picos(self.locale(), picos)
    }

    /// An amount in whole billionths of the reader's currency: what the chart's scale is drawn in.
    pub fn convert(&self, amount: Amount) -> format::Money {
        let currency = self.prefs().currency;
        format::Money {
            nanos: self.reader.rates.show(amount, currency),
            currency,
            approx: currency != Currency::Usd,
        }
    }

    /// A round amount in the reader's currency, without the sign for "about": a mark on a scale.
    pub fn mark(&self, nanos: i128) -> String {
        format::money(
            self.locale(),
            &format::Money {
                nanos,
                currency: self.prefs().currency,
                approx: false,
            },
        )
    }

    /// The day of the rate when amounts are not in the wallet's own currency.
    pub fn rates_date(&self) -> Option<String> {
        let currency = self.prefs().currency;
        (currency != Currency::Usd).then(|| {
            let date = self.reader.rates.known(currency).date;
            format::date(self.locale(), date, format::Zone::UTC)
        })
    }

    pub fn number(&self, number: u64) -> String {
        format::number(self.locale(), number)
    }

    /// Hundredths of a per cent: `12.5%`.
    pub fn percent(&self, basis_points: i64) -> String {
        format::percent(self.locale(), basis_points)
    }

    /// A count in few characters: `12.4K`.
    pub fn compact(&self, count: u64) -> String {
        self.reader.services.texts.compact(self.locale(), count)
    }

    pub fn date(&self, at: UnixMs) -> String {
        format::date(self.locale(), at, self.zone())
    }

    /// A day of this month or the last, for charts: `Nov 21`.
    pub fn day(&self, at: UnixMs) -> String {
        format::day(self.locale(), at, self.zone())
    }

    /// A day and a minute, with the zone's distance from UTC.
    pub fn date_time(&self, at: UnixMs) -> String {
        format::date_time(self.locale(), at, self.zone())
    }

    /// A minute of a day that is clear from the place.
    pub fn time(&self, at: UnixMs) -> String {
        format::time(self.locale(), at, self.zone())
    }

    /// A second of a day that is clear from the place.
    pub fn time_seconds(&self, at: UnixMs) -> String {
        format::time_seconds(self.locale(), at, self.zone())
    }

    /// How long ago that was, seen from this request.
    pub fn ago(&self, then: UnixMs) -> String {
        self.reader
            .services
            .texts
            .ago(self.locale(), then, self.prefs().now, self.zone())
    }
}
