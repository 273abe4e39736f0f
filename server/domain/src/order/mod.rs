//! What is a top-up that is being paid? Its states and who may say them, the short reference that people type, and
//! what pages show of it.

mod reference;
mod status;
mod view;

pub use reference::{Reference, ReferenceError};
pub use status::{OrderStatus, PaymentStatus};
pub use view::{
    Attention, Limits, ManualDetails, Method, Next, OrderView, ProviderError, ProviderId, Settled,
};
