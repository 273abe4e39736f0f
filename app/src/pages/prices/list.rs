//! `/prices`: which models are for sale, and what does a million tokens cost at each?

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::catalog::Published;

use super::query::{Query, Sort, has_cheaper_cache};
use super::{PATH, cell, price_path, rates_hint};
use crate::pages::{anyone, calculator};
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, respond, rich};

/// `GET /prices`
pub async fn prices(reader: Reader) -> Response {
    let models = reader.services.catalog.published();
    let ui = anyone(reader).await;
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "prices.title"),
        description: Some(t!(ui, "prices.meta.description")),
        body: content(ui, &models),
    })
}

fn content(ui: &Ui, models: &[Published]) -> AnyView {
    let query = Query::read(ui.asked());
    let body = if models.is_empty() {
        view! { <div class="empty"><p>{t!(ui, "prices.empty")}</p></div> }.into_any()
    } else {
        let found = query.of(models);
        let shown = if found.is_empty() {
            nothing(ui)
        } else {
            table(ui, &query, &found)
        };
        view! { {filters(ui, &query, models)}{shown}{notes(ui)} }.into_any()
    };
    view! {
        <div class="prices-page">
            <header class="intro">
                <div class="head">
                    <h1 id="title">{t!(ui, "prices.title")}</h1>
                    <a class="btn" href=ui.link(calculator::PATH)>{t!(ui, "prices.calculator")}{icon(ui, "arrow-right", "flip")}</a>
                </div>
                <p class="measure">{t!(ui, "prices.lead")}</p>
            </header>
            {body}
        </div>
    }
    .into_any()
}

/// A name to search for, and what else narrows the list as links.
fn filters(ui: &Ui, query: &Query, models: &[Published]) -> AnyView {
    let path = ui.link(PATH);
    let kept = |name: &'static str, value: String| {
        (!value.is_empty()).then(|| view! { <input type="hidden" name=name value=value/> })
    };
    let context = query
        .context
        .map_or(String::new(), |tokens| tokens.to_string());
    let cached = if query.cached { "1" } else { "" };
    let clear = query.is_filtered().then(|| {
        let all = Query {
            sort: query.sort,
            down: query.down,
            ..Query::default()
        };
        view! { <a class="btn" href=all.at(&path)>{t!(ui, "prices.filter.clear")}</a> }
    });
    let (by_context, by_cache) = (contexts(ui, query, models), caches(ui, query, models));
    view! {
        <section class="pick" aria-label=t!(ui, "prices.filter.title")>
            <form class="find" method="get" action=path role="search">
                {kept("context", context)}
                {kept("cached", cached.to_owned())}
                {kept("sort", query.order())}
                <div class="item">
                    <label for="q">{t!(ui, "prices.filter.name")}</label>
                    <input class="field" type="search" id="q" name="q" value=query.text.clone() autocomplete="off"
                        autocapitalize="none" spellcheck="false" dir="ltr"/>
                </div>
                {cheaper(ui, query)}
                <button class="btn" type="submit">{t!(ui, "prices.filter.submit")}</button>
                {clear}
            </form>
            {by_context}
            {by_cache}
        </section>
    }
    .into_any()
}

/// The most that an answer may cost. Prices are in dollars, and so is this, whatever they are shown in.
fn cheaper(ui: &Ui, query: &Query) -> AnyView {
    let wrong = query.most().is_err();
    let wrong_words = wrong
        .then(|| view! { <p class="wrong" id="max-wrong">{t!(ui, "prices.filter.max_wrong")}</p> });
    view! {
        <div class="item">
            <label for="max">{t!(ui, "prices.filter.max")}</label>
            <input class="field" type="text" id="max" name="max" value=query.max.clone() inputmode="decimal" autocomplete="off"
                dir="ltr" aria-invalid=wrong.then_some("true") aria-describedby=wrong.then_some("max-wrong")/>
            {wrong_words}
        </div>
    }
    .into_any()
}

/// How long a context must be: links to those lengths that some models have and others have not.
fn contexts(ui: &Ui, query: &Query, models: &[Published]) -> Option<AnyView> {
    let tells = |least: &u64| {
        let enough = models
            .iter()
            .filter(|model| model.context >= *least)
            .count();
        query.context == Some(*least) || (enough > 0 && enough < models.len())
    };
    let lengths: Vec<u64> = Query::CONTEXTS.into_iter().filter(tells).collect();
    if lengths.is_empty() {
        return None;
    }
    let link = |context: Option<u64>, words: String| {
        let there = Query {
            context,
            ..query.clone()
        };
        let current = (query.context == context).then_some("true");
        view! { <li><a class="btn slim" href=there.at(&ui.link(PATH)) aria-current=current>{words}</a></li> }
    };
    let mut links = vec![link(None, t!(ui, "prices.filter.any_context"))];
    links.extend(lengths.into_iter().map(|least| {
        let words = t!(ui, "prices.filter.context_from", count = ui.compact(least));
        link(Some(least), words)
    }));
    let view = view! {
        <nav class="by" aria-label=t!(ui, "prices.filter.context")>
            <span class="small muted" aria-hidden="true">{t!(ui, "prices.filter.context")}</span>
            <ul class="row tight presets">{links}</ul>
        </nav>
    };
    Some(view.into_any())
}

