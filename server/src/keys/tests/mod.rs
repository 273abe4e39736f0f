#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tokio_util::sync::CancellationToken;

use super::*;
use crate::accounts::{Accounts, Email};
use crate::changes::{self, Topic};
use crate::ids::NewId;
use crate::secrets::{CannotOpen, hex};
use crate::testing::{self, TestDb};

const NOW: i64 = 1_790_000_000_000;

struct House {
    keys: Keys,
    clock: Clock,
    db: TestDb,
}

async fn house() -> House {
    let db = testing::db().await;
    let clock = Clock::fixed(NOW);
    House {
        keys: Keys::new(db.db.clone(), clock.clone(), KeyRing::for_tests()),
        clock,
        db,
    }
}

impl House {
    async fn workspace(&self, email: &str) -> WorkspaceId {
        let accounts = Accounts::new(self.db.db.clone(), self.clock.clone(), KeyRing::for_tests());
        accounts
            .create(&Email::parse(email).unwrap(), None, false)
            .await
            .unwrap()
            .workspace
    }

    /// The same installation, seen by another process.
    fn another_process(&self) -> Keys {
        Keys::new(self.db.db.clone(), self.clock.clone(), KeyRing::for_tests())
    }
}

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
async fn neither_the_key_nor_its_plain_hash_is_in_the_database() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let made = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    let row = Entity::find().one(house.db.read()).await.unwrap().unwrap();
    let plain_hash = hex(&<sha2::Sha256 as sha2::Digest>::digest(
        made.secret.expose().as_bytes(),
    ));
    let all = format!(
        "{} {} {:?} {} {}",
        row.name, row.lookup, row.sealed, row.masked, row.id
    );
    assert!(!all.contains(&made.secret.expose()[11..]) && row.lookup != plain_hash);
    assert_eq!(
        format!("{row:?}"),
        format!("api_key {}", made.view.id),
        "nor in a log"
    );
    assert_eq!(format!("{:?}", made.secret), "KeySecret(***)");
}

#[tokio::test]
async fn two_rows_whose_ciphertexts_were_exchanged_cannot_be_shown() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let one = house
        .keys
        .create(workspace, &NewKeyForm::named("one"))
        .await
        .unwrap()
        .view
        .id;
    let two = house
        .keys
        .create(workspace, &NewKeyForm::named("two"))
        .await
        .unwrap()
        .view
        .id;
    let sealed = async |id: KeyId| {
        Entity::find_by_id(id.to_string())
            .one(house.db.read())
            .await
            .unwrap()
            .unwrap()
            .sealed
    };
    for (id, other) in [(one, sealed(two).await), (two, sealed(one).await)] {
        crate::db::exec(
            house.db.write(),
            "UPDATE api_key SET sealed = $1 WHERE id = $2",
            [other.into(), id.to_string().into()],
        )
        .await
        .unwrap();
    }
    assert_eq!(
        house.keys.unseal(workspace, one).await.err(),
        Some(KeyError::CannotOpen(CannotOpen))
    );
    assert_eq!(
        house.keys.unseal(workspace, two).await.err(),
        Some(KeyError::CannotOpen(CannotOpen))
    );
}

#[tokio::test]
async fn a_key_moved_to_another_workspace_cannot_be_shown() {
    let house = house().await;
    let (mine, theirs) = (
        house.workspace("ann@example.com").await,
        house.workspace("bob@example.com").await,
    );
    let id = house
        .keys
        .create(mine, &NewKeyForm::named("laptop"))
        .await
        .unwrap()
        .view
        .id;
    crate::db::exec(
        house.db.write(),
        "UPDATE api_key SET workspace_id = $1",
        [theirs.to_string().into()],
    )
    .await
    .unwrap();
    assert_eq!(
        house.keys.unseal(theirs, id).await.err(),
        Some(KeyError::CannotOpen(CannotOpen))
    );
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

#[tokio::test]
async fn last_use_is_written_in_batches_and_never_goes_back() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let id = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap()
        .view
        .id;
    let used = async || house.keys.list(workspace).await.unwrap()[0].last_used_at;
    let slower = house.another_process();
    slower.touch(id);
    house.clock.advance(1_000);
    house.keys.touch(id);
    house.keys.touch(id);
    assert_eq!(used().await, None, "nothing is written on the way");
    assert_eq!(house.keys.write_touches().await, Ok(1));
    assert_eq!(used().await, Some(NOW + 1_000));
    assert_eq!(slower.write_touches().await, Ok(1));
    assert_eq!(used().await, Some(NOW + 1_000));
    assert_eq!(house.keys.write_touches().await, Ok(0));
}

#[tokio::test]
async fn stopping_writes_what_was_noted() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let id = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap()
        .view
        .id;
    house.keys.touch(id);
    let stop = CancellationToken::new();
    stop.cancel();
    house.keys.clone().keep_touches(stop).await;
    assert_eq!(
        house.keys.list(workspace).await.unwrap()[0].last_used_at,
        Some(NOW)
    );
}
