//! Which payments are there? In memory, behind one lock that is never held across an await.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::faults::Faults;
use super::payment::{Action, Payment, Refund, Status};
use super::problem::Problem;
use super::sum::Sum;

#[derive(Default)]
pub struct Store(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    payments: BTreeMap<String, Payment>,
    /// What was created under which idempotency key.
    keys: BTreeMap<String, String>,
    /// What shall go wrong with payments to come.
    faults: Faults,
}

/// What the shop asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub reference: String,
    pub amount: Sum,
    pub currency: String,
    pub return_url: String,
    pub webhook_url: String,
}

/// A new name: 96 random bits after a prefix.
fn name(prefix: &str) -> Result<String, Problem> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(|_| Problem::no_randomness())?;
    Ok(format!("{prefix}_{}", super::hook::hex(&bytes)))
}

/// A new name for an event.
pub fn event_name() -> Result<String, Problem> {
    name("evt")
}

impl Store {
    /// Makes a payment, or finds the one that was made under the same idempotency key. Says whether it is new.
    pub fn create(&self, key: &str, wanted: Wanted, now: u64) -> Result<(Payment, bool), Problem> {
        let id = name("pay")?;
        let mut kept = self.0.lock();
        if let Some(known) = kept.keys.get(key).and_then(|id| kept.payments.get(id)) {
            let same = known.reference == wanted.reference
                && known.amount == wanted.amount
                && known.currency == wanted.currency
                && known.return_url == wanted.return_url
                && known.webhook_url == wanted.webhook_url;
            return if same {
                Ok((known.clone(), false))
            } else {
                Err(Problem::other_request())
            };
        }
        let payment = Payment {
            id: id.clone(),
            reference: wanted.reference,
            amount: wanted.amount,
            currency: wanted.currency,
            return_url: wanted.return_url,
            webhook_url: wanted.webhook_url,
            status: Status::Pending,
            refunds: Vec::new(),
            refunded: wanted.amount.none(),
            created_at: now,
            paid_at: None,
            faults: kept.faults,
        };
        kept.keys.insert(key.to_owned(), id.clone());
        kept.payments.insert(id, payment.clone());
        Ok((payment, true))
    }

    pub fn find(&self, id: &str) -> Result<Payment, Problem> {
        let kept = self.0.lock();
        let found = kept.payments.get(id).cloned();
        found.ok_or_else(Problem::unknown_payment)
    }

    /// Those for which `wanted` holds, oldest first.
    pub fn all(&self, wanted: impl Fn(&Payment) -> bool) -> Vec<Payment> {
        let kept = self.0.lock();
        let mut found: Vec<_> = kept
            .payments
            .values()
            .filter(|p| wanted(p))
            .cloned()
            .collect();
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        found
    }

    /// What the payer does to a pending payment at `now_ms`; nothing happens to any other. Says whether it happened.
    pub fn act(&self, id: &str, action: Action, now_ms: u64) -> Result<(Payment, bool), Problem> {
        self.change(id, |payment| {
            let pending = payment.status == Status::Pending;
            if pending {
                payment.status = action.leads_to();
                payment.paid_at = (payment.status == Status::Paid).then_some(now_ms);
            }
            Ok(pending)
        })
    }

    /// Money that was underway arrives at `now_ms`. Says whether it was.
    pub fn arrive(&self, id: &str, now_ms: u64) -> Result<(Payment, bool), Problem> {
        self.change(id, |payment| {
            let underway = payment.status == Status::Processing;
            if underway {
                payment.status = Status::Paid;
                payment.paid_at = Some(now_ms);
            }
            Ok(underway)
        })
    }

    /// Gives money back, once per reference.
    pub fn refund(&self, id: &str, reference: &str, amount: Sum) -> Result<Refund, Problem> {
        let refund_id = name("ref")?;
        let (payment, at) = self.change(id, |payment| {
            let amount = amount
                .like(payment.amount)
                .filter(|amount| !amount.is_none())
                .ok_or(Problem::invalid(
                    "The amount is none of the payment’s currency.",
                ))?;
            if let Some(at) = payment
                .refunds
                .iter()
                .position(|r| r.reference == reference)
            {
                return if payment.refunds[at].amount == amount {
                    Ok(at)
                } else {
                    Err(Problem::other_request())
                };
            }
            if payment.status != Status::Paid {
                return Err(Problem::not_paid());
            }
            payment.refunded = payment
                .refunded
                .plus_within(amount, payment.amount)
                .ok_or(Problem::too_much())?;
            payment.refunds.push(Refund {
                id: refund_id,
                reference: reference.to_owned(),
                amount,
            });
            Ok(payment.refunds.len() - 1)
        })?;
        Ok(payment.refunds[at].clone())
    }

    /// What shall go wrong with payments to come.
    pub fn faults(&self) -> Faults {
        self.0.lock().faults
    }

    /// Sets what shall go wrong: with one payment, else with those to come.
    pub fn set_faults(&self, payment: Option<&str>, faults: Faults) -> Result<(), Problem> {
        let Some(id) = payment else {
            self.0.lock().faults = faults;
            return Ok(());
        };
        self.change(id, |payment| {
            payment.faults = faults;
            Ok(())
        })?;
        Ok(())
    }

    fn change<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Payment) -> Result<T, Problem>,
    ) -> Result<(Payment, T), Problem> {
        let mut kept = self.0.lock();
        let payment = kept
            .payments
            .get_mut(id)
            .ok_or_else(Problem::unknown_payment)?;
        let said = change(payment)?;
        Ok((payment.clone(), said))
    }
}
