//! How does the keyboard get around? `g` and a letter goes to a page, `/` to the search, `?` shows the list.
//!
//! The list is a dialog that the server wrote: its links say which letter they are for (`data-go`). Never while somebody
//! types, and never with Ctrl, Alt or Meta: those are the browser's.

use leptos::html::Div;
use leptos::prelude::*;

/// The list as children: one `<dialog>` with links `[data-go="o"]`.
#[island]
pub fn Shortcuts(children: Children) -> impl IntoView {
    let root = NodeRef::<Div>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        if let Some(root) = root.get() {
            behaviour::start(&root);
        }
    });
    view! { <div class="shortcuts" node_ref=root>{children()}</div> }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::time::Duration;

    use leptos::prelude::set_timeout;
    use wasm_bindgen::JsCast;
    use web_sys::{Document, Element, HtmlDialogElement, HtmlElement, KeyboardEvent};

    use crate::islands::browser::{awake, letter, listen, one};

    /// How long `g` waits for its letter.
    const PATIENCE: Duration = Duration::from_millis(1_500);

    pub fn start(root: &HtmlElement) {
        let Some(document) = root.owner_document() else {
            return;
        };
        let (root, page) = (root.clone(), document.clone());
        awake(&root);
        let waits = Rc::new(Cell::new(false));
        listen(&document, "keydown", move |event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>()
                && !reserved(event)
                && act(&page, &root, &waits, event)
            {
                event.prevent_default();
            }
        });
    }

    /// Whether the key is for somebody else: the browser, or the field that is being typed into.
    fn reserved(event: &KeyboardEvent) -> bool {
        let typing = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| {
                element
                    .closest("input, textarea, select, [contenteditable]")
                    .ok()
                    .flatten()
            });
        event.ctrl_key() || event.alt_key() || event.meta_key() || typing.is_some()
    }

    /// Whether the key meant something here.
    fn act(page: &Document, root: &Element, waits: &Rc<Cell<bool>>, event: &KeyboardEvent) -> bool {
        let key = letter(event);
        if waits.take() {
            return one(root, &format!("[data-go='{key}']"))
                .map(|link| link.click())
                .is_some();
        }
        match key.as_str() {
            "g" => {
                waits.set(true);
                let waits = waits.clone();
                set_timeout(move || waits.set(false), PATIENCE);
                true
            }
            "/" => search(page),
            "?" => list(root),
            _ => false,
        }
    }

    /// The page's own search field; on a page without one, the search over everything.
    fn search(page: &Document) -> bool {
        let find = |selector| {
            let found = page.query_selector(selector).ok().flatten();
            found.and_then(|found| found.dyn_into::<HtmlElement>().ok())
        };
        if let Some(field) = find("main input[type=search]") {
            return field.focus().is_ok();
        }
        find("[data-palette]").map(|way| way.click()).is_some()
    }

    fn list(root: &Element) -> bool {
        let dialog = one(root, "dialog").and_then(|list| list.dyn_into::<HtmlDialogElement>().ok());
        dialog.is_some_and(|dialog| !dialog.open() && dialog.show_modal().is_ok())
    }
}
