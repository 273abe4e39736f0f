//! How does what a call used stand in the database? One column per bucket, as the upstream or a tokenizer counted it.

use domain::Usage;
use sea_orm::{DbErr, QueryResult, Value};

/// The columns of a call's usage, in the order of [`values`].
pub(crate) const COLUMNS: [&str; 13] = [
    "input",
    "cached_input",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "image_input",
    "output",
    "reasoning",
    "audio_output",
    "image_output",
    "tool_calls",
    "units",
    "flagged",
];

/// All tokens of a call `c`, as SQL.
pub(crate) const TOKENS: &str =
    "c.input + c.cached_input + c.cache_write + c.cache_write_1h + c.audio_input + c.image_input
    + c.output + c.audio_output + c.image_output";

/// Those of its prompt but for what a cache answered for.
pub(crate) const INPUT: &str =
    "c.input + c.cache_write + c.cache_write_1h + c.audio_input + c.image_input";

/// Those of its answer.
pub(crate) const OUTPUT: &str = "c.output + c.audio_output + c.image_output";

pub(super) fn values(usage: &Usage) -> [Value; COLUMNS.len()] {
    let count = |count: u64| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
    [
        count(usage.input),
        count(usage.cached_input),
        count(usage.cache_write),
        count(usage.cache_write_1h),
        count(usage.audio_input),
        count(usage.image_input),
        count(usage.output),
        count(usage.reasoning),
        count(usage.audio_output),
        count(usage.image_output),
        count(usage.tool_calls),
        count(usage.units),
        i64::from(usage.flagged).into(),
    ]
}

/// Reads a row with all of [`COLUMNS`]. How the call was served is not among them: its price tells.
pub(crate) fn read(row: &QueryResult) -> Result<Usage, DbErr> {
    // No count is below zero; one that is would be charged by nothing that can be proved.
    let count = |name: &str| {
        row.try_get::<i64>("", name)
            .map(|count| u64::try_from(count).unwrap_or(u64::MAX))
    };
    Ok(Usage {
        input: count("input")?,
        cached_input: count("cached_input")?,
        cache_write: count("cache_write")?,
        cache_write_1h: count("cache_write_1h")?,
        audio_input: count("audio_input")?,
        image_input: count("image_input")?,
        output: count("output")?,
        reasoning: count("reasoning")?,
        audio_output: count("audio_output")?,
        image_output: count("image_output")?,
        tool_calls: count("tool_calls")?,
        units: count("units")?,
        served: None,
        flagged: count("flagged")? != 0,
    })
}
