//! How does the browser bundle come about? Run by `make bundle` after the wasm build:
//!
//! `bundle WASM STYLE SITE` reads the compiled module of package `frontend` and the folder with styles, fonts and
//! icons, and writes the folder that the `farebox` binary embeds. Names carry a hash of the content, so whatever
//! is served from it can be cached for ever; `manifest.json` says which name stands for what.

mod budget;
mod glue;
mod inputs;
mod site;
mod styles;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use inputs::Inputs;
use site::Site;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the stack that anyhow would add: what is wrong lies in a style sheet or a module, not here.
            eprintln!("bundle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [wasm, style, out] = arguments.as_slice() else {
        bail!("usage: bundle WASM STYLE SITE");
    };
    let inputs = Inputs::read(wasm, style)?;
    // Beside the folder, not in it: the folder is embedded as it is.
    let stamp = out.with_extension("stamp");
    if inputs.made(&stamp, out) {
        println!("bundle: nothing changed since the last one");
        return Ok(());
    }
    let site = make(&inputs, style)?;
    print!("{}", site.report());
    budget::check(&site)?;
    site.write(out)?;
    std::fs::write(&stamp, inputs.digest())
        .with_context(|| format!("{} could not be written", stamp.display()))
}

/// Everything in memory: files with their final names, and the manifest.
fn make(inputs: &Inputs, style: &Path) -> Result<Site> {
    let mut site = Site::default();
    for (name, content) in inputs.assets() {
        site.add("assets", name, content.to_vec())?;
    }
    let css = styles::bundle(style, &|name| site.path_of(name).map(str::to_owned))?;
    site.add("assets", "app.css", css.into_bytes())?;

    let (js, wasm) = glue::generate(inputs.wasm())?;
    site.add("pkg", "farebox.js", js.into_bytes())?;
    site.add_as("pkg", "farebox.wasm", "farebox_bg.wasm", wasm)?;
    Ok(site)
}
