//! Is every mail whole, in every language, and can nothing that people type change what it is?

use std::collections::BTreeSet;

use domain::fx::Coins;
use domain::order::Reference;
use domain::{Amount, Currency};

use super::super::envelope::message;
use super::super::render::{Letter, letter};
use super::super::smtp::Refusal;
use super::*;

fn every_message() -> Vec<Message> {
    let link = || "/some/Token123".to_owned();
    vec![
        Message::Verify { link: link() },
        Message::AlreadyKnown { link: link() },
        Message::Reset { link: link() },
        Message::PasswordChanged,
        Message::ConfirmEmail { link: link() },
        Message::EmailChanged {
            new: "new@pay.example".to_owned(),
            link: link(),
        },
        Message::EmailChangeUndone,
        Message::SecondFactorOn,
        Message::SecondFactorOff,
        Message::RecoveryCodeUsed { left: 3 },
        Message::RecoveryCodesRenewed,
        Message::NewDevice {
            agent: "Firefox, Linux".to_owned(),
            network: "192.0.2.0/24".to_owned(),
        },
        Message::KeyRevealed {
            name: "laptop".to_owned(),
            masked: "sk-fb_live_Ab…9xYz".to_owned(),
        },
        Message::LowBalance {
            balance: Amount::parse_usd("4.20").unwrap(),
            below: Amount::parse_usd("5.00").unwrap(),
        },
        Message::AccountBlocked,
        Message::LedgerViolated {
            found: vec![(
                "I3".to_owned(),
                "wallet of ws_1: posted 5, transfers say 6".to_owned(),
            )],
            more: 2,
        },
        Message::OrderCredited {
            reference: Reference::from_random(7),
            paid: Coins::parse(Currency::Eur, "25.00").unwrap(),
            credited: Amount::parse_usd("27.125").unwrap(),
            bonus: Amount::parse_usd("2.71").unwrap(),
            late: true,
            link: link(),
        },
        Message::OrderRefunded {
            reference: Reference::from_random(7),
            coins: Coins::parse(Currency::Eur, "25.00").unwrap(),
            credit: Amount::parse_usd("27.125").unwrap(),
            link: link(),
        },
    ]
}

fn written(locale: Locale, message: &Message) -> Letter {
    let texts = Texts::embedded().with_pseudo(true);
    letter(&texts, &config(None), locale, message, NOW)
}

fn locale(code: &str) -> Locale {
    Texts::embedded().with_pseudo(true).locale(code).unwrap()
}

#[test]
fn every_mail_is_whole_in_every_language() {
    let messages = every_message();
    let kinds: BTreeSet<_> = messages.iter().map(Message::kind).collect();
    assert_eq!(kinds.len(), messages.len(), "one of each");
    for code in ["en", "ru"] {
        for message in &messages {
            let (place, letter) = (
                format!("{code} {}", message.kind()),
                written(locale(code), message),
            );
            for part in [&letter.subject, &letter.text, &letter.html] {
                assert!(
                    !part.contains("%{") && !part.contains("<0>"),
                    "{place}: {part}"
                );
                assert!(
                    !part.contains("mails."),
                    "{place}: a text is missing in {part}"
                );
            }
            assert!(
                letter.subject.chars().count() <= 78,
                "{place}: {}",
                letter.subject
            );
            // Who sent it, where from, and who helps.
            assert!(
                letter.text.contains("Shop & Söhne, https://pay.example."),
                "{place}"
            );
            assert!(letter.text.contains("help@pay.example"), "{place}");
            assert!(
                letter
                    .html
                    .contains(&format!("<html lang=\"{code}\" dir=\"ltr\">")),
                "{place}"
            );
            // Nothing is fetched from anywhere, and no script or table is in it.
            for mark in [
                "<img", "<script", "<table", "<link", "src=", "url(", "@import",
            ] {
                assert!(!letter.html.contains(mark), "{place}: {mark}");
            }
            let foreign = letter
                .html
                .split("://")
                .skip(1)
                .find(|rest| !rest.starts_with("pay.example"));
            assert_eq!(foreign, None, "{place}");
        }
    }
    let (en, ru) = (
        written(locale("en"), &messages[0]),
        written(locale("ru"), &messages[0]),
    );
    assert!(ru.subject != en.subject && ru.text != en.text);
    assert!(
        written(locale("qps-plocm"), &messages[0])
            .html
            .contains("dir=\"rtl\"")
    );
}

