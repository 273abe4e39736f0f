//! What was used, when, by what, and what did it cost? Three views of one range: overview, requests, refused ones.

mod call;
mod calls;
mod chart;
mod empty;
mod export;
mod head;
mod query;
mod refused;
mod table;
pub mod words;

use axum::response::{IntoResponse, Redirect, Response};
use domain::views::{AccountView, BalanceView, SpendView};
use http::StatusCode;
use leptos::prelude::*;
use server::calls::{Series, UsageReport};

pub use call::call;
pub use calls::calls;
pub use export::export;
pub use refused::refused;

use self::empty::nothing;
use self::head::head;
use self::query::{Asked, Query};
use self::words::Names;
use super::{error, signed_in};
use crate::api::{days_left, read_balance};
use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::session::Unavailable;
use crate::shell::{Frame, Page, respond};

/// Which of the three views.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Overview,
    Calls,
    Refused,
}

impl Tab {
    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/usage",
            Self::Calls => "/usage/calls",
            Self::Refused => "/usage/refused",
        }
    }
}

/// Who asks for what, with the names of their keys.
struct Asking {
    services: Services,
    ui: Ui,
    account: AccountView,
    query: Query,
    names: Names,
}

/// Reads the address. A key of somebody else, or one that never was, makes it an address of nothing.
async fn asking(reader: Reader, tab: Tab) -> Result<Asking, Response> {
    let services = reader.services.clone();
    let (ui, account) = signed_in(reader).await?;
    let query = match Query::read(ui.asked(), ui.zone(), ui.prefs().now) {
        Asked::Shown(query) => *query,
        Asked::Elsewhere(query) => return Err(Redirect::to(&query.at(tab.path())).into_response()),
        Asked::Nothing => return Err(error::page(&ui, StatusCode::NOT_FOUND)),
    };
    let names = services.calls.key_names(account.workspace).await;
    let names = names.map_err(|error| unavailable(&ui, &error))?;
    let foreign = query
        .key
        .is_some_and(|key| !names.contains_key(&key.to_string()));
    if foreign {
        return Err(error::page(&ui, StatusCode::NOT_FOUND));
    }
    Ok(Asking {
        services,
        ui,
        account,
        query,
        names,
    })
}

fn unavailable(ui: &Ui, error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "usage cannot be read");
    error::page(ui, StatusCode::SERVICE_UNAVAILABLE)
}

/// `/usage`
pub async fn usage(reader: Reader) -> Response {
    let asking = match asking(reader, Tab::Overview).await {
        Ok(asking) => asking,
        Err(elsewhere) => return elsewhere,
    };
    match read(&asking).await {
        Ok(facts) => respond(&asking.ui, StatusCode::OK, |ui| Page {
            frame: Frame::Account,
            title: t!(ui, "usage.title"),
            description: None,
            body: content(&asking, facts),
        }),
        Err(Unavailable) => error::page(&asking.ui, StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// What the overview shows, read at one go.
struct Facts {
    report: UsageReport,
    series: Vec<Series>,
    balance: BalanceView,
    spend: SpendView,
    /// Called in the range, filtered or not.
    models: Vec<String>,
    /// Nothing was ever called.
    never: bool,
}

async fn read(asking: &Asking) -> Result<Facts, Unavailable> {
    let (calls, workspace) = (&asking.services.calls, asking.account.workspace);
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "usage cannot be read");
        Unavailable
    };
    let report = calls.usage(workspace, &asking.query.report()).await;
    let report = report.map_err(|error| failed(&error))?;
    let series = report.series().map_err(|error| failed(&error))?;
    let models = calls.models(workspace, asking.query.range).await;
    let models = models.map_err(|error| failed(&error))?;
    let any = calls.any(workspace).await;
    let never = !any.map_err(|error| failed(&error))?;
    let (balance, spend) = read_balance(&asking.services, workspace, asking.ui.zone()).await?;
    Ok(Facts {
        report,
        series,
        balance,
        spend,
        models,
        never,
    })
}

fn content(asking: &Asking, facts: Facts) -> AnyView {
    let (ui, query, names) = (&asking.ui, &asking.query, &asking.names);
    let Facts {
        report,
        series,
        balance,
        spend,
        models,
        never,
    } = facts;
    let shown = if report.total.calls == 0 {
        nothing(asking, never)
    } else {
        view! {
            {totals(ui, &report, &balance, &spend)}
            {chart::chart(ui, query, &report, series, names)}
            {table::table(ui, query, &report, names)}
        }
        .into_any()
    };
    view! {
        {head(asking, Tab::Overview, &models)}
        {shown}
    }
    .into_any()
}

fn totals(ui: &Ui, report: &UsageReport, balance: &BalanceView, spend: &SpendView) -> AnyView {
    let total = &report.total;
    let left = match days_left(balance.available, spend, ui.prefs().now) {
        None => t!(ui, "usage.left.unknown"),
        Some(0) => t!(ui, "usage.left.less_than_a_day"),
        Some(days) if days > 365 => t!(ui, "usage.left.more_than_year"),
        Some(days) => n!(ui, "usage.left.days", days),
    };
    let count = |words: String, value: u64| view! { <div><dt>{words}</dt><dd class="num">{ui.number(value)}</dd></div> };
    view! {
        <section class="totals" aria-labelledby="totals">
            <h2 class="vh" id="totals">{t!(ui, "usage.total.title")}</h2>
            <dl class="kv">
                <div>
                    <dt>{t!(ui, "usage.total.cost")}</dt>
                    <dd class="num" title=ui.exact(total.cost)>{ui.money(total.cost)}</dd>
                </div>
                {count(t!(ui, "usage.total.calls"), total.calls)}
                {count(t!(ui, "usage.total.input"), total.input)}
                {count(t!(ui, "usage.total.cached_input"), total.cached_input)}
                {count(t!(ui, "usage.total.output"), total.output)}
                {count(t!(ui, "usage.total.errors"), total.errors)}
                <div><dt>{t!(ui, "usage.total.left")}</dt><dd>{left}</dd></div>
            </dl>
        </section>
    }
    .into_any()
}
