//! What is true of the arithmetic of money, whatever the numbers? Each law is compared with exact whole numbers of 128
//! bits, up to the ends of every range: release builds do not check for overflow, so "it did not panic" proves nothing.
//! Laws that belong to one type alone stand in its own file.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use crate::formula::picos_to_usd;
use crate::fx::{
    Coins, DAY_MS, Known, ONE_E9, PerUsd, Quote, QuoteError, Rate, RefundError, Refunded, Source,
    Spread, Table, refund,
};
use crate::money::parse_decimal;
use crate::price_rule::{CostPlus, Effort, Efforts, Factor, Tier, Tiers};
use crate::{
    Amount, Bucket, Currency, Formula, Markup, MoneyError, Price, PricePerMtok, PriceRule, Terms,
    Usage,
};

const NOW: i64 = 1_795_132_800_000;

/// Small numbers, where rounding shows, large ones, and the ends of the range.
fn whole() -> impl Strategy<Value = i64> {
    prop_oneof![
        -1_000..1_000_i64,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX)
    ]
}

fn tokens() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..2_000_u64,
        0..=Usage::TOKENS_MAX,
        any::<u64>(),
        Just(u64::MAX)
    ]
}

fn per_mtok() -> impl Strategy<Value = PricePerMtok> {
    let max = PricePerMtok::MICRO_USD_MAX;
    prop_oneof![Just(0), 0..5_000_i64, 0..=max, Just(max)]
        .prop_map(|micro_usd| PricePerMtok::from_micro_usd(micro_usd).unwrap())
}

fn prices() -> impl Strategy<Value = Price> {
    prop::array::uniform13(per_mtok()).prop_map(|prices| {
        let mut price = Price::default();
        for (bucket, one) in Bucket::ALL.into_iter().zip(prices) {
            price.set(bucket, one);
        }
        price
    })
}

fn usages() -> impl Strategy<Value = Usage> {
    prop::array::uniform12(tokens()).prop_map(usage)
}

fn usage(counts: [u64; 12]) -> Usage {
    Usage {
        input: counts[0],
        cached_input: counts[1],
        cache_write: counts[2],
        cache_write_1h: counts[3],
        audio_input: counts[4],
        image_input: counts[5],
        output: counts[6],
        reasoning: counts[7],
        audio_output: counts[8],
        image_output: counts[9],
        tool_calls: counts[10],
        units: counts[11],
        ..Usage::default()
    }
}

fn coins() -> impl Strategy<Value = Coins> {
    let minor = prop_oneof![0..2_000_i64, 0..=i64::MAX];
    (0..Currency::ALL.len(), minor)
        .prop_map(|(place, minor)| Coins::new(Currency::ALL[place], minor).unwrap())
}

fn rates() -> impl Strategy<Value = Rate> {
    prop_oneof![1..2_000_i64, 1..=Rate::MAX_E9, Just(Rate::MAX_E9)]
        .prop_map(|e9| Rate::from_e9(e9).unwrap())
}

fn factors() -> impl Strategy<Value = Factor> {
    (0..=1_000_000_u32).prop_map(|parts| {
        Factor::parse(&format!("{}.{:04}", parts / 10_000, parts % 10_000)).unwrap()
    })
}

/// What the tokens cost, exactly: pico-dollars.
fn picos(price: &Price, usage: &Usage) -> i128 {
    let of = |tokens: u64, price: PricePerMtok| i128::from(tokens) * i128::from(price.micro_usd());
    // What was thought is within the answer, whatever a report says.
    let thought = usage.reasoning.min(usage.output);
    of(usage.input, price.input)
        + of(usage.cached_input, price.cached_input)
        + of(usage.cache_write, price.cache_write)
        + of(usage.cache_write_1h, price.cache_write_1h)
        + of(usage.audio_input, price.audio_input)
        + of(usage.image_input, price.image_input)
        + of(usage.output - thought, price.output)
        + of(thought, price.reasoning)
        + of(usage.audio_output, price.audio_output)
        + of(usage.image_output, price.image_output)
        + of(usage.tool_calls, price.tool_calls)
        + of(usage.units, price.units)
        + of(1, price.call)
}

