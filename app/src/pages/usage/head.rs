//! Which calls are asked about? Tabs, the range and its zone, and a form whose answer is an address.

use domain::Ending;
use domain::views::UnixMs;
use leptos::prelude::*;
use server::calls::Group;

use super::query::{Query, Span};
use super::{Asking, Tab, words};
use crate::pages::form::choice;
use crate::reader::Ui;
use crate::shell::{notice, rich};

/// Title, tabs, range and filters: the same on each of the three.
pub(super) fn head(asking: &Asking, tab: Tab, models: &[String]) -> AnyView {
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
