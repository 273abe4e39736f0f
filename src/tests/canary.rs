//! Does any prompt, answer or key end up anywhere? A random one of each goes through every path of a real server that
//! logs everything it can; then the data folder, the logs and the figures are searched for them in every writing.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use farebox::config::{Log, LogFormat};
use farebox::routes::failure;
use farebox::telemetry;
use serde_json::json;
use server::secrets::Secret;

use crate::app::TestApp;
use crate::binary::{Installation, Server, chat, files, http};
use crate::responses;
use crate::socket::Client;
use crate::upstream::{
    FakeUpstream, Reply, Step, answer, finish, other, piece, refusal, stream, usage,
};

/// Random letters and digits that occur nowhere by chance.
fn canary() -> String {
    format!("canary{}", &Secret::random_token().unwrap().expose()[..24])
}

/// Every writing in which the canary is looked for: as it is, in both cases, in hexadecimal, reversed, and in base64 at
/// each of its three alignments.
fn writings(canary: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("plain".to_owned(), canary.as_bytes().to_vec()),
        ("upper case".to_owned(), canary.to_uppercase().into_bytes()),
        ("lower case".to_owned(), canary.to_lowercase().into_bytes()),
        ("reversed".to_owned(), canary.bytes().rev().collect()),
        (
            "hexadecimal".to_owned(),
            server::secrets::hex(canary.as_bytes()).into_bytes(),
        ),
        (
            "HEXADECIMAL".to_owned(),
            server::secrets::hex(canary.as_bytes())
                .to_uppercase()
                .into_bytes(),
        ),
        // How `{:?}` shows bytes.
        (
            "list of bytes".to_owned(),
            canary
                .bytes()
                .map(|byte| byte.to_string())
                .collect::<Vec<_>>()
                .join(", ")
                .into_bytes(),
        ),
    ];
    for shift in 0..3 {
        let padded = [&vec![0; shift][..], canary.as_bytes()].concat();
        for (name, encoded) in [
            ("base64", STANDARD_NO_PAD.encode(&padded)),
            ("base64url", URL_SAFE_NO_PAD.encode(&padded)),
        ] {
            // The first and last digits depend on the neighbours.
            let inner = &encoded[if shift == 0 { 0 } else { 4 }..encoded.len() - 3];
            all.push((
                format!("{name} shifted by {shift}"),
                inner.as_bytes().to_vec(),
            ));
        }
    }
    all
}

/// Where the canary is found: place and writing.
fn search(canary: &str, places: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (writing, needle) in writings(canary) {
        for (place, bytes) in places {
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push(format!("{place} ({writing})"));
            }
        }
    }
    found
}

/// Everything a server leaves behind or shows to operators.
async fn traces(farebox: &Installation, server: &Server) -> Vec<(String, Vec<u8>)> {
    let mut places: Vec<(String, Vec<u8>)> = files(&farebox.data())
        .into_iter()
        .map(|file| {
            (
                file.display().to_string(),
                std::fs::read(&file).unwrap_or_default(),
            )
        })
        .collect();
    places.push(("log".to_owned(), server.log().into_bytes()));
    if let Ok(figures) = http().get(server.url("/metrics")).send().await {
        places.push((
            "/metrics".to_owned(),
            figures.bytes().await.unwrap().to_vec(),
        ));
    }
    places
}

