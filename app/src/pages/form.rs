//! What is a form made of? Inputs with their label, hint and what is wrong, ticked boxes, selections.
//!
//! No `required`: the server's own words come in the reader's language. What was typed comes back with the flash.

use leptos::prelude::*;

use crate::api::OrderField;
use crate::flash::{Fault, Field, Flash};
use crate::reader::Ui;
use crate::shell::{icon, notice};

/// One line to type into.
pub struct Input {
    pub field: Field,
    pub kind: &'static str,
    pub label: String,
    pub hint: Option<String>,
    /// One of HTML's tokens, or `off`.
    pub autocomplete: &'static str,
    pub inputmode: Option<&'static str>,
    /// What stands there when nothing was typed.
    pub value: String,
    /// Whether it takes the focus when nothing else is wrong before it.
    pub focus: bool,
    /// Addresses, codes and amounts run from left to right in every language.
    pub ltr: bool,
}

impl Input {
    pub fn new(field: Field, label: String) -> Self {
        Self {
            field,
            kind: "text",
            label,
            hint: None,
            autocomplete: "off",
            inputmode: None,
            value: String::new(),
            focus: false,
            ltr: false,
        }
    }

    pub fn email(label: String) -> Self {
        Self {
            kind: "email",
            autocomplete: "username",
            focus: true,
            ltr: true,
            ..Self::new(Field::Email, label)
        }
    }

    /// The password as it is now.
    pub fn password(label: String) -> Self {
        Self {
            kind: "password",
            autocomplete: "current-password",
            ltr: true,
            ..Self::new(Field::Password, label)
        }
    }

    pub fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }

    pub fn autocomplete(mut self, token: &'static str) -> Self {
        self.autocomplete = token;
        self
    }

    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }
}

pub fn input(ui: &Ui, flash: &Flash, input: Input) -> AnyView {
    let id = input.field.id();
    let fault = flash.of(input.field);
    let typed = flash.value(input.field).map(ToOwned::to_owned);
    // Whoever comes back goes on where something is wrong, or with what never travels back: the password.
    let focus = match flash.faults.first() {
        Some((first, _)) if *first != Field::Form => *first == input.field,
        Some(_) => input.kind == "password",
        None => input.focus,
    };
    let value = if input.kind == "password" {
        String::new()
    } else {
        typed.unwrap_or(input.value)
    };
    let (hint_id, wrong_id) = (format!("{id}-hint"), format!("{id}-wrong"));
    let described = described_by(&[
        (fault.is_some(), &wrong_id),
        (input.hint.is_some(), &hint_id),
    ]);
    let wrong = fault.map(|fault| {
        view! { <p class="wrong" id=wrong_id.clone()>{words_at(ui, input.field, fault)}</p> }
    });
    let hint = input
        .hint
        .map(|text| view! { <p class="hint" id=hint_id.clone()>{text}</p> });
    let dir = input.ltr.then_some("ltr");
    let plain = input.ltr.then_some("none");
    view! {
        <div class="item">
            <label for=id>{input.label}</label>
            <input class="field" id=id name=id type=input.kind autocomplete=input.autocomplete inputmode=input.inputmode
                value=value autofocus=focus dir=dir autocapitalize=plain spellcheck="false"
                aria-describedby=described aria-invalid=fault.map(|_| "true")/>
            {wrong}
            {hint}
        </div>
    }
    .into_any()
}

/// A box to tick; `label` may hold links. Never ticked beforehand unless `ticked` says what is already so.
pub fn tick(ui: &Ui, flash: &Flash, field: Field, label: AnyView, ticked: bool) -> AnyView {
    let id = field.id();
    let fault = flash.of(field);
    let wrong_id = format!("{id}-wrong");
    let described = described_by(&[(fault.is_some(), &wrong_id)]);
    let ticked = ticked || flash.value(field).is_some();
    let wrong = fault.map(
        |fault| view! { <p class="wrong" id=wrong_id.clone()>{words_at(ui, field, fault)}</p> },
    );
    view! {
        <div class="item">
            <label class="tick">
                <input type="checkbox" id=id name=id value="true" checked=ticked aria-describedby=described
                    aria-invalid=fault.map(|_| "true")/>
                <span>{label}</span>
            </label>
            {wrong}
        </div>
    }
    .into_any()
}

/// One of several; entries are value and words.
pub fn select(
    flash: &Flash,
    field: Field,
    label: String,
    entries: Vec<(String, String)>,
    chosen: &str,
) -> AnyView {
    choice(
        field.id(),
        label,
        entries,
        flash.value(field).unwrap_or(chosen),
    )
}

/// The same in a form that asks by its address: what was chosen stands there.
pub fn choice(
    id: &'static str,
    label: String,
    entries: Vec<(String, String)>,
    chosen: &str,
) -> AnyView {
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(value, words)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{words}</option> }
        })
        .collect();
    view! {
        <div class="item">
            <label for=id>{label}</label>
            <select class="field" id=id name=id>{entries}</select>
        </div>
    }
    .into_any()
}

