//! How does a model answer? Tried in the browser, with the reader's own credit. The answer is on the page that is sent
//! back and nowhere else: it is never stored, and loading the page again asks again.

mod answer;
mod form;

use axum::Form;
use axum::response::{IntoResponse, Response};
use domain::Problem;
use domain::views::AccountView;
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;
use server::trial::{Prompt, TrialRequest};

pub use form::test_button;

use super::landing::first_model;
use super::{error, signed_in};
use crate::flash::{Fault, Field, Flash};
use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::shell::{Frame, Page, respond};
use answer::Outcome;

/// The longest prompt, in characters: the form is not made for books.
const PROMPT_MAX: usize = 20_000;
/// The most answer tokens that can be asked for here.
const TOKENS_MAX: u32 = 4_096;
/// What is asked for unless something else is typed.
const TOKENS: u32 = 256;

/// What was typed. No `Debug`: the prompt is nobody's business.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    model: String,
    prompt: String,
    max_tokens: String,
}

/// `GET /try`
pub async fn show(reader: Reader) -> Response {
    let services = reader.services.clone();
    match signed_in(reader).await {
        Ok((ui, account)) => {
            let typed = Typed {
                max_tokens: TOKENS.to_string(),
                ..Typed::default()
            };
            answered(&services, &ui, &account, typed, Outcome::Nothing).await
        }
        Err(elsewhere) => elsewhere.into_response(),
    }
}

/// `POST /try`: answers with the page itself.
pub async fn run(reader: Reader, Form(typed): Form<Typed>) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    let outcome = match read(&typed) {
        _ if !account.verified => Outcome::Unproved,
        Err(faults) => Outcome::Wrong(Flash {
            faults,
            ..Flash::default()
        }),
        Ok(max_tokens) => {
            let request = TrialRequest {
                workspace: account.workspace,
                model: typed.model.clone(),
                prompt: Prompt(typed.prompt.clone()),
                max_tokens,
            };
            match services.trials.run(request).await {
                Ok(answer) => Outcome::Answered(answer),
                Err(problem) => Outcome::Failed(problem),
            }
        }
    };
    answered(&services, &ui, &account, typed, outcome).await
}

/// The number of answer tokens that is asked for, when the form is whole.
fn read(typed: &Typed) -> Result<u32, Vec<(Field, Fault)>> {
    let mut faults = Vec::new();
    if typed.prompt.trim().is_empty() {
        faults.push((Field::Prompt, Fault::Missing));
    } else if typed.prompt.chars().count() > PROMPT_MAX {
        faults.push((Field::Prompt, Fault::TooLong));
    }
    let tokens = match typed.max_tokens.trim() {
        "" => Some(TOKENS),
        text => text
            .parse()
            .ok()
            .filter(|tokens| (1..=TOKENS_MAX).contains(tokens)),
    };
    match tokens {
        Some(tokens) if faults.is_empty() => Ok(tokens),
        Some(_) => Err(faults),
        None => {
            faults.push((Field::MaxTokens, Fault::Malformed));
            Err(faults)
        }
    }
}

async fn answered(
    services: &Services,
    ui: &Ui,
    account: &AccountView,
    mut typed: Typed,
    outcome: Outcome,
) -> Response {
    let balance = match services.ledger.balance(account.workspace).await {
        Ok(balance) => balance.unwrap_or_default(),
        Err(error) => {
            tracing::error!(%error, "the balance cannot be read");
            return error::page(ui, StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    let models: Vec<String> = {
        let models = services.catalog.models();
        if typed.model.is_empty()
            && let Some(first) = first_model(&models)
        {
            typed.model.clone_from(&first.id);
        }
        models.into_iter().map(|model| model.id).collect()
    };
    let is_empty = balance.available.nanos() <= 0;
    respond(ui, outcome.status(), |ui| Page {
        frame: Frame::Account,
        title: t!(ui, "try_zone.title"),
        description: None,
        body: view! {
            <div class="head"><h1>{t!(ui, "try_zone.title")}</h1></div>
            <p class="muted lead">{t!(ui, "try_zone.lead")}</p>
            {is_empty.then(|| form::no_credit(ui))}
            {form::form(ui, &typed, &models, &outcome)}
            <div id="answer" class="stack">{answer::shown(ui, &typed, &outcome)}</div>
            {form::curl(ui, &typed)}
        }
        .into_any(),
    })
}

/// What went wrong, and what to do: the sentences of the closed list.
pub fn problem_words(ui: &Ui, problem: &Problem) -> String {
    let args = problem.args();
    let args: Vec<(&str, &str)> = args
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let code = problem.code();
    format!(
        "{} {}",
        ui.text(&format!("problems.{code}"), &args),
        ui.text(&format!("problems.{code}_action"), &args)
    )
}
