#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::routing::get;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

async fn server(
    bounds: Connections,
) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let counts = Counts::new(bounds.total);
    let accepting = Loop {
        bounds,
        trusted_proxies: Vec::new(),
        counts,
    };
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "slow"
    };
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/slow", get(slow));
    let running = tokio::spawn(accepting.serve(listener, router, stop.clone()));
    (address, stop, running)
}

fn quick() -> Connections {
    Connections {
        header_timeout: Duration::from_millis(200),
        ..Connections::default()
    }
}

/// What the server sends until it closes.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut all))
        .await
        .expect("the server closes")
        .unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_client_that_sends_its_headers_slowly_is_cut_off() {
    let (address, _stop, _running) = server(quick()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    assert!(!until_closed(&mut stream).await.contains("200 OK"));
}

#[tokio::test]
async fn a_client_that_never_says_which_protocol_is_cut_off() {
    for opening in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n"] {
        let (address, _stop, _running) = server(quick()).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(opening).await.unwrap();
        assert_eq!(until_closed(&mut stream).await, "", "{opening:?}");
    }
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let (address, _stop, _running) = server(Connections::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.0 200 OK") && answer.ends_with("hello"),
        "{answer}"
    );
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let (address, _stop, _running) = server(Connections::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let many = (0..=HEADERS)
        .map(|n| format!("x-{n}: 1\r\n"))
        .collect::<String>();
    stream
        .write_all(format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes())
        .await
        .unwrap();
    assert!(until_closed(&mut stream).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn contradictory_lengths_are_refused() {
    let (address, _stop, _running) = server(Connections::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let smuggled =
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!";
    stream.write_all(smuggled).await.unwrap();
    assert!(until_closed(&mut stream).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn stopping_finishes_what_runs_and_takes_nothing_new() {
    let (address, stop, running) = server(Connections::default()).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    stop.cancel();
    assert!(until_closed(&mut busy).await.ends_with("slow"));
    assert!(until_closed(&mut idle).await.ends_with("hello"));
    tokio::time::timeout(Duration::from_secs(5), running)
        .await
        .unwrap()
        .unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "an idle connection must not hold up the stop"
    );
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_address_has_its_share() {
    let counts = Counts::new(10);
    let address: IpAddr = "2001:db8::1".parse().unwrap();
    let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
    let first = counts.enter(address, 2, counts.room().await).unwrap();
    let _second = counts.enter(neighbour, 2, counts.room().await).unwrap();
    assert!(
        counts.enter(address, 2, counts.room().await).is_none(),
        "a /64 counts as one"
    );
    assert!(
        counts
            .enter("192.0.2.1".parse().unwrap(), 2, counts.room().await)
            .is_some()
    );
    drop(first);
    assert!(counts.enter(address, 2, counts.room().await).is_some());
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_dropped() {
    let (mut near, _far) = tokio::io::duplex(8);
    near.write_all(b"12345678").await.unwrap();
    let mut writer = stall::Stalling::new(near, Duration::from_millis(50));
    let error = tokio::time::timeout(Duration::from_secs(2), writer.write_all(b"more"))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn only_trusted_proxies_are_believed() {
    let trusted: Vec<IpNet> = vec![
        "10.0.0.0/8".parse().unwrap(),
        "127.0.0.1/32".parse().unwrap(),
    ];
    let client = |peer: &str, forwarded: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        client_of(peer.parse().unwrap(), &headers, &trusted).to_string()
    };
    for (peer, forwarded, found) in [
        ("203.0.113.9", &["1.2.3.4"][..], "203.0.113.9"),
        ("10.0.0.1", &[][..], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7"][..], "198.51.100.7"),
        (
            "10.0.0.1",
            &["1.1.1.1, 198.51.100.7, 10.0.0.2"][..],
            "198.51.100.7",
        ),
        ("10.0.0.1", &["1.1.1.1", "198.51.100.7"][..], "198.51.100.7"),
        ("10.0.0.1", &["unknown"][..], "10.0.0.1"),
        (
            "::ffff:127.0.0.1",
            &["[2001:db8::5]:4711"][..],
            "2001:db8::5",
        ),
        ("127.0.0.1", &["10.1.1.1, 10.2.2.2"][..], "10.1.1.1"),
    ] {
        assert_eq!(client(peer, forwarded), found, "{peer} {forwarded:?}");
    }
}
