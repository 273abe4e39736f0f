//! How does a statement get out of here? As a file of any period: CSV for spreadsheets, JSON for programs, PDF for
//! people. The machine's columns are exact and the same in every language; what is for people is in the reader's.
//!
//! CSV and JSON are sent while they are read, page after page, all of one moment: however long, they fill nobody's
//! memory. `docs/statement.md` describes both, `end2end/statement/recompute.py` computes them again.

mod csv;
mod json;
mod pdf;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use domain::Amount;
use domain::views::UnixMs;
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use server::statement::{BookedCall, CallPlace, Line, Place, Statement, Statements, What};
use texts::format::Zone;

use super::query::Query;
use super::{failed, words};
use crate::pages::usage::words::{self as names, Names};
use crate::pages::{error, signed_in};
use crate::reader::{Reader, Ui};
use crate::session::Unavailable;

/// Lines or calls that are read at once.
const AT_ONCE: u32 = 1_000;

/// `/wallet/statement/export/{csv,json,pdf}` with the statement's own query; `detail=calls` adds every charged call.
pub async fn export(Path(format): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Some(query) = Query::read(ui.asked(), ui.zone(), ui.prefs().now) else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    // No file of other days than were asked for.
    if query.wrong_dates {
        return Redirect::to(
            ui.asked()
                .replace(&format!("/export/{format}"), "")
                .as_str(),
        )
        .into_response();
    }
    let statements = services.statements.clone();
    let statement = statements
        .read(account.workspace, query.range, query.zone)
        .await;
    let statement = match statement.map_err(|error| failed(&error)) {
        Ok(Some(statement)) => statement,
        Ok(None) => return error::page(&ui, StatusCode::NOT_FOUND),
        Err(Unavailable) => return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    };
    let names = services.calls.key_names(account.workspace).await;
    let Ok(names) = names.map_err(|error| failed(&error)) else {
        return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE);
    };
    let sheet = Sheet {
        ui,
        query,
        names,
        statement,
    };
    match format.as_str() {
        "csv" => answer(
            sent(statements, csv::Csv::new(sheet)),
            &query,
            "csv",
            "text/csv; charset=utf-8",
        ),
        "json" => answer(
            sent(statements, json::Json::new(sheet)),
            &query,
            "json",
            "application/json",
        ),
        "pdf" => on_paper(&statements, sheet).await,
        _ => error::page(&sheet.ui, StatusCode::NOT_FOUND),
    }
}

