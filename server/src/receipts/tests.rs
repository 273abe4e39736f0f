//! Facts about receipts: one for each order, numbers without a gap, words that stay.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::fx::{Coins, Rate, Source};
use domain::ids::WorkspaceId;
use domain::{Amount, Currency};
use texts::Texts;

use super::*;
use crate::db::exec;
use crate::ids::NewId;
use crate::ledger::verify;
use crate::testing::TestDb;

/// 2026-11-21 15:04 UTC.
const NOW: i64 = 1_795_273_440_000;
/// 2026-11-20.
const FRIDAY: i64 = 1_795_132_800_000;

struct Shop {
    db: TestDb,
    seller: Seller,
    workspace: WorkspaceId,
}

impl Shop {
    async fn open() -> Self {
        let db = crate::testing::db().await;
        let workspace = WorkspaceId::new();
        let sql = "INSERT INTO workspace (id, created_at) VALUES ($1, 0)";
        exec(db.write(), sql, [workspace.to_string().into()])
            .await
            .unwrap();
        let sql = "INSERT INTO account (id, workspace_id, email, email_key, admin, created_at, name, name_key, shortcuts, epoch)
                   VALUES ('acc_x', $1, 'ada@example.com', 'ada@example.com', FALSE, 0, 'Ada', 'ada', TRUE, 0)";
        exec(db.write(), sql, [workspace.to_string().into()])
            .await
            .unwrap();
        let facts = SellerFacts {
            address: vec!["1 Main Street".to_owned()],
            tax: Some(Tax {
                name: "VAT".to_owned(),
                bp: 2_000,
            }),
            ..SellerFacts::named("Example Ltd")
        };
        Self {
            db,
            seller: Seller::new(facts, Texts::embedded()),
            workspace,
        }
    }

    /// 25 euros for an order, in Russian.
    fn euros<'a>(&self, order_id: &'a str) -> NewReceipt<'a> {
        NewReceipt {
            kind: Kind::Receipt,
            order_id,
            workspace_id: self.workspace,
            provider: "sandbox",
            paid: Coins::new(Currency::Eur, 2_500).unwrap(),
            credited: Amount::from_nanos(26_855_000_000),
            bonus: Amount::from_nanos(2_000_000_000),
            rate: Some(RateLine {
                rate: Rate::from_e9(1_074_200_000).unwrap(),
                spread_bp: 150,
                source: Source::Ecb,
                date: FRIDAY,
            }),
            locale: "ru",
            now: NOW,
        }
    }

    async fn issue(&self, new: &NewReceipt<'_>) -> ReceiptNumber {
        let tx = self.db.begin().await.unwrap();
        let number = issue(&tx, new, &self.seller).await.unwrap();
        tx.commit().await.unwrap();
        number
    }

    fn receipts(&self) -> Receipts {
        Receipts::new(self.db.db.clone())
    }

    async fn broken(&self) -> Vec<String> {
        let report = verify(&self.db).await.unwrap();
        // Orders are only names here; that each has its receipt is proved where there are orders.
        let broken = report
            .checks
            .into_iter()
            .filter(|check| !check.holds && check.id != "I10c");
        broken.map(|check| check.id.to_owned()).collect()
    }
}

fn lines(printed: &Printed) -> Vec<String> {
    let parties = [&printed.seller, &printed.buyer];
    let parties = parties.into_iter().flat_map(|party| party.lines.clone());
    let lines = printed.sections.iter().flat_map(|section| &section.lines);
    let lines = printed.about.iter().chain(lines);
    let lines = lines.map(|line| format!("{}: {}", line.label, line.value));
    parties
        .chain(lines)
        .chain(printed.notes.clone())
        .map(|line| line.replace(['\u{a0}', '\u{202f}'], " "))
        .collect()
}

#[tokio::test]
async fn an_order_has_one_receipt_and_a_number_that_is_rolled_back_is_taken_by_the_next() {
    let shop = Shop::open().await;
    let first = shop.issue(&shop.euros("order_1")).await;
    assert_eq!(first.to_string(), "R-2026-000001");
    assert_eq!(shop.issue(&shop.euros("order_1")).await, first);
    let tx = shop.db.begin().await.unwrap();
    let lost = issue(&tx, &shop.euros("order_2"), &shop.seller).await;
    assert_eq!(lost.unwrap().no, 2);
    tx.rollback().await.unwrap();
    assert_eq!(shop.issue(&shop.euros("order_3")).await.no, 2);
    let year = 366 * 86_400_000;
    let later = NewReceipt {
        now: NOW + year,
        ..shop.euros("order_4")
    };
    assert_eq!(shop.issue(&later).await.to_string(), "R-2027-000001");
    let note = NewReceipt {
        kind: Kind::CreditNote { of: first.clone() },
        paid: Coins::new(Currency::Eur, 1_000).unwrap(),
        ..shop.euros("order_1")
    };
    for no in 1..=2 {
        assert_eq!(
            shop.issue(&note).await.to_string(),
            format!("C-2026-00000{no}")
        );
    }
    assert_eq!(shop.broken().await, Vec::<String>::new());
    let all = shop
        .receipts()
        .of_orders(shop.workspace, &["order_1"])
        .await;
    let kinds: Vec<bool> = all
        .unwrap()
        .iter()
        .map(|paper| paper.kind == Kind::Receipt)
        .collect();
    assert_eq!(kinds, [true, false, false]);
    let stranger = shop.receipts().find(WorkspaceId::new(), &first).await;
    assert_eq!(stranger.unwrap(), None);
}

