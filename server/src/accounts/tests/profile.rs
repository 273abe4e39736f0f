//! What people say about themselves.

use domain::views::Chosen;

use super::*;

#[tokio::test]
async fn names_and_choices_are_checked_and_kept() {
    let house = house().await;
    let ann = house.quick("ann@example.com").await;
    assert_eq!(
        house.accounts.set_name(ann.id, "  نرگس\u{200c}خانم ").await,
        Ok(()),
        "of any script"
    );
    for bad in ["", " \u{202e}", "a\nb", &"a".repeat(101)] {
        assert_eq!(
            house.accounts.set_name(ann.id, bad).await,
            Err(ProfileError::Name),
            "{bad:?}"
        );
    }
    let good = Chosen {
        locale: Some("pt-BR".to_owned()),
        currency: Some("EUR".to_owned()),
        time_zone: Some("Pacific/Kiritimati".to_owned()),
        theme: Some("dark".to_owned()),
        shortcuts: false,
    };
    assert_eq!(house.accounts.set_chosen(ann.id, &good).await, Ok(()));
    let bad: [fn(&mut Chosen); 4] = [
        |chosen| chosen.locale = Some("../en".to_owned()),
        |chosen| chosen.currency = Some("XXX".to_owned()),
        |chosen| chosen.time_zone = Some("Mars/Olympus".to_owned()),
        |chosen| chosen.theme = Some("pink".to_owned()),
    ];
    for spoil in bad {
        let mut chosen = good.clone();
        spoil(&mut chosen);
        assert_eq!(
            house.accounts.set_chosen(ann.id, &chosen).await,
            Err(ProfileError::Choice),
            "{chosen:?}"
        );
    }
    let below = Amount::parse_usd("2.50").unwrap();
    assert_eq!(
        house.accounts.set_low_balance(ann.id, Some(below)).await,
        Ok(())
    );
    let debt = Amount::from_nanos(-1);
    assert_eq!(
        house.accounts.set_low_balance(ann.id, Some(debt)).await,
        Err(ProfileError::Amount)
    );
    let kept = house.accounts.by_id(ann.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.name.as_str(), &kept.chosen, kept.low_balance),
        ("نرگس\u{200c}خانم", &good, Some(below))
    );
    assert_eq!(
        house.accounts.set_chosen(ann.id, &Chosen::default()).await,
        Ok(()),
        "nothing is a choice too"
    );
    assert_eq!(house.accounts.set_low_balance(ann.id, None).await, Ok(()));
    assert_eq!(
        house.accounts.by_id(ann.id).await.unwrap().unwrap().chosen,
        Chosen::default()
    );
    assert_eq!(
        house.accounts.set_name(AccountId::new(), "Nobody").await,
        Err(ProfileError::NotFound)
    );
}
