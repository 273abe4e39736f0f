//! SIGTERM: what runs is finished, charged, and given back; nothing new is taken.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::binary::{Installation, chat, live_leases};
use crate::upstream::{FakeUpstream, Reply, Step, done, finish, piece, usage, usage_chunk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_finishes_its_streams() {
    let fake = FakeUpstream::start().await;
    let pause = Step::Pause(Duration::from_millis(2_500));
    fake.always(Reply::Stream(vec![
        piece("one "),
        pause,
        piece("two"),
        finish(),
        usage_chunk(usage(100, 0, 10)),
        done(),
    ]));
    let farebox = Installation::sqlite();
    let key = farebox.caller("ada@example.com", "5");
    farebox.offer(&fake.base_url());
    let mut server = farebox.serve(&[]);
    let mut response = chat(
        &server,
        key["key"].as_str().unwrap(),
        "gpt",
        json!({"stream": true}),
    )
    .await;
    let mut text = String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap();

    let began = Instant::now();
    server.terminate();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(
        tokio::net::TcpStream::connect(server.address)
            .await
            .is_err(),
        "a stopping server takes no new connections"
    );
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(
        text.contains("two") && text.trim_end().ends_with("data: [DONE]"),
        "{text}"
    );

    assert!(
        server.ended(Duration::from_secs(20)).success(),
        "{}",
        server.log()
    );
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "it waits for nothing but the call"
    );
    let log = server.log();
    assert!(
        log.contains("waiting for running calls") && log.contains("\"calls\":1"),
        "it says what it waits for: {log}"
    );
    let call = farebox.one(
        &["calls", "list", "--email", "ada@example.com", "--json"],
        "",
    );
    assert_eq!(
        (&call["rule"], &call["charge_nusd"]),
        (&json!("reported"), &json!("350000"))
    );
    assert_eq!(
        live_leases(&farebox.db().await).await,
        0,
        "every lease is given back"
    );
    let balance = farebox.one(
        &["admin", "balance", "--email", "ada@example.com", "--json"],
        "",
    );
    assert_eq!(balance["available_nusd"], balance["posted_nusd"]);
    assert_eq!(
        farebox.run(&["ledger", "verify"], "").status.code(),
        Some(0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_takes_too_long_is_ended_and_the_next_start_takes_the_credit_back() {
    let fake = FakeUpstream::start().await;
    fake.always(Reply::Stream(vec![piece("one "), Step::Stall]));
    let farebox = Installation::sqlite().with("FAREBOX_DRAIN_SECONDS", "2");
    let key = farebox.caller("ada@example.com", "5");
    farebox.offer(&fake.base_url());
    let mut server = farebox.serve(&[]);
    let mut response = chat(
        &server,
        key["key"].as_str().unwrap(),
        "gpt",
        json!({"stream": true}),
    )
    .await;
    response.chunk().await.unwrap().unwrap();
    server.terminate();
    server.ended(Duration::from_secs(15));
    drop(response);

    let mut server = farebox.serve(&[]);
    assert_eq!(
        live_leases(&farebox.db().await).await,
        0,
        "the predecessor's leases are taken back at once"
    );
    server.terminate();
    assert!(server.ended(Duration::from_secs(15)).success());
    assert_eq!(
        farebox.run(&["ledger", "verify"], "").status.code(),
        Some(0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_ends_with_its_server_even_when_it_is_killed() {
    let farebox = Installation::sqlite();
    let server = farebox.serve(&[]);
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.contains("The sandbox upstream runs"))
        .unwrap();
    let event: serde_json::Value = serde_json::from_str(line).unwrap();
    let address: std::net::SocketAddr = event["address"].as_str().unwrap().parse().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_ok());
    drop(server);
    let began = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the sandbox outlives its server"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