/// Sends the prompt down every path: success, refusals, an upstream that quotes it, cuts, silence, junk, a caller who leaves.
async fn every_path(server: &Server, fake: &FakeUpstream, key: &str, prompt: &str) {
    let plain = json!({"messages": [{"role": "user", "content": prompt}], "user": prompt, "metadata": {"note": prompt}});
    let mut streamed = plain.clone();
    streamed["stream"] = json!(true);
    let quoting = format!("the prompt {prompt} is too long");
    let replies = [
        answer(prompt, Some(usage(10, 0, 5))),
        stream(&[prompt, " and ", prompt], Some(usage(10, 0, 5))),
        stream(&[prompt], None),
        refusal(400, &quoting),
        refusal(401, &quoting),
        refusal(429, &quoting),
        refusal(500, &quoting),
        Reply::Plain {
            status: 200,
            headers: vec![
                ("x-request-id", prompt.to_owned()),
                ("set-cookie", prompt.to_owned()),
            ],
            body: quoting.clone(),
        },
        Reply::Plain {
            status: 200,
            headers: Vec::new(),
            body: format!("{{\"choices\": [{{\"message\": {prompt}"),
        },
        Reply::Stream(vec![
            piece(prompt),
            Step::Event(format!("{{broken {prompt}")),
            finish(),
        ]),
        Reply::Stream(vec![
            piece(prompt),
            Step::Event(json!({"error": {"message": quoting}}).to_string()),
        ]),
        Reply::Stream(vec![piece(prompt), Step::Cut]),
        Reply::HangUp,
    ];
    for reply in replies {
        for body in [&plain, &streamed] {
            fake.always(reply.clone());
            chat(server, key, "gpt", body.clone())
                .await
                .bytes()
                .await
                .ok();
        }
    }
    by_hand(server, fake, prompt).await;
    other_media(server, fake, key, prompt).await;
    by_responses(server, fake, key, prompt).await;
    // A caller who leaves while the upstream is silent.
    fake.always(Reply::Stream(vec![piece(prompt), Step::Stall]));
    let mut response = chat(server, key, "gpt", streamed).await;
    response.chunk().await.ok();
    drop(response);
    // What Farebox itself refuses, with the prompt and the key in every place where they do not belong.
    chat(server, &format!("{key}{prompt}"), "gpt", plain.clone()).await;
    chat(server, key, prompt, plain.clone()).await;
    let junk = [
        format!("{{\"model\": \"gpt\", \"messages\": {prompt}"),
        format!("{{\"model\": {{\"{prompt}\": 1}}}}"),
        prompt.to_owned(),
    ];
    for body in junk {
        http()
            .post(server.url("/v1/chat/completions"))
            .bearer_auth(key)
            .body(body)
            .send()
            .await
            .unwrap();
    }
    // What the call would cost, asked well and badly.
    let with_model = |model: &str| {
        let mut asked = plain.clone();
        asked["model"] = json!(model);
        asked.to_string()
    };
    for body in [
        with_model("gpt"),
        with_model(prompt),
        json!({"model": "gpt", "tokens": {prompt: prompt}}).to_string(),
        prompt.to_owned(),
    ] {
        http()
            .post(server.url("/v1/estimate"))
            .bearer_auth(key)
            .body(body)
            .send()
            .await
            .unwrap();
    }
    for path in [
        format!("/v1/prices/{prompt}"),
        format!("/prices/{prompt}"),
        format!("/prices?q={prompt}"),
        format!("/calculator?model={prompt}&input={prompt}"),
        format!("/v1/{prompt}?key={key}"),
        format!("/{prompt}"),
        format!("/claim/{prompt}"),
        format!("/assets/{prompt}"),
        format!("/v1/models/{prompt}"),
    ] {
        http()
            .get(server.url(&path))
            .bearer_auth(key)
            .header("referer", prompt)
            .header("cookie", format!("sid={prompt}"))
            .send()
            .await
            .unwrap();
    }
    http()
        .post(server.url("/api/sign_in"))
        .header("origin", server.url(""))
        .form_body(prompt)
        .send()
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// The same prompt at every endpoint that is no chat: answered, refused, quoted, broken, and mistyped.
async fn other_media(server: &Server, fake: &FakeUpstream, key: &str, prompt: &str) {
    let quoting = format!("the prompt {prompt} is too long");
    let form = |fields: &str| {
        format!(
            "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{prompt}.wav\"\r\n\r\n{prompt}\r\n{fields}--b--\r\n"
        )
    };
    let field = |name: &str, value: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let json = |more: serde_json::Value| {
        let mut body = json!({"model": "gpt", "user": prompt});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string()
    };
    let multipart = "multipart/form-data; boundary=b";
    let asked = [
        (
            "/v1/completions",
            "application/json",
            json(json!({"prompt": prompt})),
        ),
        (
            "/v1/completions",
            "application/json",
            json(json!({"prompt": prompt, "stream": true})),
        ),
        (
            "/v1/embeddings",
            "application/json",
            json(json!({"input": [prompt]})),
        ),
        (
            "/v1/images/generations",
            "application/json",
            json(json!({"prompt": prompt})),
        ),
        (
            "/v1/audio/speech",
            "application/json",
            json(json!({"input": prompt, "voice": prompt})),
        ),
        (
            "/v1/moderations",
            "application/json",
            json(json!({"input": prompt})),
        ),
        (
            "/v1/audio/transcriptions",
            multipart,
            form(&field("model", "gpt")),
        ),
        (
            "/v1/audio/transcriptions",
            multipart,
            form(&field("model", prompt)),
        ),
        (
            "/v1/audio/transcriptions",
            multipart,
            form(&field(prompt, prompt)),
        ),
        (
            "/v1/messages/count_tokens",
            "application/json",
            json(json!({"messages": [{"role": "user", "content": prompt}]})),
        ),
        (
            "/v1/messages/count_tokens",
            "application/json",
            json!({"model": prompt, "messages": [prompt]}).to_string(),
        ),
        (
            "/v1beta/models/gpt:generateContent",
            "application/json",
            json(json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]})),
        ),
        (
            "/v1beta/models/gpt:countTokens",
            "application/json",
            json(json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]})),
        ),
        (
            "/v1/messages/batches",
            "application/json",
            json(json!({"requests": [prompt]})),
        ),
    ];
    let replies = [
        other(
            "application/json",
            json!({
                "choices": [{"index": 0, "text": prompt}], "data": [{"url": prompt, "embedding": [0.5]}],
                "results": [{"flagged": prompt}], "text": prompt, "usage": {"input_tokens": prompt},
            }),
        ),
        other("audio/mpeg", prompt),
        other("text/html", prompt),
        other("application/json", format!("{{\"data\": [{prompt}")),
        refusal(400, &quoting),
        refusal(500, &quoting),
        Reply::HangUp,
    ];
    let send = async |path: &str, kind: &str, body: String| {
        let request = http().post(server.url(path)).bearer_auth(key);
        let request = request.header("content-type", kind).body(body);
        let response = request.send().await.unwrap();
        let status = response.status();
        response.bytes().await.ok();
        status
    };
    let mut answered = 0;
    for reply in replies {
        fake.always(reply);
        for (path, kind, body) in &asked {
            let status = send(path, kind, body.clone()).await;
            answered += u32::from(status == 200);
            // What cannot be read at all.
            let cut = body
                .char_indices()
                .nth(body.len() / 2)
                .map_or(0, |(at, _)| at);
            send(path, kind, body[..cut].to_owned()).await;
        }
    }
    // Two counts each time, one speech, and five endpoints that answer JSON.
    assert_eq!(answered, 20, "the endpoints really answered");
    for path in [
        format!("/v1beta/models/{prompt}"),
        format!("/v1/models?limit={prompt}&after_id={prompt}"),
        format!("/v1/dashboard/billing/usage?start_date={prompt}"),
        format!("/v1/messages/batches/{prompt}"),
    ] {
        let request = http().get(server.url(&path)).bearer_auth(key);
        let request = request.header("anthropic-version", prompt);
        request.send().await.unwrap();
    }
}

