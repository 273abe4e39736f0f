//! What does the line about a low balance say? How much is left, what happens at zero, and where more comes from.

use domain::Problem;
use leptos::prelude::*;

use super::parts::icon;
use crate::reader::{Low, Ui};

/// Amber while something is left, red when nothing is. Put away for a day by a plain form.
pub fn low_balance(ui: &Ui) -> Option<AnyView> {
    let low = ui.low()?;
    let workspace = ui.account()?.workspace;
    let (kind, role) = match low {
        Low::Empty => ("note danger low", "alert"),
        Low::Below { .. } | Low::Days { .. } => ("note warn low", "status"),
    };
    let (title, body) = words(ui, low);
    let content = view! {
        <div class=kind role=role>
            {icon(ui, "triangle-alert", "")}
            <p><strong>{title}</strong>" "{body}</p>
            <div class="row tight">
                <a class="btn slim" href="/wallet/top-up">{t!(ui, "palette.low.top_up")}</a>
                <form method="post" action="/api/hide_low_balance">
                    <input type="hidden" name="what" value=low.hidden(workspace)/>
                    <input type="hidden" name="back" value=ui.asked().to_owned()/>
                    <button class="quiet" type="submit">{t!(ui, "palette.low.hide")}</button>
                </form>
            </div>
        </div>
    };
    Some(content.into_any())
}

fn words(ui: &Ui, low: Low) -> (String, String) {
    let problem = Problem::OutOfCredit;
    let (status, code) = (problem.status().to_string(), problem.code());
    let soon = || {
        t!(
            ui,
            "palette.low.soon",
            zero = ui.exact(domain::Amount::ZERO),
            status = status,
            code = code
        )
    };
    match low {
        Low::Empty => (
            t!(ui, "palette.low.empty_title"),
            t!(ui, "palette.low.empty", status = status, code = code),
        ),
        Low::Below { balance, line } => (
            t!(
                ui,
                "palette.low.below",
                amount = ui.money(balance),
                line = ui.exact(line)
            ),
            soon(),
        ),
        Low::Days { balance, days: 0 } => (
            t!(ui, "palette.low.today", amount = ui.money(balance)),
            soon(),
        ),
        Low::Days { balance, days } => (
            n!(ui, "palette.low.days", days, amount = ui.money(balance)),
            soon(),
        ),
    }
}
