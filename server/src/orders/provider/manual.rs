//! How does somebody pay without a provider? By a bank transfer with a reference; an administrator says when it arrived.

use domain::order::{ManualDetails, Next};
use domain::views::UnixMs;

use super::{
    Back, Caps, Doing, Fault, Hint, Listed, Observed, Opened, Provider, RawWebhook, Reject, Wanted,
    Wanting,
};
use crate::orders::config::ManualConfig;

pub(super) struct Manual {
    config: ManualConfig,
}

impl Manual {
    pub(super) const fn new(config: ManualConfig) -> Self {
        Self { config }
    }
}

/// Nobody can be asked.
fn by_hand<T: Send + 'static>() -> Doing<'static, T> {
    Box::pin(std::future::ready(Err(Fault::ByHand)))
}

impl Provider for Manual {
    fn caps(&self) -> Caps {
        Caps {
            currencies: self.config.accounts.keys().copied().collect(),
            online: false,
            live: true,
        }
    }

    fn create(&self, wanted: Wanted) -> Doing<'_, Opened> {
        let lines = self.config.accounts.get(&wanted.paid.currency());
        let opened = lines.map(|lines| Opened {
            object: None,
            next: Next::Instructions(ManualDetails {
                holder: self.config.holder.clone(),
                lines: lines.clone(),
                reference: wanted.reference,
                amount: wanted.paid,
            }),
        });
        Box::pin(std::future::ready(opened.ok_or(Fault::ByHand)))
    }

    fn parse_webhook(&self, _: &RawWebhook<'_>, _: UnixMs) -> Result<Option<Hint>, Reject> {
        Err(Reject::Malformed)
    }

    fn fetch(&self, _: String) -> Doing<'_, Observed> {
        by_hand()
    }

    fn refund(&self, _: Wanting) -> Doing<'_, Back> {
        by_hand()
    }

    fn list_day(&self, _: UnixMs) -> Doing<'_, Listed> {
        by_hand()
    }
}
