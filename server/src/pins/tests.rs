//! Facts about where stored responses are kept: who finds them, and for how long.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::ids::{UpstreamId, WorkspaceId};

use super::{KEPT_MS, NewPin, Pin, Pins, is_id};
use crate::clock::Clock;
use crate::db::exec;
use crate::ids::NewId;
use crate::testing::TestDb;

async fn workspace(db: &TestDb) -> WorkspaceId {
    let workspace = WorkspaceId::new();
    let sql = "INSERT INTO workspace (id, created_at) VALUES ($1, 0)";
    exec(db.write(), sql, [workspace.to_string().into()])
        .await
        .unwrap();
    workspace
}

async fn a_pin_is_its_owners(db: TestDb) {
    let clock = Clock::fixed(1_000);
    let pins = Pins::new(db.db.clone(), clock.clone());
    let (mine, other) = (workspace(&db).await, workspace(&db).await);
    let new = |workspace, upstream| NewPin {
        id: "resp_1".to_owned(),
        workspace,
        test: false,
        upstream,
        model: "gpt".to_owned(),
        tokens: 7,
    };
    let (first, second) = (UpstreamId::new(), UpstreamId::new());
    pins.keep(new(mine, first)).await.unwrap();
    let at = |upstream| {
        Some(Pin {
            upstream,
            model: "gpt".to_owned(),
            tokens: 7,
        })
    };
    assert_eq!(pins.find(mine, false, "resp_1").await.unwrap(), at(first));
    for (workspace, test, id) in [
        (other, false, "resp_1"),
        (mine, true, "resp_1"),
        (mine, false, "resp_2"),
        (mine, false, ""),
    ] {
        assert_eq!(pins.find(workspace, test, id).await.unwrap(), None);
    }

    // Another provider's response of the same name, of another workspace.
    pins.keep(new(other, second)).await.unwrap();
    assert_eq!(pins.find(mine, false, "resp_1").await.unwrap(), at(first));
    pins.forget(other, "resp_1").await.unwrap();
    assert_eq!(pins.find(other, false, "resp_1").await.unwrap(), None);
    // The newer one counts, and lives from then on.
    clock.advance(KEPT_MS - 1);
    pins.keep(new(mine, second)).await.unwrap();
    clock.advance(1);
    assert_eq!(pins.find(mine, false, "resp_1").await.unwrap(), at(second));
    assert_eq!(pins.sweep().await.unwrap(), 0);
    clock.advance(KEPT_MS - 1);
    assert_eq!(pins.find(mine, false, "resp_1").await.unwrap(), None);
    assert_eq!(pins.sweep().await.unwrap(), 1);
    assert_eq!(pins.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_pin_is_its_owners_on_sqlite() {
    a_pin_is_its_owners(crate::testing::db().await).await;
}

#[tokio::test]
async fn a_pin_is_its_owners_on_postgres() {
    match crate::testing::postgres().await {
        Some(db) => a_pin_is_its_owners(db).await,
        None => eprintln!("skipped: TEST_POSTGRES_URL is not set"),
    }
}

#[test]
fn what_could_leave_its_place_in_an_address_is_no_id() {
    for good in ["resp_0193f", "a", "A-b_9"] {
        assert!(is_id(good), "{good}");
    }
    for bad in ["", "..", "a/b", "a?b", "a#b", "a b", "é", &"a".repeat(201)] {
        assert!(!is_id(bad), "{bad}");
    }
}