/// A link that shows only models with a discount for what the provider's cache knows, and all of them again.
fn caches(ui: &Ui, query: &Query, models: &[Published]) -> Option<AnyView> {
    let cheaper = models
        .iter()
        .filter(|model| has_cheaper_cache(model))
        .count();
    if !query.cached && (cheaper == 0 || cheaper == models.len()) {
        return None;
    }
    let there = Query {
        cached: !query.cached,
        ..query.clone()
    };
    let current = query.cached.then_some("true");
    let tick = query.cached.then(|| icon(ui, "check", ""));
    let words = t!(ui, "prices.filter.cached");
    let view = view! {
        <p class="by presets"><a class="btn slim" href=there.at(&ui.link(PATH)) aria-current=current>{tick}{words}</a></p>
    };
    Some(view.into_any())
}

fn nothing(ui: &Ui) -> AnyView {
    view! {
        <div class="empty">
            <h2>{t!(ui, "prices.none_title")}</h2>
            <p>{t!(ui, "prices.none_body")}</p>
            <a class="btn" href=ui.link(PATH)>{t!(ui, "prices.filter.clear")}</a>
        </div>
    }
    .into_any()
}

fn table(ui: &Ui, query: &Query, models: &[Published]) -> AnyView {
    let columns = [
        (Sort::Model, t!(ui, "landing.models.model"), None),
        (Sort::Input, t!(ui, "landing.models.input"), Some("n")),
        (
            Sort::CachedInput,
            t!(ui, "landing.models.cached_input"),
            Some("n"),
        ),
        (Sort::Output, t!(ui, "landing.models.output"), Some("n")),
        (Sort::Context, t!(ui, "landing.models.context"), Some("n")),
    ];
    let columns: Vec<_> = columns
        .into_iter()
        .map(|(sort, words, class)| {
            let sorted = (query.sort == sort).then_some(if query.down {
                "descending"
            } else {
                "ascending"
            });
            let sign = sorted.map(|_| icon(ui, "chevron-down", ""));
            let href = query.by(sort).at(&ui.link(PATH));
            view! { <th scope="col" class=class aria-sort=sorted><a href=href>{words}{sign}</a></th> }
        })
        .collect();
    let rows: Vec<_> = models.iter().map(|model| row(ui, model)).collect();
    let count = u64::try_from(models.len()).unwrap_or(u64::MAX);
    view! {
        <section class="sheet" aria-labelledby="found">
            <header>
                <h2 id="found">{t!(ui, "prices.table.caption")}</h2>
                <span class="hint">{n!(ui, "prices.count", count)}</span>
            </header>
            <div class="tablewrap" role="group" aria-labelledby="found" tabindex="0">
                <table class="prices sortable" aria-labelledby="found">
                    <thead><tr>{columns}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn row(ui: &Ui, model: &Published) -> AnyView {
    let price = &model.now.price;
    let next = model.next().map(|version| {
        let words = t!(ui, "prices.next", date = ui.date(version.from));
        view! { <span class="pill test">{words}</span> }
    });
    let context = ui.number(model.context);
    view! {
        <tr>
            <th scope="row">
                <a href=ui.link(&price_path(&model.id))><bdi class="mono" translate="no">{model.id.clone()}</bdi></a>
                {next}
            </th>
            {cell(ui, price.input)}
            {cell(ui, price.cached_input)}
            {cell(ui, price.output)}
            <td class="n num" title=context>{ui.compact(model.context)}</td>
        </tr>
    }
    .into_any()
}

/// The rate, how a call is rounded, and where programs read the same.
fn notes(ui: &Ui) -> AnyView {
    let api = t!(ui, "prices.api", address = "GET /v1/prices");
    let api = rich(&api, |inner| {
        view! { <a href="/v1/prices"><code translate="no">{inner}</code></a> }.into_any()
    });
    view! {
        <div class="stack">
            {rates_hint(ui)}
            <p class="hint">{t!(ui, "prices.rounding")}</p>
            <p class="hint">{api}</p>
        </div>
    }
    .into_any()
}
