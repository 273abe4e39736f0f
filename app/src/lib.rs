//! What does a person see, and what can they do? Pages, the islands in them, and the server functions behind forms.
//!
//! A page is an axum handler: it learns who reads ([`reader`]), asks the business once, and renders finished HTML
//! ([`shell`]). A form posts to a server function ([`api`]), which answers with a redirect to the page that shows the
//! result. Only what a hand touches is an island ([`islands`]) and runs in the browser.
//!
//! With feature `ssr` this is the server's side; with `hydrate` only the islands and the signatures of the server
//! functions are left, for wasm.

// First: its macros are for all that follow.
#[cfg(feature = "ssr")]
#[macro_use]
mod text;

pub mod api;
pub mod islands;

#[cfg(feature = "ssr")]
mod flash;
#[cfg(feature = "ssr")]
mod guard;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod reader;
#[cfg(feature = "ssr")]
mod router;
#[cfg(feature = "ssr")]
mod services;
#[cfg(feature = "ssr")]
mod session;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(all(test, feature = "ssr"))]
mod tests;

#[cfg(feature = "ssr")]
pub use pages::docs::openapi_document;
#[cfg(feature = "ssr")]
pub use pages::is_public;
#[cfg(feature = "ssr")]
pub use reader::cookies;
#[cfg(feature = "ssr")]
pub use router::{paths, router};
#[cfg(feature = "ssr")]
pub use services::{Assets, ClientIp, Limits, Services, SiteConfig};
