//! How are upstreams reached? A pooled hyper client with rustls, which connects only to addresses that are allowed.
//!
//! Measured as a bare pass-through, hyper took 1.4 times nginx's CPU per call and reqwest 1.9 times.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::{Client as Pooled, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use server::upstreams::AddressRule;
use tower::Service;
use wire::segments::Segments;

/// An idle connection is closed after this; most servers close theirs later.
const POOL_IDLE: Duration = Duration::from_secs(55);

/// Calls upstreams. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client(Pooled<HttpsConnector<HttpConnector<GuardedNames>>, SegmentsBody>);

impl Client {
    pub(crate) fn new(rule: AddressRule, connect: Duration) -> Self {
        let mut http = HttpConnector::new_with_resolver(GuardedNames(rule));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect));
        let https = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(http);
        let pooled = Pooled::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .build(https);
        Self(pooled)
    }

    pub(crate) async fn send(
        &self,
        request: Request<SegmentsBody>,
    ) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await
    }
}

/// Resolves names and keeps only addresses that the rule allows: the address that was judged is the one connected to.
#[derive(Clone)]
pub(crate) struct GuardedNames(AddressRule);

impl Service<Name> for GuardedNames {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let rule = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| rule.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "the name leads to no allowed address",
                ));
            }
            Ok(allowed.into_iter())
        })
    }
}

/// A request body in pieces of known length, sent with `content-length`.
pub(crate) struct SegmentsBody {
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl From<Segments> for SegmentsBody {
    fn from(segments: Segments) -> Self {
        Self {
            left: segments.len() as u64,
            pieces: segments.into_pieces().into(),
        }
    }
}

impl Body for SegmentsBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
