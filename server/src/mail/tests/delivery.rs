//! Does a mail leave once, when its reason is committed, however often the server refuses?

use std::time::Duration;

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use super::super::sender::{GIVE_UP_MS, wait_ms};
use super::super::smtp::Smtp;
use super::*;
use crate::secrets::CannotOpen;

const LINK: &str = "/verify/Canary123";

fn verify() -> Message {
    Message::Verify {
        link: LINK.to_owned(),
    }
}

fn smtp(server: &FakeServer) -> Smtp {
    Smtp::new(config(Some(server)).smtp.unwrap(), "pay.example").unwrap()
}

/// The text of a mail as it came, with the line breaks of its encoding taken out.
fn decoded(mail: &str) -> String {
    mail.replace("=\n", "")
}

#[tokio::test]
async fn a_mail_is_queued_with_its_reason_or_not_at_all() {
    let house = House::new(None).await;
    let tx = house.db.begin().await.unwrap();
    house
        .mail
        .queue(&tx, &to("a@example.com", Locale::EN), &verify())
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(house.mail.newest(10).await.unwrap(), []);

    let tx = house.db.begin().await.unwrap();
    house
        .mail
        .queue(&tx, &to("a@example.com", Locale::EN), &verify())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mails = house.mail.newest(10).await.unwrap();
    let content = mails[0].content.as_ref().unwrap();
    assert_eq!(
        (mails.len(), mails[0].to.as_str(), mails[0].sent),
        (1, "a@example.com", false)
    );
    assert!(
        content
            .text
            .contains("https://pay.example/verify/Canary123"),
        "{}",
        content.text
    );

    // Nothing of it is readable in the row, and it opens in no other.
    let sealed: String = house.column("sealed").await;
    assert!(!sealed.contains("Canary") && !sealed.contains("verify"));
    let other = domain::ids::MailId::from_uuid(uuid::Uuid::nil()).to_string();
    assert_eq!(house.mail.unseal(&other, &sealed).err(), Some(CannotOpen));
}

#[tokio::test]
async fn the_same_mail_is_queued_once() {
    let house = House::new(None).await;
    let recipient = to("a@example.com", Locale::EN);
    let queue = async |dedupe| {
        house
            .mail
            .queue_once(house.db.write(), &recipient, &verify(), dedupe)
            .await
            .unwrap()
    };
    assert!(queue("one").await);
    assert!(!queue("one").await);
    assert!(queue("two").await);
    house.queue("a@example.com", &verify()).await;
    house.queue("a@example.com", &verify()).await;
    assert_eq!(house.mail.newest(10).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_mail_that_arrived_is_wiped_and_never_sent_again() {
    let server = FakeServer::start().await;
    let house = House::new(Some(&server)).await;
    house.queue("ada@example.com", &verify()).await;
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 1);
    house.clock.advance(GIVE_UP_MS);
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 0);

    let mails = server.mails();
    let mail = decoded(&mails[0]);
    assert_eq!(mails.len(), 1);
    for part in [
        "To: ada@example.com\n",
        "Content-Type: multipart/alternative",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "https://pay.example/verify/Canary123",
        "Auto-Submitted: auto-generated",
    ] {
        assert!(mail.contains(part), "{part} is not in {mail}");
    }
    let id: String = house.column("id").await;
    assert!(
        mail.contains(&format!("Message-ID: <{id}@pay.example>")),
        "{mail}"
    );
    assert_eq!(house.column::<Option<String>>("sealed").await, None);
    assert_eq!(house.column::<Option<i64>>("sent_at").await, Some(NOW));
    let shown = house.mail.newest(10).await.unwrap();
    assert_eq!((shown[0].sent, shown[0].content.clone()), (true, None));
    assert_eq!(
        house.mail.figures(),
        Figures {
            sent: 1,
            postponed: 0,
            failed: 0
        }
    );
}

#[tokio::test]
async fn several_nodes_send_each_mail_once() {
    let server = FakeServer::start().await;
    let house = House::new(Some(&server)).await;
    for n in 0..23 {
        house
            .queue(&format!("person{n}@example.com"), &verify())
            .await;
    }
    let nodes: Vec<_> = (0..3)
        .map(|_| another(&house.db, &house.clock, Some(&server)))
        .collect();
    let drained = nodes.iter().map(async |node| -> Result<usize, DbErr> {
        let mut taken = 0;
        let mut empty = 0;
        // Another node may have what is due in hand: an empty round is not the end.
        while empty < 3 {
            match node.round(&smtp(&server)).await? {
                0 => empty += 1,
                count => taken += count,
            }
        }
        Ok(taken)
    });
    let taken = futures::future::try_join_all(drained).await.unwrap();
    assert_eq!(taken.iter().sum::<usize>(), 23);
    let mut recipients: Vec<_> = server
        .mails()
        .iter()
        .map(|mail| {
            mail.lines()
                .find(|line| line.starts_with("To: "))
                .unwrap()
                .to_owned()
        })
        .collect();
    recipients.sort();
    assert_eq!(recipients.len(), 23);
    recipients.dedup();
    assert_eq!(recipients.len(), 23, "each once");
}

