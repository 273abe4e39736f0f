//! Which calls are to be worked out? Read from the address, so that what somebody found can be sent to a colleague.

use domain::{Amount, Formula, MoneyError, Price, Usage};
use serde::Deserialize;

use crate::pages::admin::with_query;
use crate::pages::query_of;
use crate::reader::Ui;

use super::PATH;

/// More than any model takes in one call, and more than any service makes in a day.
pub const MOST: u64 = 1_000_000_000;
/// Days of a month, as the page says.
pub const DAYS: u64 = 30;

/// About one page in, half a page out, a thousand times a day.
const USUAL: [u64; 4] = [1_200, 0, 400, 1_000];

/// The fields with numbers, in their order.
pub const FIELDS: [&str; 4] = ["input", "cached", "output", "calls"];

/// As it stands in the address. A field that is not there has its usual number; one that is empty is zero.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub model: Option<String>,
    input: Option<String>,
    cached: Option<String>,
    output: Option<String>,
    calls: Option<String>,
}

/// What one call uses, and how many there are in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub usage: Usage,
    pub calls: u64,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Costs {
    pub formula: Formula,
    pub day: Amount,
    pub month: Amount,
}

impl Asked {
    /// Reads `asked`, an address with its query.
    pub fn read(asked: &str) -> Self {
        query_of(asked)
    }

    /// What the fields hold, in the order of [`FIELDS`].
    pub fn typed(&self) -> [String; 4] {
        let given = [&self.input, &self.cached, &self.output, &self.calls];
        std::array::from_fn(|at| match given[at] {
            Some(text) => text.clone(),
            None => USUAL[at].to_string(),
        })
    }

    /// The numbers, `None` for each that is none.
    pub fn numbers(&self) -> [Option<u64>; 4] {
        self.typed().map(|text| whole(&text))
    }

    pub fn wanted(&self) -> Option<Wanted> {
        let [Some(input), Some(cached_input), Some(output), Some(calls)] = self.numbers() else {
            return None;
        };
        let usage = Usage {
            input,
            cached_input,
            output,
            reasoning: 0,
            ..Usage::default()
        };
        Some(Wanted { usage, calls })
    }
}

impl Wanted {
    /// # Errors
    /// [`MoneyError::Overflow`] when it is more than any wallet holds.
    pub fn costs(&self, price: &Price) -> Result<Costs, MoneyError> {
        let formula = Formula::of(price, &self.usage)?;
        // Every call is rounded by itself, so a day is so many charges.
        let day = formula.charge.times(self.calls)?;
        Ok(Costs {
            formula,
            day,
            month: day.times(DAYS)?,
        })
    }

    /// The address that asks for the same at another model.
    pub fn at(&self, ui: &Ui, model: &str) -> String {
        let Usage {
            input,
            cached_input,
            output,
            ..
        } = self.usage;
        let numbers = [input, cached_input, output, self.calls].map(|number| number.to_string());
        let [input, cached, output, calls] = &numbers;
        with_query(
            &ui.link(PATH),
            &[
                ("model", model),
                ("input", input),
                ("cached", cached),
                ("output", output),
                ("calls", calls),
            ],
        )
    }
}

/// A whole number as people write it: what stands between its thousands is passed over, and nothing is zero. A comma or
/// point that is not between thousands would make it no whole number.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    let between = [
        ' ', '\u{a0}', '\u{202f}', '\u{2009}', ',', '.', '\'', '\u{2019}',
    ];
    let groups: Vec<&str> = text.split(between).collect();
    let thousands = groups.iter().skip(1).all(|group| group.len() == 3)
        && (groups.len() == 1
            || groups
                .first()
                .is_some_and(|first| (1..=3).contains(&first.len())));
    let digits = groups.concat();
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (thousands && plain)
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|number| *number <= MOST)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use domain::PricePerMtok;

    use super::*;

    #[test]
    fn whole_numbers_are_read_as_people_write_them() {
        for (text, number) in [
            ("", Some(0)),
            ("0", Some(0)),
            (" 1200 ", Some(1_200)),
            ("1,200", Some(1_200)),
            ("1.200", Some(1_200)),
            ("1\u{a0}000\u{a0}000", Some(1_000_000)),
            ("1000000000", Some(1_000_000_000)),
            ("1000000001", None),
            ("1.5", None),
            ("12,00", None),
            ("1200,000", None),
            (",200", None),
            ("-1", None),
            ("1e3", None),
            ("٣", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(whole(text), number, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_as_usual_and_what_is_empty_is_nothing() {
        let numbers = |asked: &str| Asked::read(asked).numbers();
        assert_eq!(numbers("/calculator"), USUAL.map(Some));
        assert_eq!(
            numbers("/calculator?model=m&input=&cached=1%20000&output=x"),
            [Some(0), Some(1_000), None, Some(1_000)]
        );
        assert_eq!(Asked::read("/calculator?output=x").wanted(), None);
        assert_eq!(Asked::read("/calculator?model=a%2Fb").model.unwrap(), "a/b");
    }

    #[test]
    fn a_month_is_thirty_days_of_charges_each_rounded_by_itself() {
        let price = |usd| PricePerMtok::parse_usd(usd).unwrap();
        let price = Price::of(price("2.50"), price("1.25"), price("10.00"));
        let wanted = Asked::read("/calculator?input=600&cached=400&output=500&calls=1000").wanted();
        let costs = wanted.unwrap().costs(&price).unwrap();
        assert_eq!(costs.formula.charge.to_usd_string(), "0.007");
        assert_eq!(
            (costs.day.to_usd_string(), costs.month.to_usd_string()),
            ("7.00".to_owned(), "210.00".to_owned())
        );
        let tiny = Price {
            input: PricePerMtok::from_micro_usd(1).unwrap(),
            ..Price::default()
        };
        let wanted = Asked::read("/calculator?input=1&cached=0&output=0&calls=1000")
            .wanted()
            .unwrap();
        assert_eq!(wanted.costs(&tiny).unwrap().day.nanos(), 1_000);
        let most = Asked::read("/calculator?input=1000000000&calls=1000000000")
            .wanted()
            .unwrap();
        assert!(most.costs(&price).is_err());
    }
}
