//! Does the outbox work on both databases? What it is taken by and retried is hand-written SQL.

use std::time::Duration;

use sea_orm::{ConnectionTrait, QueryResult, Statement};
use server::mail::{Message, Recipient, Security, SmtpConfig};
use texts::{Locale, Texts};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{TestApp, on_both};

async fn rows(app: &TestApp) -> Vec<QueryResult> {
    let db = &app.handles.db;
    let sql = "SELECT attempts, last_error, taken_until, due_at, created_at FROM mail ORDER BY id";
    db.read()
        .query_all_raw(Statement::from_string(db.backend(), sql))
        .await
        .unwrap()
}

on_both! {
    /// Nobody listens where the mail server should be: mails are taken, put back and kept, by two nodes at once.
    async fn mails_wait_for_their_server(app) {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut config = app.config.clone();
        config.mail = Some(SmtpConfig {
            host: nobody.ip().to_string(),
            port: nobody.port(),
            security: Security::None,
            credentials: None,
            from: "no-reply@example.com".parse().unwrap(),
            authority: None,
        });
        let node = || app.handles.mail(&config, &app.front.site, Texts::embedded());
        let (one, two) = (node(), node());
        let to = Recipient { account: None, address: "ada@example.com".to_owned(), locale: Locale::EN };
        let message = Message::Verify { link: "/verify/Canary".to_owned() };
        let tx = app.handles.db.begin().await.unwrap();
        one.queue(&tx, &to, &message).await.unwrap();
        assert!(one.queue_once(&tx, &to, &message, "once").await.unwrap());
        assert!(!two.queue_once(&tx, &to, &message, "once").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(one.tell_low_balances().await.unwrap(), 0);

        let stop = CancellationToken::new();
        let running = [one.clone(), two.clone()].map(|node| tokio::spawn(node.run(stop.clone())));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        stop.cancel();
        for task in running {
            tokio::time::timeout(Duration::from_secs(2), task).await.expect("it stops").unwrap();
        }
        let rows = rows(&app).await;
        assert_eq!(rows.len(), 2);
        for row in &rows {
            let number = |name| row.try_get::<i64>("", name).unwrap();
            // The first wait is at least three seconds: one try, by one of them.
            assert_eq!((number("attempts"), number("taken_until")), (1, 0));
            assert!(number("due_at") >= number("created_at") + 3_000);
            assert_eq!(row.try_get::<String>("", "last_error").unwrap(), "connect_network");
        }
        let postponed = one.figures().postponed + two.figures().postponed;
        assert_eq!(postponed, 2);
        assert!(one.newest(10).await.unwrap().iter().all(|mail| mail.content.is_some() && !mail.sent));
        app.finish().await;
    }
}
