//! Who can see a secret, and where is it not?

use std::net::{IpAddr, Ipv4Addr};

use texts::{Locale, Texts};

use super::*;
use crate::audit::{Actor, Audit};
use crate::mail::{Mail, MailConfig, Recipient};
use crate::secrets::{CannotOpen, hex};

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
async fn a_secret_is_shown_again_only_with_a_note_and_a_mail() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let made = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    let (db, clock) = (house.db.db.clone(), house.clock.clone());
    let audit = Audit::new(db.clone(), clock.clone());
    let mail = Mail::new(
        db,
        clock,
        KeyRing::for_tests(),
        Texts::embedded(),
        MailConfig::default(),
    );
    let to = Recipient {
        account: None,
        address: "ann@example.com".to_owned(),
        locale: Locale::EN,
    };
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let show = async |workspace| {
        let keys = &house.keys;
        keys.reveal(
            &mail,
            &audit,
            workspace,
            made.view.id,
            Actor::System,
            &to,
            from,
        )
        .await
    };
    let count = async |table: &str| {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let row = crate::db::one(house.db.read(), &sql, [])
            .await
            .unwrap()
            .unwrap();
        row.try_get::<i64>("", "n").unwrap()
    };
    let stranger = house.workspace("bob@example.com").await;
    assert_eq!(show(stranger).await.err(), Some(KeyError::NotFound));
    assert_eq!((count("audit").await, count("mail").await), (0, 0));
    assert_eq!(
        show(workspace).await.unwrap().expose(),
        made.secret.expose()
    );
    assert_eq!((count("audit").await, count("mail").await), (1, 1));

    crate::db::exec(house.db.write(), "DROP TABLE mail", [])
        .await
        .unwrap();
    assert_eq!(
        show(workspace).await.err(),
        Some(KeyError::Unavailable),
        "no mail, no secret"
    );
    assert_eq!(count("audit").await, 1);
}

#[tokio::test]
async fn where_no_copy_is_kept_nothing_can_be_shown() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let kept = house
        .keys
        .create(workspace, &NewKeyForm::named("before"))
        .await
        .unwrap();
    let keys = house.keys.clone().with_reveal(false);
    let made = keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap();
    assert!(kept.view.copy_kept && !made.view.copy_kept);
    assert_eq!(
        keys.unseal(workspace, made.view.id).await.err(),
        Some(KeyError::NoCopy)
    );
    assert!(keys.authenticate(made.secret.expose()).await.is_ok());
    assert_eq!(keys.destroy_copies().await, Ok(1));
    assert_eq!(
        keys.unseal(workspace, kept.view.id).await.err(),
        Some(KeyError::NoCopy)
    );
    assert!(keys.authenticate(kept.secret.expose()).await.is_ok());
}

#[tokio::test]
async fn what_was_shown_is_gone_when_its_time_is_over() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let form = NewKeyForm::named("laptop");
    let made = house.keys.create(workspace, &form).await.unwrap();
    let key = made.view.id;
    let id = house.keys.show(key, &made.secret).await.unwrap();
    let shown = house.keys.shown(&id, key).await.unwrap().unwrap();
    assert_eq!(shown.expose(), made.secret.expose());
    let other = house.keys.shown(&id, KeyId::new()).await;
    assert!(other.unwrap().is_none());
    assert_eq!(house.keys.sweep_shown().await, Ok(0));
    house.clock.advance(SHOWN_MS);
    assert!(house.keys.shown(&id, key).await.unwrap().is_none());
    assert_eq!(house.keys.sweep_shown().await, Ok(1), "no copy is left");
}
