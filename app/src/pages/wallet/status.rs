//! How is an order called in the state it is in, and the one who takes the money?

use domain::order::{OrderStatus, ProviderId};
use leptos::prelude::*;

use crate::reader::Ui;

pub fn status_words(ui: &Ui, status: OrderStatus) -> String {
    match status {
        OrderStatus::Created => t!(ui, "wallet.status.created"),
        OrderStatus::Pending => t!(ui, "wallet.status.pending"),
        OrderStatus::Processing => t!(ui, "wallet.status.processing"),
        OrderStatus::Credited => t!(ui, "wallet.status.credited"),
        OrderStatus::PartiallyRefunded => t!(ui, "wallet.status.partially_refunded"),
        OrderStatus::Refunded => t!(ui, "wallet.status.refunded"),
        OrderStatus::Disputed => t!(ui, "wallet.status.disputed"),
        OrderStatus::DisputeWon => t!(ui, "wallet.status.dispute_won"),
        OrderStatus::DisputeLost => t!(ui, "wallet.status.dispute_lost"),
        OrderStatus::Canceled => t!(ui, "wallet.status.canceled"),
        OrderStatus::Expired => t!(ui, "wallet.status.expired"),
        OrderStatus::Failed => t!(ui, "wallet.status.failed"),
    }
}

/// The state in a pill: green is in the wallet, amber wants something, red went wrong, grey is over.
pub fn pill(ui: &Ui, status: OrderStatus) -> AnyView {
    let class = match status {
        OrderStatus::Credited | OrderStatus::DisputeWon => "pill",
        OrderStatus::Created | OrderStatus::Pending => "pill warn",
        OrderStatus::Processing => "pill test",
        OrderStatus::Failed | OrderStatus::Disputed | OrderStatus::DisputeLost => "pill danger",
        OrderStatus::PartiallyRefunded
        | OrderStatus::Refunded
        | OrderStatus::Canceled
        | OrderStatus::Expired => "pill off",
    };
    view! { <span class=class>{status_words(ui, status)}</span> }.into_any()
}

pub fn provider_words(ui: &Ui, provider: ProviderId) -> String {
    match provider {
        ProviderId::Sandbox => t!(ui, "wallet.provider.sandbox"),
        ProviderId::Manual => t!(ui, "wallet.provider.manual"),
    }
}
