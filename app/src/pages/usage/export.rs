//! How do the figures get into a spreadsheet? As a file with the same query as the page: the same rows, exact amounts,
//! times in the reader's zone. Sent while it is read, so that a long one fills nobody's memory.
//!
//! The columns' names are for programs: they are the same in every language.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use domain::ids::{CallId, WorkspaceId};
use futures::stream;
use http::{HeaderValue, header};
use server::calls::{CallRow, Calls, Filter};
use texts::format::Zone;

use super::{Asking, Tab, asking, table, unavailable, words};
use crate::pages::csv;
use crate::reader::Reader;

/// Rows of one file at most.
const ROWS_MAX: usize = 100_000;
/// Rows that are read at once.
const AT_ONCE: u32 = 1_000;

/// `/usage/export.csv?of=overview|calls|refused`, and what the pages have.
pub async fn export(reader: Reader) -> Response {
    let of = reader.asked.split(['?', '&']);
    let tab = match of.filter_map(|pair| pair.strip_prefix("of=")).next_back() {
        Some("calls") => Tab::Calls,
        Some("refused") => Tab::Refused,
        _ => Tab::Overview,
    };
    let asking = match asking(reader, tab).await {
        Ok(asking) => asking,
        Err(elsewhere) => return elsewhere,
    };
    let body = match tab {
        Tab::Overview => overview(&asking).await,
        Tab::Calls => Ok(calls(&asking)),
        Tab::Refused => refused(&asking).await,
    };
    match body {
        Ok(body) => answer(body, &asking, tab),
        Err(failed) => failed,
    }
}

