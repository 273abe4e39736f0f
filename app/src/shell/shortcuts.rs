//! Which keys do something? The list that `?` shows, on every page of who has not turned them off.

use leptos::prelude::*;

use super::parts::rich;
use crate::islands::Shortcuts;
use crate::reader::Ui;

pub fn shortcuts(ui: &Ui) -> Option<AnyView> {
    ui.account().filter(|account| account.chosen.shortcuts)?;
    let ways = [
        ("o", "/overview", t!(ui, "shortcuts.go_overview")),
        ("u", "/usage", t!(ui, "shortcuts.go_usage")),
        ("k", "/keys", t!(ui, "shortcuts.go_keys")),
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
        ("/", t!(ui, "shortcuts.search")),
        ("?", t!(ui, "shortcuts.help")),
        ("Esc", t!(ui, "shortcuts.escape")),
    ];
    let keys = keys.map(|(key, words)| {
        view! { <div><dt dir="ltr"><kbd translate="no">{key}</kbd></dt><dd>{words}</dd></div> }
    });
    let off = rich(&t!(ui, "shortcuts.off_hint"), |inner| {
        view! { <a href="/settings">{inner}</a> }.into_any()
    });
    let list = view! {
        <dialog class="keysheet" aria-labelledby="shortcuts-title">
            <div class="head">
                <h2 id="shortcuts-title">{t!(ui, "shortcuts.title")}</h2>
                <form method="dialog"><button class="btn slim" type="submit">{t!(ui, "shortcuts.close")}</button></form>
            </div>
            <dl>{ways.into_iter().collect::<Vec<_>>()}{keys.into_iter().collect::<Vec<_>>()}</dl>
            <p class="hint">{off}</p>
        </dialog>
    };
    Some(view! { <Shortcuts>{list}</Shortcuts> }.into_any())
}
