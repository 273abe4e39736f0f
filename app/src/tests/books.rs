//! Do people and administrators see what the books do by themselves: credit that ends, and the nightly check?

use domain::Amount;
use sea_orm::ConnectionTrait;
use server::audit::By;
use server::ledger::{Bonus, verify};

use super::world::{Browser, NOW, visible, world};

#[tokio::test]
async fn the_administration_says_when_the_books_were_checked_and_whether_they_held() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    let run = |sql: &'static str| world.db.write().execute_unprepared(sql);
    for (sql, said, alarm) in [
        ("SELECT 1", "have not been checked yet", false),
        (
            "INSERT INTO verify_run (day, node, began_at, ended_at, holds, found) VALUES (0, 'n', 1, 2, 1, '[]')",
            "and they hold",
            false,
        ),
        // One that is still at work says nothing yet.
        (
            "INSERT INTO verify_run (day, node, began_at) VALUES (86400000, 'n', 3)",
            "and they hold",
            false,
        ),
        (
            "UPDATE verify_run SET ended_at = 4, holds = 0, found = '[]' WHERE day = 86400000",
            "and they do not hold",
            true,
        ),
    ] {
        run(sql).await.unwrap();
        let page = browser.get(&world, "/admin").await;
        let text = visible(&page.body);
        assert!(text.contains(said), "{said}: {text}");
        assert_eq!(text.contains("farebox ledger verify"), alarm, "{said}");
    }
}

#[tokio::test]
async fn ended_credit_is_a_line_of_its_own() {
    let world = world().await;
    let workspace = world.account.workspace;
    let bonus = Bonus {
        workspace,
        amount: Amount::parse_usd("3.25").unwrap(),
        reason: "a gift",
        id: None,
        ends_at: Some(NOW + 1_000),
    };
    let given = bonus
        .give(&world.db, NOW, By::OPERATOR, &world.services.audit)
        .await;
    assert!(given.unwrap().credited);
    world.services.clock.advance(1_000);
    let expired = world.services.ledger.expire_lots().await.unwrap();
    assert_eq!((expired.lots, expired.amount), (1, bonus.amount));
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    let account = format!("/admin/accounts/{}", world.account.id);
    for (path, kind) in [
        ("/wallet/statement", "Credit that has ended"),
        (account.as_str(), "Ended credit"),
    ] {
        let page = browser.get(&world, path).await;
        let text = visible(&page.body);
        assert!(
            text.contains(kind) && text.contains("3.25"),
            "{path}: {text}"
        );
    }
    let report = verify(&world.db).await.unwrap();
    assert!(report.holds(), "{report:?}");
}
