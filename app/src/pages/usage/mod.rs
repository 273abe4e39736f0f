//! What was used, when, by what, and what did it cost? Three views of one range: overview, requests, refused ones.

mod call;
mod calls;
mod chart;
mod export;
mod query;
mod refused;
mod table;
mod words;

use axum::response::{IntoResponse, Redirect, Response};
use domain::Ending;
use domain::views::{AccountView, BalanceView, SpendView, UnixMs};
use http::StatusCode;
use leptos::prelude::*;
use server::calls::{Group, Series, UsageReport};

pub use call::call;
pub use calls::calls;
pub use export::export;
pub use refused::refused;

use self::query::{Asked, Query, Span};
use self::words::Names;
use super::landing::first_model;
use super::{error, signed_in};
use crate::api::{days_left, read_balance};
use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::session::Unavailable;
use crate::shell::{Frame, Page, copy_button, notice, respond, rich};

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

/// Title, tabs, range and filters: the same on each of the three.
fn head(asking: &Asking, tab: Tab, models: &[String]) -> AnyView {
    let (ui, query) = (&asking.ui, &asking.query);
    let wrong = query
        .wrong_dates
        .then(|| notice(ui, "warn", t!(ui, "usage.range.wrong")));
    let rates = ui.rates_date().map(
        |date| view! { <p class="hint">{t!(ui, "currency.approximate_hint", date = date)}</p> },
    );
    view! {
        <div class="usage-head">
            <h1>{t!(ui, "usage.title")}</h1>
            {tabs(ui, query, tab)}
            {wrong}
            {range(ui, query, tab)}
            {form(asking, tab, models)}
            {rates}
        </div>
    }
    .into_any()
}

fn tabs(ui: &Ui, query: &Query, tab: Tab) -> AnyView {
    let all = [
        (Tab::Overview, t!(ui, "usage.tabs.overview")),
        (Tab::Calls, t!(ui, "usage.tabs.calls")),
        (Tab::Refused, t!(ui, "usage.tabs.refused")),
    ];
    let here = Query {
        before: None,
        ..query.clone()
    };
    let links: Vec<_> = all
        .into_iter()
        .map(|(one, words)| {
            let current = (one == tab).then_some("page");
            view! { <li><a href=here.at(one.path()) aria-current=current>{words}</a></li> }
        })
        .collect();
    view! {
        <nav class="views" aria-label=t!(ui, "usage.tabs.label")><ul class="views-list">{links}</ul></nav>
    }
    .into_any()
}

/// The range that is shown, its zone, and the usual ranges as links.
fn range(ui: &Ui, query: &Query, tab: Tab) -> AnyView {
    let now = ui.prefs().now;
    let presets: Vec<_> = Span::PRESETS
        .into_iter()
        .map(|span| {
            let words = match span {
                Span::Hours24 => t!(ui, "usage.range.hours_24"),
                Span::Days30 => t!(ui, "usage.range.days_30"),
                Span::Days90 => t!(ui, "usage.range.days_90"),
                Span::Days7 | Span::Between(..) => t!(ui, "usage.range.days_7"),
            };
            let current = (span == query.span).then_some("true");
            view! { <li><a class="btn slim" href=query.over(span, now).at(tab.path()) aria-current=current>{words}</a></li> }
        })
        .collect();
    view! {
        <div class="ranges">
            <nav aria-label=t!(ui, "usage.range.label")><ul class="row tight presets">{presets}</ul></nav>
            <p class="small">{shown_range(ui, query)}</p>
            <p class="hint">{zone_note(ui, query.range.from)}</p>
        </div>
    }
    .into_any()
}

fn shown_range(ui: &Ui, query: &Query) -> String {
    let last = query.range.to - 1;
    if query.span == Span::Hours24 {
        let (from, to) = (ui.date_time(query.range.from), ui.date_time(query.range.to));
        return t!(ui, "usage.range.shown", from = from, to = to);
    }
    let (from, to) = (ui.date(query.range.from), ui.date(last));
    if from == to {
        from
    } else {
        t!(ui, "usage.range.shown", from = from, to = to)
    }
}

/// Whose midnight it is, and where that is changed.
fn zone_note(ui: &Ui, at: UnixMs) -> AnyView {
    let zone = ui.zone();
    let name = if zone.name() == zone.offset_name(at) {
        zone.name().to_owned()
    } else {
        format!("{} ({})", zone.name(), zone.offset_name(at))
    };
    let text = t!(ui, "usage.range.zone", zone = name);
    rich(&text, |words| {
        view! { <a href="/settings">{words}</a> }.into_any()
    })
}

