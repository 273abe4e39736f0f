//! How does a text get into the clipboard? By a button that is hidden until this island wakes up, and says for a
//! moment that it has been done, to eyes and to screen readers.

use leptos::html::Span;
use leptos::prelude::*;

/// The button with its labels as children: `.idle`, `.done`, and the hidden sentences `.copied` and `.failed`.
/// Copies the text of `[data-copy]` within the nearest `[data-copyable]`.
#[island]
pub fn Copy(children: Children) -> impl IntoView {
    let root = NodeRef::<Span>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        if let Some(root) = root.get() {
            behaviour::start(&root);
        }
    });
    view! {
        <span class="copy" node_ref=root>
            <button class="btn slim" type="button" hidden>
                {children()}
            </button>
            <span class="vh" role="status"></span>
        </span>
    }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::time::Duration;

    use leptos::prelude::set_timeout;
    use leptos::task::spawn_local;
    use web_sys::HtmlElement;

    use crate::islands::browser::{awake, listen, one, to_clipboard};

    /// How long the button says that it has copied.
    const SHOWN: Duration = Duration::from_millis(1_600);

    pub fn start(root: &HtmlElement) {
        let Some(button) = one(root, "button") else {
            return;
        };
        button.set_hidden(false);
        let shown_in = root.clone();
        listen(&button, "click", move |_| {
            let root = shown_in.clone();
            spawn_local(async move { copy(&root).await });
        });
        awake(root);
    }

    async fn copy(root: &HtmlElement) {
        let source = root
            .closest("[data-copyable]")
            .ok()
            .flatten()
            .and_then(|place| one(&place, "[data-copy]"));
        // A field shows its value, everything else its text.
        let text = source.and_then(|source| {
            let value = source.get_attribute("value");
            value.or_else(|| source.text_content())
        });
        let done = match text {
            Some(text) => to_clipboard(&text).await,
            None => false,
        };
        let sentence = if done { ".copied" } else { ".failed" };
        let sentence = one(root, sentence).and_then(|element| element.text_content());
        if let Some(status) = one(root, "[role=status]") {
            status.set_text_content(sentence.as_deref());
        }
        if done {
            root.set_class_name("copy is-done");
            let root = root.clone();
            set_timeout(move || root.set_class_name("copy"), SHOWN);
        }
    }
}