#[tokio::test]
async fn what_was_printed_stays_and_other_languages_follow_the_facts() {
    let mut shop = Shop::open().await;
    let number = shop.issue(&shop.euros("order_1")).await;
    shop.seller.facts.name = "Another Ltd".to_owned();
    let sql = "UPDATE account SET name = 'Grace', email = 'grace@example.com'";
    exec(shop.db.write(), sql, []).await.unwrap();
    let found = shop.receipts().find(shop.workspace, &number).await;
    let receipt = found.unwrap().unwrap();
    let texts = Texts::embedded();
    let ru = texts.locale("ru").unwrap();
    let original = receipt.printed(&texts, ru);
    assert_eq!(
        lines(&original),
        [
            "Example Ltd",
            "1 Main Street",
            "Ada",
            "ada@example.com",
            "Номер: R-2026-000001",
            "Дата: 21 нояб. 2026 г., 15:04 UTC",
            "Заказ: order_1",
            "Способ оплаты: Песочница",
            "Пополнение: средства на вызовы моделей ИИ: 25,00 €",
            "В том числе VAT 20 %: 4,17 €",
            "Всего оплачено: 25,00 €",
            "Курс: 1,00 € = 1,0742 $",
            "Источник курса: Европейский центральный банк, 20 нояб. 2026 г.",
            "Наценка, уже учтена в курсе: 1,5 %",
            "Средства: 26,855 $",
            "Бонус: 2,00 $",
            "Всего зачислено: 28,855 $",
            "Этот платёж прошёл в песочнице: настоящих денег никто не платил.",
        ]
    );
    let english = receipt.printed(&texts, texts::Locale::EN);
    let english = lines(&english);
    assert!(english.contains(&"Rate: €1.00 = $1.0742".to_owned()));
    assert!(english.contains(&"Ada".to_owned()) && english.contains(&"Example Ltd".to_owned()));
}

#[tokio::test]
async fn what_is_wrong_with_receipts_is_found() {
    for (breakage, check) in [
        ("UPDATE receipt_series SET next_no = next_no + 1", "I10"),
        ("UPDATE receipt SET no = 7 WHERE no = 2", "I10"),
        ("DELETE FROM receipt WHERE no = 1", "I10"),
        ("UPDATE receipt SET paid_coins = 2600", "I10b"),
        (
            "UPDATE receipt SET fields = replace(fields, 'Ada', 'Eve')",
            "I10b",
        ),
    ] {
        let shop = Shop::open().await;
        shop.issue(&shop.euros("order_1")).await;
        shop.issue(&shop.euros("order_2")).await;
        assert!(
            exec(shop.db.write(), breakage, []).await.is_err() || breakage.contains("series SET"),
            "the database allows {breakage}"
        );
        for trigger in ["receipt_no_update", "receipt_no_delete"] {
            let sql = format!("DROP TRIGGER {trigger}");
            exec(shop.db.write(), &sql, []).await.unwrap();
        }
        exec(shop.db.write(), breakage, []).await.unwrap();
        let broken = shop.broken().await;
        assert!(broken.contains(&check.to_owned()), "{breakage}: {broken:?}");
    }
}

#[test]
fn the_tax_in_an_amount_is_rounded_half_up_to_coins() {
    for (currency, paid, bp, part) in [
        (Currency::Eur, 2_500, 2_000, 417),
        (Currency::Eur, 120, 2_000, 20),
        (Currency::Jpy, 110, 1_000, 10),
        (Currency::Usd, 3, 10_000, 2),
        (Currency::Usd, 0, 2_000, 0),
        (Currency::Usd, i64::MAX, 10_000, i64::MAX / 2 + 1),
    ] {
        let tax = Tax {
            name: "VAT".to_owned(),
            bp,
        };
        let paid = Coins::new(currency, paid).unwrap();
        assert_eq!(tax.part_of(paid).minor(), part, "{paid} {bp}");
    }
}