/// Paper is laid out as a whole, so it has an end: what is longer is told on the page.
async fn on_paper(statements: &Statements, sheet: Sheet) -> Response {
    let (query, most) = (sheet.query, pdf::LINES_MAX);
    let lines = statements.lines(&sheet.statement, None, most + 1).await;
    let Ok(lines) = lines.map_err(|error| failed(&error)) else {
        return error::page(&sheet.ui, StatusCode::SERVICE_UNAVAILABLE);
    };
    if usize::try_from(most).is_ok_and(|most| lines.len() > most) {
        let page = format!("{}&too_long=pdf", query.dated(super::PATH));
        return Redirect::to(&page).into_response();
    }
    // Laying out takes a core for a while: not one that others wait for.
    let written = tokio::task::spawn_blocking(move || {
        let written = pdf::write(&sheet, &lines);
        (written, sheet)
    });
    match written.await {
        Ok((Ok(file), _)) => answer(Body::from(file), &query, "pdf", "application/pdf"),
        Ok((Err(error), sheet)) => {
            tracing::error!(%error, "a statement cannot be written on paper");
            error::page(&sheet.ui, StatusCode::SERVICE_UNAVAILABLE)
        }
        Err(error) => {
            tracing::error!(%error, "a statement cannot be written on paper");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn answer(body: Body, query: &Query, format: &str, kind: &'static str) -> Response {
    let (from, to) = query.days();
    let calls = if query.calls { "-calls" } else { "" };
    let name = format!("attachment; filename=\"statement{calls}-{from}-{to}.{format}\"");
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// What every format is written from.
struct Sheet {
    ui: Ui,
    query: Query,
    names: Names,
    statement: Statement,
}

impl Sheet {
    fn zone(&self) -> Zone {
        self.query.zone
    }

    /// The day of a line, of its calls, and of nothing else: what joins them in a file.
    fn day_of(&self, at: UnixMs) -> String {
        self.zone().iso_day(at)
    }

    /// An amount as the reader reads it, in their currency.
    fn shown(&self, amount: Amount) -> String {
        self.ui.money(amount)
    }

    fn key(&self, call: &BookedCall) -> String {
        names::key(&self.ui, &self.names, &call.call.key_id)
    }

    fn description(&self, line: &Line) -> String {
        words::description(&self.ui, line)
    }
}

/// How many calls a line has; none when it is no usage.
fn calls_of(line: &Line) -> Option<u64> {
    match &line.what {
        What::Usage(day) => Some(day.calls),
        What::Movement { .. } => None,
    }
}

/// What made a line happen once, and the operator's reason; a day's usage has neither.
fn reference_of(line: &Line) -> (&str, &str) {
    match &line.what {
        What::Usage(_) => ("", ""),
        What::Movement { txn, note, .. } => (txn, note.as_deref().unwrap_or_default()),
    }
}

/// A format that is written from its beginning to its end.
trait Written: Send + Sync + 'static {
    fn sheet(&self) -> &Sheet;
    fn begin(&mut self) -> Vec<u8>;
    fn lines(&mut self, lines: &[Line]) -> Vec<u8>;
    /// Between the last line and the first call; only when calls are wanted.
    fn turn(&mut self) -> Vec<u8>;
    fn calls(&mut self, calls: &[BookedCall]) -> Vec<u8>;
    fn end(&mut self) -> Vec<u8>;
}

/// What is to be written next.
enum Step {
    Begin,
    Lines(Option<Place>),
    Calls(Option<CallPlace>),
    End,
}

/// A file, piece by piece: the next is read when the one before has been taken.
fn sent(statements: Statements, format: impl Written) -> Body {
    let writing = Some((statements, format, Step::Begin));
    Body::from_stream(stream::try_unfold(writing, |writing| async {
        let Some((statements, mut format, step)) = writing else {
            return Ok::<_, axum::BoxError>(None);
        };
        let (piece, next) = piece(&statements, &mut format, step)
            .await
            .inspect_err(|error| tracing::error!(%error, "a statement's file broke off"))?;
        Ok(Some((piece, next.map(|next| (statements, format, next)))))
    }))
}

/// Writes one piece, and tells what comes then.
async fn piece(
    statements: &Statements,
    format: &mut impl Written,
    step: Step,
) -> Result<(Vec<u8>, Option<Step>), axum::BoxError> {
    let is_page = |read: usize| u32::try_from(read).is_ok_and(|read| read == AT_ONCE);
    Ok(match step {
        Step::Begin => (format.begin(), Some(Step::Lines(None))),
        Step::Lines(after) => {
            let statement = &format.sheet().statement;
            let lines = statements.lines(statement, after, AT_ONCE).await?;
            let mut piece = format.lines(&lines);
            let last = lines.last().map(|line| line.place);
            if is_page(lines.len()) {
                (piece, Some(Step::Lines(last)))
            } else if format.sheet().query.calls {
                piece.extend(format.turn());
                (piece, Some(Step::Calls(None)))
            } else {
                (piece, Some(Step::End))
            }
        }
        Step::Calls(after) => {
            let statement = &format.sheet().statement;
            let calls = statements.calls(statement, after.as_ref(), AT_ONCE).await?;
            let piece = format.calls(&calls);
            let more = is_page(calls.len());
            let last = calls.last().map(|call| call.place.clone());
            let next = if more { Step::Calls(last) } else { Step::End };
            (piece, Some(next))
        }
        Step::End => (format.end(), None),
    })
}