/// The same prompt, tried in the browser by somebody who is signed in: answered, refused, broken, and mistyped.
async fn by_hand(server: &Server, fake: &FakeUpstream, prompt: &str) {
    // A redirect that is followed would lose the cookie of the session.
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let post = |path: &str, form: String| {
        browser
            .post(server.url(path))
            .header("origin", server.url(""))
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    };
    let form = "email=ada%40example.com&password=correct+horse+battery+staple".to_owned();
    let entered = post("/api/sign_in", form).send().await.unwrap();
    let cookies: Vec<String> = entered
        .headers()
        .get_all("set-cookie")
        .iter()
        .filter_map(|line| line.to_str().ok()?.split(';').next().map(str::to_owned))
        .collect();
    let quoting = format!("the prompt {prompt} is too long");
    for reply in [
        answer(prompt, Some(usage(10, 0, 5))),
        answer(prompt, None),
        refusal(400, &quoting),
        refusal(500, &quoting),
        Reply::HangUp,
    ] {
        fake.always(reply);
        for form in [
            format!("model=gpt&prompt={prompt}&max_tokens=20"),
            format!("model=gpt&prompt={prompt}&max_tokens={prompt}"),
            format!("model={prompt}&prompt={prompt}"),
        ] {
            let asked = post("/try", form).header("cookie", cookies.join("; "));
            let page = asked.send().await.unwrap();
            let shown = page.text().await.unwrap();
            assert!(shown.contains(prompt), "the zone did not run: {shown}");
        }
    }
}

