//! How does the installation do? What is owed, what was earned, what was given away, and what needs a look.

use axum::response::Response;
use leptos::prelude::*;
use server::figures::{Spent, Sums};

use super::{admin, fact, page, unavailable};
use crate::reader::{Reader, Ui};
use crate::shell::notice;

/// `GET /admin`
pub async fn overview(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    match services.figures.sums().await {
        Ok(sums) => page(&ui, t!(ui, "admin.overview.title"), |ui| content(ui, &sums)),
        Err(error) => unavailable(&ui, &error),
    }
}

fn content(ui: &Ui, sums: &Sums) -> AnyView {
    let failed = (sums.mail_failed > 0).then(|| {
        notice(
            ui,
            "warn",
            n!(ui, "admin.overview.mail_failed_note", sums.mail_failed),
        )
    });
    view! {
        <h1>{t!(ui, "admin.overview.title")}</h1>
        {failed}
        {violated(ui, sums)}
        <section class="sheet" aria-labelledby="spent">
            <header>
                <h2 id="spent">{t!(ui, "admin.overview.spent")}</h2>
                <span class="hint">{t!(ui, "admin.overview.utc")}</span>
            </header>
            {spent(ui, sums)}
        </section>
        <div class="columns">
            <section class="sheet" aria-labelledby="books">
                <h2 id="books">{t!(ui, "admin.overview.books")}</h2>
                <dl class="kv">
                    {money(ui, t!(ui, "admin.overview.liabilities"), sums.liabilities)}
                    {money(ui, t!(ui, "admin.overview.bonus"), sums.bonus)}
                    {money(ui, t!(ui, "admin.overview.adjustments"), sums.adjustments)}
                    {money(ui, t!(ui, "admin.overview.operator_loss"), sums.operator_loss)}
                    {money(ui, t!(ui, "admin.overview.loss_today"), sums.loss_today)}
                    {money(ui, t!(ui, "admin.overview.loss_30_days"), sums.loss_30_days)}
                </dl>
                <p class="hint">{t!(ui, "admin.overview.books_hint")}</p>
                <p class="hint">{checked(ui, sums)}</p>
            </section>
            <section class="sheet" aria-labelledby="people">
                <h2 id="people">{t!(ui, "admin.overview.people")}</h2>
                <dl class="kv">
                    {count(ui, t!(ui, "admin.overview.accounts"), sums.accounts)}
                    {count(ui, t!(ui, "admin.overview.unverified"), sums.unverified)}
                    {count(ui, t!(ui, "admin.overview.blocked"), sums.blocked)}
                    {count(ui, t!(ui, "admin.overview.mail_waiting"), sums.mail_waiting)}
                    {count(ui, t!(ui, "admin.overview.mail_failed"), sums.mail_failed)}
                </dl>
            </section>
        </div>
    }
    .into_any()
}

/// Nothing while the books hold, or nobody has looked yet.
fn violated(ui: &Ui, sums: &Sums) -> Option<AnyView> {
    let run = sums.checked.filter(|run| !run.holds)?;
    let when = ui.date_time(run.ended_at);
    Some(notice(
        ui,
        "warn",
        t!(ui, "admin.overview.violated_note", when = when),
    ))
}

/// When the books were checked last, and whether they held.
fn checked(ui: &Ui, sums: &Sums) -> String {
    match sums.checked {
        None => t!(ui, "admin.overview.never_checked"),
        Some(run) => {
            let when = ui.date_time(run.ended_at);
            if run.holds {
                t!(ui, "admin.overview.checked_holds", when = when)
            } else {
                t!(ui, "admin.overview.checked_violated", when = when)
            }
        }
    }
}

fn money(ui: &Ui, name: String, amount: domain::Amount) -> AnyView {
    let exact = ui.exact(amount);
    fact(
        name,
        view! { <span class="num" title=exact>{ui.money(amount)}</span> },
    )
}

fn count(ui: &Ui, name: String, number: u64) -> AnyView {
    fact(name, view! { <span class="num">{ui.number(number)}</span> })
}

fn spent(ui: &Ui, sums: &Sums) -> AnyView {
    let ranges = [
        (t!(ui, "admin.overview.today"), sums.today),
        (t!(ui, "admin.overview.last_7_days"), sums.last_7_days),
        (t!(ui, "admin.overview.last_30_days"), sums.last_30_days),
    ];
    let rows: Vec<_> = ranges
        .into_iter()
        .map(
            |(
                name,
                Spent {
                    amount,
                    calls,
                    refused,
                },
            )| {
                view! {
                    <tr>
                        <th scope="row">{name}</th>
                        <td class="n num" title=ui.exact(amount)>{ui.money(amount)}</td>
                        <td class="n num">{ui.number(calls)}</td>
                        <td class="n num">{ui.number(refused)}</td>
                    </tr>
                }
            },
        )
        .collect();
    view! {
        <div class="tablewrap" role="group" aria-labelledby="spent" tabindex="0">
            <table>
                <thead><tr>
                    <th scope="col">{t!(ui, "admin.overview.range")}</th>
                    <th scope="col" class="n">{t!(ui, "admin.overview.earned")}</th>
                    <th scope="col" class="n">{t!(ui, "admin.overview.calls")}</th>
                    <th scope="col" class="n">{t!(ui, "admin.overview.refused")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
