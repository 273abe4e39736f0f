//! How does each line read, and what opens behind it? Oldest first, the balance after each, as it is added up.

use domain::Amount;
use leptos::prelude::*;
use server::statement::{DayUse, Line, LotShare, What};

use super::head::{closing_words, shown_days};
use super::query::Query;
use super::{Facts, PATH, words};
use crate::reader::Ui;

pub(super) fn table(ui: &Ui, query: &Query, facts: &Facts) -> AnyView {
    let statement = &facts.statement;
    if statement.totals.is_empty() {
        return view! {
            <div class="empty">
                <h2>{t!(ui, "statement.empty.title")}</h2>
                <p>{t!(ui, "statement.empty.body")}</p>
            </div>
        }
        .into_any();
    }
    let lines: Vec<_> = facts
        .lines
        .iter()
        .map(|line| row(ui, line, facts))
        .collect();
    let first = match (query.after, facts.lines.first()) {
        // What the page before ended with.
        (Some(_), Some(line)) => {
            let carried = line.balance.minus(line.amount).unwrap_or(statement.opening);
            edge(ui, t!(ui, "statement.balance.carried"), carried)
        }
        _ => edge(ui, t!(ui, "statement.balance.opening"), statement.opening),
    };
    let last = (!facts.more).then(|| edge(ui, closing_words(ui, query), statement.closing));
    let next = facts.lines.last().filter(|_| facts.more).map(|line| {
        view! { <a class="btn" rel="next" href=query.behind(line.place)>{t!(ui, "statement.next")}</a> }
    });
    let begin = query.after.map(|_| {
        view! { <a class="btn" href=query.dated(PATH)>{t!(ui, "statement.begin")}</a> }
    });
    view! {
        <section class="sheet wide" aria-labelledby="lines">
            <header>
                <h2 id="lines">{t!(ui, "statement.lines.title")}</h2>
                <p class="hint">{shown_days(ui, query)}</p>
            </header>
            <div class="tablewrap" role="group" aria-labelledby="lines" tabindex="0">
                <table class="lines statement">
                    <caption class="vh">{t!(ui, "statement.lines.caption")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t!(ui, "statement.lines.date")}</th>
                            <th scope="col">{t!(ui, "statement.lines.what")}</th>
                            <th scope="col" class="n">{t!(ui, "statement.lines.amount")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "statement.lines.balance")}</th>
                        </tr>
                    </thead>
                    <tbody>{first}{lines}{last}</tbody>
                </table>
            </div>
            <p class="hint">{t!(ui, "statement.lines.hint")}</p>
            <p class="row">{begin}{next}</p>
        </section>
    }
    .into_any()
}

/// A balance that no line moved: before the first line, after the last one.
fn edge(ui: &Ui, words: String, balance: Amount) -> AnyView {
    view! {
        <tr class="edge">
            <th scope="row" colspan="2">{words}</th>
            <td class="n num"><span class="small-only">{ui.exact(balance)}</span></td>
            <td class="n num hide-mid">{ui.exact(balance)}</td>
        </tr>
    }
    .into_any()
}

fn row(ui: &Ui, line: &Line, facts: &Facts) -> AnyView {
    let (when, what) = match &line.what {
        What::Usage(day) => (
            view! { <time datetime=ui.zone().iso_day(day.start)>{ui.date(day.start)}</time> }
                .into_any(),
            usage(ui, day),
        ),
        What::Movement { id, txn, note } => {
            let lots = facts.lots.get(id).map(Vec::as_slice).unwrap_or_default();
            (
                view! {
                    <time datetime=ui.zone().iso(line.at) title=ui.date_time(line.at)>{ui.date(line.at)}</time>
                }
                .into_any(),
                movement(ui, line, txn, note.as_deref(), (lots, facts)),
            )
        }
    };
    let balance = t!(
        ui,
        "statement.lines.after",
        balance = ui.exact(line.balance)
    );
    let about = words::about(ui, line.amount);
    view! {
        <tr>
            <th scope="row" class="when">{when}</th>
            <td class="what">{what}</td>
            <td class="n num">
                <span title=about>{ui.exact(line.amount)}</span>
                <span class="small-only muted">{balance}</span>
            </td>
            <td class="n num hide-mid" title=words::about(ui, line.balance)>{ui.exact(line.balance)}</td>
        </tr>
    }
    .into_any()
}