/// The same prompt as a response: whole, streamed, stored, read again, counted, and over a WebSocket.
async fn by_responses(server: &Server, fake: &FakeUpstream, key: &str, prompt: &str) {
    let at = |below: &str| server.url(&format!("/v1/responses{below}"));
    let send = async |request: reqwest::RequestBuilder| {
        let answer = request.bearer_auth(key).send().await.unwrap();
        answer.bytes().await.ok();
    };
    let object = responses::object("resp_1", prompt);
    let quoting = format!("the prompt {prompt} is too long");
    for reply in [
        responses::plain(&object),
        responses::streamed("resp_1", prompt),
        refusal(400, &quoting),
        refusal(500, &quoting),
        Reply::Stream(responses::begun("resp_1", prompt)),
    ] {
        fake.always(reply);
        for stream in [false, true] {
            let body = json!({"model": "gpt", "input": prompt, "user": prompt, "stream": stream});
            send(http().post(at("")).body(body.to_string())).await;
        }
    }
    fake.always(responses::plain(&object));
    for below in [
        "/resp_1".to_owned(),
        format!("/resp_1/input_items?after={prompt}&key={key}"),
        format!("/{prompt}"),
    ] {
        send(http().get(at(&below))).await;
    }
    for below in ["/compact", "/input_tokens"] {
        let good = json!({"model": "gpt", "input": prompt}).to_string();
        for body in [good, format!("{{\"model\": {prompt}")] {
            send(http().post(at(below)).body(body)).await;
        }
    }
    let address = server.url("").replace("http://", "");
    let mut client = Client::dial(address.trim_end_matches('/'), key)
        .await
        .unwrap();
    fake.always(responses::streamed("resp_2", prompt));
    client.create(json!({"input": prompt})).await;
    client.until("response.completed").await;
    for message in [
        prompt.to_owned(),
        json!({"type": prompt}).to_string(),
        json!({"type": "response.create", "model": prompt, "input": prompt}).to_string(),
        json!({"type": "response.create", "model": "gpt", "previous_response_id": prompt})
            .to_string(),
    ] {
        client.text(message).await;
        client.until("error").await;
    }
    // A caller who leaves while the conversation is remembered and an answer runs.
    let mut steps = responses::begun("resp_3", prompt);
    steps.push(Step::Stall);
    fake.always(Reply::Stream(steps));
    client
        .create(json!({"previous_response_id": "resp_2", "input": prompt}))
        .await;
    client.until("response.output_text.delta").await;
}

trait FormBody {
    fn form_body(self, text: &str) -> Self;
}

