//! What was spent on that day? A tooltip for each day of the chart, on hover and on focus, closed by Escape; arrow
//! keys walk from day to day.

use leptos::html::Div;
use leptos::prelude::*;

/// The chart as children: elements `[data-day="7"]`, each with a finished tooltip `[data-tip="7"]`.
#[island]
pub fn Chart(children: Children) -> impl IntoView {
    let root = NodeRef::<Div>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        if let Some(root) = root.get() {
            behaviour::start(&root);
        }
    });
    view! { <div class="chart-root" node_ref=root>{children()}</div> }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Element, Event, HtmlElement, KeyboardEvent, SvgElement};

    use crate::islands::browser::{all, awake, one};

    pub fn start(root: &HtmlElement) {
        // The browser's own tooltip is for pages without this island.
        for title in all(root, "[data-day] > title") {
            title.remove();
        }
        for name in ["pointerover", "focusin"] {
            listen(root, name, |root, event| match day_of(&event) {
                Some(day) => show(root, &day),
                None => hide(root),
            });
        }
        for name in ["pointerleave", "focusout"] {
            listen(root, name, |root, _| hide(root));
        }
        listen(root, "keydown", |root, event| {
            let Ok(event) = event.dyn_into::<KeyboardEvent>() else {
                return;
            };
            match event.key().as_str() {
                "Escape" => hide(root),
                "ArrowRight" => step(root, &event, 1),
                "ArrowLeft" => step(root, &event, -1),
                _ => {}
            }
        });
        awake(root);
    }

    fn listen(root: &HtmlElement, name: &str, mut act: impl FnMut(&HtmlElement, Event) + 'static) {
        let owner = root.clone();
        let callback = Closure::<dyn FnMut(Event)>::new(move |event| act(&owner, event));
        // Leaves with the page.
        let _ =
            root.add_event_listener_with_callback(name, callback.into_js_value().unchecked_ref());
    }

    fn day_of(event: &Event) -> Option<Element> {
        event
            .target()?
            .dyn_into::<Element>()
            .ok()?
            .closest("[data-day]")
            .ok()
            .flatten()
    }

    fn show(root: &HtmlElement, day: &Element) {
        hide(root);
        let Some(tip) = day
            .get_attribute("data-day")
            .and_then(|at| one(root, &format!("[data-tip='{at}']")))
        else {
            return;
        };
        tip.set_hidden(false);
        let Some(parent) = tip.parent_element() else {
            return;
        };
        let (bar, frame) = (
            day.get_bounding_client_rect(),
            parent.get_bounding_client_rect(),
        );
        // Whole pixels are exact enough for a tooltip.
        let (left, width) = (bar.left() as i32 - frame.left() as i32, bar.width() as i32);
        // It stays within the frame; nearer to an edge than this it would be cut off.
        let half = tip.offset_width() / 2;
        let last = (frame.width() as i32 - half).max(half);
        let centre = (left + width / 2).clamp(half, last);
        let _ = tip.style().set_property("left", &format!("{centre}px"));
    }

    fn hide(root: &HtmlElement) {
        for tip in all(root, "[data-tip]:not([hidden])") {
            if let Ok(tip) = tip.dyn_into::<HtmlElement>() {
                tip.set_hidden(true);
            }
        }
    }

    fn step(root: &HtmlElement, event: &Event, by: i32) {
        let days = all(root, "[data-day]");
        let Some(day) = day_of(event) else { return };
        let Some(at) = days.iter().position(|one| *one == day) else {
            return;
        };
        let next = i32::try_from(at).unwrap_or(0) + by;
        if let Some(next) = usize::try_from(next).ok().and_then(|at| days.get(at))
            && let Some(next) = next.dyn_ref::<SvgElement>()
        {
            event.prevent_default();
            let _ = next.focus();
        }
    }
}