/// A day's usage leads to its calls.
fn usage(ui: &Ui, day: &DayUse) -> AnyView {
    let href = format!("{PATH}/{}", ui.zone().iso_day(day.start));
    view! {
        <a href=href>{t!(ui, "statement.kind.usage")}</a>
        <span class="muted">{n!(ui, "statement.calls", day.calls)}</span>
    }
    .into_any()
}

/// Any other movement opens to its reason and the credit that it brought or took.
fn movement(
    ui: &Ui,
    line: &Line,
    txn: &str,
    note: Option<&str>,
    (lots, facts): (&[LotShare], &Facts),
) -> AnyView {
    let fact = |words: String, value: AnyView| {
        view! { <div><dt>{words}</dt><dd>{value}</dd></div> }.into_any()
    };
    let note = note.filter(|note| !note.is_empty()).map(str::to_owned);
    // An order is called by its reference, which is its movements' note.
    let order = facts.order(txn);
    let reason = match order {
        Some(order) => {
            let (href, name) = (format!("/wallet/orders/{order}"), note.unwrap_or_default());
            let name = if name.is_empty() {
                order.to_owned()
            } else {
                name
            };
            Some(fact(
                t!(ui, "statement.line.order"),
                view! { <a href=href><bdi translate="no">{name}</bdi></a> }.into_any(),
            ))
        }
        None => note.map(|note| {
            fact(
                t!(ui, "statement.line.reason"),
                view! { <bdi translate="no">{note}</bdi> }.into_any(),
            )
        }),
    };
    let receipts = order.and_then(|order| facts.receipts.get(order));
    let receipts = receipts
        .filter(|numbers| !numbers.is_empty())
        .map(|numbers| {
            let links: Vec<_> = numbers
                .iter()
                .map(|number| {
                    let href = format!("/wallet/receipts/{number}");
                    view! { <li><a href=href translate="no">{number.clone()}</a></li> }
                })
                .collect();
            fact(
                t!(ui, "statement.line.receipt"),
                view! { <ul>{links}</ul> }.into_any(),
            )
        });
    let shares: Vec<_> = lots.iter().map(|lot| share(ui, lot)).collect();
    let shares = (!shares.is_empty()).then(|| {
        fact(
            t!(ui, "statement.line.credit"),
            view! { <ul>{shares}</ul> }.into_any(),
        )
    });
    let about = words::about(ui, line.amount)
        .map(|about| fact(t!(ui, "statement.line.about"), about.into_any()));
    let reference = txn.to_owned();
    view! {
        <details class="opens">
            <summary>{words::kind(ui, &line.kind, line.amount)}</summary>
            <dl>
                {fact(t!(ui, "statement.line.time"), ui.date_time(line.at).into_any())}
                {about}
                {reason}
                {receipts}
                {shares}
                {fact(
                    t!(ui, "statement.line.reference"),
                    view! { <code dir="ltr" translate="no">{reference}</code> }.into_any(),
                )}
            </dl>
        </details>
    }
    .into_any()
}

/// What a movement did to one portion of credit.
fn share(ui: &Ui, lot: &LotShare) -> AnyView {
    let (kind, share, left) = (
        words::lot(ui, &lot.kind),
        ui.exact(lot.share),
        ui.exact(lot.remaining),
    );
    let words = if lot.opened {
        t!(
            ui,
            "statement.lot.opened",
            share = share,
            kind = kind,
            left = left
        )
    } else {
        t!(ui, "statement.lot.consumed", share = share, kind = kind)
    };
    let expiry = lot
        .expires_at
        .map(|at| t!(ui, "statement.lot.expires", date = ui.date(at)));
    view! { <li>{words}" "{expiry}</li> }.into_any()
}
