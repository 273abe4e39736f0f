//! `FakeUpstream`: a provider that does as it is told, over raw sockets, so that it can also break the rules.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

/// What it does with one request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A whole answer with a length.
    Plain {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Less of a plain answer than its length promises; then it hangs up, or goes silent.
    Short { body: String, silent: bool },
    /// A stream of events.
    Stream(Vec<Step>),
    /// Takes the request and never says a word.
    Stall,
    /// Takes the request and hangs up.
    HangUp,
}

/// One step of a stream.
#[derive(Debug, Clone)]
pub enum Step {
    /// `data: …` and an empty line.
    Event(String),
    /// Events that arrive at once, in one piece.
    Together(Vec<Step>),
    Pause(Duration),
    /// Waits until the test says [`FakeUpstream::go_on`].
    Gate,
    /// Hangs up without the end of the body.
    Cut,
    /// Goes silent for longer than anybody waits.
    Stall,
}

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// `null` for what is no JSON.
    pub body: Value,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What requests beyond the script get, as they ask for a whole answer or for a stream.
struct Otherwise {
    plain: Reply,
    streamed: Reply,
}

impl Otherwise {
    fn of(reply: Reply) -> Self {
        Self {
            plain: reply.clone(),
            streamed: reply,
        }
    }
}

/// Cheap to clone; runs until the test's runtime ends.
#[derive(Clone)]
pub struct FakeUpstream {
    address: SocketAddr,
    script: Arc<Mutex<VecDeque<Reply>>>,
    otherwise: Arc<Mutex<Otherwise>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    gate: Arc<Notify>,
    /// Keeps the port of one that does not listen.
    _bound: Option<Arc<TcpSocket>>,
}

impl FakeUpstream {
    /// One that refuses every connection.
    pub fn deaf() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self::at(socket.local_addr().unwrap(), Some(Arc::new(socket)))
    }

    fn at(address: SocketAddr, bound: Option<Arc<TcpSocket>>) -> Self {
        Self {
            address,
            script: Arc::default(),
            otherwise: Arc::new(Mutex::new(Otherwise::of(answer(
                "42",
                Some(usage(10, 0, 5)),
            )))),
            seen: Arc::default(),
            gate: Arc::default(),
            _bound: bound,
        }
    }

    /// Answers everything with [`answer`] and a usage of ten and five tokens, until told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self::at(listener.local_addr().unwrap(), None);
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = serving.clone();
                // A caller that hung up is part of the play.
                tokio::spawn(async move { fake.serve(stream).await.ok() });
            }
        });
        fake
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next request that has no reply yet gets this one.
    pub fn then(&self, reply: Reply) -> &Self {
        self.script.lock().unwrap().push_back(reply);
        self
    }

    /// What requests beyond the script get.
    pub fn always(&self, reply: Reply) -> &Self {
        *self.otherwise.lock().unwrap() = Otherwise::of(reply);
        self
    }

    /// Requests beyond the script get this answer with this report, whole or as a stream, as they ask for it.
    pub fn answers_as_asked(&self, words: &[&str], reported: &Value) -> &Self {
        *self.otherwise.lock().unwrap() = Otherwise {
            plain: answer(&words.concat(), Some(reported.clone())),
            streamed: stream(words, Some(reported.clone())),
        };
        self
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Opens the gate of the stream that waits at it, or will.
    pub fn go_on(&self) {
        self.gate.notify_one();
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let Some(seen) = read_request(&mut stream).await? else {
            return Ok(());
        };
        let wants_stream = seen.body["stream"] == true;
        self.seen.lock().unwrap().push(seen);
        let scripted = self.script.lock().unwrap().pop_front();
        let reply = scripted.unwrap_or_else(|| {
            let otherwise = self.otherwise.lock().unwrap();
            if wants_stream {
                otherwise.streamed.clone()
            } else {
                otherwise.plain.clone()
            }
        });
        match reply {
            Reply::Plain {
                status,
                headers,
                body,
            } => {
                let headers: String = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}\r\n"))
                    .collect();
                let kind = match headers.contains("content-type: ") {
                    true => "",
                    false => "content-type: application/json\r\n",
                };
                let head = format!(
                    "HTTP/1.1 {status} Status\r\n{kind}{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(body.as_bytes()).await?;
            }
            Reply::Short { body, silent } => {
                let promised = body.len() + 100;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {promised}\r\n\r\n{body}"
                );
                stream.write_all(head.as_bytes()).await?;
                if silent {
                    tokio::time::sleep(Duration::from_secs(120)).await;
                }
            }
            Reply::Stream(steps) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                for step in steps {
                    match step {
                        Step::Event(data) => write_chunk(&mut stream, &event(&data)).await?,
                        Step::Together(steps) => {
                            let events: String = steps
                                .iter()
                                .map(|step| match step {
                                    Step::Event(data) => event(data),
                                    other => panic!("{other:?} is no event"),
                                })
                                .collect();
                            write_chunk(&mut stream, &events).await?;
                        }
                        Step::Gate => self.gate.notified().await,
                        Step::Pause(time) => tokio::time::sleep(time).await,
                        Step::Cut => return Ok(()),
                        Step::Stall => tokio::time::sleep(Duration::from_secs(120)).await,
                    }
                }
                stream.write_all(b"0\r\n\r\n").await?;
            }
            Reply::Stall => tokio::time::sleep(Duration::from_secs(120)).await,
            Reply::HangUp => {}
        }
        stream.shutdown().await
    }
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

