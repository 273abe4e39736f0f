//! Has the first call come in? Asked every few seconds while the page is in view; when it has, the page is loaded anew.

use leptos::html::Span;
use leptos::prelude::*;

/// The words that say what is waited for, as children.
#[island]
pub fn Watch(children: Children) -> impl IntoView {
    let root = NodeRef::<Span>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        if let Some(root) = root.get() {
            behaviour::start(&root);
        }
    });
    view! { <span class="watch" node_ref=root>{children()}</span> }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::time::Duration;

    use leptos::prelude::set_timeout;
    use leptos::task::spawn_local;
    use wasm_bindgen::JsCast;
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{HtmlElement, RequestInit, Response, Window};

    use crate::islands::browser::awake;

    /// Between two questions.
    const EVERY: Duration = Duration::from_secs(3);

    pub fn start(root: &HtmlElement) {
        awake(root);
        later();
    }

    fn later() {
        set_timeout(|| spawn_local(turn()), EVERY);
    }

    async fn turn() {
        let Some(window) = web_sys::window() else {
            return;
        };
        let hidden = window.document().is_some_and(|document| document.hidden());
        if !hidden && came(&window).await == Some(true) {
            // Nothing is lost: the page has nothing to type into.
            let _ = window.location().reload();
            return;
        }
        later();
    }

    /// Whether the first call is there; `None` when the server did not say.
    async fn came(window: &Window) -> Option<bool> {
        let init = RequestInit::new();
        init.set_method("POST");
        let sent = JsFuture::from(window.fetch_with_str_and_init("/api/first_call", &init)).await;
        let response: Response = sent.ok()?.dyn_into().ok()?;
        match response.status() {
            200 => {}
            // Signed out: the page that is loaded then says so.
            401 => return Some(true),
            _ => return None,
        }
        JsFuture::from(response.json().ok()?).await.ok()?.as_bool()
    }
}