/// The quotient, rounded up; neither is below zero.
fn up(number: i128, by: i128) -> i128 {
    number / by + i128::from(number % by > 0)
}

fn fits(exact: i128) -> Result<Amount, MoneyError> {
    i64::try_from(exact)
        .map(Amount::from_nanos)
        .map_err(|_| MoneyError::Overflow)
}

fn table(rate: PerUsd) -> Table {
    Table::new(|_| Known {
        rate,
        source: Source::Ecb,
        date: NOW - DAY_MS,
        row: 1,
    })
}

#[test]
fn an_offer_at_the_end_of_time_does_not_end_before_it_began() {
    let dollar = Coins::new(Currency::Usd, 100).unwrap();
    let (table, now) = (table(PerUsd::ONE), i64::MAX - 1);
    let quote = Quote::for_coins(dollar, &table, Spread::default(), now, 1_000).unwrap();
    assert!(quote.holds(now) && quote.valid_until == i64::MAX);
}

proptest! {
    #[test]
    fn a_charge_is_the_exact_cost_rounded_up_once_or_an_overflow(price in prices(), usage in usages()) {
        let exact = picos(&price, &usage);
        let charge = fits(up(exact, 1_000));
        prop_assert_eq!(price.charge(&usage), charge);
        let formula = Formula::of(&price, &usage);
        prop_assert_eq!(formula.map(|formula| (formula.picos, formula.charge)), charge.map(|charge| (exact, charge)));
    }

    #[test]
    fn calls_apart_never_cost_less_than_together_nor_a_nano_dollar_more(price in prices(), a in prop::array::uniform12(tokens()), b in prop::array::uniform12(tokens())) {
        // Two calls have two fees, and what was thought is within each answer.
        let price = Price { call: PricePerMtok::default(), ..price };
        let within = |mut counts: [u64; 12]| {
            counts[7] = counts[7].min(counts[6]);
            counts
        };
        let (a, b) = (within(a), within(b));
        let sums: Option<Vec<u64>> = a.iter().zip(&b).map(|(a, b)| a.checked_add(*b)).collect();
        let both = sums.and_then(|sums| <[u64; 12]>::try_from(sums).ok());
        if let (Ok(one), Ok(other), Some(both)) = (price.charge(&usage(a)), price.charge(&usage(b)), both) {
            let together = price.charge(&usage(both));
            // Where both together are beyond the range, they are so apart.
            let apart = i128::from(one.nanos()) + i128::from(other.nanos());
            match together {
                Ok(together) => prop_assert!((0..=1).contains(&(apart - i128::from(together.nanos())))),
                Err(_) => prop_assert!(apart > i128::from(i64::MAX)),
            }
        }
    }

    #[test]
    fn more_tokens_or_a_higher_price_never_cost_less(price in prices(), usage in usages(), more in tokens(), dearer in per_mtok()) {
        let charge = price.charge(&usage);
        // Reasoning has a price of its own: it stays within the answer as it was.
        let usage = Usage { reasoning: usage.reasoning.min(usage.output), ..usage };
        let longer = Usage { output: usage.output.max(more), ..usage };
        let higher = Price { output: price.output.max(dearer), ..price };
        for other in [price.charge(&longer), higher.charge(&usage), higher.charge(&longer)] {
            let not_less = match (charge, other) {
                (Ok(charge), Ok(other)) => charge <= other,
                (Ok(_), Err(_)) | (Err(_), Err(_)) => true,
                (Err(_), Ok(_)) => false,
            };
            prop_assert!(not_less);
        }
    }

    #[test]
    fn what_is_affordable_is_the_most_that_is(price in prices(), prompt in tokens(), money in whole()) {
        let spent = i128::from(money) * 1_000;
        let most = |buckets: &[Bucket]| buckets.iter().map(|bucket| i128::from(price.get(*bucket).micro_usd())).max().unwrap();
        let dearest = most(&Bucket::PROMPT) * i128::from(prompt) + i128::from(price.call.micro_usd());
        let output = most(&Bucket::ANSWER);
        match price.affordable_answer(prompt, Amount::from_nanos(money)) {
            None => prop_assert_eq!(output, 0),
            Some(0) => prop_assert!(dearest + output > spent),
            Some(answer) => {
                prop_assert!(dearest + output * i128::from(answer) <= spent);
                prop_assert!(answer == u64::MAX || dearest + output * (i128::from(answer) + 1) > spent);
            }
        }
    }

    #[test]
    fn amounts_are_exact_or_an_overflow(a in whole(), b in whole(), times in any::<u64>()) {
        let (x, y) = (Amount::from_nanos(a), Amount::from_nanos(b));
        let (a, b) = (i128::from(a), i128::from(b));
        prop_assert_eq!(x.plus(y), fits(a + b));
        prop_assert_eq!(x.minus(y), fits(a - b));
        // A left-over that no amount can hold counts as none.
        prop_assert_eq!(x.minus_or_zero(y), fits((a - b).max(0)).unwrap_or(Amount::ZERO));
        let product = i64::try_from(times).map_err(|_| MoneyError::Overflow).and_then(|times| fits(a * i128::from(times)));
        prop_assert_eq!(x.times(times), product);
        prop_assert_eq!((x.min(y) == x, x.max(y) == y), (a <= b, a <= b));
    }

    #[test]
    fn every_amount_is_written_so_that_it_can_be_read(nanos in whole(), coins in coins()) {
        let amount = Amount::from_nanos(nanos);
        let text = amount.to_usd_string();
        let size = Amount::parse_usd(text.trim_start_matches('-'));
        prop_assert_eq!(size, fits(i128::from(nanos).abs()));
        prop_assert_eq!(text.starts_with('-'), nanos < 0);
        let json = serde_json::to_string(&amount).unwrap();
        prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
        let written = coins.to_string();
        let (number, code) = written.split_once(' ').unwrap();
        prop_assert_eq!(code, coins.currency().code());
        prop_assert_eq!(Coins::parse(coins.currency(), number), Ok(coins));
        prop_assert_eq!(coins.nanos(), i128::from(coins.minor()) * 10_i128.pow(9 - u32::from(coins.currency().exponent())));
        // Thousandths of a nano-dollar: the same digits, and three more.
        prop_assert_eq!(picos_to_usd(i128::from(nanos) * 1_000), text);
    }

    #[test]
    fn what_is_read_is_what_was_written(text in "[0-9.,+eE -]{0,24}|\\PC{0,8}", digits in 0..=9_u8) {
        if let Ok(number) = parse_decimal(&text, digits) {
            let (whole, part) = text.split_once('.').unwrap_or((text.as_str(), ""));
            let unit = 10_i128.pow(u32::from(digits));
            let padded: i128 = format!("{part:0<width$}", width = usize::from(digits)).parse().unwrap_or(0);
            prop_assert_eq!(i128::from(number), whole.parse::<i128>().unwrap() * unit + padded);
        }
        // Whatever is typed, these answer.
        let _ = (Markup::parse_percent(&text), Spread::parse_percent(&text), Factor::parse(&text), Rate::parse(&text, '.'));
    }

    #[test]
    fn a_mark_up_is_rounded_up_by_less_than_a_micro_dollar(cost in per_mtok(), bp in Markup::BP_MIN..=Markup::BP_MAX) {
        let exact = i128::from(cost.micro_usd()) * (10_000 + i128::from(bp));
        let price = i64::try_from(up(exact, 10_000)).map_err(|_| MoneyError::Overflow).and_then(PricePerMtok::from_micro_usd);
        prop_assert_eq!(Markup::from_bp(bp.into()).unwrap().on(cost), price);
    }

    #[test]
    fn a_price_rule_rounds_once_whatever_its_factors(base in prices(), four in [factors(), factors(), factors(), factors()]) {
        let [coefficient, margin, flex, high] = four;
        let rule = CostPlus {
            base,
            long: None,
            coefficient,
            margin,
            tiers: Tiers { flex, ..Tiers::default() },
            efforts: Efforts { high, ..Efforts::default() },
        };
        let parts = |factor: Factor| parse_decimal(&factor.to_string(), 4).map(i128::from).unwrap();
        let all = parts(coefficient) * parts(flex) * parts(margin);
        let exact = |price: PricePerMtok, factor: i128, whole: i128| {
            let product = i128::from(price.micro_usd()).checked_mul(factor).ok_or(MoneyError::Overflow)?;
            i64::try_from(up(product, whole)).map_err(|_| MoneyError::Overflow).and_then(PricePerMtok::from_micro_usd)
        };
        let terms = Terms { tier: Tier::Flex, effort: Some(Effort::High), prompt_from: 0 };
        let (three, four) = (10_i128.pow(12), 10_i128.pow(16));
        let expected = base.map(|bucket, price| match bucket {
            Bucket::Output => exact(price, all * parts(high), four),
            // Not counted in tokens: the same in every tier.
            Bucket::ToolCalls | Bucket::Units | Bucket::Call => exact(price, parts(coefficient) * parts(margin), 10_i128.pow(8)),
            _ => exact(price, all, three),
        });
        prop_assert_eq!(PriceRule::CostPlus(rule).price(&terms), expected);
    }

    /// Through any cross and after any spread, both roundings go down: what arrives is never worth more than what was paid.
    #[test]
    fn a_quote_never_credits_more_than_the_exact_ratio(paid in coins(), units in rates(), dollars in rates(), bp in 0..=Spread::MAX_BP) {
        let spread = Spread::from_bp(bp).unwrap();
        match Quote::for_coins(paid, &table(PerUsd::cross(units, dollars)), spread, NOW, 1) {
            Ok(quote) => {
                // Dollars are dollars, whatever a table says.
                let usd = paid.currency() == Currency::Usd;
                let (units, dollars, kept) = if usd { (ONE_E9, ONE_E9, 10_000) } else { (units.e9(), dollars.e9(), 10_000 - i128::from(bp)) };
                let rate = i128::from(quote.rate.e9());
                prop_assert!(rate * i128::from(units) * 10_000 <= i128::from(dollars) * i128::from(ONE_E9) * kept);
                let exact = paid.nanos().checked_mul(rate).unwrap() / i128::from(ONE_E9);
                prop_assert_eq!(i128::from(quote.credited.nanos()), exact);
                prop_assert_eq!(quote.credited_for(paid), Ok(quote.credited));
            }
            Err(error) => prop_assert!(matches!(error, QuoteError::Nothing | QuoteError::TooLarge), "{}", error),
        }
    }

    /// The fewest coins, or a reason; never a panic at the ends.
    #[test]
    fn a_wanted_credit_is_reached(credit in whole(), units in rates(), dollars in rates(), place in 0..Currency::ALL.len()) {
        let table = table(PerUsd::cross(units, dollars));
        let quote = Quote::for_credit(Amount::from_nanos(credit), Currency::ALL[place], &table, Spread::default(), NOW, 1);
        if let Ok(quote) = quote {
            prop_assert!(quote.credited.nanos() >= credit && credit > 0);
        }
    }

    /// A part of a refund that is not the last is worth at most its share, and all of them never more than was paid.
    #[test]
    fn a_refund_is_at_most_its_share(paid in coins(), credited in whole(), before in whole(), now in whole()) {
        let (all, now) = (Amount::from_nanos(credited), Amount::from_nanos(now));
        let nothing = Refunded::nothing_of(paid);
        let first = match refund(paid, all, &nothing, Amount::from_nanos(before)) {
            Ok(first) => first,
            Err(error) => {
                prop_assert!(before <= 0 || before > credited);
                prop_assert_eq!(error, if before <= 0 { RefundError::Nothing } else { RefundError::TooMuch });
                return Ok(());
            }
        };
        let back = Refunded { credit: Amount::from_nanos(before), coins: first };
        if before < credited {
            prop_assert!(i128::from(first.minor()) * i128::from(credited) <= i128::from(paid.minor()) * i128::from(before));
        } else {
            prop_assert_eq!(first, paid);
        }
        if let Ok(second) = refund(paid, all, &back, now) {
            prop_assert!(i128::from(first.minor()) + i128::from(second.minor()) <= i128::from(paid.minor()));
        }
    }
}
