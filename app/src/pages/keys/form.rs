//! How does the form of a key look? The same for a new one and for one that is changed: what most people set lies
//! open, the rest is folded until it says something.

use domain::Scope;
use leptos::prelude::*;

use crate::api::{KeyForm, TEST};
use crate::flash::{Field, Flash};
use crate::pages::form::{Input, input, words_at};
use crate::reader::Ui;
use crate::shell::{icon, notice};

/// That something is wrong, on top of the form, where a screen reader is.
pub fn problems(ui: &Ui, flash: &Flash) -> Option<AnyView> {
    let count = u64::try_from(flash.faults.len()).unwrap_or(u64::MAX);
    (count > 0).then(|| notice(ui, "danger", n!(ui, "keys_form.errors", count)))
}

pub fn name_input(ui: &Ui, flash: &Flash, form: &KeyForm, focus: bool) -> AnyView {
    let mut field = Input::new(Field::KeyName, t!(ui, "keys_form.name"))
        .hint(t!(ui, "keys_form.name_hint"))
        .value(form.name.clone());
    field.focus = focus;
    input(ui, flash, field)
}

/// Paid calls or the sandbox.
pub fn kinds(ui: &Ui, form: &KeyForm) -> AnyView {
    let kind = |value: &'static str, chosen: bool, words: String, hint: String| {
        view! {
            <label class="choice">
                <input type="radio" name="kind" value=value checked=chosen/>
                <span><strong>{words}</strong><span class="hint">{hint}</span></span>
            </label>
        }
    };
    let test = form.kind == TEST;
    view! {
        <fieldset class="choices">
            <legend>{t!(ui, "keys_form.kind")}</legend>
            {kind("live", !test, t!(ui, "keys.kind.live"), t!(ui, "keys.kind.live_hint"))}
            {kind(TEST, test, t!(ui, "keys.kind.test"), t!(ui, "keys.kind.test_hint"))}
        </fieldset>
    }
    .into_any()
}

/// Everything that limits a key.
pub fn limits(ui: &Ui, flash: &Flash, form: &KeyForm, models: &[String]) -> AnyView {
    let money = |field, words, value: &str| {
        let mut field = Input::new(field, words).value(value);
        field.inputmode = Some("decimal");
        field.ltr = true;
        input(ui, flash, field)
    };
    let count = |field, words, value: &str| {
        let mut field = Input::new(field, words).value(value);
        field.inputmode = Some("numeric");
        field.ltr = true;
        input(ui, flash, field)
    };
    let mut expires = Input::new(Field::ExpiresOn, t!(ui, "keys_form.expires_on"))
        .hint(t!(ui, "keys_form.expires_on_hint", zone = ui.zone().name()))
        .value(form.expires_on.clone());
    expires.kind = "date";
    expires.ltr = true;
    view! {
        <fieldset class="group">
            <legend>{t!(ui, "keys_form.spend")}</legend>
            <p class="hint">{t!(ui, "keys_form.spend_hint")}</p>
            <div class="columns">
                {money(Field::Day, t!(ui, "keys_form.day"), &form.day)}
                {money(Field::Week, t!(ui, "keys_form.week"), &form.week)}
                {money(Field::Month, t!(ui, "keys_form.month"), &form.month)}
                {money(Field::Total, t!(ui, "keys_form.total"), &form.total)}
            </div>
        </fieldset>
        <details class="more" open=says_more(flash, form)>
            <summary>{icon(ui, "chevron-down", "")}{t!(ui, "keys_form.more")}</summary>
            <div class="form inner">
                <fieldset class="group">
                    <legend>{t!(ui, "keys_form.pace")}</legend>
                    <div class="columns">
                        {count(Field::RequestsPerMinute, t!(ui, "keys_form.requests_per_minute"), &form.requests_per_minute)}
                        {count(Field::TokensPerMinute, t!(ui, "keys_form.tokens_per_minute"), &form.tokens_per_minute)}
                        {count(Field::Concurrency, t!(ui, "keys_form.concurrency"), &form.concurrency)}
                    </div>
                </fieldset>
                {model_ticks(ui, flash, form, models)}
                {ranges(ui, flash, form)}
                <div class="columns">{input(ui, flash, expires)}</div>
                {scopes(ui, flash, form)}
            </div>
        </details>
    }
    .into_any()
}

