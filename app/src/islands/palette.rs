//! How is anything reached from anywhere? Ctrl+K (or ⌘K) or the magnifier opens a field; the server finds, arrows
//! choose, Enter goes.
//!
//! The list comes as finished HTML from `/search/results`: nothing is known, matched or formatted here. Where this does
//! not run, the magnifier is a link to the page that shows the same.

use leptos::html::Div;
use leptos::prelude::*;

/// The dialog as children: `<dialog>` with the field `[role=combobox]`, the place `[data-results]` and the sentence
/// `[role=status]`. With `data-keys` on the dialog Ctrl+K opens it; `[data-palette]` anywhere on the page always does.
#[island]
pub fn Palette(children: Children) -> impl IntoView {
    let root = NodeRef::<Div>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        if let Some(root) = root.get() {
            behaviour::start(&root);
        }
    });
    view! { <div class="palette-root" node_ref=root>{children()}</div> }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::time::Duration;

    use js_sys::encode_uri_component;
    use leptos::prelude::set_timeout;
    use leptos::task::spawn_local;
    use wasm_bindgen::JsCast;
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{
        Element, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent, MouseEvent,
        Response, ScrollIntoViewOptions, ScrollLogicalPosition,
    };

    use crate::islands::browser::{all, awake, letter, listen, one, to_clipboard};

    /// How long a pause in typing is.
    const PAUSE: Duration = Duration::from_millis(120);

    #[derive(Clone)]
    struct Palette {
        dialog: HtmlDialogElement,
        field: HtmlInputElement,
        results: HtmlElement,
        said: HtmlElement,
        /// Grows with each question: only the answer to the last one is shown.
        asked: Rc<Cell<u32>>,
        /// The question that the list on screen answers.
        answered: Rc<Cell<u32>>,
    }

    pub fn start(root: &HtmlElement) {
        let Some(palette) = Palette::of(root) else {
            return;
        };
        let Some(page) = root.owner_document() else {
            return;
        };
        if palette.dialog.has_attribute("data-keys") {
            let (opened, apple) = (palette.clone(), is_apple());
            listen(&page, "keydown", move |event| {
                if let Some(key) = event.dyn_ref::<KeyboardEvent>()
                    && held(key, apple)
                    && !key.repeat()
                    && !key.is_composing()
                    && !key.alt_key()
                    && !key.shift_key()
                    && letter(key) == "k"
                {
                    event.prevent_default();
                    opened.toggle();
                }
            });
        }
        let opened = palette.clone();
        listen(&page, "click", move |event| {
            // With a key held, a link opens elsewhere: that is the browser's.
            let plain = event.dyn_ref::<MouseEvent>().is_none_or(|click| {
                !(click.ctrl_key() || click.meta_key() || click.shift_key() || click.button() != 0)
            });
            let way = event.target().and_then(|it| it.dyn_into::<Element>().ok());
            let way = way.and_then(|it| it.closest("[data-palette]").ok().flatten());
            if plain && way.is_some() {
                event.prevent_default();
                opened.open();
            }
        });
        palette.listen_inside();
        awake(root);
    }

    impl Palette {
        fn of(root: &HtmlElement) -> Option<Self> {
            Some(Self {
                dialog: one(root, "dialog")?.dyn_into().ok()?,
                field: one(root, "[role=combobox]")?.dyn_into().ok()?,
                results: one(root, "[data-results]")?,
                said: one(root, "[role=status]")?,
                asked: Rc::default(),
                answered: Rc::default(),
            })
        }

        fn listen_inside(&self) {
            let mine = self.clone();
            listen(&self.field, "input", move |_| mine.ask(PAUSE));
            let mine = self.clone();
            listen(&self.field, "keydown", move |event| {
                if let Some(key) = event.dyn_ref::<KeyboardEvent>()
                    // Enter that ends composing a word chooses the word.
                    && !key.is_composing()
                    && mine.press(&key.key())
                {
                    event.prevent_default();
                }
            });
            let mine = self.clone();
            listen(&self.dialog, "click", move |event| {
                let Some(at) = event.target().and_then(|it| it.dyn_into::<Element>().ok()) else {
                    return;
                };
                // The dialog itself is only hit beside what is in it.
                if at == **mine.dialog {
                    mine.dialog.close();
                }
                let copied = at.closest("[data-copy-text]").ok().flatten();
                if let Some(text) = copied.and_then(|it| it.get_attribute("data-copy-text")) {
                    let mine = mine.clone();
                    spawn_local(async move { mine.copy(&text).await });
                }
            });
        }

        fn toggle(&self) {
            if self.dialog.open() {
                self.dialog.close();
            } else {
                self.open();
            }
        }

        /// The browser brings the focus back to where it was when the dialog closes.
        fn open(&self) {
            if !self.dialog.open() && self.dialog.show_modal().is_ok() {
                self.field.select();
                self.ask(Duration::ZERO);
            }
        }

        /// Asks after a pause, unless there is a newer question by then.
        fn ask(&self, pause: Duration) {
            let question = self.asked.get().wrapping_add(1);
            self.asked.set(question);
            let mine = self.clone();
            let turn = async move {
                if mine.asked.get() != question {
                    return;
                }
                let answer = fetch(&mine.field.value()).await;
                if let Some(html) = answer
                    && mine.asked.get() == question
                {
                    mine.answered.set(question);
                    mine.show(&html);
                }
            };
            set_timeout(move || spawn_local(turn), pause);
        }

        fn show(&self, html: &str) {
            self.results.set_inner_html(html);
            let found = one(&self.results, "[data-said]").and_then(|it| it.text_content());
            self.said.set_text_content(found.as_deref());
            let _ = self.field.remove_attribute("aria-activedescendant");
            // What the field controls is named while it is there.
            let list = one(&self.results, "[role=listbox]");
            let expanded = if list.is_some() { "true" } else { "false" };
            let _ = self.field.set_attribute("aria-expanded", expanded);
            let _ = match list {
                Some(list) => self.field.set_attribute("aria-controls", &list.id()),
                None => self.field.remove_attribute("aria-controls"),
            };
            let options = self.options();
            self.choose(&options, 0);
        }

        fn options(&self) -> Vec<Element> {
            all(&self.results, "[role=option]")
        }

        /// Whether the key meant something here.
        fn press(&self, key: &str) -> bool {
            let options = self.options();
            let chosen =
                |option: &Element| option.get_attribute("aria-selected").as_deref() == Some("true");
            let at = options.iter().position(chosen);
            let count = options.len();
            match key {
                "ArrowDown" if count > 0 => {
                    self.choose(&options, at.map_or(0, |at| (at + 1) % count))
                }
                "ArrowUp" if count > 0 => {
                    self.choose(&options, (at.unwrap_or(0) + count - 1) % count);
                }
                // A list that answers an older question is not what was meant: the form asks the page instead.
                "Enter" if self.answered.get() == self.asked.get() => {
                    if let Some(option) = at.and_then(|at| options.get(at))
                        && let Some(option) = option.dyn_ref::<HtmlElement>()
                    {
                        option.click();
                    }
                }
                _ => return false,
            }
            true
        }

        fn choose(&self, options: &[Element], at: usize) {
            for (index, option) in options.iter().enumerate() {
                let chosen = if index == at { "true" } else { "false" };
                let _ = option.set_attribute("aria-selected", chosen);
            }
            if let Some(option) = options.get(at) {
                let _ = self
                    .field
                    .set_attribute("aria-activedescendant", &option.id());
                let nearest = ScrollIntoViewOptions::new();
                nearest.set_block(ScrollLogicalPosition::Nearest);
                option.scroll_into_view_with_scroll_into_view_options(&nearest);
            }
        }

        async fn copy(&self, text: &str) {
            let done = to_clipboard(text).await;
            let name = if done { "data-copied" } else { "data-failed" };
            let said = self.dialog.get_attribute(name);
            self.said.set_text_content(said.as_deref());
        }
    }

    /// Where ⌘ is the key for it, Ctrl+K cuts a line in every field; elsewhere Meta is the system's.
    fn is_apple() -> bool {
        let platform = web_sys::window().and_then(|window| window.navigator().platform().ok());
        platform.is_some_and(|name| {
            let apple = ["Mac", "iPhone", "iPad", "iPod"];
            apple.iter().any(|begin| name.starts_with(*begin))
        })
    }

    /// Whether the key that commands are given with here is held, and not the other of the two.
    fn held(key: &KeyboardEvent, apple: bool) -> bool {
        let (ctrl, meta) = (key.ctrl_key(), key.meta_key());
        if apple { meta && !ctrl } else { ctrl && !meta }
    }

    /// The list for what was typed, as the server wrote it; `None` when it did not.
    async fn fetch(typed: &str) -> Option<String> {
        let address = format!("/search/results?q={}", encode_uri_component(typed));
        let answer = JsFuture::from(web_sys::window()?.fetch_with_str(&address)).await;
        let response: Response = answer.ok()?.dyn_into().ok()?;
        if !response.ok() {
            return None;
        }
        JsFuture::from(response.text().ok()?)
            .await
            .ok()?
            .as_string()
    }
}
