//! Is somebody told once per crossing of their line?

use domain::Amount;
use domain::views::AccountView;

use super::*;
use crate::accounts::{Accounts, Email};
use crate::audit::{Audit, By};
use crate::ledger::{Ledger, LedgerConfig};

struct Person {
    account: AccountView,
    ledger: Ledger,
}

/// Somebody with five dollars.
async fn person(house: &House, email: &str) -> Person {
    let db = Db::clone(&house.db);
    let accounts = Accounts::new(db.clone(), house.clock.clone(), KeyRing::for_tests());
    let account = accounts
        .create(&Email::parse(email).unwrap(), None, false)
        .await
        .unwrap();
    let ledger = Ledger::new(db, house.clock.clone(), LedgerConfig::default());
    let five = Amount::parse_usd("5.00").unwrap();
    ledger
        .grant(account.workspace, five, "test", None)
        .await
        .unwrap();
    Person { account, ledger }
}

async fn set_line(house: &House, person: &Person, nusd: Option<i64>) {
    db::exec(
        house.db.write(),
        "UPDATE account SET low_balance_nusd = $1, verified_at = 1 WHERE id = $2",
        [nusd.into(), person.account.id.to_string().into()],
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn one_mail_per_crossing() {
    let house = House::new(None).await;
    let ada = person(&house, "ada@example.com").await;
    let _nobody_asked = person(&house, "bob@example.com").await;
    let told = async || house.mail.tell_low_balances().await.unwrap();

    assert_eq!(told().await, 0, "nobody has asked");
    set_line(&house, &ada, Some(5_000_000_000)).await;
    assert_eq!(told().await, 0, "five dollars are not less than five");
    set_line(&house, &ada, Some(5_000_000_001)).await;
    assert_eq!(told().await, 1);
    assert_eq!(told().await, 0, "once");
    let mails = house.mail.newest(10).await.unwrap();
    let content = mails[0].content.as_ref().unwrap();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ada@example.com"));
    assert!(content.subject.contains("$5.00"), "{}", content.subject);

    // Above the line again, then below once more.
    let more = Amount::parse_usd("1.00").unwrap();
    ada.ledger
        .grant(ada.account.workspace, more, "test", None)
        .await
        .unwrap();
    assert_eq!(told().await, 0);
    set_line(&house, &ada, Some(7_000_000_000)).await;
    assert_eq!(told().await, 1);

    // Who does not want to be told any more is armed anew.
    set_line(&house, &ada, None).await;
    assert_eq!(told().await, 0);
    set_line(&house, &ada, Some(7_000_000_000)).await;
    assert_eq!(told().await, 1);
}

#[tokio::test]
async fn who_cannot_sign_in_is_not_told() {
    let house = House::new(None).await;
    let ada = person(&house, "ada@example.com").await;
    set_line(&house, &ada, Some(9_000_000_000)).await;
    for state in ["blocked_at = 1", "blocked_at = NULL, verified_at = NULL"] {
        db::exec(house.db.write(), &format!("UPDATE account SET {state}"), [])
            .await
            .unwrap();
        assert_eq!(house.mail.tell_low_balances().await.unwrap(), 0, "{state}");
    }
    db::exec(house.db.write(), "UPDATE account SET verified_at = 1", [])
        .await
        .unwrap();
    assert_eq!(house.mail.tell_low_balances().await.unwrap(), 1);
}

/// However often and from however many nodes it is looked at.
#[tokio::test]
async fn a_hundred_looks_of_three_nodes_mail_once_per_crossing() {
    let house = House::new(None).await;
    let ada = person(&house, "ada@example.com").await;
    let nodes = [
        another(&house.db, &house.clock, None),
        another(&house.db, &house.clock, None),
        another(&house.db, &house.clock, None),
    ];
    let told = async || {
        let mut mails = 0;
        for _ in 0..34 {
            let (one, two, three) = tokio::join!(
                nodes[0].tell_low_balances(),
                nodes[1].tell_low_balances(),
                nodes[2].tell_low_balances(),
            );
            mails += one.unwrap() + two.unwrap() + three.unwrap();
        }
        mails
    };
    let audit = Audit::new(Db::clone(&house.db), house.clock.clone());
    let book = async |dollars: &str| {
        let amount = Amount::parse_usd(dollars.trim_start_matches('-')).unwrap();
        let amount = if dollars.starts_with('-') {
            Amount::from_nanos(-amount.nanos())
        } else {
            amount
        };
        let booked = ada
            .ledger
            .grant_audited(
                ada.account.workspace,
                amount,
                "test",
                None,
                By::SYSTEM,
                &audit,
            )
            .await;
        booked.unwrap();
    };

    set_line(&house, &ada, Some(4_000_000_000)).await;
    // (what happens to the five dollars, mails about it)
    for (dollars, mails) in [
        ("-0.50", 0),
        ("-1.00", 1),
        // Lower, and then more, but not back to the line: it is the same crossing.
        ("-1.00", 0),
        ("0.50", 0),
        // A top-up over the line, and below it once more.
        ("5.00", 0),
        ("-6.00", 1),
    ] {
        book(dollars).await;
        assert_eq!(told().await, mails, "{dollars}");
    }
    assert_eq!(house.mail.newest(10).await.unwrap().len(), 2);
}