/// Dates, grouping and filters: a form that asks for an address.
fn form(asking: &Asking, tab: Tab, models: &[String]) -> AnyView {
    let (ui, query, names) = (&asking.ui, &asking.query, &asking.names);
    let (zone, today) = (query.zone, query.zone.iso_day(ui.prefs().now));
    let (from, to) = match query.span {
        Span::Between(first, last) => (zone.iso_day(first), zone.iso_day(last)),
        _ => (String::new(), String::new()),
    };
    let date = |id: &'static str, label: String, value: String| {
        view! {
            <div class="item">
                <label for=id>{label}</label>
                <input class="field" type="date" id=id name=id value=value max=today.clone()/>
            </div>
        }
    };
    let group = (tab == Tab::Overview).then(|| {
        let entries = Group::ALL.map(|group| {
            let words = match group {
                Group::Model => t!(ui, "usage.group.model"),
                Group::Key => t!(ui, "usage.group.key"),
                Group::Day => t!(ui, "usage.group.day"),
                Group::Status => t!(ui, "usage.group.status"),
            };
            (group.id().to_owned(), words)
        });
        choice(
            "group",
            t!(ui, "usage.filter.group"),
            entries.into(),
            query.group.id(),
        )
    });
    let kept = (tab != Tab::Overview && query.group != Group::default())
        .then(|| view! { <input type="hidden" name="group" value=query.group.id()/> });
    let any = |words: String| (String::new(), words);
    let mut of_model = vec![any(t!(ui, "usage.filter.all_models"))];
    // A model that is filtered by stays to be chosen, even if nothing in the range called it.
    let filtered = query.model.iter().filter(|model| !models.contains(model));
    of_model.extend(
        models
            .iter()
            .chain(filtered)
            .map(|model| (model.clone(), model.clone())),
    );
    let mut of_key = vec![any(t!(ui, "usage.filter.all_keys"))];
    of_key.extend(
        names
            .keys()
            .map(|id| (id.clone(), words::key(ui, names, id))),
    );
    let mut of_status = vec![any(t!(ui, "usage.filter.any_status"))];
    of_status
        .extend(Ending::ALL.map(|ending| (ending.id().to_owned(), words::status(ui, ending.id()))));
    let key = query.key.map(|key| key.to_string()).unwrap_or_default();
    let has_calls = tab != Tab::Refused;
    let model = has_calls.then(|| {
        let chosen = query.model.as_deref().unwrap_or_default();
        choice("model", t!(ui, "usage.filter.model"), of_model, chosen)
    });
    let status = has_calls.then(|| {
        let chosen = query.ending.map_or("", Ending::id);
        choice("status", t!(ui, "usage.filter.status"), of_status, chosen)
    });
    let clear = query.is_filtered().then(|| {
        view! { <a class="btn" href=query.without_filters().at(tab.path())>{t!(ui, "usage.filter.clear")}</a> }
    });
    view! {
        <form class="filters" method="get" action=tab.path() aria-label=t!(ui, "usage.filter.title")>
            <input type="hidden" name="range" value=query.span.id(zone)/>
            {kept}
            {date("from", t!(ui, "usage.range.from"), from)}
            {date("to", t!(ui, "usage.range.to"), to)}
            {group}
            {model}
            {choice("key", t!(ui, "usage.filter.key"), of_key, &key)}
            {status}
            <div class="item go">
                <button class="btn" type="submit">{t!(ui, "usage.range.apply")}</button>
                {clear}
            </div>
        </form>
    }
    .into_any()
}

fn choice(
    id: &'static str,
    label: String,
    entries: Vec<(String, String)>,
    chosen: &str,
) -> AnyView {
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(value, words)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{words}</option> }
        })
        .collect();
    view! {
        <div class="item">
            <label for=id>{label}</label>
            <select class="field" id=id name=id>{entries}</select>
        </div>
    }
    .into_any()
}

/// No call: none yet (and the command that makes one), or none that matches.
fn nothing(asking: &Asking, never: bool) -> AnyView {
    let (ui, query) = (&asking.ui, &asking.query);
    if !never {
        let wider = query
            .without_filters()
            .over(Span::Days90, ui.prefs().now)
            .at("/usage");
        return view! {
            <div class="empty">
                <h2>{t!(ui, "usage.empty.range_title")}</h2>
                <p>{t!(ui, "usage.empty.range_body")}</p>
                <a class="btn" href=wider>{t!(ui, "usage.empty.wider")}</a>
            </div>
        }
        .into_any();
    }
    let models = asking.services.catalog.models();
    let model =
        first_model(&models).map_or_else(|| "sandbox-echo".to_owned(), |model| model.id.clone());
    let body = format!(
        "{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}]}}",
        t!(ui, "quickstart.prompt").replace(['"', '\'', '\\'], " ")
    );
    let command = format!(
        "curl {}/chat/completions \\\n  -H \"Authorization: Bearer $API_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'",
        ui.site().api_base()
    );
    view! {
        <div class="empty" data-copyable="">
            <h2>{t!(ui, "usage.empty.title")}</h2>
            <p>{t!(ui, "usage.empty.body")}</p>
            <pre dir="ltr" tabindex="0" translate="no"><code data-copy="">{command}</code></pre>
            {copy_button(ui, t!(ui, "copy.copy_command"))}
        </div>
    }
    .into_any()
}
