//! Has the payment that is underway arrived? The page's own link to look again is followed in secret every few seconds
//! while the page is in view; when the answer tells another state, the page is loaded anew.

use leptos::html::Span;
use leptos::prelude::*;

/// The link as a child: its `data-again` is the state that the page shows.
#[island]
pub fn Wait(children: Children) -> impl IntoView {
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
    use std::rc::Rc;
    use std::time::Duration;

    use leptos::prelude::set_timeout;
    use leptos::task::spawn_local;
    use wasm_bindgen::JsCast;
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{HtmlElement, Response, Window};

    use crate::islands::browser::awake;

    /// Between two questions.
    const EVERY: Duration = Duration::from_secs(5);

    /// What is asked, and what the answer has while nothing has changed.
    struct Asked {
        href: String,
        mark: String,
    }

    pub fn start(root: &HtmlElement) {
        awake(root);
        let Ok(Some(link)) = root.query_selector("[data-again]") else {
            return;
        };
        let (Some(href), Some(state)) =
            (link.get_attribute("href"), link.get_attribute("data-again"))
        else {
            return;
        };
        let mark = format!("data-again=\"{state}\"");
        later(Rc::new(Asked { href, mark }));
    }

    fn later(asked: Rc<Asked>) {
        set_timeout(move || spawn_local(turn(asked)), EVERY);
    }

    async fn turn(asked: Rc<Asked>) {
        let Some(window) = web_sys::window() else {
            return;
        };
        let hidden = window.document().is_some_and(|document| document.hidden());
        if !hidden && changed(&window, &asked).await == Some(true) {
            // Nothing is lost: the page has nothing to type into.
            let _ = window.location().reload();
            return;
        }
        later(asked);
    }

    /// Whether the page is another one by now; `None` when the server did not say.
    async fn changed(window: &Window, asked: &Asked) -> Option<bool> {
        let sent = JsFuture::from(window.fetch_with_str(&asked.href)).await;
        let response: Response = sent.ok()?.dyn_into().ok()?;
        if response.status() != 200 {
            return None;
        }
        let text = JsFuture::from(response.text().ok()?).await.ok()?;
        Some(!text.as_string()?.contains(&asked.mark))
    }
}
