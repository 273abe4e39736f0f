//! What can be changed about a key, and what does a call see of it?

use std::time::Duration;

use domain::views::{KeyStatus, KeyView, PreviousSecret};
use domain::{Amount, KeyLimits, LimitFault, Scope, Scopes};

use super::*;

fn limits() -> KeyLimits {
    KeyLimits {
        day: Some(Amount::from_nanos(1)),
        week: Some(Amount::from_nanos(2)),
        month: Some(Amount::from_nanos(3)),
        total: Some(Amount::ZERO),
        requests_per_minute: Some(60),
        tokens_per_minute: Some(u32::MAX),
        concurrency: Some(1),
        models: vec!["gpt".to_owned(), "claude/3".to_owned()],
        ip_ranges: vec!["192.0.2.77/24".to_owned(), "2001:db8::1".to_owned()],
        expires_at: Some(NOW + 1),
        scopes: Scopes::from_iter([Scope::ChatWrite]),
    }
}

#[tokio::test]
async fn limits_are_stored_in_one_spelling_and_reach_the_call() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let form = NewKeyForm {
        limits: limits(),
        ..NewKeyForm::named("laptop")
    };
    let made = house.keys.create(workspace, &form).await.unwrap();
    let stored = KeyLimits {
        models: vec!["claude/3".to_owned(), "gpt".to_owned()],
        ip_ranges: vec!["192.0.2.0/24".to_owned(), "2001:db8::1/128".to_owned()],
        ..limits()
    };
    assert_eq!(made.view.limits, stored);
    let record = house.keys.authenticate(made.secret.expose()).await.unwrap();
    assert_eq!(*record.limits, stored);
    assert_eq!(record.expires_at, Some(NOW + 1));
    let ranges: Vec<String> = record.ip_ranges.iter().map(ToString::to_string).collect();
    assert_eq!(ranges, stored.ip_ranges);

    let free = house
        .keys
        .update(workspace, made.view.id, " desk ", &KeyLimits::default())
        .await
        .unwrap();
    assert_eq!(
        (free.name.as_str(), &free.limits),
        ("desk", &KeyLimits::default())
    );
    let record = house.keys.authenticate(made.secret.expose()).await.unwrap();
    assert_eq!(
        *record.limits,
        KeyLimits::default(),
        "at once in this process"
    );
}

#[tokio::test]
async fn limits_against_the_rules_change_nothing() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let bad = |change: fn(&mut KeyLimits)| {
        let mut limits = limits();
        change(&mut limits);
        limits
    };
    for (limits, fault) in [
        (
            bad(|l| l.day = Some(Amount::from_nanos(-1))),
            LimitFault::NegativeBudget,
        ),
        (bad(|l| l.expires_at = Some(NOW)), LimitFault::Past),
        (
            bad(|l| l.ip_ranges[0] = "10.0.0.0/40".to_owned()),
            LimitFault::Range("10.0.0.0/40".to_owned()),
        ),
        (bad(|l| l.scopes = Scopes::none()), LimitFault::NoScope),
    ] {
        let form = NewKeyForm {
            limits,
            ..NewKeyForm::named("laptop")
        };
        let refused = house.keys.create(workspace, &form).await.err();
        assert_eq!(refused, Some(KeyError::Limits(fault)));
    }
    assert!(house.keys.list(workspace).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_ended_key_can_be_renamed_and_prolonged() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let form = NewKeyForm {
        limits: limits(),
        ..NewKeyForm::named("laptop")
    };
    let id = house.keys.create(workspace, &form).await.unwrap().view.id;
    house.clock.advance(1);
    let status = async || house.keys.get(workspace, id).await.unwrap().unwrap().status;
    assert_eq!(status().await, KeyStatus::Expired);
    let renamed = house.keys.update(workspace, id, "desk", &limits()).await;
    assert_eq!(renamed.unwrap().name, "desk");
    let longer = KeyLimits {
        expires_at: Some(NOW + 1_000),
        ..limits()
    };
    house
        .keys
        .update(workspace, id, "desk", &longer)
        .await
        .unwrap();
    assert_eq!(status().await, KeyStatus::Active);
}

#[tokio::test]
async fn a_key_can_be_off_and_all_keys_can_be_stopped() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let other = house.workspace("bob@example.com").await;
    let made = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    let theirs = house
        .keys
        .create(other, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    let (id, key) = (made.view.id, made.secret.expose());
    let status = async || house.keys.get(workspace, id).await.unwrap().unwrap().status;
    let record = async || house.keys.authenticate(key).await.unwrap();

    let off = house.keys.disable(workspace, id).await.unwrap();
    assert_eq!(
        (off.status, off.disabled_at),
        (KeyStatus::Disabled, Some(NOW))
    );
    house.clock.advance(5);
    let again = house.keys.disable(workspace, id).await.unwrap();
    assert_eq!(again.disabled_at, Some(NOW), "it was off before");
    assert!(record().await.disabled);
    assert_eq!(
        house.keys.enable(workspace, id).await.unwrap().status,
        KeyStatus::Active
    );
    assert!(!record().await.disabled);

    house.keys.freeze(workspace).await.unwrap();
    assert!(house.keys.frozen(workspace).await.unwrap() && record().await.frozen);
    assert_eq!(status().await, KeyStatus::Frozen);
    assert!(house.keys.zone(workspace).await.unwrap().frozen);
    assert!(
        !house
            .keys
            .authenticate(theirs.secret.expose())
            .await
            .unwrap()
            .frozen
    );
    house.keys.unfreeze(workspace).await.unwrap();
    assert!(!house.keys.frozen(workspace).await.unwrap() && !record().await.frozen);
    assert_eq!(
        house.keys.freeze(WorkspaceId::new()).await,
        Err(KeyError::NoWorkspace)
    );
}

