//! How did it go, day by day or hour by hour? Stacked bars drawn here; a day's bar leads to its hours.

use leptos::prelude::*;
use server::calls::{Series, Tally, UsageReport};

use super::query::Query;
use super::words::{Names, group, named};
use crate::islands::Chart;
use crate::pages::overview::scale::{STEPS, length, step};
use crate::reader::Ui;
use crate::shell::icon;

/// The picture's own units: one part is 100 wide, the scale 1000 high.
const PART: usize = 100;
const BAR: usize = 68;
const HEIGHT: i128 = 1_000;
/// About so many parts are named below the bars.
const NAMED: usize = 6;
/// Parts with calls from which on a chart shows more than its parts.
const ENOUGH: usize = 3;

const CLASSES: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];

/// What the bars measure: money, or calls where nothing cost anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Money,
    Calls,
}

/// One layer with its name.
struct Layer {
    name: (String, bool),
    class: &'static str,
    by_part: Vec<Tally>,
}

struct Picture<'a> {
    ui: &'a Ui,
    query: &'a Query,
    report: &'a UsageReport,
    layers: Vec<Layer>,
    measure: Measure,
}

/// The chart of a report with at least one call; `series` are its layers.
pub fn chart(
    ui: &Ui,
    query: &Query,
    report: &UsageReport,
    series: Vec<Series>,
    names: &Names,
) -> AnyView {
    let only_one = series.len() == 1;
    let layers = series.into_iter().enumerate().map(|(at, series)| Layer {
        name: match &series.id {
            Some(id) => group(ui, report.group, names, id),
            None if only_one => (t!(ui, "usage.chart.all"), false),
            None => (t!(ui, "usage.chart.other"), false),
        },
        class: CLASSES.get(at).copied().unwrap_or("s6"),
        by_part: series.by_part,
    });
    let picture = Picture {
        ui,
        query,
        report,
        layers: layers.collect(),
        measure: if report.total.cost.is_zero() {
            Measure::Calls
        } else {
            Measure::Money
        },
    };
    picture.view()
}

