//! What does the browser start? This: once a page with islands has loaded the module, every island on it wakes up.
//!
//! Pages are finished HTML. The islands themselves are in `app/src/islands`; pages without one never load this.

// The islands are called by name from JavaScript only. Naming the crate is what keeps them in the module.
use app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called once by the page's loader, after `init`.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
