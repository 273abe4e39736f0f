//! Coming in by e-mail and password.

use super::*;

#[tokio::test]
async fn the_right_password_signs_in_verbatim() {
    let house = house().await;
    let ann = house.ann().await;
    assert_eq!(house.sign_in(" aNN@example.com", GOOD).await, Ok(ann));
    assert_eq!(
        house.sign_in("ann@example.com", GOOD.trim()).await,
        Err(SignInError::Wrong),
        "the trailing space counts"
    );
}

#[tokio::test]
async fn wrong_password_unknown_email_and_no_password_are_one_answer() {
    let house = house().await;
    house.ann().await;
    house
        .accounts
        .create(&email(Email::PLACEHOLDER), None, true)
        .await
        .unwrap();
    let long = "x".repeat(5_000);
    for (email, password) in [
        ("ann@example.com", "wrong password"),
        ("nobody@example.com", GOOD),
        (Email::PLACEHOLDER, ""),
        ("not an address\0", GOOD),
        ("ann@example.com", &long),
    ] {
        assert_eq!(
            house.sign_in(email, password).await,
            Err(SignInError::Wrong),
            "{email}"
        );
    }
}

#[test]
fn the_dummy_hash_costs_what_a_real_one_costs() {
    assert!(current(&argon2::PasswordHash::new(DUMMY).unwrap()));
    assert!(!current(
        &argon2::PasswordHash::new(&weak_hash_for_tests("x")).unwrap()
    ));
}

#[tokio::test]
async fn an_outdated_hash_is_renewed_by_signing_in() {
    let house = house().await;
    let ann = house.ann().await;
    let weak = weak_hash_for_tests(GOOD);
    crate::db::exec(
        house.db.write(),
        "UPDATE account SET password_hash = $1",
        [weak.into()],
    )
    .await
    .unwrap();
    assert_eq!(
        house.sign_in("ann@example.com", "wrong password").await,
        Err(SignInError::Wrong)
    );
    assert!(
        house.stored_hash(ann.id).await.unwrap().contains("m=8,"),
        "a wrong password renews nothing"
    );
    house.sign_in("ann@example.com", GOOD).await.unwrap();
    assert!(
        house
            .stored_hash(ann.id)
            .await
            .unwrap()
            .contains("m=19456,")
    );
    house.sign_in("ann@example.com", GOOD).await.unwrap();
}

#[tokio::test]
async fn a_known_browser_gets_in_while_others_guess() {
    let house = house().await;
    house.ann().await;
    let bob = email("bob@example.com");
    let made = house.accounts.create(&bob, Some(secret(GOOD)), false);
    made.await.unwrap();
    let sign_in = async |address: &str, password: &str, device: Option<&str>| {
        let browser = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        house
            .accounts
            .sign_in(
                &house.mail,
                address,
                secret(password),
                HOME,
                device,
                browser,
            )
            .await
    };
    let first = sign_in("ann@example.com", GOOD, None).await.unwrap();
    assert_eq!(
        house.kinds().await,
        Vec::<String>::new(),
        "not at the very first"
    );
    for _ in 0..5 {
        let guess = sign_in("ann@example.com", "wrong password", None).await;
        assert_eq!(guess, Err(SignInError::Wrong));
    }
    let told = Err(SignInError::TooMany {
        retry_after: Duration::from_secs(2),
    });
    assert_eq!(sign_in("ann@example.com", GOOD, None).await, told);
    assert_eq!(
        sign_in("ann@example.com", GOOD, Some("made.up")).await,
        told
    );
    let bobs = sign_in("bob@example.com", GOOD, None).await.unwrap().device;
    assert_eq!(
        sign_in("ann@example.com", GOOD, Some(&bobs)).await,
        told,
        "another account's"
    );
    let owner = sign_in("ann@example.com", GOOD, Some(&first.device))
        .await
        .unwrap();
    assert_ne!(owner.device, first.device);
    assert_eq!(
        sign_in("ann@example.com", GOOD, None).await,
        told,
        "the others go on waiting"
    );
    assert_eq!(
        house.kinds().await,
        Vec::<String>::new(),
        "known browsers are no news"
    );
    // A stolen cookie is not free to guess with either.
    for _ in 0..5 {
        let guess = sign_in("ann@example.com", "wrong password", Some(&owner.device)).await;
        assert_eq!(guess, Err(SignInError::Wrong));
    }
    assert_eq!(
        sign_in("ann@example.com", GOOD, Some(&owner.device)).await,
        told
    );
    assert!(
        sign_in("ann@example.com", GOOD, Some(&first.device))
            .await
            .is_ok()
    );

    house.clock.advance(2_000);
    sign_in("ann@example.com", GOOD, None).await.unwrap();
    assert_eq!(
        house.mails().await,
        [("new_device".to_owned(), "Ann@Example.com".to_owned())]
    );
    let letter = house.letter().await;
    assert!(
        letter.contains("Firefox, Linux") && letter.contains("203.0.113.0/24"),
        "{letter}"
    );
}