async fn write_chunk(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    stream.write_all(chunk.as_bytes()).await
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let path = first.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let header = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    let mut body = bytes.split_off(end);
    if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        while !body.ends_with(b"0\r\n\r\n") {
            if stream.read_buf(&mut body).await? == 0 {
                return Ok(None);
            }
        }
        body = unchunk(&body);
    } else {
        let length: usize = header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        while body.len() < length {
            if stream.read_buf(&mut body).await? == 0 {
                return Ok(None);
            }
        }
    }
    Ok(Some(Seen {
        method,
        path,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        bytes: body,
    }))
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap_or("0"), 16)
            .unwrap_or(0);
        let Some(chunk) = rest
            .get(end + 2..end + 2 + length)
            .filter(|chunk| !chunk.is_empty())
        else {
            break;
        };
        body.extend_from_slice(chunk);
        rest = &rest[(end + 4 + length).min(rest.len())..];
    }
    body
}

/// The usage object of the dialect; `cached` of the prompt tokens came from the provider's cache.
pub fn usage(prompt: u64, cached: u64, completion: u64) -> Value {
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    })
}

/// A whole chat completion.
pub fn answer(text: &str, usage: Option<Value>) -> Reply {
    let mut body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "fake",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
    });
    if let Some(usage) = usage {
        body["usage"] = usage;
    }
    Reply::Plain {
        status: 200,
        headers: Vec::new(),
        body: body.to_string(),
    }
}

/// Any other answer, of this type.
pub fn other(content_type: &str, body: impl ToString) -> Reply {
    Reply::Plain {
        status: 200,
        headers: vec![("content-type", content_type.to_owned())],
        body: body.to_string(),
    }
}

/// An error of the dialect.
pub fn refusal(status: u16, message: &str) -> Reply {
    let body =
        json!({"error": {"message": message, "type": "server_error", "param": null, "code": null}});
    Reply::Plain {
        status,
        headers: Vec::new(),
        body: body.to_string(),
    }
}

/// A chunk with a piece of the answer.
pub fn piece(text: &str) -> Step {
    chunk(
        &json!([{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": null}]),
        None,
    )
}

/// The chunk with the finish reason.
pub fn finish() -> Step {
    chunk(
        &json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        None,
    )
}

/// The chunk with the usage, which comes only when it was asked for.
pub fn usage_chunk(usage: Value) -> Step {
    chunk(&json!([]), Some(usage))
}

pub fn done() -> Step {
    Step::Event("[DONE]".to_owned())
}

/// A chunk with these choices.
pub fn chunk(choices: &Value, usage: Option<Value>) -> Step {
    let mut event = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake", "choices": choices});
    if let Some(usage) = usage {
        event["usage"] = usage;
    }
    Step::Event(event.to_string())
}

/// A whole stream of these words.
pub fn stream(words: &[&str], reported: Option<Value>) -> Reply {
    let mut steps: Vec<Step> = words.iter().map(|word| piece(word)).collect();
    steps.push(finish());
    steps.extend(reported.map(usage_chunk));
    steps.push(done());
    Reply::Stream(steps)
}
