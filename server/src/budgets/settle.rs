//! What does a flush do to the limits of its calls' keys? It moves their charges into what the grants have spent, in the
//! transaction that writes the calls.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::Amount;
use domain::ids::{GrantId, KeyId};
use domain::period::Span;
use sea_orm::{ConnectionTrait, DbErr, Value};

use crate::db::{all, among, exec};

use super::grants::lock_key;
use super::hold::{KeyCharge, Place};
use super::spend::{self, Flushes};

/// Counts the charges of one flush in the grants that carry them; which of them stand is asked one by one.
pub(crate) async fn book<C: ConnectionTrait>(
    conn: &C,
    charges: &[&KeyCharge],
) -> Result<Counted, DbErr> {
    let mut sums: BTreeMap<GrantId, Amount> = BTreeMap::new();
    for (place, amount) in charges.iter().copied().filter_map(limited) {
        for grant in &place.grants {
            let sum = sums.entry(*grant).or_default();
            *sum = sum.plus(amount).map_err(overflow)?;
        }
    }
    // Whoever asks for a grant locks the key before its grants. Here it is locked only if one of them may be gone.
    for key in in_doubt(conn, charges, &sums).await? {
        lock_key(conn, key).await?;
    }
    // In the order of their ids, as everywhere: two transactions never wait for each other's rows.
    let mut counted = Counted::default();
    for (grant, sum) in sums {
        let sql = "UPDATE key_grant SET spent = spent + $2 WHERE id = $1 AND granted - spent >= $2";
        let values = [grant.to_string().into(), sum.nanos().into()];
        if exec(conn, sql, values).await?.rows_affected() == 0 {
            counted.gone.insert(grant);
        }
    }
    Ok(counted)
}

/// The keys whose grants seem to be gone, in the order of their ids.
async fn in_doubt<C: ConnectionTrait>(
    conn: &C,
    charges: &[&KeyCharge],
    sums: &BTreeMap<GrantId, Amount>,
) -> Result<BTreeSet<KeyId>, DbErr> {
    if sums.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids = sums.keys().map(|grant| Value::from(grant.to_string()));
    let (those, values) = among(conn, "id", ids)?;
    let sql = format!("SELECT id, granted - spent AS rest FROM key_grant WHERE {those}");
    let mut there = HashMap::new();
    for row in all(conn, &sql, values).await? {
        let rest = Amount::from_nanos(row.try_get("", "rest")?);
        there.insert(row.try_get::<String>("", "id")?, rest);
    }
    let gone = |grant: &GrantId| {
        there
            .get(&grant.to_string())
            .is_none_or(|rest| sums.get(grant).is_some_and(|sum| rest < sum))
    };
    let charges = charges.iter().copied();
    let places = charges.filter_map(limited).map(|(place, _)| place);
    Ok(places
        .filter(|place| place.grants.iter().any(gone))
        .map(|place| place.purse.key)
        .collect())
}

/// Where and how much, if it takes something from a limit.
fn limited(charge: &KeyCharge) -> Option<(&Place, Amount)> {
    let place = charge.place.as_ref()?;
    (!charge.amount.is_zero()).then_some((place, charge.amount))
}

/// The charges of one flush, as the grants have them.
#[derive(Default)]
pub(crate) struct Counted {
    /// Taken back from a node that was silent for more than eleven minutes: others may have spent their room since.
    gone: BTreeSet<GrantId>,
    /// What charges of such grants took that stand: their calls are not written yet.
    taken: BTreeMap<(KeyId, Span), Amount>,
}

impl Counted {
    /// Whether a charge stands. One whose grant is gone does if its limits still have room for it, beside those that were
    /// asked about before. If not, the call was served at the operator's loss: a key never spends more than its limit.
    pub(crate) async fn stands<C: ConnectionTrait>(
        &mut self,
        conn: &C,
        charge: &KeyCharge,
    ) -> Result<bool, DbErr> {
        let Some((place, amount)) = limited(charge) else {
            return Ok(true);
        };
        let parts = place.grants.iter().zip(&place.spans);
        let lost: Vec<Span> = parts
            .filter(|(grant, _)| self.gone.contains(grant))
            .map(|(_, span)| *span)
            .collect();
        if lost.is_empty() {
            return Ok(true);
        }
        let key = place.purse.key;
        let limits = lock_key(conn, key).await?;
        // The flush has locked the wallet before anything else.
        let standings = spend::standings(conn, key, &limits, &lost, Flushes::Excluded)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound(format!("what {key} has spent")))?;
        let fits = standings.iter().all(|standing| {
            let taken = self.taken.get(&(key, standing.span));
            let room = standing
                .room()
                .minus_or_zero(taken.copied().unwrap_or_default());
            room >= amount
        });
        if fits {
            tracing::warn!(key.id = %key, "A call whose grant was taken back meanwhile still fits into its key's limits");
            for span in lost {
                let taken = self.taken.entry((key, span)).or_default();
                *taken = taken.plus(amount).map_err(overflow)?;
            }
            return Ok(true);
        }
        tracing::error!(key.id = %key, "A call whose grant was taken back meanwhile is above its key's limit: operator's loss");
        self.take_out(conn, charge).await?;
        Ok(false)
    }

    /// It is not charged after all: the grants count it no more.
    pub(crate) async fn take_out<C: ConnectionTrait>(
        &self,
        conn: &C,
        charge: &KeyCharge,
    ) -> Result<(), DbErr> {
        let Some((place, amount)) = limited(charge) else {
            return Ok(());
        };
        let there = place.grants.iter().filter(|id| !self.gone.contains(id));
        for grant in there {
            let sql = "UPDATE key_grant SET spent = spent - $2 WHERE id = $1";
            let values = [grant.to_string().into(), amount.nanos().into()];
            exec(conn, sql, values).await?;
        }
        Ok(())
    }
}

fn overflow(error: domain::MoneyError) -> DbErr {
    DbErr::Custom(error.to_string())
}
