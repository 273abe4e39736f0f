//! What does somebody want to pay? Read from the address, so that the page with its offer can be opened again.

use domain::Currency;
use domain::fx::Coins;
use domain::order::{Limits, Method, ProviderId};
use domain::views::UnixMs;
use serde::Deserialize;

use crate::api::read_coins;
use crate::pages::query_of;

/// Round amounts to choose from, in hundredths of ten times the power of ten that is nearest to a dollar.
const ROUND: [i64; 4] = [100, 250, 500, 1_000];

/// As it stands in the address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub provider: String,
    pub currency: String,
    pub amount: String,
}

/// What is wrong with what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Nobody can pay in this currency here.
    Currency(Currency),
    /// Its newest rate is of this day: too long ago.
    TooOld(Currency, UnixMs),
    Amount,
    OutOfBounds(Limits),
}

/// What was asked, completed with what is usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub method: Method,
    pub limits: Limits,
    /// What is typed in the field.
    pub amount: String,
    /// Nothing was typed, or it was wrong.
    pub paid: Option<Coins>,
    pub wrong: Option<Wrong>,
}

impl Asked {
    /// Reads `asked`, an address with its query.
    pub fn read(asked: &str) -> Self {
        query_of(asked)
    }

    /// What is to be paid, how, and what is wrong with it. `usual` is the currency the reader sees amounts in. `None` when
    /// nobody can pay here.
    pub fn choice(&self, methods: &[Method], usual: Currency) -> Option<Choice> {
        let named = self.provider.parse::<ProviderId>().ok();
        let method = methods
            .iter()
            .find(|method| Some(method.provider) == named)
            .or(methods.first())?;
        let asked = self.currency.parse::<Currency>().ok();
        let found = asked.and_then(|currency| method.limits(currency));
        let limits = *found
            .or_else(|| method.limits(usual))
            .or(method.currencies.first())?;
        let strange = asked.filter(|_| found.is_none()).map(|currency| {
            let closed = method.closed.iter().find(|(old, _)| *old == currency);
            closed.map_or(Wrong::Currency(currency), |(_, since)| {
                Wrong::TooOld(currency, *since)
            })
        });
        let paid = read_coins(limits.currency(), &self.amount);
        let typed = !self.amount.trim().is_empty();
        let wrong = strange.or(match paid {
            // An amount of another currency than was asked for says nothing.
            None if typed => Some(Wrong::Amount),
            Some(paid) if !limits.allows(paid) => Some(Wrong::OutOfBounds(limits)),
            _ => None,
        });
        Some(Choice {
            method: method.clone(),
            limits,
            amount: self.amount.trim().to_owned(),
            paid: paid.filter(|_| wrong.is_none()),
            wrong,
        })
    }
}

/// Round amounts within the bounds: about ten, twenty-five, fifty and a hundred dollars, by `per_usd` billionths of the
/// currency that a dollar is worth.
pub fn presets(limits: &Limits, per_usd: i128) -> Vec<Coins> {
    let currency = limits.currency();
    // Ten times the power of ten that is nearest to a dollar; the bound between two powers is their geometric mean.
    let mut step = 1_i64;
    let mut bound = 316_227_766_i128;
    while per_usd >= bound {
        step = step.saturating_mul(10);
        bound = bound.saturating_mul(10);
    }
    let coins = 10_i64.pow(u32::from(currency.exponent()));
    ROUND
        .into_iter()
        .filter_map(|hundredths| {
            let minor = step.checked_mul(hundredths)?.checked_mul(coins)? / 100;
            Coins::new(currency, minor).ok()
        })
        .filter(|coins| coins.minor() > 0 && limits.allows(*coins))
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn limits(currency: Currency) -> Limits {
        let one = 10_i64.pow(u32::from(currency.exponent()));
        Limits {
            min: Coins::new(currency, one).unwrap(),
            max: Coins::new(currency, 1_000_000 * one).unwrap(),
        }
    }

    fn methods() -> Vec<Method> {
        [
            (ProviderId::Sandbox, vec![Currency::Usd, Currency::Eur]),
            (ProviderId::Manual, vec![Currency::Eur]),
        ]
        .map(|(provider, currencies)| Method {
            provider,
            currencies: currencies.into_iter().map(limits).collect(),
            closed: vec![(Currency::Jpy, 86_400_000)],
        })
        .to_vec()
    }

    fn choose(query: &str) -> Choice {
        let asked = Asked::read(&format!("/wallet/top-up?{query}"));
        asked.choice(&methods(), Currency::Usd).unwrap()
    }

    #[test]
    fn what_is_not_asked_is_what_is_usual() {
        let choice = choose("");
        assert_eq!(choice.method.provider, ProviderId::Sandbox);
        assert_eq!(choice.limits.currency(), Currency::Usd);
        assert_eq!((choice.paid, choice.wrong), (None, None));
        let choice = choose("provider=manual&amount=25");
        assert_eq!(choice.limits.currency(), Currency::Eur);
        assert_eq!(choice.paid.unwrap().minor(), 2_500);
        assert_eq!(choose("provider=bank&currency=gold").wrong, None);
        assert_eq!(Asked::default().choice(&[], Currency::Usd), None);
    }

    #[test]
    fn what_is_wrong_is_said_and_offers_nothing() {
        for (query, wrong) in [
            ("amount=lots", Wrong::Amount),
            ("amount=0", Wrong::Amount),
            ("amount=1.234", Wrong::Amount),
            ("amount=0.99", Wrong::OutOfBounds(limits(Currency::Usd))),
            ("amount=1000001", Wrong::OutOfBounds(limits(Currency::Usd))),
            (
                "currency=JPY&amount=25",
                Wrong::TooOld(Currency::Jpy, 86_400_000),
            ),
            ("currency=RUB&amount=25", Wrong::Currency(Currency::Rub)),
            (
                "provider=manual&currency=USD&amount=25",
                Wrong::Currency(Currency::Usd),
            ),
        ] {
            let choice = choose(query);
            assert_eq!((choice.wrong, choice.paid), (Some(wrong), None), "{query}");
        }
    }

    #[test]
    fn presets_are_round_and_worth_about_the_same_everywhere() {
        for (currency, per_usd, first, last) in [
            (Currency::Usd, 1_000_000_000, "10.00 USD", "100.00 USD"),
            (Currency::Eur, 921_000_000, "10.00 EUR", "100.00 EUR"),
            (Currency::Rub, 80_150_000_000, "1000.00 RUB", "10000.00 RUB"),
            (Currency::Jpy, 155_000_000_000, "1000 JPY", "10000 JPY"),
            (Currency::Krw, 1_400_000_000_000, "10000 KRW", "100000 KRW"),
            (Currency::Kwd, 307_000_000, "1.000 KWD", "10.000 KWD"),
            (Currency::Brl, 5_400_000_000, "100.00 BRL", "1000.00 BRL"),
        ] {
            let found = presets(&limits(currency), per_usd);
            assert_eq!(found.len(), 4, "{currency}");
            assert_eq!(found[0].to_string(), first);
            assert_eq!(found[3].to_string(), last);
        }
        let tight = Limits {
            min: Coins::new(Currency::Usd, 2_000).unwrap(),
            max: Coins::new(Currency::Usd, 5_000).unwrap(),
        };
        let found: Vec<_> = presets(&tight, 1_000_000_000)
            .into_iter()
            .map(Coins::minor)
            .collect();
        assert_eq!(found, [2_500, 5_000]);
    }
}
