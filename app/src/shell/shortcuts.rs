//! Which keys do something? The list that `?` shows, on every page of who has not turned them off; `/shortcuts` shows the
//! same without a script.

use leptos::prelude::*;

use super::parts::rich;
use crate::islands::Shortcuts;
use crate::reader::Ui;

pub fn shortcuts(ui: &Ui) -> Option<AnyView> {
    ui.account().filter(|account| account.chosen.shortcuts)?;
    let list = view! {
        <dialog class="keysheet" aria-labelledby="shortcuts-title">
            <div class="head">
                <h2 id="shortcuts-title">{t!(ui, "shortcuts.title")}</h2>
                <form method="dialog"><button class="btn slim" type="submit">{t!(ui, "shortcuts.close")}</button></form>
            </div>
            {key_list(ui)}
            {off_hint(ui)}
        </dialog>
    };
    Some(view! { <Shortcuts>{list}</Shortcuts> }.into_any())
}

/// Every key and what it does; the island presses the links that have a letter.
pub fn key_list(ui: &Ui) -> AnyView {
    let ways = [
        ("o", "/overview", t!(ui, "shortcuts.go_overview")),
        ("u", "/usage", t!(ui, "shortcuts.go_usage")),
        ("k", "/keys", t!(ui, "shortcuts.go_keys")),
        ("w", "/wallet", t!(ui, "palette.keys.go_wallet")),
        ("t", "/try", t!(ui, "shortcuts.go_try")),
        ("s", "/settings", t!(ui, "shortcuts.go_settings")),
    ];
    let ways = ways.map(|(letter, path, words)| {
        let then = t!(ui, "shortcuts.then");
        view! {
            <div>
                <dt dir="ltr"><kbd translate="no">"g"</kbd><span class="hint">{then}</span><kbd translate="no">{letter}</kbd></dt>
                <dd><a href=path data-go=letter>{words}</a></dd>
            </div>
        }
    });
    let keys = [
        ("/", t!(ui, "palette.keys.slash")),
        ("Ctrl K", t!(ui, "palette.keys.open")),
        ("?", t!(ui, "shortcuts.help")),
        ("Esc", t!(ui, "shortcuts.escape")),
    ];
    let keys = keys.map(|(key, words)| {
        view! { <div><dt dir="ltr"><kbd translate="no">{key}</kbd></dt><dd>{words}</dd></div> }
    });
    view! { <dl>{ways.into_iter().collect::<Vec<_>>()}{keys.into_iter().collect::<Vec<_>>()}</dl> }
        .into_any()
}

/// Where they are turned off, and on again.
pub fn off_hint(ui: &Ui) -> AnyView {
    let off = rich(&t!(ui, "shortcuts.off_hint"), |inner| {
        view! { <a href="/settings#look">{inner}</a> }.into_any()
    });
    view! { <p class="hint">{off}</p> }.into_any()
}
