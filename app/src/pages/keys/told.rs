//! What did the last form do to a key? Said on top of the page; what can be undone carries the button that undoes it.

use domain::ids::KeyId;
use leptos::prelude::*;

use super::act;
use crate::flash::{Field, Notice};
use crate::reader::Ui;
use crate::shell::{icon, notice};

/// The words for what happened to keys, and for test calls; nothing for everything else.
pub fn told(ui: &Ui, done: Notice) -> Option<AnyView> {
    let undo = || {
        view! { <button class="btn slim" type="submit">{t!(ui, "keys.undo")}</button> }.into_any()
    };
    let said = match done {
        Notice::KeySaved => notice(ui, "ok", t!(ui, "keys.told.saved")),
        Notice::KeyRenamed(id) => {
            let before = ui
                .flash()
                .and_then(|flash| flash.value(Field::KeyName))
                .unwrap_or_default();
            undoable(
                ui,
                t!(ui, "keys.told.renamed"),
                rename(id, before.to_owned(), undo()),
            )
        }
        Notice::KeyDisabled(id) => undoable(
            ui,
            t!(ui, "keys.told.disabled"),
            act("/api/enable_key", id, undo()),
        ),
        Notice::KeyEnabled(id) => undoable(
            ui,
            t!(ui, "keys.told.enabled"),
            act("/api/disable_key", id, undo()),
        ),
        Notice::KeyRevoked => notice(ui, "ok", t!(ui, "keys.told.revoked")),
        Notice::KeyOverlapEnded => notice(ui, "ok", t!(ui, "keys.told.overlap_ended")),
        Notice::KeysFrozen => notice(ui, "ok", t!(ui, "keys.told.frozen")),
        Notice::KeysUnfrozen => notice(ui, "ok", t!(ui, "keys.told.unfrozen")),
        Notice::NoModels => notice(ui, "warn", t!(ui, "try_zone.no_models")),
        Notice::TestAnswered {
            call,
            cost,
            duration_ms,
        } => {
            let words = t!(
                ui,
                "first_run.answered",
                duration = ui.number(u64::try_from(duration_ms).unwrap_or_default()),
                cost = ui.exact(cost)
            );
            let link =
                view! { <a href=format!("/usage/calls/{call}")>{t!(ui, "try_zone.details")}</a> };
            notice(ui, "ok", view! { {words}" "{link} })
        }
        Notice::TestFailed { status } => {
            let why = ui
                .flash()
                .and_then(|flash| flash.value(Field::Form))
                .unwrap_or_default()
                .to_owned();
            let words = t!(ui, "try_zone.failed", status = status.to_string());
            notice(ui, "danger", view! { <strong>{words}</strong>" "{why} })
        }
        _ => return None,
    };
    Some(said)
}

fn undoable(ui: &Ui, words: String, form: AnyView) -> AnyView {
    view! {
        <div class="note ok" role="status">
            {icon(ui, "circle-check", "")}
            <div class="row"><p>{words}</p>{form}</div>
        </div>
    }
    .into_any()
}

fn rename(id: KeyId, name: String, button: AnyView) -> AnyView {
    view! {
        <form method="post" action="/api/rename_key">
            <input type="hidden" name="id" value=id.to_string()/>
            <input type="hidden" name="name" value=name/>
            {button}
        </form>
    }
    .into_any()
}