/// Whether the folded part has something to show.
fn says_more(flash: &Flash, form: &KeyForm) -> bool {
    let folded = [
        Field::RequestsPerMinute,
        Field::TokensPerMinute,
        Field::Concurrency,
        Field::Models,
        Field::IpRanges,
        Field::ExpiresOn,
        Field::Scopes,
    ];
    let empty = KeyForm {
        name: form.name.clone(),
        kind: form.kind.clone(),
        day: form.day.clone(),
        week: form.week.clone(),
        month: form.month.clone(),
        total: form.total.clone(),
        ..KeyForm::empty()
    };
    *form != empty || folded.iter().any(|field| flash.of(*field).is_some())
}

/// The models of the catalogue, and those the key names that have left it.
fn model_ticks(ui: &Ui, flash: &Flash, form: &KeyForm, models: &[String]) -> AnyView {
    let gone = form.models.iter().filter(|model| !models.contains(model));
    let ticks: Vec<_> = models
        .iter()
        .chain(gone)
        .map(|model| {
            let ticked = form.models.contains(model);
            let words = view! { <bdi class="mono" translate="no">{model.clone()}</bdi> };
            tick("models[]", model, ticked, words.into_any())
        })
        .collect();
    view! {
        <fieldset class="group" id=Field::Models.id()>
            <legend>{t!(ui, "keys_form.models")}</legend>
            <p class="hint">{t!(ui, "keys_form.models_hint")}</p>
            {wrong(ui, flash, Field::Models)}
            <div class="ticks">{ticks}</div>
        </fieldset>
    }
    .into_any()
}

fn scopes(ui: &Ui, flash: &Flash, form: &KeyForm) -> AnyView {
    let ticks: Vec<_> = Scope::ALL
        .into_iter()
        .map(|scope| {
            let words = match scope {
                Scope::ChatWrite => t!(ui, "keys_form.scope_chat_write"),
                Scope::ResponsesWrite => t!(ui, "keys_form.scope_responses_write"),
                Scope::ModelsRead => t!(ui, "keys_form.scope_models_read"),
                Scope::BillingRead => t!(ui, "keys_form.scope_billing_read"),
            };
            let ticked = form.scopes.iter().any(|id| id == scope.id());
            let words = view! { {words}" "<code translate="no">{scope.id()}</code> };
            tick("scopes[]", scope.id(), ticked, words.into_any())
        })
        .collect();
    view! {
        <fieldset class="group" id=Field::Scopes.id()>
            <legend>{t!(ui, "keys_form.scopes")}</legend>
            {wrong(ui, flash, Field::Scopes)}
            <div class="ticks">{ticks}</div>
        </fieldset>
    }
    .into_any()
}

fn tick(name: &'static str, value: &str, ticked: bool, words: AnyView) -> AnyView {
    view! {
        <label class="tick">
            <input type="checkbox" name=name value=value.to_owned() checked=ticked/>
            <span>{words}</span>
        </label>
    }
    .into_any()
}

fn ranges(ui: &Ui, flash: &Flash, form: &KeyForm) -> AnyView {
    let id = Field::IpRanges.id();
    let invalid = flash.of(Field::IpRanges).map(|_| "true");
    let described = if invalid.is_some() {
        "ip_ranges-wrong ip_ranges-hint"
    } else {
        "ip_ranges-hint"
    };
    view! {
        <div class="item">
            <label for=id>{t!(ui, "keys_form.ip_ranges")}</label>
            <textarea class="field mono" id=id name=id rows="3" dir="ltr" autocapitalize="none" spellcheck="false"
                aria-describedby=described aria-invalid=invalid>{form.ip_ranges.clone()}</textarea>
            {wrong(ui, flash, Field::IpRanges)}
            <p class="hint" id="ip_ranges-hint">{t!(ui, "keys_form.ip_ranges_hint")}</p>
        </div>
    }
    .into_any()
}

fn wrong(ui: &Ui, flash: &Flash, field: Field) -> Option<AnyView> {
    let words = words_at(ui, field, flash.of(field)?);
    Some(view! { <p class="wrong" id=format!("{}-wrong", field.id())>{words}</p> }.into_any())
}