#[test]
fn links_are_absolute_and_the_same_in_both_versions() {
    for message in every_message() {
        let letter = written(Locale::EN, &message);
        let wants_link = matches!(
            message,
            Message::Verify { .. }
                | Message::AlreadyKnown { .. }
                | Message::Reset { .. }
                | Message::ConfirmEmail { .. }
                | Message::EmailChanged { .. }
                | Message::OrderCredited { .. }
                | Message::OrderRefunded { .. }
        );
        let url = "https://pay.example/some/Token123";
        assert_eq!(
            letter.text.lines().any(|line| line == url),
            wants_link,
            "{}",
            letter.text
        );
        assert_eq!(letter.html.contains(&format!("href=\"{url}\"")), wants_link);
    }
}

#[test]
fn what_people_type_stays_a_short_line_of_text() {
    let evil = "<svg onload=alert(1)>\"'\r\nBcc: x@evil.example\u{202e}";
    for message in [
        Message::NewDevice {
            agent: evil.to_owned(),
            network: evil.repeat(50),
        },
        Message::KeyRevealed {
            name: evil.to_owned(),
            masked: evil.to_owned(),
        },
        Message::EmailChanged {
            new: evil.to_owned(),
            link: "/email/undo/T".to_owned(),
        },
    ] {
        let letter = written(Locale::EN, &message);
        assert!(
            !letter.html.contains("<svg")
                && letter
                    .html
                    .contains("&lt;svg onload=alert(1)&gt;&quot;&#39;")
        );
        assert!(
            !letter.text.contains('\r')
                && !letter.text.contains("\nBcc")
                && !letter.text.contains('\u{202e}')
        );
        assert!(
            letter.text.lines().all(|line| line.chars().count() < 200),
            "{}",
            letter.text
        );
    }
}

#[test]
fn no_value_reaches_the_headers_of_a_mail() {
    let evil = "x\r\nBcc: everybody@evil.example\r\n\r\nbody";
    let letter = || Letter {
        subject: evil.to_owned(),
        text: "text".to_owned(),
        html: "<p>text</p>".to_owned(),
    };
    let from: Sender = "no-reply@pay.example".parse().unwrap();
    let mut settings = config(None);
    settings.brand = evil.to_owned();
    let build = |address: &str| message(&settings, &from, "mail_1", address, NOW, letter());
    let whole = String::from_utf8(build("ada@example.com").unwrap().formatted()).unwrap();
    let (head, _) = whole.split_once("\r\n\r\n").unwrap();
    let names: Vec<_> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert!(!names.contains(&"Bcc"), "{head}");
    for name in [
        "Message-ID",
        "Date",
        "From",
        "To",
        "Subject",
        "Auto-Submitted",
        "MIME-Version",
    ] {
        assert_eq!(
            names.iter().filter(|known| **known == name).count(),
            1,
            "{name} in {head}"
        );
    }
    assert!(head.contains("<mail_1@pay.example>"), "{head}");
    for address in [
        "ada@example.com\r\nBcc: x@evil.example",
        "ada@example.com, x@evil.example",
        "a b@example.com",
        "\"\r\nBcc: x\"@example.com",
    ] {
        let refused = build(address).err();
        assert_eq!(
            refused,
            Some(Refusal::Never("bad_address".to_owned())),
            "{address:?}"
        );
    }
    for sender in [
        "",
        "nobody",
        "a@b\r\nBcc: x@y.example",
        "A\nB <a@b.example>",
    ] {
        assert!(sender.parse::<Sender>().is_err(), "{sender:?}");
    }
    let named: Sender = "The Shop <no-reply@pay.example>".parse().unwrap();
    assert_eq!(
        named.named("Farebox").to_string(),
        "The Shop <no-reply@pay.example>"
    );
}
