#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::lifetime::{DAY_MS, MINUTE_MS};
use super::*;
use crate::accounts::{Accounts, Email};
use crate::secrets::KeyRing;
use crate::testing::{self, TestDb};

const NOW: i64 = 1_790_000_000_000;

struct House {
    sessions: Sessions,
    clock: Clock,
    db: TestDb,
}

fn seen() -> Seen {
    Seen::new(
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        std::net::IpAddr::from([203, 0, 113, 7]),
    )
}

async fn house() -> House {
    let db = testing::db().await;
    let clock = Clock::fixed(NOW);
    House {
        sessions: Sessions::new(db.db.clone(), clock.clone()),
        clock,
        db,
    }
}

impl House {
    async fn owner(&self, email: &str, admin: bool) -> Owner {
        let accounts = Accounts::new(self.db.db.clone(), self.clock.clone(), KeyRing::for_tests());
        let account = accounts
            .create(&Email::parse(email).unwrap(), None, admin)
            .await
            .unwrap();
        Owner {
            account: account.id,
            admin,
        }
    }

    async fn alive(&self, id: &str) -> bool {
        self.sessions.load(id).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn a_session_is_found_by_its_cookie_and_stored_by_its_hash() {
    let house = house().await;
    let ann = house.owner("ann@example.com", false).await;
    house
        .sessions
        .create("cookie-value", Some(ann), r#"{"a":1}"#, &seen())
        .await
        .unwrap();
    let session = house.sessions.load("cookie-value").await.unwrap().unwrap();
    assert_eq!(
        session,
        Session {
            account: Some(ann.account),
            data: r#"{"a":1}"#.into(),
            expires_at: NOW + IDLE_MS
        }
    );
    assert!(!house.alive("another").await);
    let rows = Entity::find().all(house.db.read()).await.unwrap();
    assert_eq!(rows[0].id_hash, hex(&Sha256::digest(b"cookie-value")));
    assert!(!format!("{rows:?}").contains("cookie-value"));
    assert!(
        !house.alive(&rows[0].id_hash).await,
        "what is stored opens nothing"
    );
}

#[tokio::test]
async fn an_id_in_use_is_refused_and_its_session_untouched() {
    let house = house().await;
    house
        .sessions
        .create("id", None, "first", &seen())
        .await
        .unwrap();
    assert_eq!(
        house.sessions.create("id", None, "second", &seen()).await,
        Err(SessionError::Taken)
    );
    assert_eq!(
        house.sessions.load("id").await.unwrap().unwrap().data,
        "first"
    );
}

#[tokio::test]
async fn saving_does_not_revive_a_session_ended_meanwhile() {
    let house = house().await;
    let ann = house.owner("ann@example.com", false).await;
    house
        .sessions
        .create("id", Some(ann), "before", &seen())
        .await
        .unwrap();
    assert!(
        house
            .sessions
            .save("id", Some(ann), "after", &seen())
            .await
            .unwrap()
    );
    assert_eq!(
        house.sessions.load("id").await.unwrap().unwrap().data,
        "after"
    );
    house.sessions.delete_all_of(ann.account).await.unwrap();
    assert_eq!(
        house.sessions.save("id", Some(ann), "late", &seen()).await,
        Ok(false)
    );
    assert!(!house.alive("id").await);
    assert_eq!(house.sessions.delete("id").await, Ok(false));
}

#[tokio::test]
async fn saving_does_not_revive_a_session_that_ran_out() {
    let house = house().await;
    house
        .sessions
        .create("id", None, "{}", &seen())
        .await
        .unwrap();
    house.clock.advance(IDLE_MS);
    assert_eq!(
        house.sessions.save("id", None, "{}", &seen()).await,
        Ok(false)
    );
    assert!(!house.alive("id").await);
}

#[tokio::test]
async fn an_unused_session_ends() {
    for (admin, idle) in [(false, IDLE_MS), (true, ADMIN_IDLE_MS)] {
        let house = house().await;
        let owner = house.owner("ann@example.com", admin).await;
        house
            .sessions
            .create("id", Some(owner), "{}", &seen())
            .await
            .unwrap();
        house.clock.advance(idle - 1);
        assert!(house.alive("id").await);
        house.clock.advance(idle - 1);
        assert!(house.alive("id").await, "reading it was using it");
        house.clock.advance(idle);
        assert!(!house.alive("id").await);
    }
}

#[tokio::test]
async fn a_session_in_use_ends_too() {
    for (admin, absolute, step) in [
        (false, ABSOLUTE_MS, DAY_MS),
        (true, ADMIN_ABSOLUTE_MS, 10 * MINUTE_MS),
    ] {
        let house = house().await;
        let owner = house.owner("ann@example.com", admin).await;
        house
            .sessions
            .create("id", Some(owner), "{}", &seen())
            .await
            .unwrap();
        let mut passed = 0;
        while passed + step < absolute {
            house.clock.advance(step);
            passed += step;
            assert!(house.alive("id").await, "{passed}");
            assert_eq!(
                house.sessions.save("id", Some(owner), "{}", &seen()).await,
                Ok(true)
            );
        }
        house.clock.advance(step);
        assert!(!house.alive("id").await);
    }
}

#[tokio::test]
async fn reading_writes_at_most_once_a_minute() {
    let house = house().await;
    let ann = house.owner("ann@example.com", false).await;
    house
        .sessions
        .create("id", Some(ann), "{}", &seen())
        .await
        .unwrap();
    let seen = async || house.sessions.list_of(ann.account).await.unwrap()[0].last_seen;
    house.clock.advance(59_999);
    assert!(house.alive("id").await);
    assert_eq!(seen().await, NOW);
    house.clock.advance(1);
    assert!(house.alive("id").await);
    assert_eq!(seen().await, NOW + 60_000);
}

#[tokio::test]
async fn becoming_an_administrators_session_shortens_it() {
    let house = house().await;
    let boss = house.owner("boss@example.com", true).await;
    house
        .sessions
        .create("id", None, "{}", &seen())
        .await
        .unwrap();
    assert_eq!(
        house.sessions.save("id", Some(boss), "{}", &seen()).await,
        Ok(true)
    );
    let session = house.sessions.load("id").await.unwrap().unwrap();
    assert_eq!(
        (session.account, session.expires_at),
        (Some(boss.account), NOW + ADMIN_IDLE_MS)
    );
}

#[tokio::test]
async fn an_account_has_at_most_twenty_and_the_oldest_go() {
    let house = house().await;
    let (ann, bob) = (
        house.owner("ann@example.com", false).await,
        house.owner("bob@example.com", false).await,
    );
    house
        .sessions
        .create("bobs", Some(bob), "{}", &seen())
        .await
        .unwrap();
    for number in 0..25 {
        house
            .sessions
            .create(&format!("anns {number}"), Some(ann), "{}", &seen())
            .await
            .unwrap();
        house.clock.advance(1_000);
    }
    assert_eq!(house.sessions.list_of(ann.account).await.unwrap().len(), 20);
    assert!(!house.alive("anns 4").await);
    assert!(
        house.alive("anns 5").await && house.alive("anns 24").await && house.alive("bobs").await
    );
}

#[tokio::test]
async fn an_owner_ends_only_their_own_sessions() {
    let house = house().await;
    let (ann, bob) = (
        house.owner("ann@example.com", false).await,
        house.owner("bob@example.com", false).await,
    );
    house
        .sessions
        .create("anns", Some(ann), "{}", &seen())
        .await
        .unwrap();
    house
        .sessions
        .create("bobs", Some(bob), "{}", &seen())
        .await
        .unwrap();
    let listed = house.sessions.list_of(ann.account).await.unwrap();
    let SessionView {
        handle,
        agent,
        network,
        ..
    } = listed[0].clone();
    assert_eq!(handle, Sessions::handle("anns"));
    assert_eq!(
        (agent.as_str(), network.as_str()),
        ("Firefox, Linux", "203.0.113.0/24")
    );
    assert_eq!(house.sessions.end(bob.account, &handle).await, Ok(false));
    assert_eq!(house.sessions.end(ann.account, "\0").await, Ok(false));
    assert_eq!(house.sessions.end(ann.account, &handle).await, Ok(true));
    assert!(!house.alive("anns").await);
    assert!(house.alive("bobs").await);
    for id in ["here", "there"] {
        let seen = seen();
        let made = house.sessions.create(id, Some(ann), "{}", &seen);
        made.await.unwrap();
    }
    let first = house.sessions.delete_all_of(ann.account).await.unwrap();
    let second = house.sessions.delete_all_of(ann.account).await.unwrap();
    assert_eq!(second, first + 1, "every time another epoch");
    assert!(!house.alive("here").await && house.alive("bobs").await);
}

#[tokio::test]
async fn sweeping_removes_the_ended_and_no_other() {
    let house = house().await;
    house
        .sessions
        .create("old", None, "{}", &seen())
        .await
        .unwrap();
    house.clock.advance(IDLE_MS - 1);
    house
        .sessions
        .create("new", None, "{}", &seen())
        .await
        .unwrap();
    assert_eq!(house.sessions.sweep().await, Ok(0));
    house.clock.advance(1);
    assert_eq!(house.sessions.sweep().await, Ok(1));
    assert!(house.alive("new").await);
}
