//! What opens with Ctrl+K? An empty field over an empty list, which the island fills from `/search/results`.

use leptos::prelude::*;

use super::parts::icon;
use crate::islands::Palette;
use crate::pages::search::{ACTIONS_IN_PALETTE, PATH};
use crate::reader::Ui;

/// The magnifier in the header: the page of the search, or the dialog where the island runs.
pub fn magnifier(ui: &Ui) -> AnyView {
    let keys = has_keys(ui);
    let hint = keys.then(
        || view! { <kbd class="combo" aria-hidden="true" translate="no" dir="ltr">"Ctrl K"</kbd> },
    );
    view! {
        <a class="quiet search" href=ui.link(PATH) data-palette="" aria-keyshortcuts=keys.then_some("Control+K Meta+K")>
            {icon(ui, "search", "")}<span class="vh">{t!(ui, "palette.title")}</span>{hint}
        </a>
    }
    .into_any()
}

/// Whether the keyboard's shortcuts are on.
fn has_keys(ui: &Ui) -> bool {
    ui.account().is_some_and(|account| account.chosen.shortcuts)
}

pub fn palette(ui: &Ui) -> AnyView {
    let keys = has_keys(ui).then_some("");
    let title = t!(ui, "palette.title");
    let inner = view! {
        <dialog class="palette" aria-label=title.clone() data-keys=keys data-copied=t!(ui, "copy.copied") data-failed=t!(ui, "copy.failed")>
            <div class="palette-box">
                <form class="palette-ask" method="get" action=ui.link(PATH) role="search">
                    <input type="text" name="q" role="combobox" aria-label=t!(ui, "palette.label") aria-expanded="false"
                        aria-autocomplete="list" autocomplete="off" autocapitalize="none" spellcheck="false"
                        enterkeyhint="go" placeholder=title.clone()/>
                    <button class="quiet" type="submit" aria-label=t!(ui, "palette.submit")>{icon(ui, "search", "")}</button>
                </form>
                // The buttons in the list belong to this form; its own only closes the dialog.
                <form class="palette-shut" id=ACTIONS_IN_PALETTE method="post" action="/api/set_prefs">
                    <input type="hidden" name="back" value=ui.asked().to_owned()/>
                    <button class="quiet" type="submit" formmethod="dialog">{t!(ui, "shortcuts.close")}</button>
                </form>
                <div class="palette-found" data-results="" tabindex="-1"></div>
                <p class="hint palette-foot"><span role="status"></span><span class="keys">{t!(ui, "palette.hint")}</span></p>
            </div>
        </dialog>
    };
    view! { <Palette>{inner}</Palette> }.into_any()
}