fn answer(body: Body, asking: &Asking, tab: Tab) -> Response {
    let query = &asking.query;
    let view = match tab {
        Tab::Overview => query.group.id(),
        Tab::Calls => "calls",
        Tab::Refused => "refused",
    };
    let (first, last) = (query.range.from, query.range.to - 1);
    let name = format!(
        "attachment; filename=\"usage-{view}-{}-{}.csv\"",
        query.zone.iso_day(first),
        query.zone.iso_day(last)
    );
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

async fn overview(asking: &Asking) -> Result<Body, Response> {
    let (ui, query) = (&asking.ui, &asking.query);
    let calls = &asking.services.calls;
    let report = calls.usage(asking.account.workspace, &query.report()).await;
    let report = report.map_err(|error| unavailable(ui, &error))?;
    let mut rows = vec![
        [
            query.group.id(),
            "name",
            "calls",
            "input_tokens",
            "cached_input_tokens",
            "output_tokens",
            "failed_calls",
            "cost_usd",
            "cost_nusd",
        ]
        .map(str::to_owned),
    ];
    for line in table::lines(ui, query, &report, &asking.names) {
        let tally = line.tally;
        rows.push([
            csv::guarded(&line.id),
            csv::guarded(&line.name.0),
            tally.calls.to_string(),
            tally.input.to_string(),
            tally.cached_input.to_string(),
            tally.output.to_string(),
            tally.errors.to_string(),
            tally.cost.to_usd_string(),
            tally.cost.nanos().to_string(),
        ]);
    }
    Ok(whole(&rows))
}

async fn refused(asking: &Asking) -> Result<Body, Response> {
    let (ui, query) = (&asking.ui, &asking.query);
    let calls = &asking.services.calls;
    let workspace = asking.account.workspace;
    let refused = calls.refused(workspace, query.range, query.key).await;
    let refused = refused.map_err(|error| unavailable(ui, &error))?;
    let mut rows = vec![["key_id", "key", "code", "reason", "count", "last_at"].map(str::to_owned)];
    rows.extend(refused.into_iter().map(|row| {
        [
            csv::guarded(&row.key_id),
            csv::guarded(&words::key(ui, &asking.names, &row.key_id)),
            csv::guarded(&row.code),
            csv::guarded(&words::refused(ui, &row.code).0),
            row.count.to_string(),
            query.zone.iso(row.last_at),
        ]
    }));
    Ok(whole(&rows))
}

/// The requests, page after page of the database's.
fn calls(asking: &Asking) -> Body {
    let names = asking.names.keys();
    let reading = Reading {
        calls: asking.services.calls.clone(),
        workspace: asking.account.workspace,
        filter: asking.query.filter(),
        zone: asking.query.zone,
        names: names
            .map(|id| (id.clone(), words::key(&asking.ui, &asking.names, id)))
            .collect(),
        before: None,
        sent: 0,
    };
    Body::from_stream(stream::try_unfold(Some(reading), |reading| async {
        match reading {
            None => Ok(None),
            Some(reading) => reading.next().await.map(Some),
        }
    }))
}

struct Reading {
    calls: Calls,
    workspace: WorkspaceId,
    filter: Filter,
    zone: Zone,
    names: BTreeMap<String, String>,
    before: Option<CallId>,
    sent: usize,
}

impl Reading {
    /// The next piece of the file, and what reads on; nothing reads on after the last.
    async fn next(mut self) -> Result<(Vec<u8>, Option<Self>), axum::BoxError> {
        let page = self
            .calls
            .page(self.workspace, &self.filter, self.before, AT_ONCE)
            .await
            .inspect_err(|error| tracing::error!(%error, "an export broke off"))?;
        let mut rows = Vec::with_capacity(page.len() + 1);
        let begins = self.before.is_none();
        if begins {
            rows.push(COLUMNS.map(str::to_owned));
        }
        let left = ROWS_MAX - self.sent;
        rows.extend(page.iter().take(left).map(|call| self.row(call)));
        self.sent += page.len();
        let whole = u32::try_from(page.len()).is_ok_and(|read| read == AT_ONCE);
        let mark = if begins { csv::BYTE_ORDER_MARK } else { &[] };
        let piece = [mark, &csv::lines(&rows)].concat();
        self.before = page.last().and_then(|call| call.id.parse().ok());
        let more = whole && self.sent < ROWS_MAX && self.before.is_some();
        Ok((piece, more.then_some(self)))
    }

    fn row(&self, call: &CallRow) -> [String; COLUMNS.len()] {
        let ms = |ms: Option<i64>| ms.map(|ms| ms.to_string()).unwrap_or_default();
        let key = self.names.get(&call.key_id);
        [
            self.zone.iso(call.created_at),
            csv::guarded(&call.id),
            csv::guarded(&call.model),
            csv::guarded(&call.key_id),
            key.map(|name| csv::guarded(name)).unwrap_or_default(),
            csv::guarded(&call.ending),
            call.status.to_string(),
            csv::guarded(&call.rule),
            call.streamed.to_string(),
            call.input_tokens.to_string(),
            call.cached_input_tokens.to_string(),
            call.output_tokens.to_string(),
            call.reasoning_tokens.to_string(),
            call.charge_nusd.to_usd_string(),
            call.charge_nusd.nanos().to_string(),
            call.unbilled_nusd.nanos().to_string(),
            ms(call.first_byte_ms),
            ms(Some(call.duration_ms)),
            csv::guarded(&call.price_version),
            call.cache_write_tokens.to_string(),
            call.cache_write_1h_tokens.to_string(),
            call.audio_input_tokens.to_string(),
            call.image_input_tokens.to_string(),
            call.audio_output_tokens.to_string(),
            call.image_output_tokens.to_string(),
            call.tool_calls.to_string(),
            call.units.to_string(),
            call.flagged.to_string(),
        ]
    }
}

const COLUMNS: [&str; 28] = [
    "time",
    "id",
    "model",
    "key_id",
    "key",
    "status",
    "http_status",
    "rule",
    "streamed",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
    "cost_nusd",
    "unbilled_nusd",
    "first_token_ms",
    "duration_ms",
    "price_version",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "image_input_tokens",
    "audio_output_tokens",
    "image_output_tokens",
    "tool_calls",
    "units",
    "flagged",
];

/// A file that is sent at one go.
fn whole<const N: usize>(rows: &[[String; N]]) -> Body {
    Body::from([csv::BYTE_ORDER_MARK, &csv::lines(rows)].concat())
}
