//! Accounts, addresses and the rules for passwords.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn an_account_comes_with_a_workspace_and_a_wallet() {
    let house = house().await;
    assert!(!house.accounts.any().await.unwrap());
    let ann = house.ann().await;
    assert!(house.accounts.any().await.unwrap());
    assert_eq!(ann.email, "Ann@Example.com", "shown as typed");
    assert_eq!(
        house
            .accounts
            .by_email(&email(" ann@example.COM "))
            .await
            .unwrap(),
        Some(ann.clone())
    );
    assert_eq!(
        house.accounts.by_id(ann.id).await.unwrap(),
        Some(ann.clone())
    );
    assert_eq!(house.accounts.by_id(AccountId::new()).await.unwrap(), None);
    let wallets = format!(
        "SELECT count(*) FROM book WHERE kind = 'wallet' AND workspace_id = '{}'",
        ann.workspace
    );
    assert_eq!(house.count(&wallets).await, 1);
}

#[tokio::test]
async fn a_taken_email_leaves_nothing_behind() {
    let house = house().await;
    house.ann().await;
    let again = house
        .accounts
        .create(&email("ANN@example.com"), None, true)
        .await;
    assert_eq!(again, Err(AccountError::EmailTaken));
    assert_eq!(house.count("SELECT count(*) FROM workspace").await, 1);
    assert_eq!(
        house
            .count("SELECT count(*) FROM book WHERE kind = 'wallet'")
            .await,
        1
    );
}

#[tokio::test]
async fn the_database_holds_an_argon2id_string_of_the_settled_strength() {
    let house = house().await;
    let ann = house.ann().await;
    let stored = house.stored_hash(ann.id).await.unwrap();
    assert!(
        stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{stored}"
    );
    assert!(!stored.contains("horse"));
}

#[tokio::test]
async fn bad_passwords_are_refused_when_set() {
    let house = house().await;
    let set = async |password: &str| {
        house
            .accounts
            .create(
                &email("Marguerite@example.com"),
                Some(secret(password)),
                false,
            )
            .await
    };
    let refused = |error| Err(AccountError::Password(error));
    assert_eq!(set("seven77").await, refused(PasswordError::TooShort));
    assert_eq!(
        set("ключ🗝️").await,
        refused(PasswordError::TooShort),
        "characters are counted, not bytes"
    );
    assert_eq!(set(&"é1".repeat(65)).await, refused(PasswordError::TooLong));
    assert_eq!(set("Password1!").await, refused(PasswordError::Common));
    assert_eq!(set("zzzzzzzzzzzz").await, refused(PasswordError::Common));
    assert_eq!(
        set("marguerite@EXAMPLE.com").await,
        refused(PasswordError::IsEmail)
    );
    assert_eq!(set("marguerite").await, refused(PasswordError::IsEmail));
    assert_eq!(set("marguerite1").await, refused(PasswordError::Weak));
    assert_eq!(set("abcdefgh1").await, refused(PasswordError::Weak));
    assert_eq!(
        set(&"пароль 🗝️ у ключа".repeat(7))
            .await
            .map(|account| account.admin),
        Ok(false),
        "long, of any script"
    );
}

#[test]
fn the_list_of_common_passwords_is_usable() {
    assert!(common::COMMON.len() >= 200);
    for word in common::COMMON {
        assert!(
            word.chars().count() >= SHORTEST_PASSWORD && *word == word.to_lowercase(),
            "{word}"
        );
    }
    assert_eq!(
        common::COMMON.iter().collect::<BTreeSet<_>>().len(),
        common::COMMON.len()
    );
}

#[test]
fn addresses_are_told_from_other_text() {
    for good in [
        "a@b",
        "Ann.O'Neil+tag@пример.рф",
        " owner@localhost ",
        &format!("{}@b.example", "a".repeat(244)),
    ] {
        assert!(Email::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "@",
        "a@",
        "@b",
        "a b@c",
        "a@b@c",
        "a@b\nc",
        "a\u{200b}@b",
        "a\0@b",
        "ann",
        &format!("{}@b.example", "a".repeat(245)),
    ] {
        assert!(Email::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(email("a@b\n").as_str(), "a@b", "trimmed");
    assert_eq!(email("ÄNN@Example.COM").key(), "änn@example.com");
    assert_eq!(format!("{:?}", email("ann@example.com")), "Email(***)");
}
