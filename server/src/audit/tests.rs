//! Facts about the log of who did what.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::ids::AccountId;
use serde_json::json;

use super::{Act, Actor, Audit, AuditFilter, network};
use crate::clock::Clock;
use crate::db::exec;
use crate::ids::NewId;
use crate::testing::TestDb;

struct Log {
    db: TestDb,
    audit: Audit,
    clock: Clock,
}

async fn log() -> Log {
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let audit = Audit::new(db.db.clone(), clock.clone());
    Log { db, audit, clock }
}

impl Log {
    /// One entry a second.
    async fn write(&self, actor: Actor, action: &'static str, subject: Option<AccountId>, n: u32) {
        let act = Act {
            actor,
            action,
            subject,
            target: Some(format!("thing_{n}")),
            detail: json!({"n": n}),
            from: "2001:db8:1:2ff::1".parse().ok(),
        };
        self.audit.note(self.db.write(), &act).await.unwrap();
        self.clock.advance(1_000);
    }

    async fn found(&self, filter: &AuditFilter) -> Vec<u64> {
        let rows = self.audit.page(filter, None, 100).await.unwrap();
        rows.iter()
            .map(|row| row.detail["n"].as_u64().unwrap())
            .collect()
    }
}

#[tokio::test]
async fn entries_are_found_by_who_whom_what_and_when() {
    let log = log().await;
    let (ada, bob) = (AccountId::new(), AccountId::new());
    log.write(Actor::Account(ada), "key.revoke", Some(bob), 1)
        .await;
    log.write(Actor::Operator, "credit.grant", Some(bob), 2)
        .await;
    log.write(Actor::Account(ada), "credit.grant", Some(ada), 3)
        .await;
    log.write(Actor::System, "model.create", None, 4).await;
    let any = AuditFilter::default;
    for (filter, wanted) in [
        (any(), vec![4, 3, 2, 1]),
        (
            AuditFilter {
                actor: Some(Actor::Account(ada)),
                ..any()
            },
            vec![3, 1],
        ),
        (
            AuditFilter {
                actor: Some(Actor::Operator),
                ..any()
            },
            vec![2],
        ),
        (
            AuditFilter {
                subject: Some(bob),
                ..any()
            },
            vec![2, 1],
        ),
        (
            AuditFilter {
                action: Some("credit.grant".into()),
                ..any()
            },
            vec![3, 2],
        ),
        (
            AuditFilter {
                target: Some("thing_4".into()),
                ..any()
            },
            vec![4],
        ),
        (
            AuditFilter {
                from: Some(2_000),
                until: Some(4_000),
                ..any()
            },
            vec![3, 2],
        ),
        (
            AuditFilter {
                subject: Some(bob),
                action: Some("key.revoke".into()),
                ..any()
            },
            vec![1],
        ),
        (
            AuditFilter {
                subject: Some(AccountId::new()),
                ..any()
            },
            vec![],
        ),
    ] {
        assert_eq!(log.found(&filter).await, wanted, "{filter:?}");
    }
    assert_eq!(
        log.audit.actions().await.unwrap(),
        ["credit.grant", "key.revoke", "model.create"]
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let log = log().await;
    for n in 0..7 {
        log.write(Actor::Operator, "key.revoke", None, n).await;
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = log
            .audit
            .page(&AuditFilter::default(), before, 3)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.iter().map(|row| row.detail["n"].as_u64().unwrap()));
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1, 0]);
}

#[tokio::test]
async fn the_database_refuses_to_change_or_delete_an_entry() {
    let log = log().await;
    log.write(Actor::Operator, "key.revoke", None, 1).await;
    for sql in [
        "UPDATE audit SET actor = 'system'",
        "UPDATE audit SET detail = '{}' WHERE action = 'key.revoke'",
        "DELETE FROM audit",
    ] {
        assert!(
            exec(log.db.write(), sql, []).await.is_err(),
            "allowed: {sql}"
        );
    }
    assert_eq!(log.found(&AuditFilter::default()).await, [1]);
}

#[tokio::test]
async fn an_act_that_did_not_happen_is_not_written_down() {
    let log = log().await;
    let tx = log.db.begin().await.unwrap();
    let act = Act {
        actor: Actor::Operator,
        action: "key.revoke",
        subject: None,
        target: None,
        detail: json!({}),
        from: None,
    };
    log.audit.note(&tx, &act).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(log.found(&AuditFilter::default()).await.is_empty());
}

#[test]
fn a_network_is_kept_and_never_an_address() {
    for (address, kept) in [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
    ] {
        assert_eq!(network(address.parse().unwrap()), kept);
    }
}

#[test]
fn an_actor_survives_its_text() {
    for actor in [
        Actor::Operator,
        Actor::System,
        Actor::Account(AccountId::new()),
    ] {
        assert_eq!(actor.to_string().parse(), Ok(actor));
    }
    assert!("somebody".parse::<Actor>().is_err());
}
