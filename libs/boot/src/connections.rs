//! Client connections of an address: serves them, cuts those whose client is too slow, and finishes them in
//! order at shutdown.
//!
//! A client holds a descriptor and memory from the moment it connects. So it has to send a request soon
//! ([`FIRST_REQUEST`]) and cannot stay for ever without sending another ([`NEXT_REQUEST`]). A trickle of
//! header bytes is no request (slowloris). These limits end once a connection is a WebSocket, which has a
//! heartbeat of its own.
//!
//! This module does not use the graceful shutdown of `hyper-util`, which waits until every connection that it
//! watches is idle. Here a connection without a first request must be dropped at once, and one whose first
//! request is late must be cut at any time.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

/// First request: time from the connection to the end of the request's headers. A phone on a bad line sends
/// them in two seconds.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// Next request: time from an answer to the end of the next request's headers. It is longer than proxies keep
/// idle connections (60 s is common), so the proxy closes first. Otherwise a proxy could send a request into
/// a connection that closes here, and the request would fail.
const NEXT_REQUEST: Duration = Duration::from_secs(75);

/// How long a client may take to send a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLimits {
    pub(crate) first_request: Duration,
    pub(crate) next_request: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { first_request: FIRST_REQUEST, next_request: NEXT_REQUEST }
    }
}

/// Serves until `shutdown`, then finishes the requests in flight and returns. Requests carry
/// `ConnectInfo<SocketAddr>`.
pub(crate) async fn serve(
    mut listener: TcpListener,
    router: Router,
    limits: TimeLimits,
    shutdown: CancellationToken,
) {
    let router = router.with_state::<()>(());
    let connections = TaskTracker::new();
    loop {
        // Axum's `Listener::accept` waits a moment when descriptors run out.
        let accepted = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = shutdown.cancelled() => break,
        };
        connections.spawn(connection(accepted, router.clone(), limits, shutdown.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection(
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    limits: TimeLimits,
    shutdown: CancellationToken,
) {
    // Without TCP_NODELAY a small frame waits for the acknowledgement of the frame before it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY was not set");
    }
    let asked = Arc::new(CancellationToken::new());
    let has_asked = Arc::clone(&asked);
    let service = service_fn(move |mut request: Request<Incoming>| {
        has_asked.cancel();
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request.map(Body::new))
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;
    use tokio::time::{Instant, interval, timeout};

    const QUICK: TimeLimits =
        TimeLimits { first_request: Duration::from_millis(300), next_request: Duration::from_millis(600) };
    /// Limit of every wait in these tests. It only keeps a broken test from hanging.
    const LONG: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

    struct Rig {
        address: SocketAddr,
        shutdown: CancellationToken,
        tasks: TaskTracker,
        /// Notified when `GET /slow` has arrived.
        arrived: Arc<Notify>,
        /// Lets `GET /slow` answer.
        go: Arc<Notify>,
    }

    impl Rig {
        async fn new(limits: TimeLimits) -> Self {
            let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
            let (here, wait) = (Arc::clone(&arrived), Arc::clone(&go));
            let slow = async move || {
                here.notify_one();
                wait.notified().await;
            };
            let router = Router::new()
                .route(
                    "/hello",
                    get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()),
                )
                .route("/echo", post(async |body: String| body))
                .route("/slow", get(slow));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tasks.spawn(serve(listener, router, limits, shutdown.clone()));
            tasks.close();
            Self { address, shutdown, tasks, arrived, go }
        }

        async fn open(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        async fn ended(&self) {
            timeout(LONG, self.tasks.wait()).await.expect("the server ends");
        }
    }

    /// Reads everything until the server closes the connection.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        // A reset is an end too: the server closes with bytes that it did not read.
        let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the server closes");
        String::from_utf8(bytes).unwrap()
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut bytes = [0; 1024];
        let length = timeout(LONG, stream.read(&mut bytes)).await.expect("an answer").unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_connection_that_sends_nothing_is_cut() {
        let rig = Rig::new(QUICK).await;
        let (mut silent, started) = (rig.open().await, Instant::now());
        assert_eq!(rest(&mut silent).await, "");
        assert!(started.elapsed() >= QUICK.first_request);
    }

    #[tokio::test]
    async fn a_trickle_of_header_bytes_is_no_request() {
        let rig = Rig::new(QUICK).await;
        let (mut trickle, started) = (rig.open().await, Instant::now());
        let mut ticks = interval(Duration::from_millis(20));
        let mut bytes = b"GET /hello HTTP/1.1\r\nx-long: ".iter().chain(std::iter::repeat(&b'a'));
        loop {
            ticks.tick().await;
            let closed = timeout(Duration::ZERO, trickle.readable()).await.is_ok();
            if closed || trickle.write_all(&[*bytes.next().unwrap()]).await.is_err() {
                break;
            }
            assert!(started.elapsed() < LONG);
        }
        assert!(!rest(&mut trickle).await.contains(" 200 "));
    }

    #[tokio::test]
    async fn who_has_asked_may_ask_again_but_not_dawdle_for_ever() {
        let rig = Rig::new(QUICK).await;
        let mut client = rig.open().await;
        let mut ticks = interval(QUICK.first_request.mul_f32(1.2));
        for _ in 0..3 {
            ticks.tick().await;
            client.write_all(REQUEST).await.unwrap();
            assert!(answer(&mut client).await.ends_with("127.0.0.1"));
        }
        client.write_all(&REQUEST[..10]).await.unwrap();
        rest(&mut client).await;
    }

    #[tokio::test]
    async fn an_answer_may_take_longer_than_a_request_and_a_body_longer_than_its_headers() {
        let rig = Rig::new(QUICK).await;
        let mut slow = rig.open().await;
        slow.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut body = rig.open().await;
        body.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na").await.unwrap();
        assert_eq!(rest(&mut rig.open().await).await, "", "meanwhile a silent one is cut");
        assert_eq!(rest(&mut rig.open().await).await, "", "and another one");
        rig.go.notify_one();
        assert!(answer(&mut slow).await.starts_with("HTTP/1.1 200 "));
        body.write_all(b"b").await.unwrap();
        assert!(answer(&mut body).await.ends_with("ab"));
    }

    #[tokio::test]
    async fn the_end_finishes_requests_under_way_and_waits_for_nobody_else() {
        let rig = Rig::new(TimeLimits { first_request: LONG * 9, next_request: LONG * 9 }).await;
        let mut silent = rig.open().await;
        let mut idle = rig.open().await;
        let mut busy = rig.open().await;
        idle.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut idle).await.contains(" 200 "));
        busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        timeout(LONG, rig.arrived.notified()).await.expect("the request arrives");
        rig.shutdown.cancel();
        assert_eq!(rest(&mut silent).await, "");
        assert_eq!(rest(&mut idle).await, "");
        rig.go.notify_one();
        assert!(rest(&mut busy).await.starts_with("HTTP/1.1 200 "));
        rig.ended().await;
    }
}
