//! What the `farebox` binary and its integration tests share: settings, handles, router, accept loop.

pub mod assets;
pub mod cli;
pub mod config;
pub mod database;
pub mod listen;
pub mod metrics;
pub mod policies;
pub mod refresh;
pub mod router;
pub mod routes;
mod sandbox_note;
mod sandbox_process;
pub mod state;
pub mod telemetry;
pub mod welcome;
