//! Who may connect, and for how long? The accept loop, with the time limits that `axum::serve` does not set.
//!
//! HTTP/1 and HTTP/2 with prior knowledge on one port. Every bound is here: headers, header time, silence before the
//! first request, a reader that stops reading, connections in total and of one address.

mod client;
mod count;
mod stall;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub use client::client_of;
pub use count::{Connected, Counts};

use crate::config::Connections;

/// Longest request head and most headers: more than any SDK sends, little enough to refuse junk early.
const HEAD_BYTES: usize = 64 * 1024;
const HEADERS: usize = 100;
const H2_STREAMS: u32 = 100;
const H2_HEADER_BYTES: u32 = 32 * 1024;
/// How often a silent HTTP/2 peer is asked whether it lives, and how long it may take to answer.
const H2_PING: Duration = Duration::from_secs(20);
/// How long a peer may read nothing of an answer.
const STALL: Duration = Duration::from_secs(60);

/// Settings and counters of the loop.
pub struct Loop {
    pub bounds: Connections,
    pub trusted_proxies: Vec<IpNet>,
    pub counts: Counts,
}

impl Loop {
    /// Accepts until `stop`, then lets what runs finish: ends when the last connection does. Dropping it drops nothing
    /// that runs; end the runtime for that.
    pub async fn serve(self, listener: TcpListener, router: Router, stop: CancellationToken) {
        let graceful = GracefulShutdown::new();
        let server = Arc::new(self);
        loop {
            let Some(accepted) = stop.run_until_cancelled(server.accept(&listener)).await else {
                break;
            };
            let Some((stream, peer, connected)) = accepted else {
                continue;
            };
            let (watcher, server, router) = (graceful.watcher(), server.clone(), router.clone());
            tokio::spawn(async move {
                server
                    .connection(stream, peer, router, watcher, connected)
                    .await;
            });
        }
        drop(listener);
        graceful.shutdown().await;
    }

    /// The next connection that is within the bounds; `None` when it was turned away.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, Connected)> {
        // Waits here when the house is full: the kernel's queue holds a few more, and refuses the rest for us.
        let room = self.counts.room().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let free = peer.ip().is_loopback()
                    || self
                        .trusted_proxies
                        .iter()
                        .any(|net| net.contains(&peer.ip()));
                let bound = if free {
                    usize::MAX
                } else {
                    self.bounds.per_address
                };
                let connected = self.counts.enter(peer.ip(), bound, room)?;
                // Small stream events must not wait for company. Where it fails the peer is gone already.
                stream.set_nodelay(true).ok();
                Some((stream, peer, connected))
            }
            Err(error) => {
                // Out of file descriptors: without a pause this would spin.
                tracing::warn!(%error, "A connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }

    async fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        router: Router,
        watcher: hyper_util::server::graceful::Watcher,
        connected: Connected,
    ) {
        // A request that becomes a WebSocket takes it along, and so stays counted.
        let connected = Arc::new(connected);
        let asked = Arc::new(AtomicBool::new(false));
        let service = {
            let (asked, connected) = (asked.clone(), connected.clone());
            hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                let mut request = self.introduce(request, peer);
                request.extensions_mut().insert(connected.clone());
                router.clone().oneshot(request)
            })
        };
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.header_timeout)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(H2_STREAMS)
            .max_header_list_size(H2_HEADER_BYTES)
            .keep_alive_interval(H2_PING)
            .keep_alive_timeout(H2_PING);
        let io = TokioIo::new(stall::Stalling::new(stream, STALL));
        let connection = watcher.watch(builder.serve_connection_with_upgrades(io, service));
        // A peer that never completes a request is outside the timeouts of both protocols: while the first bytes decide
        // which one is spoken, and after an HTTP/2 handshake.
        let silent = async {
            tokio::time::sleep(self.bounds.header_timeout + Duration::from_secs(1)).await;
            if asked.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            // A broken connection is the peer's business; calls on it are settled by their own tasks.
            _ = connection => {}
            () = silent => {}
        }
    }

    /// Adds who is calling, as handlers will find it.
    fn introduce(&self, request: hyper::Request<Incoming>, peer: SocketAddr) -> Request {
        let client = client_of(peer.ip(), request.headers(), &self.trusted_proxies);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(app::ClientIp(client));
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(
            client,
            if client == peer.ip() { peer.port() } else { 0 },
        )));
        request
    }
}

/// The other end of the connection itself: the client, or the last proxy before us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

#[cfg(test)]
mod tests;
