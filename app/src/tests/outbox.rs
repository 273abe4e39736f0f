//! Is the outbox shown where nobody else can reach us, and nowhere else?

use http::StatusCode;
use server::mail::{Message, Recipient};
use texts::Locale;

use super::world::{Browser, NOW, world};
use crate::services::SiteConfig;

const EVIL: &str = "\"><svg onload=alert(1)>\nhttps://evil.example/x";

#[tokio::test]
async fn only_a_local_installation_shows_its_outbox() {
    let elsewhere = world().await;
    let answer = Browser::default().get(&elsewhere, "/outbox").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);

    let local = world().await.with_site(|site| SiteConfig {
        local: true,
        ..site
    });
    let empty = Browser::default().get(&local, "/outbox").await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(!empty.body.contains("<details"));

    // One with a link, one with words that somebody else chose.
    let (mail, db) = (&local.services.mail, local.db.clone());
    for (address, message) in [
        (
            "ada@example.com",
            Message::Verify {
                link: "/verify/Token123".to_owned(),
            },
        ),
        (
            "bob@example.com",
            Message::NewDevice {
                agent: EVIL.to_owned(),
                network: "192.0.2.0/24".to_owned(),
            },
        ),
    ] {
        let to = Recipient {
            account: None,
            address: address.to_owned(),
            locale: Locale::EN,
        };
        mail.queue(db.write(), &to, &message).await.unwrap();
    }
    for signed_in in [false, true] {
        let mut browser = Browser::default();
        if signed_in {
            browser.sign_in(&local).await;
        }
        let page = browser.get(&local, "/outbox").await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.headers["cache-control"], "no-store");
        assert!(page.body.contains("ada@example.com") && page.body.contains("bob@example.com"));
        assert!(
            page.body.contains("href=\"/verify/Token123\""),
            "{}",
            page.body
        );
        assert!(!page.body.contains("<svg onload") && !page.body.contains("href=\"https://evil"));
        let newest = page.body.find("bob@").unwrap();
        assert!(newest < page.body.find("ada@").unwrap(), "newest first");
    }
    assert_eq!(local.services.clock.now_ms(), NOW);
}
