//! One-time links of the operator.

use super::*;

#[tokio::test]
async fn a_setup_link_hands_the_account_over_once() {
    let house = house().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    assert_eq!(
        house.accounts.unclaimed_admin().await.unwrap(),
        Some(seeded.clone())
    );
    let token = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    assert!(house.accounts.claim_open(&token).await.unwrap());
    assert!(
        house.accounts.claim_open(&token).await.unwrap(),
        "looking does not use it up"
    );
    assert!(!house.accounts.claim_open("guess").await.unwrap());

    let claimed = house
        .accounts
        .claim(&token, &email("Boss@example.com"), secret(GOOD))
        .await
        .unwrap();
    assert_eq!(
        claimed,
        AccountView {
            email: "Boss@example.com".into(),
            epoch: seeded.epoch + 1,
            ..seeded
        }
    );
    assert_eq!(house.sign_in("boss@example.com", GOOD).await, Ok(claimed));
    assert_eq!(
        house.sign_in(Email::PLACEHOLDER, GOOD).await,
        Err(SignInError::Wrong)
    );
    assert_eq!(house.accounts.unclaimed_admin().await.unwrap(), None);
    assert!(!house.accounts.claim_open(&token).await.unwrap());
    let again = house
        .accounts
        .claim(&token, &email("thief@example.com"), secret(GOOD))
        .await;
    assert_eq!(again, Err(ClaimError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_claims_at_once_one_wins() {
    let house = house().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let token = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    let claims = (0..20).map(|number| {
        let (accounts, token) = (house.accounts.clone(), token.clone());
        tokio::spawn(async move {
            accounts
                .claim(
                    &token,
                    &email(&format!("boss{number}@example.com")),
                    secret(GOOD),
                )
                .await
        })
    });
    let outcomes: Vec<_> = futures::future::join_all(claims)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let winners: Vec<_> = outcomes.iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Err(ClaimError::Closed))
            .count(),
        19
    );
    assert_eq!(
        house.accounts.by_id(seeded.id).await.unwrap().as_ref(),
        Some(winners[0])
    );
}

#[tokio::test]
async fn a_claim_that_fails_for_another_reason_can_be_tried_again() {
    let house = house().await;
    house.ann().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let token = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    let claim = async |address: &str, password: &str| {
        house
            .accounts
            .claim(&token, &email(address), secret(password))
            .await
    };
    assert_eq!(
        claim("ann@example.com", GOOD).await,
        Err(ClaimError::EmailTaken)
    );
    assert_eq!(
        claim("boss@example.com", "12345678").await,
        Err(ClaimError::Password(PasswordError::Common))
    );
    assert!(claim("boss@example.com", GOOD).await.is_ok());
}

#[tokio::test]
async fn a_link_ends_after_a_day_and_when_a_newer_one_is_made() {
    let house = house().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let old = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    let new = house
        .accounts
        .setup_link(seeded.id)
        .await
        .unwrap()
        .to_string();
    assert!(!house.accounts.claim_open(&old).await.unwrap());
    assert_eq!(
        house
            .accounts
            .claim(&old, &email("boss@example.com"), secret(GOOD))
            .await,
        Err(ClaimError::Closed)
    );
    house.clock.advance(SETUP_LIFETIME_MS - 1);
    assert!(house.accounts.claim_open(&new).await.unwrap());
    assert_eq!(house.accounts.sweep_links().await, Ok(0));
    house.clock.advance(1);
    assert!(!house.accounts.claim_open(&new).await.unwrap());
    assert_eq!(
        house
            .accounts
            .claim(&new, &email("boss@example.com"), secret(GOOD))
            .await,
        Err(ClaimError::Closed)
    );
    assert_eq!(house.accounts.sweep_links().await, Ok(1));
    assert_eq!(
        house.accounts.setup_link(AccountId::new()).await.err(),
        Some(AccountError::NotFound)
    );
}

#[tokio::test]
async fn a_token_is_neither_stored_nor_printed() {
    let house = house().await;
    let seeded = house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let token = house.accounts.setup_link(seeded.id).await.unwrap();
    assert_eq!(format!("{token:?}"), "SetupToken(***)");
    let row = table::setup_token::Entity::find()
        .one(house.db.read())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.token_hash.len(), 64);
    assert!(!row.token_hash.contains(&token.to_string()));
}

#[tokio::test]
async fn a_claim_ends_the_sessions_of_whoever_was_signed_in() {
    let house = house().await;
    let ann = house.ann().await;
    house.session("cookie", ann.id).await;
    let token = house.accounts.setup_link(ann.id).await.unwrap().to_string();
    house
        .accounts
        .claim(&token, &email("ann@example.com"), secret(BETTER))
        .await
        .unwrap();
    assert!(!house.alive("cookie").await);
}
