//! How does a call end on the books? Its cost by the settlement table, committed with its row, and counted.

use std::sync::Arc;

use domain::{Amount, Bucket, Ending, Problem, Usage};
use server::calls::{Attempt, CallRecord};
use server::ledger::{Hold, SettleError};

use wire::relay::Whole;

use crate::meter::Meter;
use crate::metrics::CallLabels;
use crate::state::ProxyState;

/// What a call was charged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charged {
    pub(crate) usage: Usage,
    pub(crate) cost: Amount,
}

/// Charges a call that the caller got something of, and answers what it was. `answer` is a plain answer.
///
/// # Errors
/// When the charge is not committed: then the call must not be given its ending.
pub(crate) async fn charge(
    state: &ProxyState,
    meter: Meter,
    hold: Hold,
    ending: Ending,
    attempts: Vec<Attempt>,
    answer: Option<Arc<Whole>>,
) -> Result<Charged, Problem> {
    let call = meter.call;
    let record = meter
        .settle(ending, 200, attempts, answer)
        .await
        .inspect_err(|_| {
            tracing::error!(call.id = %call, "A call's cost could not be computed");
        })?;
    commit(state, hold, record).await.map_err(|error| {
        state.metrics.commit_failures.inc();
        tracing::error!(call.id = %call, error = %error, "A charge was not committed: its ending is withheld");
        Problem::SettlementFailed
    })
}

/// Writes the row of a call that cost nothing, without keeping the caller waiting.
pub(crate) fn quietly(
    state: &ProxyState,
    meter: Meter,
    hold: Hold,
    ending: Ending,
    problem: &Problem,
    attempts: Vec<Attempt>,
) {
    let status = problem.status();
    let task = state.clone();
    state.tasks.spawn(async move {
        let call = meter.call;
        let Ok(record) = meter.settle(ending, status, attempts, None).await else { return };
        if let Err(error) = commit(&task, hold, record).await {
            tracing::warn!(call.id = %call, error = %error, "The row of a failed call was not written; it cost nothing");
        }
    });
}

/// Writes the row of a call whose caller left before there was an answer.
pub(crate) fn caller_left(state: &ProxyState, meter: Meter, hold: Hold, attempts: Vec<Attempt>) {
    quietly(
        state,
        meter,
        hold,
        Ending::CallerGone,
        &Problem::CallerLeft,
        attempts,
    );
}

async fn commit(
    state: &ProxyState,
    hold: Hold,
    record: CallRecord,
) -> Result<Charged, SettleError> {
    let noted = record.clone();
    let charge = hold.settle(record).await?;
    note(state, &noted);
    Ok(Charged {
        usage: noted.usage,
        // Less than the cost where wallet or key could not cover it: callers are told what they paid.
        cost: charge,
    })
}

/// Counts a committed call for the operator, and says it in the log.
fn note(state: &ProxyState, record: &CallRecord) {
    let labels = CallLabels {
        ending: record.ending.id(),
        rule: record.rule.id(),
    };
    state.metrics.calls.get_or_create(&labels).inc();
    state
        .rates
        .used(record.key, record.id, record.usage.total());
    for bucket in Bucket::ALL {
        state.metrics.count(bucket, record.usage.count(bucket));
    }
    tracing::info!(
        call.id = %record.id,
        key.id = %record.key,
        model = %record.model,
        ending = record.ending.id(),
        rule = record.rule.id(),
        duration_ms = record.duration_ms,
        "Settled a call"
    );
}
