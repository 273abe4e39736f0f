//! In which state is an order, and into which may it go? One table; nothing goes backwards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Written down; the provider has not answered yet.
    Created,
    /// The provider knows it; nothing is paid.
    Pending,
    /// The provider says that money is on its way.
    Processing,
    /// Paid, and the credit is in the wallet.
    Credited,
    /// Part of what was paid went back.
    PartiallyRefunded,
    /// All that was paid went back.
    Refunded,
    /// The payer's bank asks for the money back.
    Disputed,
    DisputeWon,
    DisputeLost,
    /// Given up by the customer.
    Canceled,
    /// Never paid.
    Expired,
    /// The payment did not go through.
    Failed,
}

use OrderStatus::{
    Canceled, Created, Credited, DisputeLost, DisputeWon, Disputed, Expired, Failed,
    PartiallyRefunded, Pending, Processing, Refunded,
};

/// Where each state leads. Money is money: what was given up is credited all the same when it turns out to be paid.
const TABLE: [(OrderStatus, &[OrderStatus]); 12] = [
    (
        Created,
        &[Pending, Processing, Credited, Canceled, Expired, Failed],
    ),
    (Pending, &[Processing, Credited, Canceled, Expired, Failed]),
    (Processing, &[Credited, Canceled, Expired, Failed]),
    (Credited, &[PartiallyRefunded, Refunded, Disputed]),
    (PartiallyRefunded, &[Refunded, Disputed]),
    (Refunded, &[]),
    (Disputed, &[DisputeWon, DisputeLost]),
    (DisputeWon, &[Refunded]),
    (DisputeLost, &[]),
    (Canceled, &[Credited]),
    (Expired, &[Credited]),
    (Failed, &[Credited]),
];

impl OrderStatus {
    pub const ALL: [Self; 12] = [
        Created,
        Pending,
        Processing,
        Credited,
        PartiallyRefunded,
        Refunded,
        Disputed,
        DisputeWon,
        DisputeLost,
        Canceled,
        Expired,
        Failed,
    ];

    /// Its name in the database, in commands and in the keys of texts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Created => "created",
            Pending => "pending",
            Processing => "processing",
            Credited => "credited",
            PartiallyRefunded => "partially_refunded",
            Refunded => "refunded",
            Disputed => "disputed",
            DisputeWon => "dispute_won",
            DisputeLost => "dispute_lost",
            Canceled => "canceled",
            Expired => "expired",
            Failed => "failed",
        }
    }

    /// Where it may go from here.
    #[must_use]
    pub fn leads_to(self) -> &'static [Self] {
        TABLE
            .iter()
            .find(|(from, _)| *from == self)
            .map_or(&[], |(_, to)| to)
    }

    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        self.leads_to().contains(&next)
    }

    /// The states from which it may go to `next`: a change in the database names them all, so that it happens once.
    pub fn sources_of(next: Self) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |from| from.may_become(next))
    }

    /// What the provider's word makes of it; `None` when nothing changes.
    #[must_use]
    pub fn after(self, word: PaymentStatus) -> Option<Self> {
        let next = match word {
            PaymentStatus::Pending => Pending,
            PaymentStatus::Processing => Processing,
            PaymentStatus::Paid => Credited,
            PaymentStatus::Canceled => Canceled,
            PaymentStatus::Expired => Expired,
            PaymentStatus::Failed => Failed,
        };
        self.may_become(next).then_some(next)
    }

    /// Has its credit reached the wallet, whatever happened to it since?
    #[must_use]
    pub const fn was_credited(self) -> bool {
        matches!(
            self,
            Credited | PartiallyRefunded | Refunded | Disputed | DisputeWon | DisputeLost
        )
    }

    /// Is it still to be paid?
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Created | Pending | Processing)
    }

    /// May the customer still begin to pay it, or give it up?
    #[must_use]
    pub const fn is_payable(self) -> bool {
        matches!(self, Created | Pending)
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for OrderStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|status| status.code() == text)
            .ok_or(())
    }
}

/// What a provider says about a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Pending,
    Processing,
    Paid,
    Canceled,
    Expired,
    Failed,
}

impl PaymentStatus {
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Processing,
        Self::Paid,
        Self::Canceled,
        Self::Expired,
        Self::Failed,
    ];
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_state_has_its_row_and_its_name() {
        for (place, status) in OrderStatus::ALL.into_iter().enumerate() {
            assert_eq!(TABLE[place].0, status);
            assert_eq!(status.code().parse::<OrderStatus>().unwrap(), status);
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(json, format!("\"{status}\""));
        }
        assert!("paid".parse::<OrderStatus>().is_err());
    }

    #[test]
    fn credit_comes_from_every_state_without_credit_and_from_no_other() {
        for status in OrderStatus::ALL {
            assert_eq!(
                status.after(PaymentStatus::Paid) == Some(Credited),
                !status.was_credited(),
                "{status}"
            );
        }
        let sources: Vec<_> = OrderStatus::sources_of(Credited).collect();
        assert_eq!(
            sources,
            [Created, Pending, Processing, Canceled, Expired, Failed]
        );
    }

    proptest! {
        /// However a provider stammers, no state is entered twice, and credit once.
        #[test]
        fn nothing_goes_backwards(words in proptest::collection::vec(0..6_usize, 0..40)) {
            let mut status = Created;
            let mut been = vec![status];
            for word in words {
                if let Some(next) = status.after(PaymentStatus::ALL[word]) {
                    prop_assert!(!been.contains(&next), "{next} again after {been:?}");
                    prop_assert!(!status.was_credited());
                    been.push(next);
                    status = next;
                }
            }
            prop_assert!(been.iter().filter(|status| **status == Credited).count() <= 1);
        }

        /// No walk through the whole table comes back, and none loses the credit again.
        #[test]
        fn no_walk_returns(from in 0..12_usize, turns in proptest::collection::vec(0..6_usize, 0..40)) {
            let mut status = OrderStatus::ALL[from];
            let mut been = vec![status];
            for turn in turns {
                let to = status.leads_to();
                let Some(next) = to.get(turn % to.len().max(1)).copied() else { break };
                prop_assert!(!been.contains(&next), "{next} again after {been:?}");
                prop_assert!(!status.was_credited() || next.was_credited());
                been.push(next);
                status = next;
            }
        }
    }
}
