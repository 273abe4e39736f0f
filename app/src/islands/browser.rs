//! How do islands reach the page? Short names for what `web-sys` spells out.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, NodeList};

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
