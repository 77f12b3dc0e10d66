//! Connections on loopback: the time limits, the end, and clients that do not read or send too much.

use super::*;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use tokio::io::AsyncReadExt as _;
use tokio::sync::Notify;
use tokio::time::{Instant, interval, timeout};

const QUICK: ConnectionLimits = ConnectionLimits {
    first_request: Duration::from_millis(300),
    next_request: Duration::from_millis(600),
    write: Duration::from_millis(500),
    per_address: 0,
};
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
    /// Notified when the answer to `GET /large` occupies no memory any more.
    freed: Arc<Notify>,
}

/// More than the kernel takes for a client.
const LARGE_BYTES: usize = 32 * 1024 * 1024;

struct Large(Vec<u8>, Arc<Notify>);

impl Large {
    fn new(freed: &Arc<Notify>) -> Self {
        Self(vec![b'x'; LARGE_BYTES], Arc::clone(freed))
    }
}

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        self.1.notify_one();
    }
}

impl Rig {
    async fn new(limits: ConnectionLimits) -> Self {
        let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let (here, wait) = (Arc::clone(&arrived), Arc::clone(&go));
        let freed = Arc::new(Notify::new());
        let on_drop = Arc::clone(&freed);
        let slow = async move || {
            here.notify_one();
            wait.notified().await;
        };
        let router = Router::new()
            .route("/hello", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()))
            .route("/echo", post(async |body: String| body))
            .route("/slow", get(slow))
            .route("/refuse", post(async || StatusCode::UNAUTHORIZED))
            .route("/late", post(async || StatusCode::REQUEST_TIMEOUT))
            .route("/large", get(async move || Body::from(Bytes::from_owner(Large::new(&on_drop)))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tasks.spawn(serve(listener, router, limits, shutdown.clone()));
        tasks.close();
        Self { address, shutdown, tasks, arrived, go, freed }
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
    let rig = Rig::new(ConnectionLimits { first_request: LONG * 9, next_request: LONG * 9, ..QUICK }).await;
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

/// A request of this size, which the server refuses without reading it.
fn refused(path: &str, body: usize) -> Vec<u8> {
    let mut request =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {body}\r\n\r\n").into_bytes();
    request.resize(request.len() + body, b'x');
    request
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_and_frees_its_memory() {
    let rig = Rig::new(QUICK).await;
    let (mut deaf, started) = (rig.open().await, Instant::now());
    deaf.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    timeout(LONG, rig.freed.notified()).await.expect("the answer is given up");
    assert!(started.elapsed() >= QUICK.write);
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_everything() {
    let rig = Rig::new(QUICK).await;
    let (mut slow, started) = (rig.open().await, Instant::now());
    slow.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let (mut bytes, mut length) = (vec![0; LARGE_BYTES / 16], 0);
    let mut ticks = interval(QUICK.write / 4);
    loop {
        ticks.tick().await;
        match timeout(LONG, slow.read(&mut bytes)).await.expect("more").unwrap() {
            0 => break,
            more => length += more,
        }
    }
    assert!(length > LARGE_BYTES, "{length}");
    assert!(started.elapsed() > QUICK.write * 2);
}

#[tokio::test]
async fn after_an_early_refusal_the_next_request_of_the_connection_is_answered() {
    let rig = Rig::new(ConnectionLimits::default()).await;
    let mut client = rig.open().await;
    for _ in 0..20 {
        client.write_all(&refused("/refuse", 60_000)).await.unwrap();
        let refusal = answer(&mut client).await;
        assert!(refusal.starts_with("HTTP/1.1 401 ") && !refusal.contains("connection: close"), "{refusal}");
        client.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut client).await.ends_with("127.0.0.1"));
    }
}

#[tokio::test]
async fn a_refusal_of_a_body_that_is_too_long_says_that_the_connection_closes_and_can_be_read() {
    let rig = Rig::new(ConnectionLimits::default()).await;
    let mut client = rig.open().await;
    client.write_all(&refused("/refuse", 4 * 1024 * 1024)).await.unwrap();
    let refusal = rest(&mut client).await;
    assert!(refusal.starts_with("HTTP/1.1 401 ") && refusal.contains("connection: close"), "{refusal}");
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_a_body_that_never_comes() {
    let rig = Rig::new(ConnectionLimits::default()).await;
    for (path, header) in [("/late", ""), ("/refuse", "expect: 100-continue\r\n"), ("/refuse", "")] {
        let mut client = rig.open().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{header}content-length: 9\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        let refusal = rest(&mut client).await;
        assert!(refusal.starts_with("HTTP/1.1 4") && refusal.contains("connection: close"), "{refusal}");
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_one_too_many_is_told_so() {
    let rig = Rig::new(ConnectionLimits { per_address: 2, ..ConnectionLimits::default() }).await;
    let (mut first, second) = (rig.open().await, rig.open().await);
    first.write_all(REQUEST).await.unwrap();
    assert!(answer(&mut first).await.contains(" 200 "));
    let refusal = rest(&mut rig.open().await).await;
    assert!(refusal.starts_with("HTTP/1.1 429 ") && refusal.contains("retry-after: 10"), "{refusal}");
    let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{refusal}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["code"], "rate_limited");
    drop(second);
    let started = Instant::now();
    loop {
        let mut third = rig.open().await;
        third.write_all(REQUEST).await.unwrap();
        let mut bytes = [0; 1024];
        let length = timeout(LONG, third.read(&mut bytes)).await.expect("an answer").unwrap_or(0);
        if bytes[..length].starts_with(b"HTTP/1.1 200 ") {
            break;
        }
        assert!(started.elapsed() < LONG, "the place of the second one is free");
    }
}
