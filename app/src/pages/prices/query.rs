//! Which models does this address show, and in which order? The address is the whole state: it can be kept and sent.

use std::cmp::Ordering;

use domain::PricePerMtok;
use serde::Deserialize;
use server::catalog::Published;

use crate::api::typed_amount;
use crate::pages::admin::with_query;
use crate::pages::query_of;

/// What is longer is no price.
const MAX_LENGTH: usize = 24;

/// What was typed is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// What the table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Model,
    Input,
    CachedInput,
    Output,
    Context,
}

impl Sort {
    const ALL: [Self; 5] = [
        Self::Model,
        Self::Input,
        Self::CachedInput,
        Self::Output,
        Self::Context,
    ];

    const fn id(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Input => "input",
            Self::CachedInput => "cached",
            Self::Output => "output",
            Self::Context => "context",
        }
    }

    fn compare(self, one: &Published, other: &Published) -> Ordering {
        let (price, others) = (&one.now.price, &other.now.price);
        match self {
            Self::Model => one.id.cmp(&other.id),
            Self::Input => price.input.cmp(&others.input),
            Self::CachedInput => price.cached_input.cmp(&others.cached_input),
            Self::Output => price.output.cmp(&others.output),
            Self::Context => one.context.cmp(&other.context),
        }
    }
}

/// What the reader looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Part of the name, in either case.
    pub text: String,
    /// Tokens that prompt and answer may have together, at least.
    pub context: Option<u64>,
    /// Only those whose cached input costs less than the other.
    pub cached: bool,
    /// The most that a million tokens of answer may cost, in US dollars, as it was typed.
    pub max: String,
    pub sort: Sort,
    /// The largest first.
    pub down: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    q: String,
    context: String,
    cached: String,
    max: String,
    sort: String,
}

impl Query {
    /// Contexts to choose from.
    pub const CONTEXTS: [u64; 4] = [32_000, 128_000, 200_000, 1_000_000];

    /// Reads `asked`, an address with its query. What makes no sense is as if it were not there.
    pub fn read(asked: &str) -> Self {
        let raw: Raw = query_of(asked);
        let (down, sort) = match raw.sort.strip_prefix('-') {
            Some(sort) => (true, sort),
            None => (false, raw.sort.as_str()),
        };
        let sort = Sort::ALL.into_iter().find(|known| known.id() == sort);
        let context = raw.context.parse().ok();
        Self {
            text: raw.q.trim().to_owned(),
            context: context.filter(|tokens| Self::CONTEXTS.contains(tokens)),
            cached: raw.cached == "1",
            max: raw.max.trim().chars().take(MAX_LENGTH).collect(),
            down: down && sort.is_some(),
            sort: sort.unwrap_or_default(),
        }
    }

    /// The address of this view at a path. What is as usual is left out.
    pub fn at(&self, path: &str) -> String {
        let context = self
            .context
            .map_or(String::new(), |tokens| tokens.to_string());
        with_query(
            path,
            &[
                ("q", &self.text),
                ("context", &context),
                ("cached", if self.cached { "1" } else { "" }),
                ("max", &self.max),
                ("sort", &self.order()),
            ],
        )
    }

    /// The order as the address has it; empty for the usual one.
    pub fn order(&self) -> String {
        match (self.down, self.sort) {
            (false, Sort::Model) => String::new(),
            (false, sort) => sort.id().to_owned(),
            (true, sort) => format!("-{}", sort.id()),
        }
    }

    /// The same by another column; by the one it is sorted by already, the other way round.
    pub fn by(&self, sort: Sort) -> Self {
        Self {
            sort,
            down: self.sort == sort && !self.down,
            ..self.clone()
        }
    }

    pub fn is_filtered(&self) -> bool {
        !self.text.is_empty() || self.context.is_some() || self.cached || !self.max.is_empty()
    }

    /// The price that was typed; an error when it is none, and then nothing is narrowed by it.
    pub fn most(&self) -> Result<Option<PricePerMtok>, Malformed> {
        if self.max.is_empty() {
            return Ok(None);
        }
        typed_amount(self.max.trim_start_matches('$'))
            .and_then(|plain| PricePerMtok::parse_usd(&plain).ok())
            .map(Some)
            .ok_or(Malformed)
    }

