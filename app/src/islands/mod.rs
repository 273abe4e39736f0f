//! What does a hand touch? Copy buttons, the chart's tooltip, the live balance, the palette: the only code that runs in a browser.
//!
//! Islands are slim: no serialised props (each would bring serde into the module), no texts, no formatting. The server
//! sends finished words as children; an island finds them by `data-` attributes. Each sets `data-hydrated="true"` on
//! its root when it is awake, which is what the end-to-end tests wait for.

#[cfg(feature = "hydrate")]
mod browser;
mod chart;
mod copy;
mod live;
mod palette;
mod shortcuts;
mod wait;
mod watch;

pub use chart::Chart;
pub use copy::Copy;
pub use live::Live;
pub use palette::Palette;
pub use shortcuts::Shortcuts;
pub use wait::Wait;
pub use watch::Watch;
