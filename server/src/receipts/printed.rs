//! What stands on a receipt? Finished lines in one language: pages and files only lay them out.

use domain::fx::{Coins, Source};
use domain::views::UnixMs;
use domain::{Amount, Currency};
use serde::{Deserialize, Serialize};
use texts::format::{self, Money, Zone};
use texts::{Locale, Texts};

use super::issue::{Kind, RateLine};
use super::number::ReceiptNumber;
use super::seller::{Buyer, SellerFacts};

/// A receipt as it is read, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// The language of every line, as a code.
    pub locale: String,
    pub title: String,
    pub seller: Party,
    pub buyer: Party,
    /// Number, date, order.
    pub about: Vec<Line>,
    pub sections: Vec<Section>,
    pub notes: Vec<String>,
}

/// One side of the deal; the first line is its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub title: String,
    pub lines: Vec<String>,
}

/// Amounts that belong together; the last line may be their sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub title: String,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub label: String,
    pub value: String,
    /// Printed larger: what the section comes to.
    pub total: bool,
}

/// All that a receipt is printed from.
pub(super) struct Facts<'a> {
    pub kind: &'a Kind,
    pub number: &'a ReceiptNumber,
    pub order_id: &'a str,
    pub provider: &'a str,
    pub paid: Coins,
    pub credited: Amount,
    pub bonus: Amount,
    pub rate: Option<RateLine>,
    pub issued_at: UnixMs,
    pub seller: &'a SellerFacts,
    pub buyer: &'a Buyer,
}

/// The receipt in a language.
pub(super) fn print(facts: &Facts<'_>, texts: &Texts, locale: Locale) -> Printed {
    Printer {
        facts,
        texts,
        locale,
    }
    .print()
}

struct Printer<'a> {
    facts: &'a Facts<'a>,
    texts: &'a Texts,
    locale: Locale,
}

