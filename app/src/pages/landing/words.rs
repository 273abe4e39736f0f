//! Which sentences are on the landing page? Facts that are true of every installation, how the money works, questions.

use leptos::prelude::*;
use texts::{Locale, negotiate};

use super::call_to_action;
use crate::reader::{Ui, localized};
use crate::shell::icon;

/// "This page is also available in …", in that language, for a reader whose browser prefers another one than shown.
pub fn other_language(ui: &Ui) -> Option<AnyView> {
    let wanted = negotiate(ui.accept_language(), &ui.locales());
    let known = ui
        .accept_language()
        .contains(wanted.code().split('-').next().unwrap_or_default());
    (known && wanted != ui.locale()).then(|| offer(ui, wanted))
}

fn offer(ui: &Ui, wanted: Locale) -> AnyView {
    let words = ui.text_in(wanted, "locale.offer");
    let href = localized(wanted, ui.path());
    view! {
        <p class="offer"><a href=href lang=wanted.code() dir=wanted.dir() hreflang=wanted.code()>{words}</a></p>
    }
    .into_any()
}

pub fn facts(ui: &Ui) -> AnyView {
    let facts = [
        (
            "gauge",
            t!(ui, "landing.facts.exact_title"),
            t!(ui, "landing.facts.exact_body"),
        ),
        (
            "wallet",
            t!(ui, "landing.facts.prepaid_title"),
            t!(ui, "landing.facts.prepaid_body"),
        ),
        (
            "lock",
            t!(ui, "landing.facts.private_title"),
            t!(ui, "landing.facts.private_body"),
        ),
    ];
    let facts = facts.map(|(sign, title, body)| {
        view! { <li>{icon(ui, sign, "")}<h2 class="big">{title}</h2><p>{body}</p></li> }
    });
    view! { <ul class="facts">{facts.into_iter().collect::<Vec<_>>()}</ul> }.into_any()
}

pub fn money(ui: &Ui) -> AnyView {
    let steps = [
        t!(ui, "landing.money.step_1"),
        t!(ui, "landing.money.step_2"),
        t!(ui, "landing.money.step_3"),
    ];
    let steps: Vec<_> = steps.into_iter().zip(1_u64..).map(|(step, at)| {
        view! { <li><span class="at num" aria-hidden="true">{ui.number(at)}</span><p>{step}</p></li> }
    }).collect();
    view! {
        <section id="money" aria-labelledby="money-title">
            <h2 id="money-title">{t!(ui, "landing.money.title")}</h2>
            <ol class="steps">{steps}</ol>
        </section>
    }
    .into_any()
}

pub fn questions(ui: &Ui) -> AnyView {
    let all = [
        (
            t!(ui, "landing.faq.balance_question"),
            t!(ui, "landing.faq.balance_answer"),
        ),
        (
            t!(ui, "landing.faq.charge_question"),
            t!(ui, "landing.faq.charge_answer"),
        ),
        (
            t!(ui, "landing.faq.prompts_question"),
            t!(ui, "landing.faq.prompts_answer"),
        ),
        (
            t!(ui, "landing.faq.currency_question"),
            t!(ui, "landing.faq.currency_answer"),
        ),
    ];
    let all: Vec<_> = all
        .into_iter()
        .map(|(question, answer)| {
            view! {
                <details name="faq">
                    <summary>{question}{icon(ui, "chevron-down", "")}</summary>
                    <p>{answer}</p>
                </details>
            }
        })
        .collect();
    view! {
        <section aria-labelledby="faq-title">
            <h2 id="faq-title">{t!(ui, "landing.faq.title")}</h2>
            <div class="faq">{all}</div>
        </section>
    }
    .into_any()
}

pub fn closing(ui: &Ui) -> AnyView {
    view! {
        <section class="closing" aria-labelledby="closing-title">
            <h2 id="closing-title">{t!(ui, "landing.api.title")}</h2>
            <p>{t!(ui, "landing.api.body")}</p>
            {call_to_action(ui)}
        </section>
    }
    .into_any()
}
