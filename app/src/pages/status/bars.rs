//! How did it do, at a glance and in words? A strip of 24 hours and one of 90 days, each with a sentence that says the
//! same.

use leptos::prelude::*;
use server::status::{Bars, DAYS, HOURS, Share};

use crate::reader::Ui;

/// Of a bar with the space after it, in units of the picture.
const STEP: u32 = 10;
const WIDE: u32 = 7;
const HIGH: u32 = 32;

pub fn bars(ui: &Ui, history: &Bars) -> AnyView {
    let hours = t!(ui, "status.bars.hours", hours = ui.number(u64::from(HOURS)));
    let days = t!(ui, "status.bars.days", days = ui.number(u64::from(DAYS)));
    view! {
        <div class="status-bars">
            {strip(ui, hours, &history.hours, "hours")}
            {strip(ui, days, &history.days, "days")}
        </div>
    }
    .into_any()
}

fn strip(ui: &Ui, span: String, shares: &[Share], class: &'static str) -> AnyView {
    let label = format!("{span} {}", words(ui, shares));
    let rects: Vec<_> = shares
        .iter()
        .zip(0_u32..)
        .map(|(share, at)| {
            let (class, high) = look(*share);
            let (x, y) = ((at * STEP).to_string(), (HIGH - high).to_string());
            view! { <rect class=class x=x y=y width=WIDE.to_string() height=high.to_string()></rect> }
        })
        .collect();
    let wide = u32::try_from(shares.len()).unwrap_or(0) * STEP - (STEP - WIDE);
    view! {
        <figure class=class>
            <svg viewBox=format!("0 0 {wide} {HIGH}") preserveAspectRatio="none" role="img" aria-label=label>{rects}</svg>
            <figcaption class="hint" aria-hidden="true">{span}</figcaption>
        </figure>
    }
    .into_any()
}

/// Colour is not all: what failed is also higher than what there is no figure for, and lower than what worked.
fn look(share: Share) -> (&'static str, u32) {
    match (share.good, share.bad) {
        (0, 0) => ("none", 6),
        (_, 0) => ("good", HIGH),
        (0, _) => ("bad", 20),
        _ if share.bad * 20 <= share.total() => ("few", HIGH),
        _ => ("some", 26),
    }
}

fn words(ui: &Ui, shares: &[Share]) -> String {
    let known = shares.iter().filter(|share| share.total() > 0).count();
    let troubled = shares.iter().filter(|share| share.bad > 0).count();
    if known == 0 {
        t!(ui, "status.bars.nothing")
    } else if troubled == 0 {
        t!(ui, "status.bars.fine")
    } else {
        n!(
            ui,
            "status.bars.troubled",
            u64::try_from(troubled).unwrap_or(u64::MAX)
        )
    }
}
