//! Does every broken model break as described, and is every refusal an envelope?

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{call, chat, start, stats};

#[tokio::test]
async fn a_cut_is_visible_to_the_caller() {
    let sandbox = start(None).await;
    let streamed = chat(sandbox, "sandbox-cut", "hello", json!({"stream": true})).await;
    assert!(!streamed.whole);
    assert!(streamed.said(0, "content").starts_with("lorem ipsum"));
    assert!(!streamed.events().contains(&"[DONE]".to_owned()));
    let plain = chat(sandbox, "sandbox-cut", "hello", json!({})).await;
    assert_eq!(plain.status, 200);
    assert!(!plain.whole);
    assert!(!plain.body().is_empty());
    assert_eq!(
        stats(sandbox).await,
        json!({"requests": 2, "open_streams": 0, "cancelled": 0})
    );
}

#[tokio::test]
async fn broken_models_break_as_described() {
    let sandbox = start(None).await;
    let limited = chat(sandbox, "sandbox-429", "hello", json!({})).await;
    assert_eq!(
        (limited.status, limited.json()["error"]["code"].as_str()),
        (429, Some("rate_limit_exceeded"))
    );
    assert!(limited.head.contains("retry-after: 1"));
    assert_eq!(
        chat(sandbox, "sandbox-500", "hello", json!({}))
            .await
            .json()["error"]["type"],
        "server_error"
    );
    let html = chat(sandbox, "sandbox-html", "hello", json!({})).await;
    assert_eq!(html.status, 502);
    assert!(html.head.contains("content-type: text/html"));
    assert_eq!(
        chat(sandbox, "sandbox-html", "[[status:200]]", json!({}))
            .await
            .status,
        200
    );
    let bad = chat(sandbox, "sandbox-badjson", "hello", json!({})).await;
    assert!(
        bad.whole && bad.status == 200 && serde_json::from_slice::<Value>(&bad.body()).is_err()
    );
    let bad = chat(sandbox, "sandbox-badjson", "hello", json!({"stream": true})).await;
    assert_eq!(
        bad.events().len(),
        bad.chunks().len() + 2,
        "the broken line and [DONE] are not JSON"
    );
    let middle = chat(
        sandbox,
        "sandbox-midstream-error",
        "hello",
        json!({"stream": true}),
    )
    .await;
    assert!(middle.whole && !middle.said(0, "content").is_empty());
    assert_eq!(
        middle.chunks().last().unwrap()["error"]["type"],
        "server_error"
    );
    assert_eq!(
        chat(sandbox, "sandbox-midstream-error", "hello", json!({}))
            .await
            .status,
        500
    );
}

#[tokio::test]
async fn errors_have_the_envelope_and_repeat_no_prompt() {
    let sandbox = start(Some("sk-right")).await;
    let send = async |key: &str, body: &str| {
        call(sandbox, "POST", "/v1/chat/completions", key, body).await
    };
    let wrong = send("sk-wrong", "{}").await;
    assert_eq!(
        (wrong.status, wrong.json()["error"]["code"].as_str()),
        (401, Some("invalid_api_key"))
    );
    let unknown = send(
        "sk-right",
        r#"{"model": "gpt-0", "messages": [{"role": "user"}]}"#,
    )
    .await;
    assert_eq!(
        (unknown.status, unknown.json()["error"]["code"].as_str()),
        (404, Some("model_not_found"))
    );
    assert!(unknown.head.contains("x-request-id: req_sandbox_"));
    for body in [
        "{",
        r#"{"model": "sandbox-echo", "messages": []}"#,
        r#"{"messages": [{"role": "user", "content": "canary"}]}"#,
        r#"{"model": "sandbox-echo", "messages": "canary"}"#,
        r#"{"model": "sandbox-echo", "messages": [{"role": "user", "content": "canary"}], "n": 0}"#,
        r#"{"model": "sandbox-echo", "messages": [{"role": "user", "content": "canary"}], "max_tokens": 0}"#,
    ] {
        let bad = send("sk-right", body).await;
        assert_eq!(bad.status, 400, "{body}");
        let message = bad.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            !message.is_empty() && !message.contains("canary"),
            "{message}"
        );
    }
    let path = call(sandbox, "GET", "/v1/nothing", "sk-right", "").await;
    assert_eq!(
        (path.status, path.json()["error"]["code"].as_str()),
        (404, Some("unknown_url"))
    );
    assert_eq!(
        call(sandbox, "GET", "/v1/chat/completions", "sk-right", "")
            .await
            .status,
        405
    );
    let models = call(sandbox, "GET", "/v1/models", "sk-right", "")
        .await
        .json();
    for model in models["data"].as_array().unwrap() {
        let path = format!("/v1/models/{}", model["id"].as_str().unwrap());
        assert_eq!(
            call(sandbox, "GET", &path, "sk-right", "").await.json(),
            *model
        );
    }
    assert_eq!(
        call(sandbox, "GET", "/v1/models/gpt-0", "sk-right", "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let sandbox = start(None).await;
    let mut socket = TcpStream::connect(sandbox).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: s\r\ncontent-length: {}\r\n\r\n",
        crate::MAX_BODY_BYTES + 1
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = socket.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}
