//! Client connections of an address: serves them, cuts those whose client is too slow, and finishes them in
//! order at shutdown.
//!
//! A client holds a descriptor and memory from the moment it connects. So it has to send a request soon
//! ([`FIRST_REQUEST`]) and cannot stay for ever without sending another ([`NEXT_REQUEST`]). A trickle of
//! header bytes is no request (slowloris). An answer occupies memory until its client has taken it, so a
//! client that takes nothing for [`WRITE`] is cut. These limits end once a connection is a WebSocket, which
//! has a heartbeat and a limit of its own. The number of connections of one address is bounded
//! ([`addresses`]).
//!
//! An answer may come before the request's body was read; [`unread`] keeps the connection usable.
//!
//! This module does not use the graceful shutdown of `hyper-util`, which waits until every connection that it
//! watches is idle. Here a connection without a first request must be dropped at once, and one whose first
//! request is late must be cut at any time.

mod addresses;
mod state;
mod stream;
mod unread;

use addresses::{Addresses, Place, TooMany};
use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use state::ConnectionState;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use stream::ClientStream;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;
use unread::UnreadBody;

/// First request: time from the connection to the end of the request's headers. A phone on a bad line sends
/// them in two seconds.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// Next request: time from an answer to the end of the next request's headers. It is longer than proxies keep
/// idle connections (60 s is common), so the proxy closes first. Otherwise a proxy could send a request into
/// a connection that closes here, and the request would fail.
const NEXT_REQUEST: Duration = Duration::from_secs(75);

/// Write: time for which a client may take nothing of its answer, as for a socket. The kernel of a client
/// that reads a byte takes some kilobytes.
const WRITE: Duration = Duration::from_secs(10);
/// Refusal: how long a connection too many may take to be told so.
const REFUSAL: Duration = Duration::from_secs(1);
/// Refusal: the answer to a connection too many, whatever it asks.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n\
    content-length: 109\r\nretry-after: 10\r\nconnection: close\r\n\r\n\
    {\"success\":false,\"error\":\"too many connections from this address\",\
    \"code\":\"rate_limited\",\"retryAfterMs\":10000}";

/// How long a client may take, and how many connections one address may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    pub(crate) first_request: Duration,
    pub(crate) next_request: Duration,
    pub(crate) write: Duration,
    /// 0 for no limit.
    pub(crate) per_address: u32,
}

impl Default for ConnectionLimits {
    /// No limit of connections per address.
    fn default() -> Self {
        Self { first_request: FIRST_REQUEST, next_request: NEXT_REQUEST, write: WRITE, per_address: 0 }
    }
}

/// Serves until `shutdown`, then finishes the requests in flight and returns. Requests carry
/// `ConnectInfo<SocketAddr>`.
pub(crate) async fn serve(
    mut listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    let router = router.with_state::<()>(());
    let connections = TaskTracker::new();
    let addresses = Addresses::new(limits.per_address);
    loop {
        // Axum's `Listener::accept` waits a moment when descriptors run out.
        let accepted = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = shutdown.cancelled() => break,
        };
        match addresses.admit(accepted.1.ip()) {
            Ok(place) => {
                let serving = connection(accepted, place, router.clone(), limits, shutdown.clone());
                connections.spawn(serving);
            }
            Err(TooMany) => drop(connections.spawn(refuse(accepted))),
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Tells the client that its address has too many connections.
async fn refuse((mut stream, peer): (TcpStream, SocketAddr)) {
    tracing::debug!(address = %peer.ip(), "an address has too many connections");
    // If the client does not listen, it is no loss.
    let _ = tokio::time::timeout(REFUSAL, stream.write_all(TOO_MANY)).await;
}

async fn connection(
    (stream, peer): (TcpStream, SocketAddr),
    place: Option<Place>,
    router: Router,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    // Without TCP_NODELAY a small frame waits for the acknowledgement of the frame before it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY was not set");
    }
    let state = Arc::new(ConnectionState::default());
    let stream = ClientStream::new(stream, place, Arc::clone(&state), limits.write);
    let asked = state.asked.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        state.asked.cancel();
        request.extensions_mut().insert(ConnectInfo(peer));
        answer(router.clone(), request, Arc::clone(&state))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.next_request);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        _ = serving.as_mut() => return,
        () = tokio::time::sleep(limits.first_request), if !asked.is_cancelled() => {}
        () = asked.cancelled() => {}
        () = shutdown.cancelled() => {}
    }
    if !asked.is_cancelled() {
        // No request is in flight: the first one is late, or the process is shutting down.
        return;
    }
    tokio::select! {
        ended = serving.as_mut() => if let Err(error) = ended {
            tracing::trace!(error = &error as &dyn std::error::Error, "a connection ended");
        },
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            // An error means that the client has gone.
            let _ = serving.await;
        }
    }
}

/// Answers one request.
async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    state: Arc<ConnectionState>,
) -> Result<Response, Infallible> {
    let (head, body) = request.into_parts();
    let (unread, body) = UnreadBody::split(body, &head.headers);
    let mut answer = router.call(Request::from_parts(head, body)).await?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        state.note_upgrade();
    } else if let Some(unread) = unread {
        unread.settle(&mut answer, &state).await;
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
