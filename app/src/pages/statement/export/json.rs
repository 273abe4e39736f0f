//! How does a statement read to a program? One object; money as strings, because numbers of JSON lose digits.

use domain::{Amount, Bucket};
use serde_json::{Value, json};
use server::statement::{BookedCall, Line, Total, What};

use super::{Sheet, Written, calls_of, reference_of, words};

/// Grows when a field changes its meaning or goes. New fields may come without.
const VERSION: u32 = 1;

/// The published rule, for whoever computes charges again.
const ROUNDING: &str = "charge + unbilled = tokens x micro-dollars per million tokens, summed over the buckets of a call, divided by 1000, rounded up to a whole nano-dollar once per call";

pub struct Json {
    sheet: Sheet,
    /// Something stands before the next element of the list.
    begun: bool,
}

impl Json {
    pub const fn new(sheet: Sheet) -> Self {
        Self {
            sheet,
            begun: false,
        }
    }

    fn head(&self) -> Value {
        let Sheet {
            ui,
            query,
            statement,
            ..
        } = &self.sheet;
        let (from, to) = query.days();
        let zone = self.sheet.zone();
        let totals: Vec<Value> = statement
            .totals
            .iter()
            .map(|total| self.total(total))
            .collect();
        json!({
            "object": "statement",
            "version": VERSION,
            "workspace": statement.workspace.to_string(),
            "currency": "USD",
            "language": ui.locale().code(),
            "time_zone": zone.name(),
            "made_at": zone.iso(ui.prefs().now),
            "as_of_transfer": statement.as_of.to_string(),
            "period": {
                "from": from,
                "to": to,
                "begins_at": zone.iso(query.range.from),
                "ends_before": zone.iso(query.range.to),
                "over": query.range.to <= ui.prefs().now,
            },
            "rounding": ROUNDING,
            "opening": self.money(statement.opening),
            "closing": self.money(statement.closing),
            "totals": totals,
            "with_calls": query.calls,
        })
    }

    fn money(&self, amount: Amount) -> Value {
        json!({
            "nusd": amount.nanos().to_string(),
            "usd": amount.to_usd_string(),
            "shown": self.sheet.shown(amount),
        })
    }

    fn total(&self, total: &Total) -> Value {
        json!({
            "kind": total.kind,
            "description": words::kind(&self.sheet.ui, &total.kind, total.amount),
            "lines": total.lines,
            "amount": self.money(total.amount),
        })
    }

    fn line(&self, line: &Line) -> Value {
        let day = match &line.what {
            What::Usage(day) => day.start,
            What::Movement { .. } => line.at,
        };
        let (reference, reason) = reference_of(line);
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        json!({
            "date": self.sheet.day_of(day),
            "time": self.sheet.zone().iso(line.at),
            "kind": line.kind,
            "description": self.sheet.description(line),
            "amount": self.money(line.amount),
            "balance": self.money(line.balance),
            "calls": calls_of(line),
            "reason": text(reason),
            "reference": text(reference),
        })
    }

    fn call(&self, booked: &BookedCall) -> Value {
        let call = &booked.call;
        let prices = booked.price.map(|prices| -> Value {
            let micro_usd = |bucket| prices.get(bucket).micro_usd().to_string();
            let each = Bucket::ALL.map(|bucket| (bucket.id().to_owned(), micro_usd(bucket).into()));
            Value::Object(each.into_iter().collect())
        });
        json!({
            "id": call.id,
            "date": self.sheet.day_of(booked.booked_at),
            "booked_at": self.sheet.zone().iso(booked.booked_at),
            "called_at": self.sheet.zone().iso(call.created_at),
            "model": call.model,
            "key_id": call.key_id,
            "key": self.sheet.key(booked),
            "rule": call.rule,
            "price_version": call.price_version,
            "tokens": {
                "input": call.input_tokens,
                "cached_input": call.cached_input_tokens,
                "cache_write": call.cache_write_tokens,
                "cache_write_1h": call.cache_write_1h_tokens,
                "audio_input": call.audio_input_tokens,
                "image_input": call.image_input_tokens,
                "output": call.output_tokens,
                "reasoning": call.reasoning_tokens,
                "audio_output": call.audio_output_tokens,
                "image_output": call.image_output_tokens,
            },
            "tool_calls": call.tool_calls,
            "units": call.units,
            "micro_usd_per_million": prices,
            "charge": self.money(call.charge_nusd),
            "unbilled": self.money(call.unbilled_nusd),
        })
    }

    /// Elements of a list, one a line.
    fn listed(&mut self, values: impl Iterator<Item = Value>) -> Vec<u8> {
        let mut out = String::new();
        for value in values {
            out.push_str(if self.begun { ",\n" } else { "\n" });
            out.push_str(&value.to_string());
            self.begun = true;
        }
        out.into_bytes()
    }
}

impl Written for Json {
    fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    fn begin(&mut self) -> Vec<u8> {
        let mut head = self.head().to_string();
        // The object goes on with its lists.
        head.pop();
        head.push_str(",\n\"lines\":[");
        head.into_bytes()
    }

    fn lines(&mut self, lines: &[Line]) -> Vec<u8> {
        let values: Vec<Value> = lines.iter().map(|line| self.line(line)).collect();
        self.listed(values.into_iter())
    }

    fn turn(&mut self) -> Vec<u8> {
        self.begun = false;
        b"\n],\n\"calls\":[".to_vec()
    }

    fn calls(&mut self, calls: &[BookedCall]) -> Vec<u8> {
        let values: Vec<Value> = calls.iter().map(|call| self.call(call)).collect();
        self.listed(values.into_iter())
    }

    fn end(&mut self) -> Vec<u8> {
        b"\n]}\n".to_vec()
    }
}
