//! What happens over time: callers who leave, waiting, shutting down?

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use super::{chat, open, start, until};
use crate::{Options, serve};

#[tokio::test]
async fn a_caller_who_leaves_stops_the_generation() {
    let sandbox = start(None).await;
    let body = r#"{"model": "sandbox-lorem", "stream": true, "messages": [{"role": "user", "content": "5000"}]}"#;
    let mut streaming = open(sandbox, "POST", "/v1/chat/completions", "none", body).await;
    let mut some = [0; 512];
    assert!(streaming.read(&mut some).await.unwrap() > 0);
    let body =
        r#"{"model": "sandbox-slow", "messages": [{"role": "user", "content": "[[wait:60]]"}]}"#;
    let waiting = open(sandbox, "POST", "/v1/chat/completions", "none", body).await;
    until(
        sandbox,
        json!({"requests": 2, "open_streams": 1, "cancelled": 0}),
    )
    .await;
    drop((streaming, waiting));
    until(
        sandbox,
        json!({"requests": 2, "open_streams": 0, "cancelled": 2}),
    )
    .await;
}

#[tokio::test]
async fn the_slow_model_waits_as_long_as_asked() {
    let sandbox = start(None).await;
    for stream in [false, true] {
        let begun = Instant::now();
        let answer = chat(
            sandbox,
            "sandbox-slow",
            "[[wait:1]] hello",
            json!({"stream": stream}),
        )
        .await;
        assert!(answer.whole && begun.elapsed() >= Duration::from_secs(1));
    }
}

#[tokio::test]
async fn shutdown_lets_a_running_stream_finish() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, Options::default(), async move {
        drop(stopped.await)
    }));
    let call = tokio::spawn(chat(
        address,
        "sandbox-lorem",
        "60",
        json!({"stream": true}),
    ));
    until(
        address,
        json!({"requests": 1, "open_streams": 1, "cancelled": 0}),
    )
    .await;
    stop.send(()).unwrap();
    let answer = call.await.unwrap();
    assert!(answer.whole);
    assert_eq!(answer.events().last().unwrap(), "[DONE]");
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