impl FormBody for reqwest::RequestBuilder {
    fn form_body(self, text: &str) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded")
            .body(format!("email={text}%40example.com&password={text}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_prompt_and_no_key_is_found_anywhere() {
    let fake = FakeUpstream::start().await;
    let farebox = Installation::sqlite()
        .with("FAREBOX_LOG", "trace")
        .with("RUST_LOG", "trace")
        .with("RUST_BACKTRACE", "1");
    let made = farebox.caller("ada@example.com", "5");
    let key = made["key"].as_str().unwrap();
    farebox.offer(&fake.base_url());
    let mut server = farebox.serve(&[]);
    let prompt = canary();
    every_path(&server, &fake, key, &prompt).await;

    // The overview may show the beginning and the end of a key; the middle is the secret.
    let secret = &key["sk-fb_live_".len() + 2..key.len() - 4];
    for (name, text) in [
        ("prompt", prompt.as_str()),
        ("key", secret),
        ("upstream credential", "sk-upstream-secret"),
        ("password", "battery staple"),
    ] {
        let found = search(text, &traces(&farebox, &server).await);
        assert!(found.is_empty(), "the {name} is in {found:#?}");
    }
    let log = server.log();
    assert!(
        log.lines().count() > 20 && log.contains("\"level\":\"INFO\""),
        "the log was really on: {log}"
    );
    server.terminate();
    server.ended(Duration::from_secs(40));
    let found = search(&prompt, &traces(&farebox, &server).await);
    assert!(
        found.is_empty(),
        "after the stop the prompt is in {found:#?}"
    );
    assert_eq!(
        farebox.run(&["ledger", "verify"], "").status.code(),
        Some(0)
    );

    // And the search is worth something: a leak planted on purpose, through the program itself, turns it red.
    let grant = [
        "admin",
        "credit",
        "grant",
        "--email",
        "ada@example.com",
        "--amount",
        "1",
        "--reason",
        &prompt,
    ];
    assert!(farebox.run(&grant, "").status.success());
    let found = search(&prompt, &traces(&farebox, &server).await);
    assert!(
        found.iter().any(|place| place.contains("farebox.db")),
        "a planted leak was not found: {found:?}"
    );
}

#[test]
fn a_leak_is_found_in_every_writing() {
    let canary = canary();
    let bytes = canary.as_bytes();
    for (name, leak) in [
        ("plain", bytes.to_vec()),
        ("hexadecimal", server::secrets::hex(bytes).into_bytes()),
        ("debug", format!("{bytes:?}").into_bytes()),
        (
            "base64",
            STANDARD_NO_PAD
                .encode(format!("{{\"content\":\"{canary}\"}}"))
                .into_bytes(),
        ),
        (
            "base64 shifted",
            STANDARD_NO_PAD
                .encode(format!("{{\"content\": \"{canary}\"}}"))
                .into_bytes(),
        ),
        (
            "base64 shifted again",
            URL_SAFE_NO_PAD
                .encode(format!("{{\"content\":  \"{canary}\"}}"))
                .into_bytes(),
        ),
    ] {
        let place = [b"before ".to_vec(), leak, b" after".to_vec()].concat();
        assert!(
            !search(&canary, &[("place".to_owned(), place)]).is_empty(),
            "{name}"
        );
    }
    assert!(search(&canary, &[("place".to_owned(), b"nothing here".to_vec())]).is_empty());
}

/// A panic while working on a prompt, in a process of its own because the hook and the log belong to the process.
#[test]
fn a_panic_tells_its_place_and_nothing_else() {
    let prompt = canary();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "canary::panicking", "--ignored", "--nocapture"])
        .env("CANARY", &prompt)
        .env("RUST_BACKTRACE", "full")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr),
    );
    assert!(child.status.success(), "{out}{err}");
    assert!(
        err.contains("a defect of ours stopped a task") && err.contains("canary.rs:"),
        "the place is told: {err}"
    );
    let found = search(
        &prompt,
        &[
            ("standard output".to_owned(), child.stdout.clone()),
            ("standard error".to_owned(), child.stderr.clone()),
        ],
    );
    assert!(found.is_empty(), "the prompt is in {found:?}");
}

#[tokio::test]
#[ignore = "run by a_panic_tells_its_place_and_nothing_else, in a process of its own"]
async fn panicking() {
    let prompt = std::env::var("CANARY").unwrap();
    telemetry::start(&Log {
        filter: "trace".to_owned(),
        format: LogFormat::Json,
    });
    let app = TestApp::sqlite().await;
    // Both kinds of door: one that answers JSON, one that answers a page.
    let broken = async |body: String| -> String { panic!("cannot handle {body}") };
    let router = Router::new()
        .route("/v1/broken", post(broken))
        .route("/broken", post(broken))
        .layer(from_fn_with_state(Arc::clone(&app.front), failure::catch));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    for (path, kind) in [("/v1/broken", "application/json"), ("/broken", "text/html")] {
        let response = http()
            .post(format!("http://{address}{path}"))
            .body(prompt.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 500);
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with(kind)
        );
        assert!(
            !response.text().await.unwrap().contains(&prompt),
            "the caller learns nothing of it"
        );
    }
    assert!(app.metrics.text().contains("farebox_panics_total 2"));
    app.finish().await;
}
