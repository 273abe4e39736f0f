//! What came back? The answer with what it cost, or what went wrong and what to do.

use domain::Problem;
use http::StatusCode;
use leptos::prelude::*;
use server::trial::TrialAnswer;

use super::{Typed, problem_words};
use crate::flash::Flash;
use crate::reader::Ui;
use crate::shell::notice;

/// How a try went.
pub enum Outcome {
    /// Nothing was asked yet.
    Nothing,
    /// The address of who asks is not known to be theirs yet.
    Unproved,
    /// The form was not whole.
    Wrong(Flash),
    Answered(TrialAnswer),
    Failed(Problem),
}

impl Outcome {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Nothing | Self::Answered(_) => StatusCode::OK,
            Self::Unproved => StatusCode::FORBIDDEN,
            Self::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Failed(problem) => {
                StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    pub fn flash(&self) -> Flash {
        match self {
            Self::Wrong(flash) => flash.clone(),
            _ => Flash::default(),
        }
    }
}

pub fn shown(ui: &Ui, typed: &Typed, outcome: &Outcome) -> AnyView {
    match outcome {
        Outcome::Nothing | Outcome::Unproved | Outcome::Wrong(_) => ().into_any(),
        Outcome::Failed(problem) => {
            let words = view! {
                <strong class="num">{t!(ui, "try_zone.failed", status = problem.status().to_string())}</strong>" "
                {problem_words(ui, problem)}
            };
            notice(ui, "danger", words)
        }
        Outcome::Answered(answer) => answered(ui, &typed.model, answer),
    }
}

fn answered(ui: &Ui, model: &str, answer: &TrialAnswer) -> AnyView {
    let figure = |words: String, value: String| view! { <div><dt>{words}</dt><dd class="num">{value}</dd></div> };
    let usage = &answer.usage;
    let prompt = usage.total().saturating_sub(usage.output);
    let duration = u64::try_from(answer.duration_ms).unwrap_or_default();
    let words = if answer.text.is_empty() {
        view! { <p class="muted">{t!(ui, "try_zone.no_words")}</p> }.into_any()
    } else {
        view! { <div class="answer" dir="auto" translate="no">{answer.text.clone()}</div> }
            .into_any()
    };
    view! {
        <section class="sheet" aria-labelledby="answer-title">
            <header>
                <h2 id="answer-title">{t!(ui, "try_zone.answer")}</h2>
                <bdi class="hint mono" translate="no">{model.to_owned()}</bdi>
            </header>
            {words}
            <dl class="kv">
                {figure(t!(ui, "try_zone.cost"), ui.exact(answer.cost))}
                {figure(t!(ui, "try_zone.prompt_tokens"), ui.number(prompt))}
                {figure(t!(ui, "try_zone.answer_tokens"), ui.number(usage.output))}
                {figure(t!(ui, "try_zone.time"), t!(ui, "try_zone.milliseconds", count = ui.number(duration)))}
            </dl>
            <p><a href=format!("/usage/calls/{}", answer.call)>{t!(ui, "try_zone.details")}</a></p>
        </section>
    }
    .into_any()
}
