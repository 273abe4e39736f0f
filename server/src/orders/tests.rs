//! What do this folder's tests share? An order of 25 euros, its payment, and what the sandbox's hook is sent.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use domain::fx::{Coins, Quote, Rate, Refunded, Source, Spread};
use domain::ids::{OrderId, WorkspaceId};
use domain::order::{OrderStatus, OrderView, PaymentStatus, ProviderId, Reference};
use domain::{Amount, Currency};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::config::{PaymentsConfig, SandboxConfig};
use super::provider::{Hint, Observed, RawWebhook, Registry, Reject};
use super::rows::Row;
use crate::secrets::Secret;

pub(super) fn row() -> Row {
    let paid = Coins::parse(Currency::Eur, "25.00").unwrap();
    Row {
        view: OrderView {
            id: OrderId::from_uuid(Uuid::from_u128(1)),
            reference: Reference::from_random(1),
            workspace: WorkspaceId::from_uuid(Uuid::from_u128(2)),
            account: None,
            provider: ProviderId::Sandbox,
            provider_ref: Some("pay_1".to_owned()),
            status: OrderStatus::Pending,
            quote: Quote {
                paid,
                credited: Amount::parse_usd("27.125").unwrap(),
                rate: Rate::from_e9(1_085_000_000).unwrap(),
                spread: Spread::default(),
                source: Source::Ecb,
                date: Some(0),
                row: 1,
                made_at: 0,
                valid_until: 1,
            },
            bonus: Amount::ZERO,
            settled: None,
            refunded: Refunded::nothing_of(paid),
            refunding: false,
            attention: None,
            created_at: 0,
        },
        locale: "en".to_owned(),
        next_look_at: None,
        looks: 0,
    }
}

/// Its payment, paid.
pub(super) fn observed(row: &Row) -> Observed {
    let paid = row.view.quote.paid;
    Observed {
        object: "pay_1".to_owned(),
        reference: row.view.id.to_string(),
        status: PaymentStatus::Paid,
        amount: Some(paid),
        paid: Some(paid),
        refunded: Coins::new(paid.currency(), 0).ok(),
        paid_at: None,
        live: false,
    }
}

const SECRET: &str = "0123456789abcdef0123";
const NOW_MS: i64 = 1_800_000_000_000;
const NOW_S: i64 = 1_800_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"payment.paid","object":"pay_1"}"#;

fn signed(secret: &str, t: i64, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(t.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut header = format!("t={t},v1=");
    for byte in mac.finalize().into_bytes() {
        write!(header, "{byte:02x}").unwrap();
    }
    header
}

/// What each provider with a hook makes of a request: nothing is asked of anybody.
fn read(name: &str, header: Option<&str>, body: &[u8]) -> Result<Option<Hint>, Reject> {
    let config = PaymentsConfig {
        local: true,
        sandbox: Some(SandboxConfig {
            address: "127.0.0.1:9".parse().unwrap(),
            secret: Secret::new(SECRET.to_owned()),
        }),
        ..PaymentsConfig::default()
    };
    let provider = Registry::new(&config).get(ProviderId::Sandbox).unwrap();
    let raw = RawWebhook {
        body,
        header: &|asked| header.filter(|_| asked == name),
    };
    provider.parse_webhook(&raw, NOW_MS)
}

#[test]
fn only_a_genuine_webhook_is_a_hint() {
    let name = "sandbox-signature";
    let hint = Hint {
        event: "evt_1".to_owned(),
        kind: "payment.paid".to_owned(),
        object: "pay_1".to_owned(),
    };
    let genuine = |body: &[u8]| read(name, Some(&signed(SECRET, NOW_S, body)), body);
    assert_eq!(genuine(BODY), Ok(Some(hint.clone())));
    let spaced = br#" { "object":"pay_1", "more": [1], "type":"payment.paid", "id":"evt_1" } "#;
    assert_eq!(genuine(spaced), Ok(Some(hint)));
    let unknown = br#"{"id":"evt_1","type":"customer.made","object":"cus_1"}"#;
    assert_eq!(genuine(unknown), Ok(None), "genuine, but nothing to follow");

    for (secret, t) in [
        ("another secret of ours", NOW_S),
        ("", NOW_S),
        (SECRET, NOW_S - 301),
        (SECRET, NOW_S + 301),
    ] {
        let header = signed(secret, t, BODY);
        assert!(read(name, Some(&header), BODY).is_err(), "{header}");
    }
    let good = signed(SECRET, NOW_S, BODY);
    assert_eq!(read(name, None, BODY), Err(Reject::Signature));
    assert_eq!(
        read("stripe-signature", Some(&good), BODY),
        Err(Reject::Signature),
        "the header of another provider"
    );
    assert_eq!(
        read(name, Some(&good), &BODY[..BODY.len() - 1]),
        Err(Reject::Signature),
        "cut off on its way"
    );
}

#[test]
fn a_genuine_signature_under_nonsense_is_no_hint() {
    let huge = format!(
        r#"{{"id":"{}","type":"payment.paid","object":"pay_1"}}"#,
        "e".repeat(60_000)
    );
    let bodies: [&[u8]; 9] = [
        b"",
        b"null",
        b"[]",
        br#"{"id":"evt_1","type":"payment.paid"}"#,
        br#"{"id":"evt_1","id":"evt_2","type":"payment.paid","object":"pay_1"}"#,
        br#"{"id":"evt_1","type":"payment.paid","object":"../control"}"#,
        br#"{"id":1,"type":"payment.paid","object":"pay_1"}"#,
        b"{\"id\":\"evt_1\",\"type\":\"payment.paid\",\"object\":\"pay_1\",\"x\":\"\xff\"}",
        huge.as_bytes(),
    ];
    for body in bodies {
        let header = signed(SECRET, NOW_S, body);
        let shown: String = String::from_utf8_lossy(body).chars().take(60).collect();
        assert_eq!(
            read("sandbox-signature", Some(&header), body),
            Err(Reject::Malformed),
            "{shown}"
        );
    }
}
