//! Does the sandbox keep its promises over real HTTP? A listener, and a client of forty lines that sees every byte.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Options, serve};

mod answers;
mod faults;
mod life;
mod usage;

/// A sandbox on a free port, for as long as the test's runtime lives.
async fn start(api_key: Option<&str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = Options {
        api_key: api_key.map(str::to_owned),
    };
    tokio::spawn(serve(listener, options, std::future::pending()));
    address
}

/// One answer, as it came over the wire.
struct Answer {
    status: u16,
    head: String,
    /// The frames of a chunked body; one frame otherwise.
    frames: Vec<Vec<u8>>,
    /// Whether the body ended as its framing promised.
    whole: bool,
}

impl Answer {
    fn body(&self) -> Vec<u8> {
        self.frames.concat()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).unwrap()
    }

    /// The data of every event.
    fn events(&self) -> Vec<String> {
        let body = String::from_utf8(self.body()).unwrap();
        body.split_terminator("\n\n")
            .map(|event| event.strip_prefix("data: ").unwrap().to_owned())
            .collect()
    }

    /// Every event that is JSON.
    fn chunks(&self) -> Vec<Value> {
        self.events()
            .iter()
            .filter_map(|event| serde_json::from_str(event).ok())
            .collect()
    }

    /// What one choice's deltas say in `field`.
    fn said(&self, choice: u64, field: &str) -> String {
        let chunks = self.chunks();
        // An error event has no choices.
        let choices = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"].as_array())
            .flatten();
        choices
            .filter(|c| c["index"] == choice)
            .filter_map(|c| c["delta"][field].as_str())
            .collect()
    }
}

async fn open(address: SocketAddr, method: &str, path: &str, key: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

async fn call(address: SocketAddr, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let mut socket = open(address, method, path, key, body).await;
    let mut bytes = Vec::new();
    // A dropped connection may be a reset: what arrived before it counts.
    socket.read_to_end(&mut bytes).await.ok();
    let split = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(bytes[..split].to_vec())
        .unwrap()
        .to_lowercase();
    let body = &bytes[split + 4..];
    let (frames, whole) = if head.contains("transfer-encoding: chunked") {
        dechunk(body)
    } else {
        let length: usize = head
            .split("content-length: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .parse()
            .unwrap();
        (vec![body.to_vec()], body.len() == length)
    };
    Answer {
        status: head[9..12].parse().unwrap(),
        head,
        frames,
        whole,
    }
}

fn dechunk(mut body: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut frames = Vec::new();
    while let Some(line) = body.windows(2).position(|window| window == b"\r\n") {
        let length =
            usize::from_str_radix(std::str::from_utf8(&body[..line]).unwrap(), 16).unwrap();
        if length == 0 {
            return (frames, true);
        }
        frames.push(body[line + 2..line + 2 + length].to_vec());
        body = &body[line + 2 + length + 2..];
    }
    (frames, false)
}

/// A chat call: `extra` is laid over model and messages.
async fn chat(address: SocketAddr, model: &str, prompt: &str, extra: Value) -> Answer {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": prompt}]});
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    call(
        address,
        "POST",
        "/v1/chat/completions",
        "none",
        &body.to_string(),
    )
    .await
}

async fn stats(address: SocketAddr) -> Value {
    call(address, "GET", "/sandbox/stats", "none", "")
        .await
        .json()
}

/// Waits at most five seconds for these numbers.
async fn until(sandbox: SocketAddr, wanted: Value) {
    let begun = Instant::now();
    loop {
        let now = stats(sandbox).await;
        if now == wanted {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{now} is not {wanted}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn weather_tool() -> Value {
    json!({"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}, "x": {}},
        "required": ["city", "days", "unit"],
    }}})
}
