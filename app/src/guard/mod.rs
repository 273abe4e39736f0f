//! What is turned away before any handler sees it? Foreign forms, foreign hosts, oversized bodies; and which headers
//! does every answer carry?

mod csrf;
mod headers;
mod host;
mod next;

pub use csrf::same_site_only;
pub use headers::{CSP_ISLANDS, answer_headers, keep_to_itself};
pub use host::known_host_only;
pub use next::{safe_next, with_next};
