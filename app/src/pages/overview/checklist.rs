//! What is left to do before the first call? Four steps, each done with a link or a button; gone when all are done.

use domain::ids::WorkspaceId;
use domain::views::{AccountView, BalanceView, KeyStatus, KeyView};
use leptos::prelude::*;

use crate::islands::Watch;
use crate::pages::test_button;
use crate::pages::wallet::TOP_UP;
use crate::reader::Ui;
use crate::services::Services;
use crate::session::Unavailable;
use crate::shell::{icon, rich};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    pub verified: bool,
    pub funded: bool,
    pub has_key: bool,
    pub called: bool,
    /// Whether there is a way to pay here.
    pub payable: bool,
}

impl Steps {
    pub fn of(
        account: &AccountView,
        balance: &BalanceView,
        keys: &[KeyView],
        called: bool,
        payable: bool,
    ) -> Self {
        Self {
            verified: account.verified,
            // Whoever has called had money.
            funded: called || balance.posted.nanos() > 0,
            has_key: keys.iter().any(|key| key.status != KeyStatus::Revoked),
            called,
            payable,
        }
    }

    fn all(self) -> [bool; 4] {
        [self.verified, self.funded, self.has_key, self.called]
    }

    pub fn are_done(self) -> bool {
        self.all() == [true; 4]
    }
}

/// Whether a workspace has ever made a call.
pub async fn called(services: &Services, workspace: WorkspaceId) -> Result<bool, Unavailable> {
    let calls = services.calls.list(workspace, 1).await.map_err(|error| {
        tracing::error!(%error, "calls cannot be read");
        Unavailable
    })?;
    Ok(!calls.is_empty())
}

pub fn checklist(ui: &Ui, steps: Steps) -> AnyView {
    let done = steps.all().iter().filter(|done| **done).count();
    let counted = t!(
        ui,
        "first_run.done",
        done = ui.number(done as u64),
        all = ui.number(steps.all().len() as u64)
    );
    view! {
        <section class="sheet first-run" aria-labelledby="first-run">
            <header><h2 id="first-run">{t!(ui, "first_run.title")}</h2><span class="hint">{counted}</span></header>
            <ol class="steps-list">
                {step(ui, steps.verified, t!(ui, "first_run.verify"), (!steps.verified).then(|| verify(ui)))}
                {step(ui, steps.funded, t!(ui, "first_run.money"), (!steps.funded).then(|| money(ui, steps.payable)))}
                {step(ui, steps.has_key, t!(ui, "first_run.key"), (steps.verified && !steps.has_key).then(|| key(ui)))}
                {step(ui, steps.called, t!(ui, "first_run.call"), (!steps.called).then(|| call(ui, steps)))}
            </ol>
        </section>
    }
    .into_any()
}

fn step(ui: &Ui, done: bool, words: String, todo: Option<AnyView>) -> AnyView {
    let (class, sign, state) = if done {
        (
            "done",
            icon(ui, "circle-check", ""),
            t!(ui, "first_run.step_done"),
        )
    } else {
        ("", icon(ui, "circle", ""), t!(ui, "first_run.step_open"))
    };
    view! {
        <li class=class>
            {sign}
            <div class="stack"><h3>{words}<span class="vh">" "{state}</span></h3>{todo}</div>
        </li>
    }
    .into_any()
}

fn verify(ui: &Ui) -> AnyView {
    view! {
        <p class="muted">{t!(ui, "first_run.verify_body")}</p>
        <form method="post" action="/api/resend_verification">
            <input type="hidden" name="back" value="/overview"/>
            <button class="btn slim" type="submit">{t!(ui, "first_run.verify_again")}</button>
        </form>
    }
    .into_any()
}

/// Where money comes from here: a top-up, where there is a way to pay, else the people who run it.
fn money(ui: &Ui, payable: bool) -> AnyView {
    if payable {
        return view! {
            <p class="muted">{t!(ui, "wallet.topup.first_run")}</p>
            <p><a class="btn slim" href=TOP_UP>{icon(ui, "plus", "")}{t!(ui, "wallet.topup.action")}</a></p>
        }
        .into_any();
    }
    let words = match ui.site().support.clone() {
        Some(address) => rich(&t!(ui, "first_run.money_support"), |inner| {
            view! { <a href=format!("mailto:{address}")>{inner}</a> }.into_any()
        }),
        None => t!(ui, "first_run.money_operator").into_any(),
    };
    view! { <p class="muted">{words}</p> }.into_any()
}

fn key(ui: &Ui) -> AnyView {
    view! {
        <p class="muted">{t!(ui, "first_run.key_body")}</p>
        <p><a class="btn slim" href="/keys/new">{icon(ui, "plus", "")}{t!(ui, "keys.new.action")}</a></p>
    }
    .into_any()
}

/// The last step waits by itself; without a script it is asked with a link.
fn call(ui: &Ui, steps: Steps) -> AnyView {
    let ready = steps.funded && steps.has_key;
    let waiting = ready.then(|| {
        let words = t!(ui, "first_run.waiting");
        view! {
            <p class="waiting">
                <Watch><span class="pulse" aria-hidden="true"></span>{words}</Watch>
            </p>
            <noscript><a href="/overview">{t!(ui, "first_run.look_again")}</a></noscript>
        }
    });
    let test = (steps.verified && steps.funded).then(|| test_button(ui, "/overview".to_owned()));
    view! { <p class="muted">{t!(ui, "first_run.call_body")}</p>{test}{waiting} }.into_any()
}
