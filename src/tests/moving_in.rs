//! Moving in: accounts of another system, and key files that an upgrade brings.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::binary::Installation;
use crate::postgres::Scratch;

const PASSWORD: &str = "correct horse battery staple";
const BETTER: &str = "a wholly new password";
/// Of [`PASSWORD`], by the C library's crypt().
const BCRYPT: &str = "$2b$04$zVHmKQtGGQob.b/Nc7l9NO1idz.qoWlB6ZAE1WkXYBPNmK30weBqC";

/// Both databases; the PostgreSQL one is migrated, as an operator does.
async fn installations() -> Vec<(Installation, Option<Scratch>)> {
    let mut all = vec![(Installation::sqlite(), None)];
    if let Some(scratch) = Scratch::create().await {
        let postgres = Installation::postgres(scratch.url());
        assert!(postgres.run(&["migrate", "up"], "").status.success());
        all.push((postgres, Some(scratch)));
    }
    all
}

#[tokio::test]
async fn people_move_in_with_their_old_hashes_or_not_at_all() {
    for (farebox, _scratch) in installations().await {
        farebox.caller("known@example.com", "0");
        let file = farebox.data().with_file_name("people.csv");
        let import = [
            "admin",
            "account",
            "import",
            file.to_str().unwrap(),
            "--json",
        ];
        let head = "email,name,password_hash,verified,created_at";
        let bad = format!(
            "{head}\nada@example.com,Ada,{BCRYPT},true,2020-01-01\nKNOWN@example.com,Bob,{BCRYPT},,\neve@example.com,Eve,5f4dcc3b5aa765d61d8327deb882cf99,,\n"
        );
        std::fs::write(&file, bad).unwrap();
        let refused = farebox.run(&import, "");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1));
        for part in [
            "nothing was imported",
            "line 3: this e-mail has an account",
            "line 4: password_hash",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let list = |search: &str| {
            farebox.json(
                &["admin", "account", "list", "--search", search, "--json"],
                "",
            )
        };
        assert_eq!(list("ada@"), Vec::<Value>::new());

        let good = format!(
            "{head}\nada@example.com,\"Lovelace, Ada\",{BCRYPT},true,2020-01-01\nbob@example.com,,{BCRYPT},,\n"
        );
        std::fs::write(&file, good).unwrap();
        assert_eq!(farebox.one(&import, ""), json!({"imported": 2}));
        let ada = list("LOVELACE").remove(0);
        for (field, value) in [
            ("email", json!("ada@example.com")),
            ("verified", json!(true)),
            ("blocked", json!(false)),
            ("created_at", json!("2020-01-01T00:00:00Z")),
        ] {
            assert_eq!(ada[field], value, "{field} of {ada}");
        }
        assert_eq!(list("bob@")[0]["verified"], false);
        assert_eq!(
            farebox.run(&["ledger", "verify"], "").status.code(),
            Some(0)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_password_signs_in_over_the_pages() {
    let farebox = Installation::sqlite();
    let file = farebox.data().with_file_name("people.csv");
    std::fs::write(
        &file,
        format!("email,name,password_hash,verified\nada@example.com,Ada,{BCRYPT},true\n"),
    )
    .unwrap();
    farebox.one(
        &[
            "admin",
            "account",
            "import",
            file.to_str().unwrap(),
            "--json",
        ],
        "",
    );
    let mut server = farebox.serve(&[]);
    let sign_in = async |password: &str| {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let answer = http
            .post(server.url("/api/sign_in"))
            .header("origin", server.url(""))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!(
                "email=ada%40example.com&password={}",
                password.replace(' ', "+")
            ))
            .send()
            .await
            .unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(sign_in(BETTER).await, "/login");
    assert_eq!(sign_in(PASSWORD).await, "/overview");
    let block = [
        "admin",
        "account",
        "block",
        "--email",
        "ada@example.com",
        "--reason",
    ];
    assert_eq!(
        farebox
            .run(&[&block[..], &[" "]].concat(), "")
            .status
            .code(),
        Some(1)
    );
    let blocked = farebox.one(&[&block[..], &["spam", "--json"]].concat(), "");
    assert_eq!(blocked["blocked"], true);
    assert_eq!(sign_in(PASSWORD).await, "/login");
    let again = farebox.run(&[&block[..], &["spam"]].concat(), "");
    assert!(String::from_utf8_lossy(&again.stderr).contains("blocked already"));
    let unblock = [
        "admin",
        "account",
        "unblock",
        "--email",
        "ada@example.com",
        "--json",
    ];
    assert_eq!(farebox.one(&unblock, "")["blocked"], false);
    assert_eq!(sign_in(PASSWORD).await, "/overview");
    server.terminate();
    server.ended(Duration::from_secs(20));
}

#[tokio::test]
async fn an_upgrade_makes_the_key_files_it_needs_and_only_then() {
    let farebox = Installation::sqlite();
    farebox.caller("ada@example.com", "0");
    let file = |name: &str| farebox.data().join(format!("keys/{name}.key"));
    // As an installation of before has it: neither file.
    for name in ["second-factor", "mail"] {
        std::fs::remove_file(file(name)).unwrap();
    }
    let doctor = farebox.run(&["doctor"], "");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(0), "{said}");
    assert!(said.contains("second-factor.key, mail.key"), "{said}");
    assert!(!file("mail").exists(), "looking makes none");
    let balance = ["admin", "balance", "--email", "ada@example.com"];
    assert!(farebox.run(&balance, "").status.success());
    assert!(file("second-factor").exists() && file("mail").exists());

    let row = "INSERT INTO second_factor (account_id, sealed, created_at) SELECT id, 'AQ==', 0 FROM account";
    farebox
        .db()
        .await
        .write()
        .execute_unprepared(row)
        .await
        .unwrap();
    std::fs::remove_file(file("second-factor")).unwrap();
    for command in [&balance[..], &["doctor"]] {
        let refused = farebox.run(command, "");
        assert_eq!(refused.status.code(), Some(1));
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&refused.stderr),
            String::from_utf8_lossy(&refused.stdout)
        );
        assert!(said.contains("second-factor.key is missing"), "{said}");
    }
    assert!(!file("second-factor").exists());
}
