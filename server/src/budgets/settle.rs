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

/// Moves the charges of one flush, and answers for each whether it stands.
///
/// A grant that is gone was taken back from a node that was silent for more than eleven minutes: others may have spent
/// its room since. A call that it carried is charged if its limits still have room for it. If not, it was served at the
/// operator's loss: a key never spends more than its limit.
pub(crate) async fn book<C: ConnectionTrait>(
    conn: &C,
    charges: &[&KeyCharge],
) -> Result<Vec<bool>, DbErr> {
    let mut sums: BTreeMap<GrantId, Amount> = BTreeMap::new();
    for (place, amount) in charges.iter().filter_map(limited) {
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
    let mut gone = BTreeSet::new();
    for (grant, sum) in sums {
        let sql = "UPDATE key_grant SET spent = spent + $2 WHERE id = $1 AND granted - spent >= $2";
        let values = [grant.to_string().into(), sum.nanos().into()];
        if exec(conn, sql, values).await?.rows_affected() == 0 {
            gone.insert(grant);
        }
    }
    if gone.is_empty() {
        return Ok(vec![true; charges.len()]);
    }
    let mut late = Late {
        gone,
        taken: BTreeMap::new(),
    };
    let mut stands = Vec::with_capacity(charges.len());
    for charge in charges {
        let stand = match limited(charge) {
            Some((place, amount)) => late.stands(conn, place, amount).await?,
            None => true,
        };
        stands.push(stand);
    }
    Ok(stands)
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
    let places = charges.iter().filter_map(limited).map(|(place, _)| place);
    Ok(places
        .filter(|place| place.grants.iter().any(gone))
        .map(|place| place.purse.key)
        .collect())
}

/// Where and how much, if it takes something from a limit.
fn limited<'a>(charge: &&'a KeyCharge) -> Option<(&'a Place, Amount)> {
    let place = charge.place.as_ref()?;
    (!charge.amount.is_zero()).then_some((place, charge.amount))
}

/// Charges of grants that are gone.
struct Late {
    gone: BTreeSet<GrantId>,
    /// What earlier ones of the same flush take: their calls are not written yet.
    taken: BTreeMap<(KeyId, Span), Amount>,
}

impl Late {
    async fn stands<C: ConnectionTrait>(
        &mut self,
        conn: &C,
        place: &Place,
        amount: Amount,
    ) -> Result<bool, DbErr> {
        let key = place.purse.key;
        let parts = || place.grants.iter().zip(&place.spans);
        let lost: Vec<Span> = parts()
            .filter(|(grant, _)| self.gone.contains(grant))
            .map(|(_, span)| *span)
            .collect();
        if lost.is_empty() {
            return Ok(true);
        }
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
        for (grant, _) in parts().filter(|(grant, _)| !self.gone.contains(grant)) {
            let sql = "UPDATE key_grant SET spent = spent - $2 WHERE id = $1";
            let values = [grant.to_string().into(), amount.nanos().into()];
            exec(conn, sql, values).await?;
        }
        Ok(false)
    }
}

fn overflow(error: domain::MoneyError) -> DbErr {
    DbErr::Custom(error.to_string())
}
