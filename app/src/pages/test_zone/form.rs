//! What is asked? A model, a prompt, and how long the answer may be; and the same request as a program would send it.

use leptos::prelude::*;

use super::answer::Outcome;
use super::{PROMPT_MAX, TOKENS, TOKENS_MAX, Typed};
use crate::flash::{Fault, Field};
use crate::pages::form::{Input, input};
use crate::pages::snippets::{Call, KEY_PLACEHOLDER, one_curl};
use crate::reader::Ui;
use crate::shell::{copy_button, icon, notice, rich};

pub fn form(ui: &Ui, typed: &Typed, models: &[String], outcome: &Outcome) -> AnyView {
    let instead = if !ui.account().is_some_and(|account| account.verified) {
        Some(t!(ui, "keys.unverified"))
    } else if models.is_empty() {
        Some(t!(ui, "try_zone.no_models"))
    } else {
        None
    };
    if let Some(words) = instead {
        return view! { <div class="empty"><p>{words}</p></div> }.into_any();
    }
    let flash = outcome.flash();
    let entries: Vec<_> = models
        .iter()
        .map(|model| {
            let selected = *model == typed.model;
            view! { <option value=model.clone() selected=selected>{model.clone()}</option> }
        })
        .collect();
    let mut tokens = Input::new(Field::MaxTokens, t!(ui, "try_zone.max_tokens"))
        .hint(t!(
            ui,
            "try_zone.max_tokens_hint",
            max = ui.number(TOKENS_MAX.into())
        ))
        .value(typed.max_tokens.clone());
    tokens.inputmode = Some("numeric");
    tokens.ltr = true;
    let wrong = flash.of(Field::Prompt).map(|fault| match fault {
        Fault::TooLong => t!(
            ui,
            "try_zone.prompt_too_long",
            max = ui.number(PROMPT_MAX as u64)
        ),
        _ => t!(ui, "try_zone.prompt_missing"),
    });
    let invalid = wrong.is_some().then_some("true");
    let described = wrong.is_some().then_some("prompt-wrong");
    view! {
        <section class="sheet" aria-label=t!(ui, "try_zone.title")>
            <form class="form" method="post" action="/try">
                <div class="columns">
                    <div class="item">
                        <label for=Field::Model.id()>{t!(ui, "try_zone.model")}</label>
                        <select class="field" id=Field::Model.id() name=Field::Model.id() translate="no">{entries}</select>
                    </div>
                    {input(ui, &flash, tokens)}
                </div>
                <div class="item">
                    <label for=Field::Prompt.id()>{t!(ui, "try_zone.prompt")}</label>
                    <textarea class="field" id=Field::Prompt.id() name=Field::Prompt.id() rows="5" dir="auto"
                        aria-describedby=described aria-invalid=invalid>{typed.prompt.clone()}</textarea>
                    {wrong.map(|words| view! { <p class="wrong" id="prompt-wrong">{words}</p> })}
                </div>
                <div class="row">
                    <button class="btn primary" type="submit">{icon(ui, "play", "")}{t!(ui, "try_zone.submit")}</button>
                    <span class="hint">{t!(ui, "try_zone.costs_hint")}</span>
                </div>
            </form>
        </section>
    }
    .into_any()
}

/// A wallet without money: said before it is tried.
pub fn no_credit(ui: &Ui) -> AnyView {
    let content = view! {
        <strong>{t!(ui, "wallet.low.empty_title")}</strong>" "
        {rich(&t!(ui, "try_zone.no_credit"), |inner| view! { <a href="/overview">{inner}</a> }.into_any())}
    };
    notice(ui, "warn", content)
}

/// The same request from a terminal.
pub fn curl(ui: &Ui, typed: &Typed) -> AnyView {
    let call = Call {
        base_url: ui.site().api_base(),
        model: typed.model.clone(),
        key: KEY_PLACEHOLDER.to_owned(),
    };
    let prompt = if typed.prompt.is_empty() {
        t!(ui, "quickstart.prompt")
    } else {
        typed.prompt.clone()
    };
    let tokens = typed.max_tokens.trim().parse().unwrap_or(TOKENS);
    let label = t!(ui, "try_zone.curl");
    view! {
        <details class="more">
            <summary>{icon(ui, "chevron-down", "")}{label.clone()}</summary>
            <div class="pane" data-copyable="">
                <pre tabindex="0" role="group" dir="ltr" aria-label=label translate="no"><code data-copy="">{one_curl(&call, &prompt, tokens)}</code></pre>
                {copy_button(ui, t!(ui, "copy.copy_command"))}
            </div>
        </details>
    }
    .into_any()
}

/// "Send a test request": a whole call at one press, told on the page `back`.
pub fn test_button(ui: &Ui, back: String) -> AnyView {
    view! {
        <form class="row" method="post" action="/api/send_test">
            <input type="hidden" name="back" value=back/>
            <button class="btn" type="submit">{icon(ui, "play", "")}{t!(ui, "first_run.send_test")}</button>
            <span class="hint">{t!(ui, "first_run.send_test_hint")}</span>
        </form>
    }
    .into_any()
}
