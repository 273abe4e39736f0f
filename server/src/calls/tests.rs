//! Facts about reports.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::Amount;
use domain::ids::WorkspaceId;
use texts::format::Zone;

use super::Calls;
use crate::clock::Clock;
use crate::db::{Db, exec};
use crate::ids::NewId;

const DAY: i64 = 86_400_000;
/// Noon of some day, UTC.
const NOW: i64 = 20_000 * DAY + DAY / 2;

async fn add(db: &Db, workspace: WorkspaceId, id: &str, model: &str, at: i64, nanos: i64) {
    let sql = "INSERT INTO call (id, workspace_id, key_id, model, price_id, ending, rule, http_status, streamed, input, cached_input,
        output, reasoning, charge_nusd, duration_ms, created_at)
        VALUES ($1, $2, 'k', $3, 'p', 'finished', 'reported', 200, 0, 3, 2, 1, 0, $4, 5, $5)";
    exec(
        db.write(),
        sql,
        [
            id.into(),
            workspace.to_string().into(),
            model.into(),
            nanos.into(),
            at.into(),
        ],
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn spend_is_counted_per_day_and_model_and_only_of_the_own_workspace() {
    let db = crate::testing::db().await;
    let (mine, other) = (WorkspaceId::new(), WorkspaceId::new());
    let midnight = NOW - DAY / 2;
    add(&db, mine, "a", "big", NOW, 500).await;
    add(&db, mine, "b", "small", midnight, 20).await;
    add(&db, mine, "c", "small", midnight - 1, 7).await;
    add(&db, mine, "d", "big", midnight - 6 * DAY, 3).await;
    add(&db, mine, "e", "big", midnight - 7 * DAY, 1_000).await;
    add(&db, mine, "f", "big", midnight - 30 * DAY, 9_999).await;
    add(&db, other, "g", "big", NOW, 77).await;
    let spend = Calls::new(db.db.clone(), Clock::fixed(NOW))
        .spend(mine, Zone::UTC)
        .await
        .unwrap();
    let nanos = |amount: Amount| amount.nanos();
    assert_eq!(
        (
            nanos(spend.today),
            nanos(spend.last_7_days),
            nanos(spend.last_30_days)
        ),
        (520, 530, 1_530)
    );
    assert_eq!((spend.calls_today, spend.tokens_today), (2, 12));
    assert_eq!(spend.days.len(), 30);
    assert_eq!(
        (spend.days[28].amount.nanos(), spend.days[28].calls),
        (7, 1)
    );
    assert_eq!(
        spend
            .models
            .iter()
            .map(|model| model.model.as_str())
            .collect::<Vec<_>>(),
        ["big", "small"]
    );
    assert_eq!(spend.models[0].by_day[29].nanos(), 500);
}

#[tokio::test]
async fn the_newest_call_comes_first() {
    let db = crate::testing::db().await;
    let mine = WorkspaceId::new();
    add(&db, mine, "old", "m", NOW - 5, 1).await;
    add(&db, mine, "new", "m", NOW, 2).await;
    exec(
        db.write(),
        "INSERT INTO attempt VALUES ('new', 0, 'up_x', 'answered', 200, 4)",
        [],
    )
    .await
    .unwrap();
    let calls = Calls::new(db.db.clone(), Clock::fixed(NOW));
    let rows = calls.list(mine, 10).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["new", "old"]
    );
    assert_eq!(rows[0].attempts[0].upstream, "up_x");
    assert_eq!(calls.list(mine, 1).await.unwrap().len(), 1);
}
