//! Is all well when everything is over? What callers were told is compared with what the database has.

use super::call::{Told, call_id};
use super::plan::{End, Plan, Temper};
use super::rows::{Call, State};
use super::run::Memo;
use super::world::World;

/// Leases that somebody should have given back or taken back by now.
pub(super) fn active(world: &World) -> Vec<String> {
    let leases = world.leases.iter().enumerate();
    leases
        .filter(|(_, lease)| lease.state == State::Active)
        .map(|(at, lease)| {
            format!(
                "lease {at} of {} is still out: {} of {} spent, {} held",
                lease.node, lease.spent, lease.granted, lease.held
            )
        })
        .collect()
}

/// Everything that must not be.
pub(super) fn judge(plan: &Plan, world: &World, memo: &Memo) -> Vec<String> {
    let mut broken = Vec::new();
    for number in 0..plan.calls.len() {
        if let Some(wrong) = wrong(plan, world, memo, number) {
            let told = memo.told.get(&number);
            let row = world.calls.get(&call_id(number));
            let call = plan.calls[number];
            broken.push(format!(
                "call {number} {wrong}: {call:?}, told {told:?}, has {row:?}"
            ));
        }
    }
    if world.calls.len() > plan.calls.len() {
        broken.push("there are calls that nobody made".into());
    }
    for (at, book) in world.books.iter().enumerate() {
        if book.reserved != 0 {
            broken.push(format!("wallet {at} still reserves {}", book.reserved));
        }
        let calls = world.calls.values().filter(|call| call.book == Some(at));
        let charged: i64 = calls.map(|call| call.charge).sum();
        let given = memo.given.get(&at).copied().unwrap_or(0);
        if book.posted != given - charged {
            broken.push(format!(
                "wallet {at} has {}: it was given {given} and charged {charged}",
                book.posted
            ));
        }
    }
    let events = world.events;
    if !plan.temper.may_lose() && events.late + events.partly + events.lost > 0 {
        broken.push(format!(
            "credit was missing though all nodes and clocks went on: {events:?}"
        ));
    }
    broken
}

fn wrong(plan: &Plan, world: &World, memo: &Memo, number: usize) -> Option<&'static str> {
    let call = plan.calls[number];
    let row = world.calls.get(&call_id(number));
    let (by, told) = memo
        .told
        .get(&number)
        .copied()
        .unwrap_or((usize::MAX, Told::Nothing));
    let died = memo.dead.contains(&by);
    if row.is_some_and(|row| row.charge + row.unbilled + row.reversed != call.cost) {
        return Some("does not add up to its cost");
    }
    let stands = |row: &Call| row.reversed == 0;
    let fine = match (told, row) {
        (Told::Nothing, row) => row.is_none(),
        // What a lease that was taken back cannot pay any more is the operator's loss.
        (Told::Charged(charge), Some(row)) => {
            stands(row) && (row.charge == charge || (row.charge == 0 && plan.temper.may_lose()))
        }
        (Told::Charged(_), None) => false,
        // Its node may die before it could give the charge back.
        (Told::NotCommitted, Some(row)) => row.charge == 0 || died,
        // What was served and cost something is written, as a loss, by whoever lives.
        (Told::NotCommitted, None) => plan.temper.may_fail() && (died || call.cost == 0),
        (Told::Running, None) => died,
        (Told::Left { begun }, None) => died || !begun,
        (Told::Running, Some(row)) => died && stands(row),
        (Told::Left { .. }, Some(row)) => stands(row),
    };
    if !fine {
        return Some("did not get what its caller was told");
    }
    let must_pay = plan.temper == Temper::Rich && call.end == End::Settles;
    if must_pay && told != Told::Nothing && told != Told::Charged(call.cost) {
        return Some("was not charged in full although there was money");
    }
    None
}
