//! How do islands reach the page? Short names for what `web-sys` spells out.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, EventTarget, HtmlElement, KeyboardEvent, NodeList};

/// The elements below `root` that match.
pub fn all(root: &Element, selector: &str) -> Vec<Element> {
    let found: Option<NodeList> = root.query_selector_all(selector).ok();
    let found = found
        .into_iter()
        .flat_map(|list| (0..list.length()).filter_map(move |at| list.item(at)));
    found.filter_map(|node| node.dyn_into().ok()).collect()
}

/// The first element below `root` that matches.
pub fn one(root: &Element, selector: &str) -> Option<HtmlElement> {
    root.query_selector(selector)
        .ok()
        .flatten()?
        .dyn_into()
        .ok()
}

/// Says in the markup that the island is awake.
pub fn awake(root: &Element) {
    // Fails only for an attribute name that is none.
    let _ = root.set_attribute("data-hydrated", "true");
}

/// Calls `act` at each event of this name, as long as the page is there.
pub fn listen(target: &EventTarget, name: &str, act: impl FnMut(Event) + 'static) {
    let callback = Closure::<dyn FnMut(Event)>::new(act);
    // Fails only for a target that is gone, which says nothing any more.
    let _ = target.add_event_listener_with_callback(name, callback.into_js_value().unchecked_ref());
}

/// The letter on the key. Where the keyboard writes no Latin letters, the one that stands there on most keyboards.
pub fn letter(event: &KeyboardEvent) -> String {
    let (key, code) = (event.key(), event.code());
    if key.is_ascii() {
        return key.to_ascii_lowercase();
    }
    let at = code.strip_prefix("Key").unwrap_or_default();
    at.to_ascii_lowercase()
}

/// Whether the text is in the clipboard now.
pub async fn to_clipboard(text: &str) -> bool {
    match web_sys::window() {
        Some(window) => JsFuture::from(window.navigator().clipboard().write_text(text))
            .await
            .is_ok(),
        None => false,
    }
}
