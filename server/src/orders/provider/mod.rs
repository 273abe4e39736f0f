//! Who takes the money? One trait: a page to pay on, a signed hint, the truth when we ask, and the way back.
//!
//! What a webhook says is never believed beyond "look at this payment": amounts and states come from [`Provider::fetch`],
//! over our own authenticated question.

mod manual;
mod registry;
mod sandbox;
mod signature;

use std::future::Future;
use std::pin::Pin;

use domain::Currency;
use domain::fx::Coins;
use domain::ids::{OrderId, RefundId};
use domain::order::{Next, PaymentStatus, ProviderId, Reference};
use domain::views::UnixMs;
use thiserror::Error;

use crate::secrets::Secret;

pub(super) use registry::Registry;

/// What a provider is doing for us.
pub(super) type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Somebody who takes money.
pub(super) trait Provider: Send + Sync {
    fn caps(&self) -> Caps;

    /// Makes the payment; repeated for the same order, it is the same one.
    fn create(&self, wanted: Wanted) -> Doing<'_, Opened>;

    /// Reads what somebody sent to our hook, without any question to anybody: raw bytes and headers to a hint. `None` is
    /// genuine, but nothing that we follow.
    ///
    /// # Errors
    /// [`Reject`] for what this provider did not send just now.
    fn parse_webhook(&self, raw: &RawWebhook<'_>, now: UnixMs) -> Result<Option<Hint>, Reject>;

    /// How a payment is.
    fn fetch(&self, object: String) -> Doing<'_, Observed>;

    /// Sends money back; repeated for the same refund, it goes once.
    fn refund(&self, refund: Wanting) -> Doing<'_, Back>;

    /// The payments that were made on a day of UTC: its first moment.
    fn list_day(&self, day: UnixMs) -> Doing<'_, Listed>;
}

/// What a provider can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caps {
    pub(super) currencies: Vec<Currency>,
    /// Can be asked over the network, and tells us by webhooks; otherwise an administrator says what happened.
    pub(super) online: bool,
    /// Whether its money is real.
    pub(super) live: bool,
}

/// An order as a provider hears of it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) order: OrderId,
    pub(super) reference: Reference,
    pub(super) paid: Coins,
    /// Where the customer comes back to.
    pub(super) return_url: String,
    pub(super) webhook_url: String,
}

/// A payment that was made.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    /// What the provider calls it; `None` where nobody but us knows of it.
    pub(super) object: Option<String>,
    pub(super) next: Next,
}

/// A request to our hook, before anything of it is believed.
pub(super) struct RawWebhook<'a> {
    pub(super) body: &'a [u8],
    pub(super) header: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
}

/// What a genuine webhook is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) event: String,
    pub(super) kind: String,
    pub(super) object: String,
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Reject {
    #[error("the signature is missing or wrong")]
    Signature,
    #[error("it was signed too long ago, or in the future")]
    Time,
    #[error("it is not what this provider sends")]
    Malformed,
}

/// A payment as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observed {
    pub(super) object: String,
    /// Our own name for it, as the provider kept it: an order's id.
    pub(super) reference: String,
    pub(super) status: PaymentStatus,
    /// What was asked for; `None` when it is no amount of a currency that we know.
    pub(super) amount: Option<Coins>,
    /// What arrived.
    pub(super) paid: Option<Coins>,
    /// What went back since.
    pub(super) refunded: Option<Coins>,
    /// When it arrived, if the provider says so.
    pub(super) paid_at: Option<UnixMs>,
    pub(super) live: bool,
}

/// The payments of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) payments: Vec<Observed>,
    /// Payments made before this are forgotten, if it says so: the sandbox ends with the server.
    pub(super) since: Option<UnixMs>,
}

/// Money to send back.
#[derive(Debug, Clone)]
pub(super) struct Wanting {
    pub(super) object: String,
    pub(super) refund: RefundId,
    pub(super) coins: Coins,
}

/// What became of money that is to go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    Sent,
    /// On its way; ask again.
    Waiting,
    /// It will not go.
    Refused,
}

/// Why a provider's answer is of no use. No message has an address or a secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Fault {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {0}")]
    Status(u16),
    #[error("it does not know this payment")]
    Unknown,
    #[error("its answer cannot be read: {0}")]
    Unreadable(&'static str),
    #[error("nobody can be asked: an administrator says what happened")]
    ByHand,
}

/// Secrets shorter than this are guessed.
const SECRET_MIN: usize = 16;

/// Is it a secret that protects anything? A provider without one does not exist.
fn usable(secret: &Secret) -> bool {
    let text = secret.expose();
    let lowered = text.to_lowercase();
    text.trim() == text
        && text.len() >= SECRET_MIN
        && !["example", "changeme", "your-secret"]
            .iter()
            .any(|word| lowered.contains(word))
}

/// Where customers come back to from every provider: the address that asks how it went, then leads to the order's page.
pub(super) fn return_url(public_url: &str, order: OrderId) -> String {
    format!("{public_url}/wallet/orders/{order}/return")
}

pub(super) fn webhook_url(public_url: &str, provider: ProviderId) -> String {
    format!("{public_url}/hooks/{provider}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_protects_nothing_is_none() {
        for (text, good) in [
            ("", false),
            ("                    ", false),
            ("short", false),
            ("an-EXAMPLE-of-a-secret", false),
            ("changeme-changeme-changeme", false),
            (" 0123456789abcdef0123", false),
            ("0123456789abcdef0123", true),
        ] {
            assert_eq!(usable(&Secret::new(text.to_owned())), good, "{text:?}");
        }
    }
}