impl Picture<'_> {
    fn view(&self) -> AnyView {
        let ui = self.ui;
        let used = self.report.parts.iter().filter(|part| part.tally.calls > 0);
        let few = !self.report.hours && used.count() < ENOUGH;
        let title = match self.measure {
            Measure::Money => t!(ui, "usage.chart.title_money"),
            Measure::Calls => t!(ui, "usage.chart.title_calls"),
        };
        let hint = if self.report.hours {
            t!(ui, "usage.chart.by_hours")
        } else {
            t!(ui, "usage.chart.by_days")
        };
        let drill = (!self.report.hours).then(|| t!(ui, "usage.chart.drill"));
        let drawn = self.drawn();
        view! {
            <section class="sheet wide" aria-labelledby="over-time">
                <header>
                    <h2 id="over-time">{title}</h2>
                    <p class="hint">{hint}" "{drill}</p>
                </header>
                <Chart>{drawn}</Chart>
                {self.legend()}
                {few.then(|| view! { <p class="hint">{t!(ui, "usage.chart.not_enough")}</p> })}
                {self.table()}
            </section>
        }
        .into_any()
    }

    fn value(&self, tally: &Tally) -> i128 {
        match self.measure {
            Measure::Money => self.ui.convert(tally.cost).nanos,
            Measure::Calls => i128::from(tally.calls),
        }
    }

    fn shown(&self, tally: &Tally) -> String {
        match self.measure {
            Measure::Money => self.ui.money(tally.cost),
            Measure::Calls => self.ui.number(tally.calls),
        }
    }

    fn mark(&self, value: i128) -> String {
        match self.measure {
            Measure::Money => self.ui.mark(value),
            Measure::Calls => self.ui.number(u64::try_from(value).unwrap_or_default()),
        }
    }

    /// A part's name in full, and in short for the axis.
    fn when(&self, at: usize) -> (String, String) {
        let start = self.report.parts[at].start;
        if self.report.hours {
            (self.ui.date_time(start), self.ui.time(start))
        } else {
            (self.ui.date(start), self.ui.day(start))
        }
    }

    fn drawn(&self) -> AnyView {
        let ui = self.ui;
        let count = self.report.parts.len();
        let highest = self.report.parts.iter().map(|part| self.value(&part.tally));
        let step = step(highest.max().unwrap_or(0));
        let width = PART * count;
        let lines: Vec<_> = (0..=STEPS)
            .map(|at| {
                let y = (HEIGHT * at / STEPS).to_string();
                view! { <line class="grid" x1="0" x2=width.to_string() y1=y.clone() y2=y></line> }
            })
            .collect();
        let marks: Vec<_> = (0..=STEPS)
            .rev()
            .map(|at| view! { <span class="num">{self.mark(step * at)}</span> })
            .collect();
        let bars: Vec<_> = (0..count).map(|at| self.bar(at, step)).collect();
        let tips: Vec<_> = (0..count)
            .filter(|at| self.report.parts[*at].tally.calls > 0)
            .map(|at| self.tip(at))
            .collect();
        let every = count.div_ceil(NAMED).max(1);
        let axis: Vec<_> = (0..count)
            .filter(|at| (count - 1 - at).is_multiple_of(every))
            .map(|at| view! { <span>{self.when(at).1}</span> })
            .collect();
        view! {
            <div class="chart">
                <div class="scale" aria-hidden="true">{marks}</div>
                <svg viewBox=format!("0 0 {width} {HEIGHT}") preserveAspectRatio="none" role="group" aria-label=t!(ui, "usage.chart.label")>
                    {lines}
                    {bars}
                </svg>
                <div class="axis" aria-hidden="true">{axis}</div>
                {tips}
            </div>
        }
        .into_any()
    }

    /// One bar. A part without a call cannot be focused: there is nothing to say about it.
    fn bar(&self, at: usize, step: i128) -> AnyView {
        let (left, bar_left) = (PART * at, PART * at + (PART - BAR) / 2);
        let mut top = HEIGHT;
        let rects: Vec<_> = self
            .layers
            .iter()
            .filter_map(|layer| {
                let height = length(self.value(&layer.by_part[at]), step, HEIGHT);
                if height == 0 {
                    return None;
                }
                top = (top - height).max(0);
                Some(view! {
                    <rect class=layer.class x=bar_left.to_string() y=top.to_string() width=BAR.to_string() height=height.to_string()></rect>
                })
            })
            .collect();
        let hit = view! { <rect class="hit" x=left.to_string() y="0" width=PART.to_string() height=HEIGHT.to_string()></rect> };
        let part = &self.report.parts[at];
        if part.tally.calls == 0 {
            return view! { <g class="day">{hit}</g> }.into_any();
        }
        let summary = self.summary(at);
        let title = summary.clone();
        let day = at.to_string();
        if self.report.hours {
            view! {
                <g class="day" tabindex="0" role="img" aria-label=summary data-day=day>
                    <title>{title}</title>
                    {hit}
                    {rects}
                </g>
            }
            .into_any()
        } else {
            let label = t!(self.ui, "usage.chart.open", summary = summary);
            let href = self.query.day(part.start).at("/usage");
            view! {
                <a class="day" href=href aria-label=label data-day=day>
                    <title>{title}</title>
                    {hit}
                    {rects}
                </a>
            }
            .into_any()
        }
    }

    /// The layers that have something in a part.
    fn within(&self, at: usize) -> impl Iterator<Item = &Layer> {
        self.layers
            .iter()
            .filter(move |layer| self.value(&layer.by_part[at]) > 0)
    }

    /// The part in one sentence, for screen readers and for browsers without the island.
    fn summary(&self, at: usize) -> String {
        let (ui, tally) = (self.ui, &self.report.parts[at].tally);
        let whole = t!(
            ui,
            "usage.chart.part",
            time = self.when(at).0,
            amount = self.shown(tally)
        );
        let layers = self.within(at).map(|layer| {
            t!(
                ui,
                "usage.chart.series",
                name = layer.name.0,
                amount = self.shown(&layer.by_part[at])
            )
        });
        std::iter::once(whole)
            .chain(layers)
            .chain([ui.count("calls.count", tally.calls)])
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn tip(&self, at: usize) -> AnyView {
        let (ui, tally) = (self.ui, &self.report.parts[at].tally);
        let rows: Vec<_> = self
            .within(at)
            .map(|layer| {
                view! {
                    <div>
                        <dt><span class=format!("swatch {}", layer.class)></span>{named(layer.name.clone())}</dt>
                        <dd class="num">{self.shown(&layer.by_part[at])}</dd>
                    </div>
                }
            })
            .collect();
        view! {
            <div class="tip" role="tooltip" dir=ui.locale().dir() data-tip=at.to_string() hidden>
                <strong>{self.when(at).0}" · "<span class="num">{ui.money(tally.cost)}</span></strong>
                <dl>{rows}</dl>
                <span class="hint">{n!(ui, "calls.count", tally.calls)}", "{n!(ui, "tokens.count", tally.tokens())}</span>
            </div>
        }
        .into_any()
    }

    fn legend(&self) -> AnyView {
        let entries: Vec<_> = self
            .layers
            .iter()
            .map(|layer| {
                view! { <li><span class=format!("swatch {}", layer.class)></span>{named(layer.name.clone())}</li> }
            })
            .collect();
        view! { <ul class="legend">{entries}</ul> }.into_any()
    }

    /// The same figures as a table, for whoever reads better than they look.
    fn table(&self) -> AnyView {
        let ui = self.ui;
        let heads: Vec<_> = self
            .layers
            .iter()
            .map(|layer| view! { <th scope="col" class="n">{named(layer.name.clone())}</th> })
            .collect();
        let parts = self.report.parts.iter().enumerate().rev();
        let rows: Vec<_> = parts
            .filter(|(_, part)| part.tally.calls > 0)
            .map(|(at, part)| {
                let cells: Vec<_> = self
                    .layers
                    .iter()
                    .map(|layer| view! { <td class="n num">{self.shown(&layer.by_part[at])}</td> })
                    .collect();
                view! {
                    <tr>
                        <th scope="row">{self.when(at).0}</th>
                        {cells}
                        <td class="n num">{self.shown(&part.tally)}</td>
                    </tr>
                }
            })
            .collect();
        view! {
            <details class="more">
                <summary>{icon(ui, "chevron-down", "")}{t!(ui, "usage.chart.show_table")}</summary>
                <div class="tablewrap" role="group" aria-labelledby="over-time" tabindex="0">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{t!(ui, "usage.chart.time")}</th>
                                {heads}
                                <th scope="col" class="n">{t!(ui, "usage.chart.sum")}</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        }
        .into_any()
    }
}