#[tokio::test]
async fn a_mail_in_hand_is_free_again_when_its_node_died() {
    let server = FakeServer::start().await;
    let house = House::new(Some(&server)).await;
    house.queue("ada@example.com", &verify()).await;
    let taken_until = NOW + 60_000;
    db::exec(
        house.db.write(),
        "UPDATE mail SET taken_until = $1",
        [taken_until.into()],
    )
    .await
    .unwrap();
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 0);
    house.clock.advance(60_000);
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 1);
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_again_and_gets_the_mail_once() {
    let server = FakeServer::start().await;
    let house = House::new(Some(&server)).await;
    house.queue("ada@example.com", &verify()).await;
    // Not let in, with words that quote the address; then let in, and told to come back.
    for (greeting, recipient, code) in [
        (
            "554 no service for ada@example.com",
            "250 ok",
            "connect_554",
        ),
        ("220 fake", "451 ada@example.com is greylisted", "smtp_451"),
    ] {
        server.greet_with(greeting);
        server.answer_recipients_with(recipient);
        assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 1);
        assert_eq!(
            house
                .column::<Option<String>>("last_error")
                .await
                .as_deref(),
            Some(code)
        );
        assert_eq!(
            house.mail.round(&smtp(&server)).await.unwrap(),
            0,
            "not before its time"
        );
        let due: i64 = house.column("due_at").await;
        house.clock.advance(due - house.clock.now_ms());
    }
    server.answer_recipients_with("250 ok");
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 1);
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 0);
    assert_eq!(server.mails().len(), 1);
    assert_eq!(house.column::<i64>("attempts").await, 3);
    assert_eq!(house.column::<Option<String>>("last_error").await, None);
}

#[tokio::test]
async fn after_two_days_a_mail_is_given_up() {
    let server = FakeServer::start().await;
    server.answer_recipients_with("451 later");
    let house = House::new(Some(&server)).await;
    house.queue("ada@example.com", &verify()).await;
    let mut tries = 0;
    while house.column::<Option<i64>>("failed_at").await.is_none() {
        let due: i64 = house.column("due_at").await;
        house.clock.advance(due - house.clock.now_ms());
        assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 1);
        tries += 1;
    }
    let age = house.clock.now_ms() - NOW;
    assert!(
        age <= GIVE_UP_MS && age > GIVE_UP_MS - 45 * 60_000,
        "given up after {age} ms"
    );
    assert!((70..200).contains(&tries), "{tries} tries");
    assert_eq!(house.column::<Option<String>>("sealed").await, None);

    // What lay there unsent for days (no server was set up) is not sent all at once afterwards.
    server.answer_recipients_with("250 ok");
    let late = House::new(Some(&server)).await;
    late.queue("ada@example.com", &verify()).await;
    late.clock.advance(GIVE_UP_MS + 1);
    assert_eq!(late.mail.round(&smtp(&server)).await.unwrap(), 1);
    assert_eq!(
        late.column::<Option<String>>("last_error").await.as_deref(),
        Some("too_late")
    );
    assert_eq!(server.mails(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_server_refuses_for_good_is_given_up_at_once() {
    let server = FakeServer::start().await;
    server.answer_recipients_with("550 nobody@example.com is nobody");
    let house = House::new(Some(&server)).await;
    house.queue("nobody@example.com", &verify()).await;
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 1);
    assert_eq!(house.column::<Option<i64>>("failed_at").await, Some(NOW));
    assert_eq!(
        house
            .column::<Option<String>>("last_error")
            .await
            .as_deref(),
        Some("smtp_550")
    );
    assert_eq!(house.column::<Option<String>>("sealed").await, None);
    house.clock.advance(GIVE_UP_MS / 2);
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 0);
    assert_eq!(
        house.mail.figures(),
        Figures {
            sent: 0,
            postponed: 0,
            failed: 1
        }
    );

    // One bad address does not hold up the others of its handful.
    server.answer_recipients_with("250 ok");
    house.queue("bad address", &verify()).await;
    house.queue("ada@example.com", &verify()).await;
    assert_eq!(house.mail.round(&smtp(&server)).await.unwrap(), 2);
    assert_eq!(server.mails().len(), 1);
}

#[test]
fn waits_double_and_are_scattered() {
    for (attempts, shortest, longest) in [
        (1, 3_000, 5_000),
        (2, 6_000, 10_000),
        (5, 48_000, 80_000),
        (10, 1_350_000, 2_250_000),
        (1_000, 1_350_000, 2_250_000),
    ] {
        assert_eq!(
            (wait_ms(attempts, 0), wait_ms(attempts, u16::MAX)),
            (shortest, longest),
            "{attempts}"
        );
    }
}

#[tokio::test]
async fn a_queued_mail_leaves_within_a_second_of_its_commit() {
    let server = FakeServer::start().await;
    let house = House::at(Some(&server), Clock::system()).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(house.mail.clone().run(stop.clone()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let tx = house.db.begin().await.unwrap();
    house
        .mail
        .queue(&tx, &to("ada@example.com", Locale::EN), &verify())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.mails().len(), 0, "not before the commit");
    tx.commit().await.unwrap();
    for _ in 0..100 {
        if !server.mails().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.mails().len(), 1, "a second after the commit");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(1), running)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn what_was_done_with_a_month_ago_is_forgotten() {
    let server = FakeServer::start().await;
    let house = House::new(Some(&server)).await;
    house.queue("ada@example.com", &verify()).await;
    house.mail.round(&smtp(&server)).await.unwrap();
    house.clock.advance(30 * 24 * 60 * 60 * 1_000);
    assert_eq!(house.mail.sweep().await.unwrap(), 0);
    house.clock.advance(1);
    assert_eq!(house.mail.sweep().await.unwrap(), 1);
}
