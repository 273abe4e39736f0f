//! How does cargo's module become one that a browser can load? By wasm-bindgen, used as a library.

use anyhow::{Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

/// The JavaScript module (target `web`, without a default address: the page's loader tells `init` where the wasm
/// lies) and the finished wasm. Fails when the module was built with another wasm-bindgen, or when a crate brings
/// JavaScript files of its own, which this bundle does not place.
pub fn generate(wasm: &[u8]) -> Result<(String, Vec<u8>)> {
    let mut output = Bindgen::new()
        .input_bytes("farebox", wasm.to_vec())
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .demangle(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()?;
    ensure!(
        output.snippets().values().all(Vec::is_empty)
            && output.local_modules().is_empty()
            && output.npm_dependencies().is_empty(),
        "a crate in the browser module brings JavaScript of its own; frontend/bundle/src/glue.rs has no place for it"
    );
    let wasm = output.wasm_mut().emit_wasm();
    Ok((output.js().to_owned(), wasm))
}
