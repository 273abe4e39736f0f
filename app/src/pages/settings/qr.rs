//! How does a secret get from the screen into a phone? A QR code as one path of SVG: no image to fetch, no inline style.

use std::fmt::Write;

use leptos::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};

/// The quiet zone around the code that scanners want, in modules.
const MARGIN: i32 = 4;

/// The code for a text; nothing for a text that is too long for one (2,331 bytes), which no secret is.
pub fn qr(text: &str, label: String) -> Option<AnyView> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * MARGIN;
    let picture = view! {
        <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label=label shape-rendering="crispEdges">
            <rect class="paper" width=side.to_string() height=side.to_string()></rect>
            <path class="ink" d=path(&code)></path>
        </svg>
    };
    Some(picture.into_any())
}

/// One bar per run of dark modules in a row.
fn path(code: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let from = x;
            while x < code.size() && code.get_module(x, y) {
                x += 1;
            }
            if x > from {
                let length = x - from;
                write!(
                    path,
                    "M{} {}h{length}v1h-{length}z",
                    from + MARGIN,
                    y + MARGIN
                )
                .expect("writing to a string cannot fail");
            }
            x += 1;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// The modules that a path covers, drawn again.
    fn drawn(path: &str, side: usize) -> Vec<Vec<bool>> {
        let mut grid = vec![vec![false; side]; side];
        for bar in path.split('M').skip(1) {
            let (at, rest) = bar.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let length: usize = rest.split('v').next().unwrap().parse().unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            grid[y][x..x + length].fill(true);
        }
        grid
    }

    #[test]
    fn the_path_is_the_code_within_its_margin() {
        let code = QrCode::encode_text(
            "otpauth://totp/Farebox:ada%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Farebox",
            QrCodeEcc::Medium,
        )
        .unwrap();
        let side = usize::try_from(code.size() + 2 * MARGIN).unwrap();
        let grid = drawn(&path(&code), side);
        for (y, row) in grid.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let (x, y) = (
                    i32::try_from(x).unwrap() - MARGIN,
                    i32::try_from(y).unwrap() - MARGIN,
                );
                // Beyond its border a code is light.
                assert_eq!(*dark, code.get_module(x, y), "{x} {y}");
            }
        }
    }
}
