//! The few endpoints that are neither pages nor the metered API.

pub mod failure;
pub mod health;
pub mod hooks;
pub mod metrics;
