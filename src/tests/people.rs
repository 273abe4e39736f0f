//! People: from sign-up to a block, on both databases.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use domain::Amount;
use serde_json::json;
use server::accounts::{LinkError, SecondFactorError, SignInError, SignUp, WelcomeRule};
use server::audit::Actor;
use server::secrets::Secret;
use server::sessions::{Owner, Seen};
use texts::Locale;

use crate::app::{TestApp, on_both};

const PASSWORD: &str = "correct horse battery staple";
const BETTER: &str = "a wholly new password";
const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn form(email: &str) -> SignUp {
    SignUp {
        name: "Ann".to_owned(),
        email: email.to_owned(),
        password: secret(PASSWORD),
        terms: true,
        agreements: Vec::new(),
        consent: true,
        locale: Locale::EN,
        from: HERE,
    }
}

/// The token in the newest mail that leads to this page.
async fn token(app: &TestApp, page: &str) -> String {
    let mails = app.front.mail.newest(50).await.unwrap();
    mails
        .into_iter()
        .filter_map(|mail| mail.content)
        .find_map(|content| {
            let (_, rest) = content.text.split_once(&format!("{page}/"))?;
            let token = rest.chars().take_while(char::is_ascii_alphanumeric);
            Some(token.collect())
        })
        .unwrap()
}

on_both! {
    async fn a_person_arrives_and_changes_everything(app) {
        let accounts = app.handles.accounts.clone().with_welcome(Some(WelcomeRule {
            amount: Amount::parse_usd("0.50").unwrap(),
            per_network_per_day: 1,
        }));
        let mail = &app.front.mail;
        let sign_in = async |email: &str, password: &str, device: Option<&str>| {
            accounts.sign_in(mail, email, secret(password), HERE, device, "Firefox, Linux").await
        };
        accounts.sign_up(mail, form("Ann@example.com")).await.unwrap();
        accounts.sign_up(mail, form("ann@EXAMPLE.com")).await.unwrap();
        let verify = token(&app, "/verify").await;
        let ann = accounts.verify(&verify).await.unwrap();
        assert_eq!(accounts.verify(&verify).await, Err(LinkError::Closed));
        let view = accounts.by_id(ann).await.unwrap().unwrap();
        let balance = app.handles.ledger.balance(view.workspace).await.unwrap().unwrap();
        assert_eq!(balance.posted, Amount::parse_usd("0.50").unwrap());

        let first = sign_in("ann@example.com", PASSWORD, None).await.unwrap();
        for _ in 0..5 {
            assert_eq!(sign_in("ann@example.com", BETTER, None).await, Err(SignInError::Wrong));
        }
        let waits = sign_in("ann@example.com", PASSWORD, None).await;
        assert!(matches!(waits, Err(SignInError::TooMany { .. })), "{waits:?}");
        assert!(sign_in("ann@example.com", PASSWORD, Some(&first.device)).await.is_ok());

        accounts.ask_email_change(mail, ann, "new@example.com").await.unwrap();
        accounts.confirm_email_change(mail, &token(&app, "/email/confirm").await).await.unwrap();
        accounts.undo_email_change(mail, &token(&app, "/email/undo").await).await.unwrap();
        accounts.ask_reset(mail, "ann@example.com", HERE).await.unwrap();
        accounts.reset(mail, &token(&app, "/reset").await, secret(BETTER)).await.unwrap();
        assert!(sign_in("ann@example.com", BETTER, None).await.is_ok());

        accounts.set_name(ann, "Анна").await.unwrap();
        let found = accounts.search("анна", None, 10).await.unwrap();
        assert_eq!(found.len(), 1, "found in small letters, in any script");
        assert_eq!(accounts.search("NN@ex", None, 10).await.unwrap().len(), 1);
        app.finish().await;
    }

    async fn a_second_factor_on_both(app) {
        let (accounts, mail) = (&app.handles.accounts, &app.front.mail);
        let ann = app.caller("0").await.account.id;
        let begun = accounts.begin_second_factor(ann, "Farebox").await.unwrap();
        let totp = totp_rs::Totp::from_url(&begun.otpauth).unwrap();
        let now = || u64::try_from(app.handles.clock.now_ms()).unwrap() / 1_000;
        let code = totp.generate(now()).to_string();
        let (codes, _) = accounts.finish_second_factor(mail, ann, &code).await.unwrap();
        let again = accounts.check_second_factor(mail, ann, &code).await;
        assert_eq!(again, Err(SecondFactorError::Wrong), "a code works once");
        let next = totp.generate(now() + 30).to_string();
        accounts.check_second_factor(mail, ann, &next).await.unwrap();
        accounts.check_second_factor(mail, ann, &codes[9]).await.unwrap();
        let used = accounts.check_second_factor(mail, ann, &codes[9]).await;
        assert_eq!(used, Err(SecondFactorError::Wrong));
        assert_eq!(accounts.second_factor(ann).await.unwrap().recovery_left, 9);
        accounts.end_second_factor(mail, ann, Actor::Account(ann)).await.unwrap();
        app.finish().await;
    }

    async fn who_is_blocked_is_out_within_five_seconds(app) {
        let caller = app.caller("1").await;
        let account = caller.account.id;
        let (accounts, audit) = (&app.handles.accounts, &app.handles.audit);
        let owner = Some(Owner { account, admin: false });
        app.handles.sessions.create("cookie", owner, "{}", &Seen::default()).await.unwrap();
        let status = async || app.chat(&caller.key, "nope", json!({})).await.status().as_u16();
        assert_eq!(status().await, 404, "the key is good");

        let reason = "fraud";
        accounts.block(&app.front.mail, audit, Actor::Operator, account, reason, None).await.unwrap();
        assert_eq!(app.handles.sessions.load("cookie").await.unwrap(), None);
        let began = Instant::now();
        while status().await != 403 {
            assert!(began.elapsed() < Duration::from_secs(5), "the key still works");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        accounts.unblock(audit, Actor::Operator, account, None).await.unwrap();
        let began = Instant::now();
        while status().await != 404 {
            assert!(began.elapsed() < Duration::from_secs(5), "the key does not work again");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        app.finish().await;
    }
}
