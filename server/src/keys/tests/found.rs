//! Which key is found, and which is not?

use super::*;
use crate::changes::{self, Topic};

#[tokio::test]
async fn a_new_key_is_recognised_listed_and_shown_again() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let made = house
        .keys
        .create(workspace, &NewKeyForm::named("  laptop "))
        .await
        .unwrap();
    let record = house.keys.authenticate(made.secret.expose()).await.unwrap();
    assert_eq!(*record, KeyRecord::for_tests(made.view.id, workspace));
    assert_eq!(
        house.keys.list(workspace).await.unwrap(),
        vec![made.view.clone()]
    );
    assert_eq!(
        house
            .keys
            .unseal(workspace, made.view.id)
            .await
            .unwrap()
            .expose(),
        made.secret.expose()
    );
    let test = house
        .keys
        .create(workspace, &NewKeyForm::test("try"))
        .await
        .unwrap();
    assert!(test.secret.expose().starts_with("sk-fb_test_") && test.view.test);
    assert_eq!(house.keys.list(workspace).await.unwrap().len(), 2);
}

#[tokio::test]
async fn junk_and_strangers_are_invalid() {
    let house = house().await;
    let stranger = KeySecret::generate(false).unwrap();
    for presented in [
        "",
        "sk-abc",
        "' OR '1'='1",
        "sk-fb_live_",
        stranger.expose(),
    ] {
        assert_eq!(
            house.keys.authenticate(presented).await.err(),
            Some(AuthError::Invalid),
            "{presented:?}"
        );
    }
    assert_eq!(
        house.keys.authenticate(stranger.expose()).await.err(),
        Some(AuthError::Invalid),
        "remembered"
    );
}

#[tokio::test]
async fn a_silent_database_is_not_a_wrong_key() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let (known, fresh) = (
        house
            .keys
            .create(workspace, &NewKeyForm::named("one"))
            .await
            .unwrap()
            .secret,
        house
            .keys
            .create(workspace, &NewKeyForm::named("two"))
            .await
            .unwrap()
            .secret,
    );
    house.keys.authenticate(known.expose()).await.unwrap();
    house.db.read().clone().close().await.unwrap();
    assert_eq!(
        house.keys.authenticate(fresh.expose()).await.err(),
        Some(AuthError::Unavailable)
    );
    assert_eq!(
        house.keys.authenticate("junk").await.err(),
        Some(AuthError::Invalid),
        "the format alone says so"
    );
    assert!(
        house.keys.authenticate(known.expose()).await.is_ok(),
        "remembered for some seconds"
    );
}

#[tokio::test]
async fn a_revoked_key_is_invalid_at_once_here_and_elsewhere_once_told() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let made = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    let (id, key) = (made.view.id, made.secret.expose());
    let server = house.another_process();
    let mut seen = changes::Seen::default();
    seen.changed(&house.db).await.unwrap();
    server.authenticate(key).await.unwrap();
    house.keys.authenticate(key).await.unwrap();

    assert_eq!(house.keys.revoke(workspace, id).await, Ok(()));
    assert_eq!(
        house.keys.authenticate(key).await.err(),
        Some(AuthError::Invalid)
    );
    assert!(
        server.authenticate(key).await.is_ok(),
        "another process still remembers"
    );
    assert_eq!(
        seen.changed(&house.db).await.unwrap(),
        vec![Topic::Keys],
        "and is told"
    );
    server.forget_all();
    assert_eq!(
        server.authenticate(key).await.err(),
        Some(AuthError::Invalid)
    );

    assert_eq!(
        house.keys.revoke(workspace, id).await,
        Err(KeyError::Revoked),
        "once is enough"
    );
    assert_eq!(
        house.keys.unseal(workspace, id).await.err(),
        Some(KeyError::Revoked),
        "its secret is gone"
    );
    assert_eq!(
        house.keys.list(workspace).await.unwrap()[0].revoked_at,
        Some(NOW)
    );
    assert_eq!(
        house.keys.revoke(workspace, KeyId::new()).await,
        Err(KeyError::NotFound)
    );
}

#[tokio::test]
async fn a_revocation_is_noticed_within_five_seconds_even_untold() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let made = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    let server = house.another_process();
    server.authenticate(made.secret.expose()).await.unwrap();
    house.keys.revoke(workspace, made.view.id).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(
        server.authenticate(made.secret.expose()).await.err(),
        Some(AuthError::Invalid)
    );
}

#[tokio::test]
async fn a_key_of_another_workspace_does_not_exist_here() {
    let house = house().await;
    let (mine, theirs) = (
        house.workspace("ann@example.com").await,
        house.workspace("bob@example.com").await,
    );
    let made = house
        .keys
        .create(mine, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    assert_eq!(
        house.keys.unseal(theirs, made.view.id).await.err(),
        Some(KeyError::NotFound)
    );
    assert_eq!(
        house.keys.revoke(theirs, made.view.id).await,
        Err(KeyError::NotFound)
    );
    assert!(house.keys.list(theirs).await.unwrap().is_empty());
    assert!(house.keys.authenticate(made.secret.expose()).await.is_ok());
    assert_eq!(
        house
            .keys
            .unseal(mine, made.view.id)
            .await
            .unwrap()
            .expose(),
        made.secret.expose()
    );
    assert_eq!(house.keys.revoke(mine, made.view.id).await, Ok(()));
}

#[tokio::test]
async fn names_have_rules_and_workspaces_must_exist() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    for bad in ["", "   ", "a\nb", &"x".repeat(65)] {
        assert_eq!(
            house
                .keys
                .create(workspace, &NewKeyForm::named(bad))
                .await
                .err(),
            Some(KeyError::Name),
            "{bad:?}"
        );
    }
    assert!(
        house
            .keys
            .create(workspace, &NewKeyForm::named(&"ы".repeat(64)))
            .await
            .is_ok()
    );
    assert_eq!(
        house
            .keys
            .create(WorkspaceId::new(), &NewKeyForm::named("laptop"))
            .await
            .err(),
        Some(KeyError::NoWorkspace)
    );
}
