//! What stands at the bottom of public pages? Who runs this, what it costs, where to write, what it runs on.

use leptos::prelude::*;

use super::header::prices_link;
use super::parts::rich;
use crate::pages::policies::policy_links;
use crate::pages::{calculator, docs, status};
use crate::reader::Ui;

pub fn footer(ui: &Ui) -> AnyView {
    let brand = ui.site().brand.clone();
    let support = ui.site().support.clone().map(|address| {
        let label = t!(ui, "footer.support");
        view! { <a href=format!("mailto:{address}")>{label}</a> }
    });
    let powered = rich(&t!(ui, "footer.powered_by"), |inner| {
        view! { <strong translate="no">{inner}</strong> }.into_any()
    });
    view! {
        <footer class="foot" aria-label=t!(ui, "footer.label")>
            <span translate="no"><bdi>{brand}</bdi></span>
            {prices_link(ui, "")}
            <a href=ui.link(calculator::PATH)>{t!(ui, "calculator.title")}</a>
            <a href=ui.link(docs::PATH)>{t!(ui, "header.docs")}</a>
            <a href=ui.link(status::PATH)>{t!(ui, "status.title")}</a>
            {policy_links(ui)}
            {support}
            <span class="end">{powered}</span>
        </footer>
    }
    .into_any()
}
