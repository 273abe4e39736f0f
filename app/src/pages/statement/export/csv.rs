//! How does a statement read in a spreadsheet? RFC 4180: one row per balance and line, then per call if wanted.

use domain::{Amount, Bucket};
use server::statement::{BookedCall, Line, What};

use super::super::head::closing_words;
use super::{Sheet, Written, calls_of, reference_of};
use crate::pages::csv::{BYTE_ORDER_MARK, guarded, lines};

/// The columns' names are for programs: they are the same in every language.
const COLUMNS: [&str; 47] = [
    // `opening`, `line`, `closing` or `call`.
    "record",
    "date",
    "time",
    "kind",
    // In the reader's language and currency.
    "description",
    "amount",
    "balance",
    // Exact.
    "amount_usd",
    "balance_usd",
    "amount_nusd",
    "balance_nusd",
    "calls",
    "reason",
    "reference",
    // Of calls only.
    "call_id",
    "called_at",
    "model",
    "key_id",
    "key",
    "rule",
    "price_version",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "input_micro_usd_per_million",
    "cached_input_micro_usd_per_million",
    "output_micro_usd_per_million",
    // Served above the call's hold, and not charged.
    "unbilled_nusd",
    // The other buckets; reasoning is part of the output.
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "image_input_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "image_output_tokens",
    "tool_calls",
    "units",
    "cache_write_micro_usd_per_million",
    "cache_write_1h_micro_usd_per_million",
    "audio_input_micro_usd_per_million",
    "image_input_micro_usd_per_million",
    "reasoning_micro_usd_per_million",
    "audio_output_micro_usd_per_million",
    "image_output_micro_usd_per_million",
    "tool_calls_micro_usd_per_million",
    "units_micro_usd_per_million",
    "call_micro_usd_per_million",
];

type Row = [String; COLUMNS.len()];

pub struct Csv(Sheet);

impl Csv {
    pub const fn new(sheet: Sheet) -> Self {
        Self(sheet)
    }

    /// A balance without a movement.
    fn edge(&self, record: &str, at: i64, words: String, balance: Amount) -> Row {
        let mut row: Row = std::array::from_fn(|_| String::new());
        let [
            first,
            date,
            time,
            _,
            description,
            _,
            shown,
            _,
            usd,
            _,
            nusd,
            ..,
        ] = &mut row;
        *first = record.to_owned();
        *date = self.0.day_of(at);
        *time = self.0.zone().iso(at);
        *description = guarded(&words);
        *shown = self.0.shown(balance);
        *usd = balance.to_usd_string();
        *nusd = balance.nanos().to_string();
        row
    }

    fn line(&self, line: &Line) -> Row {
        let day = match &line.what {
            What::Usage(day) => day.start,
            What::Movement { .. } => line.at,
        };
        let mut row = self.edge("line", day, self.0.description(line), line.balance);
        let [
            _,
            _,
            time,
            kind,
            _,
            shown,
            _,
            usd,
            _,
            nusd,
            _,
            calls,
            reason,
            reference,
            ..,
        ] = &mut row;
        *time = self.0.zone().iso(line.at);
        *kind = guarded(&line.kind);
        *shown = self.0.shown(line.amount);
        *usd = line.amount.to_usd_string();
        *nusd = line.amount.nanos().to_string();
        *calls = calls_of(line).map_or_else(String::new, |calls| calls.to_string());
        let (txn, note) = reference_of(line);
        *reason = guarded(note);
        *reference = guarded(txn);
        row
    }

    fn call(&self, booked: &BookedCall) -> Row {
        let call = &booked.call;
        let charge = call.charge_nusd;
        let price = |bucket| {
            let prices = booked.price.as_ref();
            let micro_usd = prices.map(|prices| prices.get(bucket).micro_usd().to_string());
            micro_usd.unwrap_or_default()
        };
        let empty = String::new;
        [
            "call".to_owned(),
            self.0.day_of(booked.booked_at),
            self.0.zone().iso(booked.booked_at),
            "usage".to_owned(),
            empty(),
            self.0.shown(taken(charge)),
            empty(),
            taken(charge).to_usd_string(),
            empty(),
            taken(charge).nanos().to_string(),
            empty(),
            empty(),
            empty(),
            empty(),
            guarded(&call.id),
            self.0.zone().iso(call.created_at),
            guarded(&call.model),
            guarded(&call.key_id),
            guarded(&self.0.key(booked)),
            guarded(&call.rule),
            guarded(&call.price_version),
            call.input_tokens.to_string(),
            call.cached_input_tokens.to_string(),
            call.output_tokens.to_string(),
            price(Bucket::Input),
            price(Bucket::CachedInput),
            price(Bucket::Output),
            call.unbilled_nusd.nanos().to_string(),
            call.cache_write_tokens.to_string(),
            call.cache_write_1h_tokens.to_string(),
            call.audio_input_tokens.to_string(),
            call.image_input_tokens.to_string(),
            call.reasoning_tokens.to_string(),
            call.audio_output_tokens.to_string(),
            call.image_output_tokens.to_string(),
            call.tool_calls.to_string(),
            call.units.to_string(),
            price(Bucket::CacheWrite),
            price(Bucket::CacheWrite1h),
            price(Bucket::AudioInput),
            price(Bucket::ImageInput),
            price(Bucket::Reasoning),
            price(Bucket::AudioOutput),
            price(Bucket::ImageOutput),
            price(Bucket::ToolCalls),
            price(Bucket::Units),
            price(Bucket::Call),
        ]
    }

    fn closing(&self) -> Row {
        let (ui, query) = (&self.0.ui, &self.0.query);
        let statement = &self.0.statement;
        let words = closing_words(ui, query);
        let mut row = self.edge("closing", query.range.to - 1, words, statement.closing);
        row[2] = self.0.zone().iso(query.range.to);
        row
    }
}

/// A charge as a movement: it went out.
fn taken(charge: Amount) -> Amount {
    Amount::ZERO.minus(charge).unwrap_or(Amount::ZERO)
}

impl Written for Csv {
    fn sheet(&self) -> &Sheet {
        &self.0
    }

    fn begin(&mut self) -> Vec<u8> {
        let heads = COLUMNS.map(str::to_owned);
        let (ui, statement) = (&self.0.ui, &self.0.statement);
        let words = t!(ui, "statement.balance.opening");
        let opening = self.edge("opening", statement.range.from, words, statement.opening);
        [BYTE_ORDER_MARK, &lines(&[heads, opening])].concat()
    }

    fn lines(&mut self, entries: &[Line]) -> Vec<u8> {
        let rows: Vec<Row> = entries.iter().map(|line| self.line(line)).collect();
        lines(&rows)
    }

    fn turn(&mut self) -> Vec<u8> {
        lines(&[self.closing()])
    }

    fn calls(&mut self, calls: &[BookedCall]) -> Vec<u8> {
        let calls: Vec<Row> = calls.iter().map(|call| self.call(call)).collect();
        lines(&calls)
    }

    fn end(&mut self) -> Vec<u8> {
        if self.0.query.calls {
            Vec::new()
        } else {
            lines(&[self.closing()])
        }
    }
}
