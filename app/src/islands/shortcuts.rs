//! How does the keyboard get around? `g` and a letter goes to a page, `/` to the search field, `?` shows the list.
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
    use wasm_bindgen::closure::Closure;
    use web_sys::{Document, Element, HtmlDialogElement, HtmlElement, KeyboardEvent};

    use crate::islands::browser::{awake, one};

    /// How long `g` waits for its letter.
    const PATIENCE: Duration = Duration::from_millis(1_500);

    pub fn start(root: &HtmlElement) {
        let Some(document) = root.owner_document() else {
            return;
        };
        let (root, page) = (root.clone(), document.clone());
        awake(&root);
        let waits = Rc::new(Cell::new(false));
        let callback = Closure::<dyn FnMut(KeyboardEvent)>::new(move |event: KeyboardEvent| {
            if !reserved(&event) && act(&page, &root, &waits, &event) {
                event.prevent_default();
            }
        });
        // Leaves with the page.
        let _ = document
            .add_event_listener_with_callback("keydown", callback.into_js_value().unchecked_ref());
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

    /// The letter on the key. Where the keyboard writes no Latin letters, the one that stands there on most keyboards.
    fn letter(event: &KeyboardEvent) -> String {
        let (key, code) = (event.key(), event.code());
        if key.is_ascii() {
            return key.to_ascii_lowercase();
        }
        let at = code.strip_prefix("Key").unwrap_or_default();
        at.to_ascii_lowercase()
    }

    fn search(page: &Document) -> bool {
        let field = page
            .query_selector("main input[type=search]")
            .ok()
            .flatten();
        let field = field.and_then(|field| field.dyn_into::<HtmlElement>().ok());
        field.is_some_and(|field| field.focus().is_ok())
    }

    fn list(root: &Element) -> bool {
        let dialog = one(root, "dialog").and_then(|list| list.dyn_into::<HtmlDialogElement>().ok());
        dialog.is_some_and(|dialog| !dialog.open() && dialog.show_modal().is_ok())
    }
}