impl Printer<'_> {
    fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.texts.t(self.locale, key, values)
    }

    /// A value under the name that the texts have for it.
    fn line(&self, key: &str, value: String) -> Line {
        Line {
            label: self.say(key, &[]),
            value,
            total: false,
        }
    }

    fn total(&self, key: &str, value: String) -> Line {
        Line {
            total: true,
            ..self.line(key, value)
        }
    }

    /// With every digit it has: a receipt rounds nothing.
    fn money(&self, money: impl Into<Money>) -> String {
        format::money_exact(self.locale, &money.into())
    }

    fn percent(&self, bp: u16) -> String {
        let number = format::hundredths(self.locale, i64::from(bp));
        self.say("receipts.document.percent", &[("number", &number)])
    }

    fn print(&self) -> Printed {
        let facts = self.facts;
        let (title, mut sections) = match facts.kind {
            Kind::Receipt => ("receipts.document.receipt", vec![self.paid()]),
            Kind::CreditNote { of } => ("receipts.document.credit_note", vec![self.returned(of)]),
        };
        sections.extend(facts.rate.map(|rate| self.exchange(rate)));
        sections.push(self.wallet());
        let mut notes: Vec<String> = facts.seller.tax_note.iter().cloned().collect();
        if facts.provider == "sandbox" {
            notes.push(self.say("receipts.document.sandbox_note", &[]));
        }
        Printed {
            locale: self.locale.code().to_owned(),
            title: self.say(title, &[]),
            seller: self.seller(),
            buyer: Party {
                title: self.say("receipts.document.buyer", &[]),
                lines: [&facts.buyer.name, &facts.buyer.email]
                    .into_iter()
                    .filter(|line| !line.is_empty())
                    .cloned()
                    .collect(),
            },
            about: self.about(),
            sections,
            notes,
        }
    }

    fn seller(&self) -> Party {
        let seller = self.facts.seller;
        let mut lines = vec![seller.name.clone()];
        lines.extend(seller.address.iter().cloned());
        if let Some(id) = &seller.tax_id {
            lines.push(self.say("receipts.document.tax_id", &[("number", id)]));
        }
        lines.extend(seller.email.iter().cloned());
        Party {
            title: self.say("receipts.document.seller", &[]),
            lines,
        }
    }

    fn about(&self) -> Vec<Line> {
        let facts = self.facts;
        let issued = format::date_time(self.locale, facts.issued_at, Zone::UTC);
        let mut about = vec![
            self.line("receipts.document.number", facts.number.to_string()),
            self.line("receipts.document.issued", issued),
            self.line("receipts.document.order", facts.order_id.to_owned()),
            self.line("receipts.document.provider", self.provider()),
        ];
        if let Kind::CreditNote { of } = facts.kind {
            about.push(self.line("receipts.document.of", of.to_string()));
        }
        about
    }

    /// Providers have names of their own; two of ours are described.
    fn provider(&self) -> String {
        match self.facts.provider {
            "manual" => self.say("receipts.provider.manual", &[]),
            "sandbox" => self.say("receipts.provider.sandbox", &[]),
            other => other.to_owned(),
        }
    }

    fn paid(&self) -> Section {
        let paid = self.facts.paid;
        let mut lines = vec![self.line("receipts.document.item", self.money(paid))];
        lines.extend(self.tax());
        lines.push(self.total("receipts.document.paid_total", self.money(paid)));
        Section {
            title: self.say("receipts.document.paid", &[]),
            lines,
        }
    }

    fn returned(&self, of: &ReceiptNumber) -> Section {
        let back = self.money(self.facts.paid);
        let mut item = self.line("receipts.document.refund_item", back.clone());
        let values = [("number", of.to_string())];
        item.label = self.say(
            "receipts.document.refund_item",
            &values
                .each_ref()
                .map(|(name, value)| (*name, value.as_str())),
        );
        let mut lines = vec![item];
        lines.extend(self.tax());
        lines.push(self.total("receipts.document.returned_total", back));
        Section {
            title: self.say("receipts.document.returned", &[]),
            lines,
        }
    }

    fn tax(&self) -> Option<Line> {
        let tax = self.facts.seller.tax.as_ref()?;
        let percent = self.percent(tax.bp);
        Some(Line {
            label: self.say(
                "receipts.document.tax",
                &[("name", &tax.name), ("percent", &percent)],
            ),
            value: self.money(tax.part_of(self.facts.paid)),
            total: false,
        })
    }

    fn exchange(&self, rate: RateLine) -> Section {
        let one = Money {
            nanos: 1_000_000_000,
            currency: self.facts.paid.currency(),
            approx: false,
        };
        let dollars = Money {
            nanos: i128::from(rate.rate.e9()),
            currency: Currency::Usd,
            approx: false,
        };
        let (one, dollars) = (format::money(self.locale, &one), self.money(dollars));
        let value = self.say(
            "receipts.document.rate_value",
            &[("one", &one), ("dollars", &dollars)],
        );
        let day = format::date(self.locale, rate.date, Zone::UTC);
        let source = self.source(rate.source);
        let source = self.say(
            "receipts.document.rate_source",
            &[("source", &source), ("date", &day)],
        );
        let mut lines = vec![
            self.line("receipts.document.rate", value),
            self.line("receipts.document.rate_of", source),
        ];
        if rate.spread_bp > 0 {
            lines.push(self.line("receipts.document.spread", self.percent(rate.spread_bp)));
        }
        Section {
            title: self.say("receipts.document.exchange", &[]),
            lines,
        }
    }

    fn source(&self, source: Source) -> String {
        let key = match source {
            Source::First => "receipts.source.first",
            Source::Ecb => "receipts.source.ecb",
            Source::Cbr => "receipts.source.cbr",
            Source::OpenExchangeRates => "receipts.source.openexchangerates",
            Source::Manual => "receipts.source.manual",
        };
        self.say(key, &[])
    }

    /// What the wallet got, or what was taken out of it.
    fn wallet(&self) -> Section {
        let facts = self.facts;
        let (title, total) = match facts.kind {
            Kind::Receipt => ("receipts.document.added", "receipts.document.added_total"),
            Kind::CreditNote { .. } => ("receipts.document.taken", "receipts.document.taken_total"),
        };
        let mut lines = vec![self.line("receipts.document.credit", self.money(facts.credited))];
        if !facts.bonus.is_zero() {
            lines.push(self.line("receipts.document.bonus", self.money(facts.bonus)));
        }
        let sum = facts.credited.plus(facts.bonus).unwrap_or(Amount::MAX);
        lines.push(self.total(total, self.money(sum)));
        Section {
            title: self.say(title, &[]),
            lines,
        }
    }
}
