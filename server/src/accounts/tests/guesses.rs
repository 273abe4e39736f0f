//! What guessing costs.

use super::*;

#[tokio::test]
async fn the_sixth_failure_in_a_row_has_to_wait_and_each_one_longer() {
    let house = house().await;
    house.ann().await;
    for _ in 0..5 {
        assert_eq!(
            house.sign_in("ann@example.com", "wrong password").await,
            Err(SignInError::Wrong)
        );
    }
    for seconds in [2, 4] {
        let told = Err(SignInError::TooMany {
            retry_after: Duration::from_secs(seconds),
        });
        assert_eq!(
            house.sign_in("Ann@example.com", GOOD).await,
            told,
            "even the right password, however spelled"
        );
        house
            .clock
            .advance(i64::try_from(seconds).unwrap() * 1_000 - 1);
        assert_eq!(
            house.sign_in("ann@example.com", GOOD).await,
            Err(SignInError::TooMany {
                retry_after: Duration::from_secs(1)
            }),
            "never less than a second"
        );
        house.clock.advance(1);
        assert_eq!(
            house.sign_in("ann@example.com", "wrong password").await,
            Err(SignInError::Wrong)
        );
    }
    assert_eq!(
        house.sign_in("bob@example.com", "wrong password").await,
        Err(SignInError::Wrong),
        "others do not wait"
    );
}

#[tokio::test]
async fn a_success_wipes_the_slate() {
    let house = house().await;
    let ann = house.ann().await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(
                house.sign_in("ann@example.com", "wrong password").await,
                Err(SignInError::Wrong)
            );
        }
        assert_eq!(
            house.sign_in("ann@example.com", GOOD).await,
            Ok(ann.clone())
        );
    }
    assert_eq!(house.count("SELECT count(*) FROM sign_in_delay").await, 0);
}

#[tokio::test]
async fn delays_survive_a_restart_end_within_a_quarter_of_an_hour_and_are_forgotten_in_a_day() {
    let house = house().await;
    let subject = delay::subject(&KeyRing::for_tests(), At::SignIn, "ann@example.com");
    let mut now = NOW;
    for _ in 0..40 {
        if let Err(wait) = delay::count(&house.db, &subject, now).await.unwrap() {
            assert!(wait <= Duration::from_secs(15 * 60));
            now += i64::try_from(wait.as_millis()).unwrap();
        }
    }
    let wait = delay::count(&house.db, &subject, now).await.unwrap();
    assert!(wait.is_ok() || wait == Err(Duration::from_secs(15 * 60)));
    assert!(
        !format!(
            "{:?}",
            table::sign_in_delay::Entity::find()
                .all(house.db.read())
                .await
                .unwrap()
        )
        .contains("ann")
    );
    house.clock.advance(now - NOW);
    let fresh = Accounts::new(
        house.db.db.clone(),
        house.clock.clone(),
        KeyRing::for_tests(),
    );
    let refused = fresh
        .sign_in(
            &house.mail,
            "ann@example.com",
            secret("wrong password"),
            HOME,
            None,
            "",
        )
        .await;
    assert!(
        matches!(refused, Err(SignInError::TooMany { .. })),
        "{refused:?}"
    );
    house.clock.advance(25 * 60 * 60 * 1_000);
    assert_eq!(
        fresh
            .sign_in(
                &house.mail,
                "ann@example.com",
                secret("wrong password"),
                HOME,
                None,
                ""
            )
            .await,
        Err(SignInError::Wrong)
    );
    assert_eq!(house.count("SELECT failures FROM sign_in_delay").await, 1);
}

#[test]
fn delays_double_from_two_seconds_to_a_quarter_of_an_hour() {
    let seconds = |failures| delay::delay_ms(failures).map(|ms| ms / 1_000);
    assert_eq!(
        [1, 4, 5, 6, 7, 13, 14, 70, i64::MAX].map(seconds),
        [
            None,
            None,
            Some(2),
            Some(4),
            Some(8),
            Some(512),
            Some(900),
            Some(900),
            None
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_the_same_moment_do_not_slip_through() {
    let house = house().await;
    house.ann().await;
    let tries = (0..30).map(|host| {
        let (accounts, mail) = (house.accounts.clone(), house.mail.clone());
        tokio::spawn(async move {
            accounts
                .sign_in(
                    &mail,
                    "ann@example.com",
                    secret("wrong password"),
                    IpAddr::from([198, 51, host, 1]),
                    None,
                    "",
                )
                .await
        })
    });
    let mut checked = 0;
    for tried in futures::future::join_all(tries).await {
        match tried.unwrap() {
            Err(SignInError::Wrong) => checked += 1,
            other => assert!(
                matches!(other, Err(SignInError::TooMany { .. })),
                "{other:?}"
            ),
        }
    }
    assert_eq!(checked, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_sign_ins_is_turned_away_instead_of_queued() {
    let house = house().await;
    let room = std::thread::available_parallelism().unwrap().get() + 64;
    let tries = (0..room + 100).map(|guest| {
        let (accounts, mail) = (house.accounts.clone(), house.mail.clone());
        let [network, subnet] = u16::try_from(guest).unwrap().to_be_bytes();
        let from = IpAddr::from([198, network, subnet, 1]);
        tokio::spawn(async move {
            accounts
                .sign_in(
                    &mail,
                    &format!("guest{guest}@example.com"),
                    secret("wrong password"),
                    from,
                    None,
                    "",
                )
                .await
        })
    });
    let outcomes: Vec<_> = futures::future::join_all(tries)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let busy = outcomes
        .iter()
        .filter(|outcome| **outcome == Err(SignInError::Busy))
        .count();
    let wrong = outcomes
        .iter()
        .filter(|outcome| **outcome == Err(SignInError::Wrong))
        .count();
    assert_eq!(busy + wrong, room + 100);
    assert!(busy > 0 && wrong >= room, "{busy} busy, {wrong} checked");
    assert_eq!(
        house.count("SELECT count(*) FROM sign_in_delay").await,
        i64::try_from(wrong).unwrap(),
        "busy is no failure"
    );
}

#[tokio::test]
async fn one_network_that_guesses_at_many_accounts_is_slowed_down() {
    let house = house().await;
    let ann = house.ann().await;
    for guest in 0..30 {
        assert_eq!(
            house
                .sign_in(&format!("guest{guest}@example.com"), "Summer2026")
                .await,
            Err(SignInError::Wrong)
        );
    }
    let told = Err(SignInError::TooMany {
        retry_after: Duration::from_secs(2),
    });
    assert_eq!(house.sign_in("ann@example.com", GOOD).await, told);
    let elsewhere = house
        .accounts
        .sign_in(
            &house.mail,
            "ann@example.com",
            secret(GOOD),
            IpAddr::from([192, 0, 2, 1]),
            None,
            "",
        )
        .await;
    assert_eq!(
        elsewhere.map(|signed_in| signed_in.account),
        Ok(ann),
        "others are not slowed down"
    );
}
