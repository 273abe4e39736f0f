//! What is the balance now? Asked again every few seconds while the page is in view.

use leptos::html::Div;
use leptos::prelude::*;

/// The balance as children. Each answer's strings are put where they belong: `balance` into `[data-live="balance"]`
/// and so on; `width` and `label` are the ruler's.
#[island]
pub fn Live(children: Children) -> impl IntoView {
    let root = NodeRef::<Div>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        if let Some(root) = root.get() {
            behaviour::start(&root);
        }
    });
    view! { <div class="live" node_ref=root>{children()}</div> }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::time::Duration;

    use js_sys::{JsString, Reflect};
    use leptos::prelude::set_timeout;
    use leptos::task::spawn_local;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{HtmlElement, RequestInit, Response};

    use crate::islands::browser::{all, awake};

    /// Between two questions.
    const EVERY: Duration = Duration::from_secs(4);
    /// After one that was not answered.
    const AFTER_TROUBLE: Duration = Duration::from_secs(20);

    /// What the server said.
    enum Answer {
        Fresh(JsValue),
        /// Nobody is signed in here any more: there is nothing left to ask.
        SignedOut,
        Trouble,
    }

    pub fn start(root: &HtmlElement) {
        awake(root);
        later(root.clone(), EVERY);
    }

    fn later(root: HtmlElement, delay: Duration) {
        set_timeout(move || spawn_local(turn(root)), delay);
    }

    async fn turn(root: HtmlElement) {
        let in_view = web_sys::window()
            .and_then(|window| window.document())
            .is_some_and(|document| !document.hidden());
        if !in_view {
            return later(root, EVERY);
        }
        match ask().await {
            Answer::Fresh(values) => {
                put(&root, &values);
                later(root, EVERY);
            }
            Answer::Trouble => later(root, AFTER_TROUBLE),
            Answer::SignedOut => {}
        }
    }

    async fn ask() -> Answer {
        let Some(window) = web_sys::window() else {
            return Answer::Trouble;
        };
        let init = RequestInit::new();
        init.set_method("POST");
        let sent = JsFuture::from(window.fetch_with_str_and_init("/api/balance", &init)).await;
        let Ok(response) = sent.and_then(|answer| answer.dyn_into::<Response>()) else {
            return Answer::Trouble;
        };
        match response.status() {
            200 => match response.json() {
                Ok(body) => JsFuture::from(body)
                    .await
                    .map_or(Answer::Trouble, Answer::Fresh),
                Err(_) => Answer::Trouble,
            },
            401 | 403 => Answer::SignedOut,
            _ => Answer::Trouble,
        }
    }

    fn put(root: &HtmlElement, values: &JsValue) {
        for element in all(root, "[data-live]") {
            if let Some(text) = element
                .get_attribute("data-live")
                .and_then(|name| value(values, &name))
                && element.text_content().as_deref() != Some(text.as_str())
            {
                element.set_text_content(Some(&text));
            }
        }
        for (name, attribute) in [("width", "width"), ("label", "aria-label")] {
            if let (Some(element), Some(text)) = (one_of(root, name), value(values, name)) {
                let _ = element.set_attribute(attribute, &text);
            }
        }
    }

    fn one_of(root: &HtmlElement, name: &str) -> Option<web_sys::Element> {
        root.query_selector(&format!("[data-live-{name}]"))
            .ok()
            .flatten()
    }

    fn value(values: &JsValue, name: &str) -> Option<String> {
        Reflect::get(values, &JsString::from(name))
            .ok()?
            .as_string()
    }
}