/// What is wrong, above the form: with the form as a whole, or with several fields, each a link to where it is.
pub fn summary(ui: &Ui, flash: &Flash) -> Option<AnyView> {
    if let Some(fault) = flash.of(Field::Form) {
        return Some(notice(ui, "danger", fault_words(ui, fault)));
    }
    let count = u64::try_from(flash.faults.len()).unwrap_or(u64::MAX);
    if count < 2 {
        return None;
    }
    let links: Vec<_> = flash
        .faults
        .iter()
        .map(|(field, fault)| {
            let href = format!("#{}", field.id());
            view! { <li><a href=href>{words_at(ui, *field, *fault)}</a></li> }
        })
        .collect();
    let list = view! {
        <div class="note danger" role="alert">
            {icon(ui, "triangle-alert", "")}
            <div>
                <p>{n!(ui, "form.errors_title", count)}</p>
                <ul>{links}</ul>
            </div>
        </div>
    };
    Some(list.into_any())
}

fn described_by(parts: &[(bool, &String)]) -> Option<String> {
    let there: Vec<&str> = parts
        .iter()
        .filter(|(there, _)| *there)
        .map(|(_, id)| id.as_str())
        .collect();
    (!there.is_empty()).then(|| there.join(" "))
}

/// What is wrong in a field, as a sentence.
pub fn words_at(ui: &Ui, field: Field, fault: Fault) -> String {
    match (field, fault) {
        (Field::Email, Fault::Missing) => t!(ui, "form.email_required"),
        (Field::Password | Field::NewPassword, Fault::Missing) => t!(ui, "form.password_required"),
        (Field::Name, Fault::Malformed) => t!(ui, "form.name_invalid"),
        (Field::Terms, Fault::Missing) => t!(ui, "signup.terms_missing"),
        (Field::Consent, Fault::Missing) => t!(ui, "signup.consent_missing"),
        (Field::Amount | Field::Order(OrderField::RefundCredit), Fault::Malformed) => {
            t!(ui, "form.amount_invalid")
        }
        (Field::KeyName, Fault::Missing) => t!(ui, "keys_form.name_missing"),
        (Field::KeyName, Fault::TooLong) => t!(
            ui,
            "keys_form.name_too_long",
            max = server::keys::LONGEST_NAME.to_string()
        ),
        (Field::Day | Field::Week | Field::Month | Field::Total, Fault::Malformed) => {
            t!(ui, "keys_form.amount_invalid")
        }
        (
            Field::RequestsPerMinute
            | Field::TokensPerMinute
            | Field::Concurrency
            | Field::MaxTokens,
            Fault::Malformed,
        ) => t!(ui, "keys_form.count_invalid"),
        (Field::IpRanges, Fault::Malformed) => t!(ui, "keys_form.ip_ranges_invalid"),
        (Field::IpRanges, Fault::TooLong) => t!(ui, "keys_form.ip_ranges_excess"),
        (Field::Models, Fault::Malformed) => t!(ui, "keys_form.models_invalid"),
        (Field::ExpiresOn, Fault::Malformed) => t!(ui, "keys_form.expires_on_invalid"),
        (Field::Scopes, Fault::Missing) => t!(ui, "keys_form.scopes_missing"),
        (Field::Code, Fault::Missing) => t!(ui, "second_factor.code_missing"),
        _ => fault_words(ui, fault),
    }
}

/// What is wrong, as a sentence.
pub fn fault_words(ui: &Ui, fault: Fault) -> String {
    use server::accounts::{LONGEST_PASSWORD, SHORTEST_PASSWORD};
    match fault {
        Fault::Missing => t!(ui, "form.required"),
        Fault::Malformed => t!(ui, "form.email_invalid"),
        Fault::Taken => t!(ui, "form.email_taken"),
        Fault::TooShort => t!(
            ui,
            "form.password_too_short",
            min = SHORTEST_PASSWORD.to_string()
        ),
        Fault::TooLong => t!(
            ui,
            "form.password_too_long",
            max = LONGEST_PASSWORD.to_string()
        ),
        Fault::TooWeak => t!(ui, "form.password_too_weak"),
        Fault::Wrong => t!(ui, "sessions.sign_in.wrong"),
        Fault::WrongPassword => t!(ui, "confirm.wrong"),
        Fault::WrongCode => t!(ui, "second_factor.wrong"),
        Fault::Same => t!(ui, "settings.email.same"),
        Fault::Blocked => t!(ui, "sessions.sign_in.blocked"),
        Fault::TooMany { seconds } => n!(ui, "sessions.sign_in.too_many", seconds),
        Fault::Busy => t!(ui, "sessions.sign_in.busy"),
        Fault::Unavailable => t!(ui, "sessions.sign_in.unavailable"),
        Fault::NotCarried => t!(ui, "keys_form.not_carried"),
        Fault::Admin(fault) => super::admin::admin_fault_words(ui, fault),
        Fault::Order(fault) => super::wallet::fault_words(ui, fault),
    }
}
