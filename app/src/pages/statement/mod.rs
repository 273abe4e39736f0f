//! What happened to the wallet, line by line? A period with its opening and closing balance; every line opens to what
//! it is made of; the whole as a file.

mod day;
mod export;
mod head;
mod query;
mod table;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use axum::response::Response;
use domain::Amount;
use domain::ids::WorkspaceId;
use http::StatusCode;
use leptos::prelude::*;
use server::statement::{Line, LotShare, Statement, What};

pub use day::day;
pub use export::export;

use self::query::Query;
use super::{error, signed_in};
use crate::reader::Reader;
use crate::services::Services;
use crate::session::Unavailable;
use crate::shell::{Frame, Page, respond};

/// Where the statement is.
pub const PATH: &str = "/wallet/statement";

/// Lines on one page.
const SHOWN: u32 = 100;

/// What the page shows, read at one go.
struct Facts {
    statement: Statement,
    lines: Vec<Line>,
    /// There are lines behind these.
    more: bool,
    /// The credit that movements brought or took, by their transfers.
    lots: BTreeMap<i64, Vec<LotShare>>,
    /// The orders that refunds gave back, by the refunds.
    refunded: BTreeMap<String, String>,
    /// The numbers of receipts and credit notes, by their orders.
    receipts: BTreeMap<String, Vec<String>>,
    given_away: Amount,
}

impl Facts {
    /// The order that a movement belongs to, or gave back.
    fn order<'a>(&'a self, txn: &'a str) -> Option<&'a str> {
        let refunded = || self.refunded.get(words::refund(txn)?);
        words::order(txn).or_else(|| refunded().map(String::as_str))
    }
}

/// `/wallet/statement?period=this-month|last-month|30d|year`, or `?from=2026-11-01&to=2026-11-30`
pub async fn statement(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Some(query) = Query::read(ui.asked(), ui.zone(), ui.prefs().now) else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    let facts = match read(&services, account.workspace, &query).await {
        Ok(Some(facts)) => facts,
        Ok(None) => return error::page(&ui, StatusCode::NOT_FOUND),
        Err(Unavailable) => return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    };
    if facts.lines.is_empty() && query.after.is_some() {
        return error::page(&ui, StatusCode::NOT_FOUND);
    }
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Account,
        title: t!(ui, "statement.title"),
        description: None,
        body: view! {
            {head::head(ui, &query)}
            {head::totals(ui, &query, &facts)}
            {table::table(ui, &query, &facts)}
        }
        .into_any(),
    })
}

async fn read(
    services: &Services,
    workspace: WorkspaceId,
    query: &Query,
) -> Result<Option<Facts>, Unavailable> {
    let statements = &services.statements;
    let statement = statements.read(workspace, query.range, query.zone).await;
    let Some(statement) = statement.map_err(|error| failed(&error))? else {
        return Ok(None);
    };
    // One more than is shown tells whether there are others.
    let lines = statements.lines(&statement, query.after, SHOWN + 1).await;
    let mut lines = lines.map_err(|error| failed(&error))?;
    let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let more = lines.len() > shown;
    lines.truncate(shown);
    let movements: Vec<i64> = lines.iter().filter_map(movement).collect();
    let lots = statements.lots(&statement, &movements).await;
    let lots = lots.map_err(|error| failed(&error))?;
    let refunds = lines.iter().filter_map(txn).filter_map(words::refund);
    let refunds: Vec<&str> = refunds.collect::<BTreeSet<_>>().into_iter().collect();
    let refunded = statements.refunded(&statement, &refunds).await;
    let refunded = refunded.map_err(|error| failed(&error))?;
    let orders = lines.iter().filter_map(txn).filter_map(words::order);
    let orders = orders.chain(refunded.values().map(String::as_str));
    let orders: Vec<&str> = orders.collect::<BTreeSet<_>>().into_iter().collect();
    let papers = services.receipts.of_orders(workspace, &orders).await;
    let mut receipts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for paper in papers.map_err(|error| failed(&error))? {
        let numbers = receipts.entry(paper.order_id).or_default();
        numbers.push(paper.number.to_string());
    }
    let given_away = statements.given_away(&statement).await;
    let given_away = given_away.map_err(|error| failed(&error))?;
    Ok(Some(Facts {
        statement,
        lines,
        more,
        lots,
        refunded,
        receipts,
        given_away,
    }))
}

/// The transfer of a line that is one.
fn movement(line: &Line) -> Option<i64> {
    match line.what {
        What::Movement { id, .. } => Some(id),
        What::Usage(_) => None,
    }
}

/// What made a line happen that is a transfer.
fn txn(line: &Line) -> Option<&str> {
    match &line.what {
        What::Movement { txn, .. } => Some(txn),
        What::Usage(_) => None,
    }
}

fn failed(error: &dyn std::fmt::Display) -> Unavailable {
    tracing::error!(%error, "a statement cannot be read");
    Unavailable
}
