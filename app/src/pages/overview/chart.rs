//! What was spent on what, day by day? Stacked bars drawn here, a tooltip for each day, the same as a table.

use domain::Amount;
use domain::views::SpendView;
use leptos::prelude::*;

use super::scale::{STEPS, length, step};
use crate::islands::Chart;
use crate::reader::Ui;
use crate::shell::icon;

/// The picture's own units: one day is 100 wide, the scale 1000 high.
const DAY: usize = 100;
const BAR: usize = 68;
const HEIGHT: i128 = 1_000;
/// A day is named under every so many bars.
const NAMED: usize = 7;

/// Days with spend from which on a chart shows more than its parts.
const ENOUGH: usize = 3;

/// One model's part of the chart; the last may be all the others.
struct Series {
    name: String,
    /// Whether the name is a model's (not to be translated) or "Other models".
    model: bool,
    by_day: Vec<Amount>,
    class: &'static str,
}

const CLASSES: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];

pub fn spend(ui: &Ui, spend: &SpendView) -> AnyView {
    let series = series(ui, spend);
    let few = spend
        .days
        .iter()
        .filter(|day| !day.amount.is_zero())
        .count()
        < ENOUGH;
    let content = if spend.last_30_days.is_zero() {
        view! {
            <div class="empty">
                <h3>{t!(ui, "calls.empty.title")}</h3>
                <p>{t!(ui, "spend.chart.empty")}" "{t!(ui, "calls.empty.body")}</p>
            </div>
        }
        .into_any()
    } else {
        let picture = picture(ui, spend, &series);
        view! {
            <Chart>{picture}</Chart>
            {legend(&series)}
            {few.then(|| view! { <p class="hint">{t!(ui, "spend.chart.not_enough")}</p> })}
            {table(ui, spend, &series)}
        }
        .into_any()
    };
    view! {
        <section class="sheet" aria-labelledby="spend">
            <header>
                <h2 id="spend">{t!(ui, "spend.chart.title")}</h2>
                <span class="hint">{t!(ui, "spend.last_30_days")}". "{t!(ui, "spend.chart.zone_note", zone = ui.zone().name())}</span>
            </header>
            {content}
        </section>
    }
    .into_any()
}

/// The dearest models, and what is left of each day as one more.
fn series(ui: &Ui, spend: &SpendView) -> Vec<Series> {
    let mut all: Vec<Series> = spend
        .models
        .iter()
        .zip(CLASSES)
        .map(|(model, class)| Series {
            name: model.model.clone(),
            model: true,
            by_day: model.by_day.clone(),
            class,
        })
        .collect();
    let rest: Vec<Amount> = spend
        .days
        .iter()
        .enumerate()
        .map(|(at, day)| {
            all.iter().fold(day.amount, |left, series| {
                left.minus_or_zero(of_day(series, at))
            })
        })
        .collect();
    if rest.iter().any(|amount| !amount.is_zero()) {
        all.push(Series {
            name: t!(ui, "spend.chart.other_models"),
            model: false,
            by_day: rest,
            class: "s6",
        });
    }
    all
}

fn of_day(series: &Series, at: usize) -> Amount {
    series.by_day.get(at).copied().unwrap_or_default()
}

fn picture(ui: &Ui, spend: &SpendView, series: &[Series]) -> AnyView {
    let nanos = |amount: Amount| ui.convert(amount).nanos;
    let step = step(
        spend
            .days
            .iter()
            .map(|day| nanos(day.amount))
            .max()
            .unwrap_or(0),
    );
    let width = DAY * spend.days.len();
    let lines: Vec<_> = (0..=STEPS)
        .map(|at| {
            let y = (HEIGHT * at / STEPS).to_string();
            view! { <line class="grid" x1="0" x2=width.to_string() y1=y.clone() y2=y></line> }
        })
        .collect();
    let marks: Vec<_> = (0..=STEPS)
        .rev()
        .map(|at| view! { <span class="num">{ui.mark(step * at)}</span> })
        .collect();
    let days: Vec<_> = (0..spend.days.len())
        .map(|at| day(ui, spend, series, at, step))
        .collect();
    let tips: Vec<_> = (0..spend.days.len())
        .filter(|at| !spend.days[*at].amount.is_zero())
        .map(|at| tip(ui, spend, series, at))
        .collect();
    let last = spend.days.len().saturating_sub(1);
    let axis: Vec<_> = spend
        .days
        .iter()
        .enumerate()
        .filter(|(at, _)| (last - at).is_multiple_of(NAMED))
        .map(|(_, day)| view! { <span>{ui.day(day.day_start)}</span> })
        .collect();
    view! {
        <div class="chart">
            <div class="scale" aria-hidden="true">{marks}</div>
            <svg viewBox=format!("0 0 {width} {HEIGHT}") preserveAspectRatio="none" role="group" aria-label=t!(ui, "spend.chart.label")>
                {lines}
                {days}
            </svg>
            <div class="axis" aria-hidden="true">{axis}</div>
            {tips}
        </div>
    }
    .into_any()
}

