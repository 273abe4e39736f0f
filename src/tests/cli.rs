//! The command line, as scripts rely on it: names, objects, exit codes, and what a running server sees of it.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::binary::{Installation, chat, http};
use crate::postgres::Scratch;
use crate::upstream::{FakeUpstream, answer, usage};

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

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
async fn the_same_grant_twice_credits_once() {
    for (farebox, _scratch) in installations().await {
        farebox.caller("ada@example.com", "0");
        let grant = [
            "admin",
            "credit",
            "grant",
            "--email",
            "ada@example.com",
            "--amount",
            "25.00",
            "--reason",
            "invoice 7",
            "--id",
            "inv-7",
            "--json",
        ];
        let (first, second) = (farebox.one(&grant, ""), farebox.one(&grant, ""));
        assert_eq!(
            (&first["credited"], &second["credited"]),
            (&true.into(), &false.into())
        );
        let balance = farebox.one(
            &["admin", "balance", "--email", "ada@example.com", "--json"],
            "",
        );
        assert_eq!(
            balance,
            json!({"posted_nusd": "25000000000", "reserved_nusd": "0", "available_nusd": "25000000000"})
        );
        let other = [
            "admin",
            "credit",
            "grant",
            "--email",
            "ada@example.com",
            "--amount",
            "26",
            "--reason",
            "x",
            "--id",
            "inv-7",
        ];
        let refused = farebox.run(&other, "");
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains("inv-7"), "{}", stderr(&refused));
        assert_eq!(
            farebox.run(&["ledger", "verify"], "").status.code(),
            Some(0)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_sees_what_commands_do_within_five_seconds() {
    let fake = FakeUpstream::start().await;
    fake.always(answer("42", Some(usage(1_000, 0, 100))));
    for (farebox, _scratch) in installations().await {
        let mut server = farebox.serve(&[]);
        let key = farebox.caller("ada@example.com", "5");
        let secret = key["key"].as_str().unwrap();
        assert!(
            secret.starts_with("sk-fb_live_") && secret.len() == 60,
            "{secret}"
        );
        farebox.offer(&fake.base_url());
        let until = async |status: u16| {
            let began = Instant::now();
            loop {
                let found = chat(&server, secret, "gpt", json!({}))
                    .await
                    .status()
                    .as_u16();
                if found == status {
                    return;
                }
                assert!(
                    began.elapsed() < Duration::from_secs(5),
                    "still {found}, not {status}: {}",
                    server.log()
                );
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        until(200).await;
        let price = [
            "admin",
            "price",
            "set",
            "--model",
            "gpt",
            "--input-per-mtok",
            "100",
            "--output-per-mtok",
            "100",
            "--json",
        ];
        let version = farebox.one(&price, "")["id"].clone();
        let began = Instant::now();
        loop {
            assert_eq!(chat(&server, secret, "gpt", json!({})).await.status(), 200);
            let newest = farebox.one(
                &[
                    "calls",
                    "list",
                    "--email",
                    "ada@example.com",
                    "--limit",
                    "1",
                    "--json",
                ],
                "",
            );
            if newest["price_version"] == version {
                assert_eq!(newest["charge_nusd"], (1_100 * 100_000_i64).to_string());
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "the new price is not used"
            );
        }
        farebox.one(
            &[
                "admin",
                "key",
                "revoke",
                "--id",
                key["id"].as_str().unwrap(),
                "--json",
            ],
            "",
        );
        until(401).await;
        assert_eq!(
            farebox
                .run(
                    &[
                        "admin",
                        "key",
                        "revoke",
                        "--id",
                        key["id"].as_str().unwrap()
                    ],
                    ""
                )
                .status
                .code(),
            Some(1)
        );
        server.terminate();
        assert!(server.ended(Duration::from_secs(20)).success());
        assert_eq!(
            farebox.run(&["ledger", "verify"], "").status.code(),
            Some(0)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_listed_with_everything_that_explains_its_charge() {
    let fake = FakeUpstream::start().await;
    fake.always(answer("42", Some(usage(1_000, 400, 500))));
    let farebox = Installation::sqlite();
    let key = farebox.caller("ada@example.com", "5");
    farebox.offer(&fake.base_url());
    let mut server = farebox.serve(&[]);
    assert_eq!(
        chat(&server, key["key"].as_str().unwrap(), "gpt", json!({}))
            .await
            .status(),
        200
    );
    let call = farebox.one(
        &["calls", "list", "--email", "ada@example.com", "--json"],
        "",
    );
    for (field, value) in [
        ("model", json!("gpt")),
        ("status", json!(200)),
        ("input_tokens", json!(600)),
        ("cached_input_tokens", json!(400)),
        ("output_tokens", json!(500)),
        ("rule", json!("reported")),
        ("estimated", json!(false)),
        // No cached price was given: cached tokens cost as much as others.
        ("charge_nusd", json!("7500000")),
    ] {
        assert_eq!(call[field], value, "{field} of {call}");
    }
    assert!(
        call["id"].as_str().unwrap().starts_with("call_")
            && call["price_version"]
                .as_str()
                .unwrap()
                .starts_with("price_")
    );
    assert_eq!(call["attempts"][0]["upstream"], "fake");
    let plain = farebox.run(&["calls", "list", "--email", "ada@example.com"], "");
    assert!(String::from_utf8_lossy(&plain.stdout).contains("0.0075 USD"));
    server.terminate();
    server.ended(Duration::from_secs(20));
}

#[tokio::test]
async fn a_broken_ledger_is_found_and_named() {
    for (farebox, _scratch) in installations().await {
        farebox.caller("ada@example.com", "5");
        assert_eq!(
            farebox
                .run(&["ledger", "verify", "--json"], "")
                .status
                .code(),
            Some(0)
        );
        farebox
            .db()
            .await
            .write()
            .execute_unprepared("UPDATE book SET posted = posted + 1 WHERE kind = 'wallet'")
            .await
            .unwrap();
        let output = farebox.run(&["ledger", "verify", "--json"], "");
        assert_eq!(output.status.code(), Some(1));
        let checks: Vec<Value> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let violated: Vec<&str> = checks
            .iter()
            .filter(|check| check["holds"] == false)
            .map(|check| check["id"].as_str().unwrap())
            .collect();
        assert_eq!(violated, ["I3", "I5"], "{checks:?}");
        let offenders =
            checks.iter().find(|check| check["id"] == "I3").unwrap()["offenders"].to_string();
        assert!(
            offenders.contains("ws_"),
            "the wallet is named: {offenders}"
        );
        assert!(
            String::from_utf8_lossy(&farebox.run(&["ledger", "verify"], "").stdout)
                .contains("VIOLATED  I3")
        );
    }
}

/// On PostgreSQL no foreign key says that these are there.
#[tokio::test]
async fn movements_between_books_that_are_gone_are_found_and_named() {
    for (farebox, scratch) in installations().await {
        farebox.caller("ada@example.com", "5");
        let unguarded = match scratch {
            Some(_) => {
                "ALTER TABLE book DISABLE TRIGGER USER; ALTER TABLE lot_part DISABLE TRIGGER USER"
            }
            None => "PRAGMA foreign_keys = OFF",
        };
        let sql = format!(
            "{unguarded}; DELETE FROM book WHERE id = (SELECT min(debit_id) FROM transfer);
             INSERT INTO lot_part (transfer_id, lot_id, amount) SELECT 999999999, min(id), 1 FROM lot"
        );
        let db = farebox.db().await;
        db.write().execute_unprepared(&sql).await.unwrap();
        let output = farebox.run(&["ledger", "verify", "--json"], "");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        for (id, offender) in [("I2", "transfer "), ("I5", "part of transfer 999999999")] {
            let check: Value = told
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .find(|check| check["id"] == id)
                .unwrap();
            let offenders = check["offenders"].as_array().unwrap();
            let is_named = |named: &Value| named.as_str().unwrap().starts_with(offender);
            assert!(offenders.iter().any(is_named), "{check}");
        }
    }
}

#[test]
fn a_ledger_that_cannot_be_reached_is_neither_good_nor_bad() {
    let nobody = Installation::postgres("postgres://farebox:x@127.0.0.1:1/farebox".to_owned());
    assert_eq!(nobody.run(&["ledger", "verify"], "").status.code(), Some(2));
    let missing = Installation::sqlite();
    let output = missing.run(&["ledger", "verify"], "");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        !missing.data().join("farebox.db").exists(),
        "looking makes no database"
    );
}

#[tokio::test]
async fn postgres_is_not_migrated_behind_the_operators_back() {
    let Some(scratch) = Scratch::create().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let farebox = Installation::postgres(scratch.url());
    for command in [&["serve"][..], &["admin", "balance", "--email", "a@b"]] {
        let refused = farebox.run(command, "");
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            stderr(&refused).contains("farebox migrate up"),
            "{}",
            stderr(&refused)
        );
    }
    assert_eq!(
        farebox.run(&["ledger", "verify"], "").status.code(),
        Some(2)
    );
    assert_eq!(
        farebox.run(&["migrate", "status"], "").status.code(),
        Some(1)
    );
    assert_eq!(farebox.run(&["migrate", "up"], "").status.code(), Some(0));
    assert_eq!(
        farebox.run(&["migrate", "status"], "").status.code(),
        Some(0)
    );
    farebox.caller("ada@example.com", "1");
}

#[test]
fn secrets_are_made_closed_and_a_missing_one_stops_the_start() {
    let farebox = Installation::sqlite();
    let key = farebox.caller("ada@example.com", "0");
    let mode = |name: &str| {
        std::fs::metadata(farebox.data().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("."), mode("keys")), (0o700, 0o700));
    let files = crate::binary::files(&farebox.data().join("keys"));
    assert!(files.len() >= 5, "{files:?}");
    for file in &files {
        assert_eq!(
            std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    assert!(!key.to_string().is_empty());
    let pepper = farebox.data().join("keys/api-key-hmac.key");
    let kept = std::fs::read(&pepper).unwrap();
    std::fs::remove_file(&pepper).unwrap();
    for command in [
        &["serve"][..],
        &["admin", "balance", "--email", "ada@example.com"],
    ] {
        let refused = farebox.run(command, "");
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            stderr(&refused).contains("api-key-hmac.key"),
            "{}",
            stderr(&refused)
        );
    }
    std::fs::write(&pepper, kept).unwrap();
    std::fs::set_permissions(&pepper, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = farebox.run(&["admin", "balance", "--email", "ada@example.com"], "");
    assert!(
        stderr(&refused).contains("chmod 600"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let farebox = Installation::sqlite();
    farebox.caller("ada@example.com", "1");
    for (command, words) in [
        (
            &["admin", "balance", "--email", "nobody@example.com"][..],
            "admin account create",
        ),
        (
            &["admin", "balance", "--email", "nobody"],
            "name@example.com",
        ),
        (
            &[
                "admin",
                "credit",
                "grant",
                "--email",
                "ada@example.com",
                "--amount",
                "1e3",
                "--reason",
                "x",
            ],
            "--amount",
        ),
        (
            &[
                "admin",
                "credit",
                "grant",
                "--email",
                "ada@example.com",
                "--amount",
                "1",
                "--reason",
                " ",
            ],
            "--reason",
        ),
        (
            &[
                "admin",
                "price",
                "set",
                "--model",
                "nope",
                "--input-per-mtok",
                "1",
                "--output-per-mtok",
                "1",
            ],
            "admin model create",
        ),
        (&["admin", "key", "revoke", "--id", "key_1"], "--id"),
        (
            &[
                "admin",
                "upstream",
                "create",
                "--name",
                "x",
                "--dialect",
                "openai",
                "--base-url",
                "http://10.0.0.1/v1",
            ],
            "private_ranges",
        ),
    ] {
        let output = farebox.run(command, "");
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(
            stderr(&output).contains(words),
            "{command:?} said {:?}, not {words:?}",
            stderr(&output)
        );
    }
    // What can only be one of a few words is refused as it is read, with those that there are.
    let dialect =
        "admin upstream create --name x --dialect klingon --base-url https://example.com/v1";
    let command: Vec<&str> = dialect.split(' ').collect();
    let output = farebox.run(&command, "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("openai-responses"));
    assert_eq!(
        farebox.run(&["admin", "credit", "grant"], "").status.code(),
        Some(2),
        "what is not understood"
    );
}

#[test]
fn an_open_address_without_https_is_refused() {
    let open = Installation::sqlite().with("FAREBOX_LISTEN", "0.0.0.0:0");
    for command in [&["serve"][..], &["config", "check"]] {
        let output = open.run(command, "");
        assert_eq!(output.status.code(), Some(1));
        let said = format!(
            "{}{}",
            stderr(&output),
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(said.contains("FAREBOX_PUBLIC_URL"), "{said}");
    }
    let shown = Installation::sqlite().run(&["config", "check"], "");
    assert_eq!(shown.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&shown.stdout).contains("[FAREBOX_DATA]"));
}

#[test]
fn doctor_finds_a_healthy_installation_healthy() {
    let farebox = Installation::sqlite();
    farebox.caller("ada@example.com", "1");
    let output = farebox.run(&["doctor"], "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    std::fs::remove_file(farebox.data().join("keys/token.key")).unwrap();
    let output = farebox.run(&["doctor", "--json"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("token.key"));
}

/// Two servers of one database would each take back what the other has leased.
#[test]
fn a_second_server_on_the_same_database_is_refused_whatever_its_folder() {
    let farebox = Installation::sqlite();
    let _first = farebox.serve(&[]);
    let database = farebox.data().join("farebox.db");
    assert!(database.exists());
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(&database, &link).unwrap();
    for file in [database, link] {
        let output = farebox
            .command(&["serve"])
            .env("FAREBOX_DATA", elsewhere.path().join("data"))
            .env("DATABASE_URL", format!("sqlite:{}", file.display()))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = stderr(&output);
        assert!(
            error.contains("another `farebox serve` runs on the database"),
            "{error}"
        );
    }
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let farebox = Installation::sqlite();
    let first = farebox.serve(&[]);
    assert!(
        first.log().contains("admin account create"),
        "an empty installation says how to begin"
    );
    let second = farebox.run(&["serve"], "");
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains("another `farebox serve`"),
        "{}",
        stderr(&second)
    );
    assert_eq!(
        farebox.run(&["doctor"], "").status.code(),
        Some(0),
        "doctor looks beside a running server"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_look_works_as_printed() {
    let farebox = Installation::sqlite();
    let mut server = farebox.serve(&["--welcome"]);
    let welcome = loop {
        let log = server.log();
        if log.contains("Ctrl-C stops it") {
            break log;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let key = welcome
        .split_whitespace()
        .find(|word| word.starts_with("sk-fb_live_"))
        .unwrap()
        .to_owned();
    let link = |text: &str| {
        text.split_whitespace()
            .find(|word| word.contains("/claim/"))
            .map(str::to_owned)
    };
    let response = chat(&server, &key, "sandbox-echo", json!({})).await;
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], "What is 6*7?");
    let page = http()
        .get(link(&welcome).unwrap())
        .header("accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    for path in ["/signup", "/outbox"] {
        assert!(welcome.contains(&server.url(path)), "{welcome}");
        assert_eq!(
            http().get(server.url(path)).send().await.unwrap().status(),
            200
        );
    }
    server.terminate();
    assert!(server.ended(Duration::from_secs(20)).success());

    // The second start shows the same key, a new link, and gives no more credit.
    let mut server = farebox.serve(&["--welcome"]);
    let again = loop {
        let log = server.log();
        if log.contains("Ctrl-C stops it") {
            break log;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(again.contains(&key));
    assert_ne!(link(&again), link(&welcome));
    let balance = farebox.one(
        &["admin", "balance", "--email", "owner@localhost", "--json"],
        "",
    );
    let posted: i64 = balance["posted_nusd"].as_str().unwrap().parse().unwrap();
    assert!((4_000_000_000..5_000_000_000).contains(&posted), "{posted}");
    server.terminate();
    server.ended(Duration::from_secs(20));
    assert_eq!(
        farebox.run(&["ledger", "verify"], "").status.code(),
        Some(0)
    );
}

#[test]
fn a_model_is_offered_at_a_price_for_every_bucket() {
    let farebox = Installation::sqlite();
    farebox.offer("http://127.0.0.1:9/v1");
    let options = [
        ("--input-per-mtok", "3", "input", 3_000_000),
        ("--cached-input-per-mtok", "0.30", "cached_input", 300_000),
        ("--cache-write-per-mtok", "3.75", "cache_write", 3_750_000),
        (
            "--cache-write-1h-per-mtok",
            "6",
            "cache_write_1h",
            6_000_000,
        ),
        ("--audio-input-per-mtok", "40", "audio_input", 40_000_000),
        ("--image-input-per-mtok", "10", "image_input", 10_000_000),
        ("--output-per-mtok", "15", "output", 15_000_000),
        ("--reasoning-per-mtok", "14", "reasoning", 14_000_000),
        ("--audio-output-per-mtok", "80", "audio_output", 80_000_000),
        ("--image-output-per-mtok", "41", "image_output", 41_000_000),
        (
            "--tool-calls-per-million",
            "10000",
            "tool_calls",
            10_000_000_000_i64,
        ),
        ("--units-per-million", "0.10", "units", 100_000),
        ("--calls-per-million", "1000", "call", 1_000_000_000),
    ];
    let price: Vec<&str> = options
        .iter()
        .flat_map(|(option, value, ..)| [*option, *value])
        .chain(["--unit", "millisecond"])
        .collect();
    let create = [
        "admin",
        "model",
        "create",
        "--id",
        "all",
        "--upstream",
        "fake",
        "--context",
        "1000000",
        "--json",
    ];
    let model = farebox.one(&[&create[..], &price].concat(), "");
    let set = ["admin", "price", "set", "--model", "all", "--json"];
    let more = [
        "--long-prompt-above",
        "200000",
        "--long-input-per-mtok",
        "6",
        "--long-output-per-mtok",
        "22.50",
        "--priority-factor",
        "2",
        "--high-effort-factor",
        "1.5",
    ];
    let version = farebox.one(&[&set[..], &price, &more].concat(), "");
    for (_, _, bucket, micro_usd) in options {
        assert_eq!(model["price"][bucket], micro_usd, "{bucket} of {model}");
        assert_eq!(version["price"][bucket], micro_usd, "{bucket} of {version}");
    }
    assert_eq!(model["price"]["unit"], "millisecond");
    let variants = version["variants"].as_array().unwrap();
    assert_eq!(
        variants.len(),
        7,
        "two tiers, an effort or none, two lengths, without the version itself"
    );
    let dearest = variants
        .iter()
        .find(|variant| {
            variant["tier"] == "priority"
                && variant["effort"] == "high"
                && variant["prompt_from"] == 200_001
        })
        .unwrap();
    assert_eq!(dearest["price"]["input"], 12_000_000);
    assert_eq!(dearest["price"]["output"], 67_500_000);
    assert_eq!(
        dearest["price"]["tool_calls"], 10_000_000_000_i64,
        "a tool costs the same, however soon"
    );
    for (wrong, named) in [
        (
            &["--cache-write-per-mtok", "x"][..],
            "--cache-write-per-mtok",
        ),
        (&["--units-per-million", "1"], "--unit"),
        (&["--long-prompt-above", "5"], "--long-input-per-mtok"),
        (&["--flex-factor", "101"], "--flex-factor"),
    ] {
        let usual = ["--input-per-mtok", "1", "--output-per-mtok", "1"];
        let refused = farebox.run(&[&set[..], &usual, wrong].concat(), "");
        assert!(!refused.status.success(), "{wrong:?}");
        assert!(
            stderr(&refused).contains(named),
            "{wrong:?}: {}",
            stderr(&refused)
        );
    }
}
