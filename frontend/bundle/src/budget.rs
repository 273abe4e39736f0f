//! How heavy may a first visit be? Said here, and kept by failing the build.

use anyhow::{Result, ensure};

use crate::site::Site;

/// Bytes on the wire (brotli) of the one style sheet.
const CSS: usize = 12 * 1024;
/// Bytes on the wire (brotli) of the JavaScript and wasm that a page with islands loads.
const ISLANDS: usize = 100 * 1024;

/// Fails with one sentence that says what is too heavy and by how much.
pub fn check(site: &Site) -> Result<()> {
    within("the style sheet", site.transferred("app.css"), CSS)?;
    within(
        "JavaScript and wasm together",
        site.transferred("farebox.js") + site.transferred("farebox.wasm"),
        ISLANDS,
    )
}

fn within(what: &str, bytes: usize, limit: usize) -> Result<()> {
    ensure!(
        bytes <= limit,
        "{what}: {bytes} bytes compressed, {} more than the budget of {limit} (frontend/bundle/src/budget.rs)",
        bytes - limit
    );
    println!("bundle: {what}: {bytes} of {limit} bytes");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// Bytes that brotli can't make smaller: a linear congruential sequence.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(length)
        .collect()
    }

    #[test]
    fn too_heavy_a_sheet_is_named_with_its_excess() {
        let mut site = Site::default();
        site.add("assets", "app.css", noise(2 * CSS)).unwrap();
        let error = check(&site).unwrap_err().to_string();
        assert!(
            error.starts_with("the style sheet: ")
                && error.contains("more than the budget of 12288"),
            "{error}"
        );
    }

    #[test]
    fn glue_and_module_count_together() {
        let mut site = Site::default();
        site.add("pkg", "farebox.js", noise(ISLANDS / 2 + 100))
            .unwrap();
        check(&site).unwrap();
        site.add("pkg", "farebox.wasm", noise(ISLANDS / 2 + 101))
            .unwrap();
        assert!(check(&site).is_err());
    }
}
