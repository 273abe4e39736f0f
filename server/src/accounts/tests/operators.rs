//! Search, block, import.

use super::*;
use crate::changes::{Seen as Changes, Topic};

const BCRYPT: &str = "$2b$04$zVHmKQtGGQob.b/Nc7l9NO8UlrYcW05FiuCj/SxsFO/ZtiN9.mNzy";

#[tokio::test]
async fn a_block_ends_sessions_and_keys_and_is_written_down() {
    let house = house().await;
    let ann = house.ann().await;
    let boss = Actor::Account(AccountId::new());
    house.session("open", ann.id).await;
    let mut seen = Changes::default();
    seen.changed(&house.db).await.unwrap();
    for _ in 0..2 {
        let blocked = house
            .accounts
            .block(
                &house.mail,
                &house.audit,
                boss,
                ann.id,
                "stolen cards",
                Some(HOME),
            )
            .await
            .unwrap();
        assert!(blocked.blocked);
    }
    assert!(!house.alive("open").await);
    assert!(
        seen.changed(&house.db)
            .await
            .unwrap()
            .contains(&Topic::Keys)
    );
    assert_eq!(
        house.sign_in("ann@example.com", GOOD).await,
        Err(SignInError::Blocked)
    );
    assert_eq!(
        house.sign_in("ann@example.com", BETTER).await,
        Err(SignInError::Wrong),
        "told only to whoever knows the password"
    );
    house.session("sneaked in", ann.id).await;
    assert!(
        !house.alive("sneaked in").await,
        "a session that was being made meanwhile"
    );
    let reason = house.accounts.blocked_reason(ann.id).await.unwrap();
    assert_eq!(reason.as_deref(), Some("stolen cards"));
    assert_eq!(house.kinds().await, ["account_blocked"], "once");
    assert!(!house.letter().await.contains("stolen"));

    let open = house
        .accounts
        .unblock(&house.audit, boss, ann.id, None)
        .await
        .unwrap();
    assert_eq!(house.sign_in("ann@example.com", GOOD).await, Ok(open));
    assert_eq!(house.accounts.blocked_reason(ann.id).await.unwrap(), None);
    let acts = format!(
        "SELECT count(*) FROM audit WHERE subject = '{}' AND actor = '{boss}' AND action IN ('account.block', 'account.unblock')",
        ann.id
    );
    assert_eq!(house.count(&acts).await, 2);
    let nobody = house
        .accounts
        .unblock(&house.audit, boss, AccountId::new(), None)
        .await;
    assert_eq!(nobody, Err(AccountError::NotFound));
}

#[tokio::test]
async fn accounts_are_found_by_parts_and_page_by_page() {
    let house = house().await;
    let mut all = Vec::new();
    for address in ["ann@example.com", "bob_1@example.com", "bobx1@example.org"] {
        all.push(house.quick(address).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    house
        .accounts
        .set_name(all[0].id, "Ann Bobkin")
        .await
        .unwrap();
    let search = async |query: &str, before, limit| {
        let found = house.accounts.search(query, before, limit).await.unwrap();
        found
            .into_iter()
            .map(|account| account.email)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        search("", None, 2).await,
        ["bobx1@example.org", "bob_1@example.com"]
    );
    assert_eq!(search("", Some(all[1].id), 2).await, ["ann@example.com"]);
    assert_eq!(
        search(" BOB", None, 9).await,
        ["bobx1@example.org", "bob_1@example.com", "ann@example.com"]
    );
    assert_eq!(
        search("b_1", None, 9).await,
        ["bob_1@example.com"],
        "_ means itself"
    );
    assert_eq!(search("%", None, 9).await, Vec::<String>::new());
    assert_eq!(
        search(&all[2].id.to_string(), None, 9).await,
        ["bobx1@example.org"]
    );
    assert_eq!(search("\0", None, 9).await, Vec::<String>::new());
}

fn import(address: &str, hash: &str) -> Import {
    Import {
        email: email(address),
        name: String::new(),
        password_hash: hash.to_owned(),
        verified: true,
        created_at: Some(1_000),
    }
}

#[tokio::test]
async fn an_old_hash_signs_in_and_becomes_one_of_ours() {
    let house = house().await;
    let old = bcrypt::hash(GOOD, 4).unwrap();
    for (address, hash) in [
        ("ann@example.com", old.clone()),
        ("bob@example.com", old.replacen("$2b$", "$2y$", 1)),
        ("joe@example.com", weak_hash_for_tests(GOOD)),
    ] {
        let people = [import(address, &hash)];
        assert_eq!(
            house
                .accounts
                .import(&house.audit, Actor::Operator, &people)
                .await,
            Ok(1)
        );
        assert_eq!(
            house.sign_in(address, BETTER).await,
            Err(SignInError::Wrong)
        );
        let account = house.sign_in(address, GOOD).await.unwrap();
        assert_eq!((account.verified, account.created_at), (true, 1_000));
        let stored = house.stored_hash(account.id).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,"), "{stored}");
    }
    assert!(
        house.sign_in("ann@example.com", GOOD).await.is_ok(),
        "with the new hash"
    );
}

#[tokio::test]
async fn an_import_is_whole_or_nothing() {
    let house = house().await;
    house.quick("known@example.com").await;
    let bad = [
        import("ann@example.com", BCRYPT),
        import("KNOWN@example.com", BCRYPT),
        import("Ann@example.com", BCRYPT),
        import("bob@example.com", "5f4dcc3b5aa765d61d8327deb882cf99"),
        import("joe@example.com", &BCRYPT.replace("$04$", "$31$")),
        import(
            "eve@example.com",
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
        ),
        import(
            "max@example.com",
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
        ),
        Import {
            name: "a\nb".to_owned(),
            ..import("kim@example.com", BCRYPT)
        },
    ];
    let faults = vec![
        (1, ImportFault::EmailTaken),
        (2, ImportFault::Twice),
        (3, ImportFault::Hash),
        (4, ImportFault::Hash),
        (5, ImportFault::Hash),
        (6, ImportFault::Hash),
        (7, ImportFault::Name),
    ];
    let told = house
        .accounts
        .import(&house.audit, Actor::Operator, &bad)
        .await;
    assert_eq!(told, Err(ImportError::Faults(faults)));
    assert_eq!(house.count("SELECT count(*) FROM account").await, 1);
    assert_eq!(house.count("SELECT count(*) FROM audit").await, 0);
}