#[tokio::test]
async fn the_keys_of_a_blocked_account_say_so() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let made = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    crate::db::exec(house.db.write(), "UPDATE account SET blocked_at = 1", [])
        .await
        .unwrap();
    assert!(
        house
            .keys
            .authenticate(made.secret.expose())
            .await
            .unwrap()
            .blocked
    );
}

#[tokio::test]
async fn a_rolled_key_stays_the_same_key_and_its_old_secret_works_for_a_while() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let (keys, hour) = (&house.keys, Duration::from_secs(3_600));
    let form = NewKeyForm {
        limits: KeyLimits {
            expires_at: Some(NOW + 7_200_000),
            ..limits()
        },
        ..NewKeyForm::test("robot")
    };
    let first = keys.create(workspace, &form).await.unwrap();
    let id = first.view.id;
    let second = keys.roll(workspace, id, hour).await.unwrap();
    assert!(second.secret.expose() != first.secret.expose());
    let overlap = PreviousSecret {
        masked: first.view.masked.clone(),
        until: NOW + 3_600_000,
    };
    let expected = KeyView {
        masked: second.secret.masked(),
        previous: Some(overlap.clone()),
        ..first.view.clone()
    };
    assert_eq!(second.view, expected, "nothing else changed");
    let ends = async |secret: &KeySecret| {
        let record = keys.authenticate(secret.expose()).await.unwrap();
        assert_eq!(record.id, id);
        record.expires_at
    };
    assert_eq!(ends(&first.secret).await, Some(overlap.until));
    assert_eq!(ends(&second.secret).await, Some(NOW + 7_200_000));
    let revealed = keys.unseal(workspace, id).await.unwrap();
    assert_eq!(revealed.expose(), second.secret.expose());

    // A form that is sent twice takes nothing from the first secret.
    let again = keys.roll(workspace, id, hour).await.err();
    assert_eq!(again, Some(KeyError::Overlap));
    assert_eq!(ends(&first.secret).await, Some(overlap.until));
    let third = keys.roll(workspace, id, Duration::ZERO).await.unwrap();
    assert_eq!(third.view.previous, None, "no overlap ends both now");
    assert_eq!(
        keys.authenticate(first.secret.expose()).await.err(),
        Some(AuthError::Invalid)
    );
    assert_eq!(ends(&second.secret).await, Some(NOW));

    // The key's own end is sooner, and ending the overlap is final.
    keys.roll(workspace, id, 3 * hour).await.unwrap();
    assert_eq!(ends(&third.secret).await, Some(NOW + 7_200_000));
    let view = keys.end_overlap(workspace, id).await.unwrap();
    assert_eq!(view.previous, None);
    assert_eq!(
        keys.authenticate(third.secret.expose()).await.err(),
        Some(AuthError::Invalid)
    );
}

#[tokio::test]
async fn the_test_zone_has_one_key_that_nobody_holds() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let (one, two) = tokio::join!(house.keys.zone(workspace), house.keys.zone(workspace));
    let zone = one.unwrap();
    assert_eq!(zone.id, two.unwrap().id);
    assert!(zone.zone && !zone.test && *zone.limits == KeyLimits::default());
    assert!(house.keys.list(workspace).await.unwrap().is_empty());
    assert_eq!(house.keys.get(workspace, zone.id).await.unwrap(), None);
    assert_eq!(
        house.keys.revoke(workspace, zone.id).await,
        Err(KeyError::NotFound)
    );
    assert_eq!(
        house.keys.zone(WorkspaceId::new()).await.err(),
        Some(KeyError::NoWorkspace)
    );
}

/// Every verb, with another workspace's key and with one that was revoked.
#[tokio::test]
async fn no_verb_reaches_a_foreign_or_a_revoked_key() {
    let house = house().await;
    let mine = house.workspace("ann@example.com").await;
    let theirs = house.workspace("bob@example.com").await;
    let id = house
        .keys
        .create(mine, &NewKeyForm::named("laptop"))
        .await
        .unwrap()
        .view
        .id;
    let before = house.keys.get(mine, id).await.unwrap();
    let keys = &house.keys;
    let every = async |workspace| {
        let none = KeyLimits::default();
        [
            keys.update(workspace, id, "x", &none).await.err(),
            keys.rename(workspace, id, "x").await.err(),
            keys.disable(workspace, id).await.err(),
            keys.enable(workspace, id).await.err(),
            keys.roll(workspace, id, Duration::ZERO).await.err(),
            keys.end_overlap(workspace, id).await.err(),
            keys.unseal(workspace, id).await.err(),
            keys.revoke(workspace, id).await.err(),
        ]
    };
    for refused in every(theirs).await {
        assert_eq!(refused, Some(KeyError::NotFound));
    }
    assert_eq!(keys.get(theirs, id).await.unwrap(), None);
    assert_eq!(keys.get(mine, id).await.unwrap(), before, "nothing changed");
    assert!(keys.list(theirs).await.unwrap().is_empty());
    keys.revoke(mine, id).await.unwrap();
    for refused in every(mine).await {
        assert_eq!(refused, Some(KeyError::Revoked));
    }
}
