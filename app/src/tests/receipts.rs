//! Do receipts show what was paid, in both languages, and does the file say the same?

use domain::fx::{Coins, Rate, Source};
use domain::ids::WorkspaceId;
use domain::{Amount, Currency};
use http::{StatusCode, header};
use lopdf::Document;
use server::receipts::{Kind, NewReceipt, RateLine, ReceiptNumber, Seller, SellerFacts, issue};
use texts::Texts;

use super::world::{Browser, NOW, World, visible, world};

/// 25 euros for an order; answers the number.
pub async fn receipt(
    world: &World,
    workspace_id: WorkspaceId,
    order_id: &str,
    locale: &str,
) -> ReceiptNumber {
    let facts = SellerFacts {
        address: vec!["1 Main Street".to_owned()],
        tax_note: Some("Reverse charge".to_owned()),
        ..SellerFacts::named("Example & Sons")
    };
    let new = NewReceipt {
        kind: Kind::Receipt,
        order_id,
        workspace_id,
        provider: "Stripe",
        paid: Coins::new(Currency::Eur, 123_450).unwrap(),
        credited: Amount::from_nanos(1_326_099_900_000),
        bonus: Amount::from_nanos(5_000_000_000),
        rate: Some(RateLine {
            rate: Rate::from_e9(1_074_200_000).unwrap(),
            spread_bp: 100,
            source: Source::Ecb,
            date: NOW - 86_400_000,
        }),
        locale,
        now: NOW,
    };
    let seller = Seller::new(facts, Texts::embedded());
    let tx = world.db.begin().await.unwrap();
    let number = issue(&tx, &new, &seller).await.unwrap();
    tx.commit().await.unwrap();
    number
}

/// One space for every space there is.
fn plain(text: &str) -> String {
    let text = text.replace(['\u{a0}', '\u{2009}', '\u{202f}'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn said(file: &[u8]) -> String {
    let document = Document::load_mem(file).unwrap();
    plain(&document.extract_text(&[1]).unwrap())
}

/// `SHOTS=folder` keeps what was made, for people to look at.
fn shown(name: &str, content: &[u8]) {
    if let Ok(folder) = std::env::var("SHOTS") {
        std::fs::write(std::path::Path::new(&folder).join(name), content).unwrap();
    }
}

#[tokio::test]
async fn page_and_file_say_the_same_in_both_languages() {
    let world = world().await;
    let number = receipt(&world, world.account.workspace, "order_7", "ru").await;
    let path = format!("/wallet/receipts/{number}");
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let amounts = [
        ("en", "€1,234.50", "$1,331.0999", "€1.00 = $1.0742"),
        ("ru", "1 234,50 €", "1 331,0999 $", "1,00 € = 1,0742 $"),
    ];
    for (locale, paid, arrived, rate) in amounts {
        browser
            .cookies
            .insert("__Host-prefs".to_owned(), format!("{locale}.USD.-"));
        let page = browser.get(&world, &path).await;
        assert_eq!(page.status, StatusCode::OK);
        let html = plain(&visible(&page.body));
        let (headers, file) = browser
            .fetch(&world, &format!("{path}/pdf?lang={locale}"))
            .await;
        assert_eq!(headers[header::CONTENT_TYPE], "application/pdf");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        shown(&format!("receipt-{locale}.pdf"), &file);
        shown(&format!("receipt-{locale}.html"), page.body.as_bytes());
        let file = said(&file);
        for wanted in [paid, arrived, rate, "R-2026-000001", "order_7", "Stripe"] {
            let there = html.contains(wanted) || page.body.contains(wanted);
            assert!(there, "{locale} page: {wanted}: {html}");
            assert!(file.contains(wanted), "{locale} file: {wanted}: {file}");
        }
        assert!(page.body.contains("Example &amp; Sons") && file.contains("Example & Sons"));
        let translated = page.body.contains("?lang=en");
        assert_eq!(translated, locale == "en", "the original is Russian");
    }
    let (headers, original) = browser.fetch(&world, &format!("{path}/pdf")).await;
    let name = "attachment; filename=\"R-2026-000001.pdf\"";
    assert_eq!(headers[header::CONTENT_DISPOSITION], name);
    assert!(said(&original).contains("Квитанция"));
    let (_, again) = browser.fetch(&world, &format!("{path}/pdf?lang=ru")).await;
    assert_eq!(original, again, "the same paper is the same bytes");
}

#[tokio::test]
async fn the_list_shows_receipts_and_what_went_back() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let empty = browser.get(&world, "/wallet/receipts").await;
    assert!(visible(&empty.body).contains("No receipts yet"));
    let number = receipt(&world, world.account.workspace, "order_7", "en").await;
    let note = NewReceipt {
        kind: Kind::CreditNote { of: number },
        order_id: "order_7",
        workspace_id: world.account.workspace,
        provider: "Stripe",
        paid: Coins::new(Currency::Eur, 1_000).unwrap(),
        credited: Amount::from_nanos(10_742_000_000),
        bonus: Amount::ZERO,
        rate: None,
        locale: "en",
        now: NOW + 1,
    };
    let seller = Seller::new(SellerFacts::named("Example"), Texts::embedded());
    let tx = world.db.begin().await.unwrap();
    issue(&tx, &note, &seller).await.unwrap();
    tx.commit().await.unwrap();
    let list = browser.get(&world, "/wallet/receipts").await;
    let words = plain(&visible(&list.body));
    for wanted in [
        "€1,234.50",
        "$1,331.0999",
        "-€10.00",
        "-$10.742",
        "Credit note",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    let page = browser.get(&world, "/wallet/receipts/C-2026-000001").await;
    let words = plain(&visible(&page.body));
    assert!(words.contains("Refund of receipt R-2026-000001"), "{words}");
}