    /// Those of the models that are asked for, in the order that is.
    pub fn of(&self, models: &[Published]) -> Vec<Published> {
        let text = self.text.to_lowercase();
        let most = self.most().unwrap_or_default();
        let mut found: Vec<Published> = models
            .iter()
            .filter(|model| {
                model.id.to_lowercase().contains(&text)
                    && self.context.is_none_or(|least| model.context >= least)
                    && (!self.cached || has_cheaper_cache(model))
                    && most.is_none_or(|most| model.now.price.output <= most)
            })
            .cloned()
            .collect();
        found.sort_by(|one, other| {
            let order = self.sort.compare(one, other);
            let order = if self.down { order.reverse() } else { order };
            order.then_with(|| one.id.cmp(&other.id))
        });
        found
    }
}

/// Whether input from the provider's cache costs less than the other.
pub fn has_cheaper_cache(model: &Published) -> bool {
    model.now.price.cached_input < model.now.price.input
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use domain::Price;
    use domain::ids::PriceId;
    use server::catalog::{InForce, PublishedPrice};

    use super::*;

    /// Prices in micro-dollars per million tokens.
    fn model(id: &str, context: u64, [input, cached, output]: [i64; 3]) -> Published {
        let price = |micro| PricePerMtok::from_micro_usd(micro).unwrap();
        let now = PublishedPrice {
            id: PriceId::from_uuid(uuid::Uuid::nil()),
            price: Price::of(price(input), price(cached), price(output)),
            variants: std::sync::Arc::default(),
            from: 0,
            until: None,
            in_force: InForce::Now,
        };
        Published {
            id: id.to_owned(),
            context,
            versions: vec![now.clone()],
            now,
        }
    }

    #[test]
    fn an_address_survives_being_read() {
        for address in [
            "/prices",
            "/prices?q=a%26b%2Fc&context=128000&cached=1&max=2.50&sort=-output",
            "/prices?max=cheap",
            "/prices?sort=-model",
            "/prices?sort=cached",
        ] {
            assert_eq!(Query::read(address).at("/prices"), address);
        }
        for nonsense in [
            "/prices?sort=price",
            "/prices?sort=-",
            "/prices?context=5&cached=yes",
            "/prices?&&=",
        ] {
            assert_eq!(Query::read(nonsense), Query::default(), "{nonsense}");
        }
    }

    #[test]
    fn models_are_found_and_ordered() {
        let all = [
            model("b", 128_000, [2, 1, 9]),
            model("maker/A", 1_000_000, [2, 2, 8]),
            model("c", 8_000, [1, 1, 7]),
        ];
        for (asked, found) in [
            ("/prices", ["b", "c", "maker/A"].as_slice()),
            ("/prices?sort=-model", &["maker/A", "c", "b"]),
            ("/prices?sort=input", &["c", "b", "maker/A"]),
            ("/prices?sort=-input", &["b", "maker/A", "c"]),
            ("/prices?sort=output", &["c", "maker/A", "b"]),
            ("/prices?sort=-context", &["maker/A", "b", "c"]),
            ("/prices?context=128000", &["b", "maker/A"]),
            ("/prices?cached=1", &["b"]),
            ("/prices?q=MAKER/a", &["maker/A"]),
            ("/prices?q=none", &[]),
            // Millionths of a dollar here; what is no price narrows nothing.
            ("/prices?max=0.000008", &["c", "maker/A"]),
            ("/prices?max=%240,000007", &["c"]),
            ("/prices?max=0", &[]),
            ("/prices?max=cheap", &["b", "c", "maker/A"]),
        ] {
            let shown = Query::read(asked).of(&all);
            let shown: Vec<_> = shown.iter().map(|model| model.id.as_str()).collect();
            assert_eq!(shown, found, "{asked}");
        }
    }

    #[test]
    fn a_column_sorts_one_way_and_then_the_other() {
        let query = Query::read("/prices?cached=1");
        let once = query.by(Sort::Output);
        assert_eq!(once.at("/prices"), "/prices?cached=1&sort=output");
        assert_eq!(
            once.by(Sort::Output).at("/prices"),
            "/prices?cached=1&sort=-output"
        );
        assert_eq!(once.by(Sort::Model).at("/prices"), "/prices?cached=1");
    }
}