/// One day's bar. Days without a call cannot be focused: there is nothing to say about them.
fn day(ui: &Ui, spend: &SpendView, series: &[Series], at: usize, step: i128) -> AnyView {
    let day = &spend.days[at];
    let (left, bar_left) = (DAY * at, DAY * at + (DAY - BAR) / 2);
    let mut top = HEIGHT;
    let parts: Vec<_> = series
        .iter()
        .filter(|series| !of_day(series, at).is_zero())
        .map(|series| {
            let height = length(ui.convert(of_day(series, at)).nanos, step, HEIGHT);
            top -= height;
            view! {
                <rect class=series.class x=bar_left.to_string() y=top.to_string() width=BAR.to_string() height=height.to_string()></rect>
            }
        })
        .collect();
    let hit = view! { <rect class="hit" x=left.to_string() y="0" width=DAY.to_string() height=HEIGHT.to_string()></rect> };
    if day.amount.is_zero() {
        return view! { <g class="day">{hit}</g> }.into_any();
    }
    let summary = summary(ui, spend, series, at);
    let title = summary.clone();
    view! {
        <g class="day" tabindex="0" role="img" aria-label=summary data-day=at.to_string()>
            <title>{title}</title>
            {hit}
            {parts}
        </g>
    }
    .into_any()
}

/// The day in one sentence, for screen readers and for browsers without the island.
fn summary(ui: &Ui, spend: &SpendView, series: &[Series], at: usize) -> String {
    let day = &spend.days[at];
    let whole = t!(
        ui,
        "spend.chart.day_summary",
        date = ui.date(day.day_start),
        amount = ui.money(day.amount)
    );
    let parts = series
        .iter()
        .filter(|series| !of_day(series, at).is_zero())
        .map(|series| {
            t!(
                ui,
                "spend.chart.day_summary_model",
                model = series.name,
                amount = ui.money(of_day(series, at))
            )
        });
    std::iter::once(whole)
        .chain(parts)
        .chain([ui.count("calls.count", day.calls)])
        .collect::<Vec<_>>()
        .join("; ")
}

fn tip(ui: &Ui, spend: &SpendView, series: &[Series], at: usize) -> AnyView {
    let day = &spend.days[at];
    let rows: Vec<_> = series
        .iter()
        .filter(|series| !of_day(series, at).is_zero())
        .map(|series| {
            view! {
                <div>
                    <dt><span class=format!("swatch {}", series.class)></span>{name(series)}</dt>
                    <dd class="num">{ui.money(of_day(series, at))}</dd>
                </div>
            }
        })
        .collect();
    view! {
        <div class="tip" role="tooltip" dir=ui.locale().dir() data-tip=at.to_string() hidden>
            <strong>{ui.date(day.day_start)}" · "<span class="num">{ui.money(day.amount)}</span></strong>
            <dl>{rows}</dl>
            <span class="hint">{n!(ui, "calls.count", day.calls)}", "{n!(ui, "tokens.count", day.tokens)}</span>
        </div>
    }
    .into_any()
}

fn name(series: &Series) -> AnyView {
    if series.model {
        view! { <bdi translate="no">{series.name.clone()}</bdi> }.into_any()
    } else {
        series.name.clone().into_any()
    }
}

fn legend(series: &[Series]) -> AnyView {
    let entries: Vec<_> =
        series.iter().map(|series| view! { <li><span class=format!("swatch {}", series.class)></span>{name(series)}</li> }).collect();
    view! { <ul class="legend">{entries}</ul> }.into_any()
}

/// The same figures as a table, for whoever reads better than they look.
fn table(ui: &Ui, spend: &SpendView, series: &[Series]) -> AnyView {
    let heads: Vec<_> = series
        .iter()
        .map(|series| view! { <th scope="col" class="n">{name(series)}</th> })
        .collect();
    let rows: Vec<_> = spend
        .days
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, day)| day.calls > 0 || !day.amount.is_zero())
        .map(|(at, day)| {
            let cells: Vec<_> = series
                .iter()
                .map(|series| view! { <td class="n num">{ui.money(of_day(series, at))}</td> })
                .collect();
            view! {
                <tr>
                    <th scope="row">{ui.date(day.day_start)}</th>
                    {cells}
                    <td class="n num">{ui.money(day.amount)}</td>
                    <td class="n num">{ui.number(day.calls)}</td>
                    <td class="n num">{ui.number(day.tokens)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <details class="more">
            <summary>{icon(ui, "chevron-down", "")}{t!(ui, "spend.chart.show_table")}</summary>
            <div class="tablewrap" role="group" aria-labelledby="spend" tabindex="0">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{t!(ui, "spend.column.day")}</th>
                            {heads}
                            <th scope="col" class="n">{t!(ui, "spend.column.total")}</th>
                            <th scope="col" class="n">{t!(ui, "spend.column.calls")}</th>
                            <th scope="col" class="n">{t!(ui, "spend.column.tokens")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
