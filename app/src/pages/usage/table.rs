//! What did each model, key, day or status come to? A line each, and the sum.

use leptos::prelude::*;
use server::calls::{Group, Tally, UsageReport};

use super::query::Query;
use super::words::{Names, group, named};
use crate::reader::Ui;
use crate::shell::icon;

/// One line: what it is called (and whether that is a name), where it leads, what it came to.
pub struct Line {
    pub id: String,
    pub name: (String, bool),
    pub href: String,
    pub tally: Tally,
}

/// The lines as the page and the file have them.
pub fn lines(ui: &Ui, query: &Query, report: &UsageReport, names: &Names) -> Vec<Line> {
    if report.group == Group::Day {
        let used = report
            .parts
            .iter()
            .rev()
            .filter(|part| part.tally.calls > 0);
        return used
            .map(|part| {
                let (name, href) = if report.hours {
                    (ui.date_time(part.start), query.at("/usage/calls"))
                } else {
                    (ui.date(part.start), query.day(part.start).at("/usage"))
                };
                Line {
                    id: query.zone.iso(part.start),
                    name: (name, false),
                    href,
                    tally: part.tally,
                }
            })
            .collect();
    }
    let groups = report.groups.iter();
    groups
        .map(|one| Line {
            id: one.id.clone(),
            name: group(ui, report.group, names, &one.id),
            href: query.only(&one.id).at("/usage/calls"),
            tally: one.tally,
        })
        .collect()
}

pub fn table(ui: &Ui, query: &Query, report: &UsageReport, names: &Names) -> AnyView {
    let (title, head) = match report.group {
        Group::Model => (
            t!(ui, "usage.table.title_model"),
            t!(ui, "usage.filter.model"),
        ),
        Group::Key => (t!(ui, "usage.table.title_key"), t!(ui, "usage.filter.key")),
        Group::Day => (t!(ui, "usage.table.title_day"), t!(ui, "usage.chart.time")),
        Group::Status => (
            t!(ui, "usage.table.title_status"),
            t!(ui, "usage.filter.status"),
        ),
    };
    let rows: Vec<_> = lines(ui, query, report, names)
        .into_iter()
        .map(|line| {
            view! {
                <tr>
                    <th scope="row"><a href=line.href>{named(line.name)}</a></th>
                    {cells(ui, &line.tally)}
                </tr>
            }
        })
        .collect();
    let csv = format!("{}of=overview", with_more(query.at("/usage/export.csv")));
    view! {
        <section class="sheet wide" aria-labelledby="by-group">
            <header>
                <h2 id="by-group">{title}</h2>
                <a class="btn slim" href=csv download="">{icon(ui, "download", "")}{t!(ui, "usage.table.csv")}</a>
            </header>
            <div class="tablewrap" role="group" aria-labelledby="by-group" tabindex="0">
                <table class="lines">
                    <thead>
                        <tr>
                            <th scope="col">{head}</th>
                            <th scope="col" class="n">{t!(ui, "usage.table.calls")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "usage.table.input")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "usage.table.cached_input")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "usage.table.output")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "usage.table.errors")}</th>
                            <th scope="col" class="n">{t!(ui, "usage.table.cost")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                    <tfoot>
                        <tr>
                            <th scope="row">{t!(ui, "usage.table.total")}</th>
                            {cells(ui, &report.total)}
                        </tr>
                    </tfoot>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn cells(ui: &Ui, tally: &Tally) -> AnyView {
    view! {
        <td class="n num">{ui.number(tally.calls)}</td>
        <td class="n num hide-mid">{ui.number(tally.input)}</td>
        <td class="n num hide-mid">{ui.number(tally.cached_input)}</td>
        <td class="n num hide-mid">{ui.number(tally.output)}</td>
        <td class="n num hide-mid">{ui.number(tally.errors)}</td>
        <td class="n num" title=ui.exact(tally.cost)>{ui.money(tally.cost)}</td>
    }
    .into_any()
}

/// An address to which one more parameter can be added.
pub fn with_more(address: String) -> String {
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}")
}
