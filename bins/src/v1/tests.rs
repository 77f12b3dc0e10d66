//! Tests the proxy against real servers on the loopback: what arrives on either side, and what happens when
//! the other side is down or slow.

use super::*;
use axum::body::{Bytes, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method};
use futures_util::StreamExt;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tower::ServiceExt;

const CLIENT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7)), 5_000);

fn passage_to(url: &str) -> Router {
    routes(url).unwrap()
}

/// Serves `router` until `servers` is dropped.
async fn serve(servers: &mut JoinSet<()>, router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    servers.spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// Accepts one connection, reads the head of its request, and returns both.
async fn raw_upstream() -> (String, impl Future<Output = (String, TcpStream)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (String::from_utf8(head).unwrap().to_ascii_lowercase(), stream)
    };
    (url, accepted)
}

fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "chat.example.com")
        .extension(ConnectInfo(CLIENT))
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 64 * 1024).await.unwrap()).unwrap()
}

async fn assert_failure(response: Response, status: u16, code: &str) {
    assert_eq!(response.status().as_u16(), status);
    let body = json_of(response).await;
    assert_eq!((body["success"].as_bool(), body["code"].as_str()), (Some(false), Some(code)), "{body}");
    assert!(!body["error"].as_str().unwrap().contains("127.0.0.1"), "{body}");
}

#[tokio::test]
async fn without_an_old_system_every_request_is_told_so() {
    for path in ["/api/messages", "/api/messages/", "/api/messages/threads/7"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let response =
                passage_to("").oneshot(request(method, path).body(Body::empty()).unwrap()).await.unwrap();
            assert_failure(response, 404, "unknown").await;
        }
    }
}

#[tokio::test]
async fn method_path_query_headers_and_body_arrive_and_the_answer_comes_back() {
    let (url, upstream) = raw_upstream().await;
    let asked = request(Method::PATCH, "/api/messages/t%201/x?limit=5&q=a%26b")
        .header("authorization", "Bearer a.b.c")
        .header("cookie", "sid=1")
        .header("x-forwarded-for", "198.51.100.1")
        .header("x-forwarded-proto", "https")
        .header("content-length", "4")
        .body(Body::from("body"))
        .unwrap();
    let answering = async {
        let (head, mut stream) = upstream.await;
        let mut body = [0; 4];
        stream.read_exact(&mut body).await.unwrap();
        let answer = "HTTP/1.1 299 Odd\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-own: yes\r\nkeep-alive: timeout=5\r\n\
                      connection: x-hop\r\nx-hop: no\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(answer.as_bytes()).await.unwrap();
        (head, body, stream)
    };
    let (response, (head, body, _stream)) = tokio::join!(passage_to(&url).oneshot(asked), answering);
    let authority = url.strip_prefix("http://").unwrap();
    assert!(head.starts_with("patch /api/messages/t%201/x?limit=5&q=a%26b http/1.1\r\n"), "{head}");
    for line in [
        &format!("host: {authority}"),
        "authorization: bearer a.b.c",
        "cookie: sid=1",
        "content-length: 4",
        "x-forwarded-host: chat.example.com",
        "x-forwarded-proto: https",
        "x-forwarded-for: 198.51.100.1, 203.0.113.7",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
    }
    assert_eq!(&body, b"body");
    let response = response.unwrap();
    assert_eq!(response.status().as_u16(), 299);
    assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(response.headers()["x-own"], "yes");
    assert!(["keep-alive", "connection", "x-hop"].iter().all(|name| !response.headers().contains_key(*name)));
    assert_eq!(to_bytes(response.into_body(), 10).await.unwrap(), "ok");
}

#[tokio::test]
async fn headers_of_one_connection_stay_on_it() {
    let (url, upstream) = raw_upstream().await;
    let asked = request(Method::GET, "/api/messages")
        .header("connection", "keep-alive, X-Secret-Hop")
        .header("x-secret-hop", "1")
        .header("te", "trailers")
        .header("upgrade", "websocket")
        .header("proxy-authorization", "Basic x")
        .body(Body::empty())
        .unwrap();
    let answering = async {
        let (head, mut stream) = upstream.await;
        stream.write_all(b"HTTP/1.0 204 No Content\r\n\r\n").await.unwrap();
        head
    };
    let (response, head) = tokio::join!(passage_to(&url).oneshot(asked), answering);
    for name in [
        "connection:",
        "x-secret-hop",
        "\r\nte:",
        "upgrade",
        "proxy-authorization",
        "transfer-encoding",
        "content-length",
    ] {
        assert!(!head.contains(name), "{name} in {head}");
    }
    let response = response.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (204, Version::HTTP_11));
}

#[tokio::test]
async fn a_large_body_streams_both_ways_unchanged() {
    const PIECES: usize = 512;
    const PIECE: usize = 64 * 1024;
    let mut servers = JoinSet::new();
    let echo = Router::new().fallback(async |request: Request| Response::new(request.into_body()));
    let old = serve(&mut servers, echo).await;
    let pieces = futures_util::stream::iter(0..PIECES)
        .map(|n| Ok::<_, std::io::Error>(Bytes::from(vec![u8::try_from(n % 251).unwrap(); PIECE])));
    let asked = request(Method::POST, "/api/messages/upload").body(Body::from_stream(pieces)).unwrap();
    let response = passage_to(&old).oneshot(asked).await.unwrap();
    let (mut stream, mut at) = (response.into_body().into_data_stream(), 0);
    while let Some(piece) = stream.next().await {
        for byte in piece.unwrap() {
            assert_eq!(usize::from(byte), at / PIECE % 251, "byte {at}");
            at += 1;
        }
    }
    assert_eq!(at, PIECES * PIECE);
}

#[tokio::test]
async fn an_answer_that_trickles_arrives_piece_by_piece() {
    let mut servers = JoinSet::new();
    let (give, pieces) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let pieces = Arc::new(tokio::sync::Mutex::new(Some(pieces)));
    let old = serve(
        &mut servers,
        Router::new().fallback(move || async move {
            let pieces = pieces.lock().await.take().unwrap();
            let stream =
                futures_util::stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
            Body::from_stream(stream)
        }),
    )
    .await;
    let asked = request(Method::GET, "/api/messages/stream").body(Body::empty()).unwrap();
    let mut stream = passage_to(&old).oneshot(asked).await.unwrap().into_body().into_data_stream();
    for piece in ["one", "two", "three"] {
        give.send(Ok(piece.into())).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), piece, "each arrives before the next one is made");
    }
    drop(give);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_complete() {
    let (url, upstream) = raw_upstream().await;
    let asked = request(Method::GET, "/api/messages/1").body(Body::empty()).unwrap();
    let dying = async {
        let (_, mut stream) = upstream.await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n")
            .await
            .unwrap();
    };
    let (response, ()) = tokio::join!(passage_to(&url).oneshot(asked), dying);
    let mut stream = response.unwrap().into_body().into_data_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "half");
    assert!(stream.next().await.unwrap().is_err());

    let mut servers = JoinSet::new();
    let (url, upstream) = raw_upstream().await;
    let ours = serve(&mut servers, passage_to(&url)).await;
    let dying = async {
        let (_, mut stream) = upstream.await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
    };
    let client = async {
        let mut stream = TcpStream::connect(ours.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(b"GET /api/messages/1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut all = Vec::new();
        // The connection ends before the announced length, by a close or by a reset.
        let _ = stream.read_to_end(&mut all).await;
        String::from_utf8(all).unwrap()
    };
    let (seen, ()) = tokio::join!(client, dying);
    assert!(seen.contains("content-length: 100") && seen.ends_with("half"), "{seen}");
}

#[tokio::test]
async fn an_old_system_that_is_down_is_a_bad_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let asked = request(Method::POST, "/api/messages").body(Body::from("x")).unwrap();
    assert_failure(passage_to(&url).oneshot(asked).await.unwrap(), 502, "unavailable").await;

    let (url, upstream) = raw_upstream().await;
    let asked = request(Method::GET, "/api/messages").body(Body::empty()).unwrap();
    let (response, ()) = tokio::join!(passage_to(&url).oneshot(asked), async { drop(upstream.await) });
    assert_failure(response.unwrap(), 502, "unavailable").await;
}

#[tokio::test]
async fn an_old_system_that_says_nothing_is_given_up() {
    let (url, upstream) = raw_upstream().await;
    let passage = passage_to(&url);
    let silent = async {
        let accepted = upstream.await;
        // From here on the test needs no I/O, only time.
        tokio::time::pause();
        accepted
    };
    let asked = request(Method::GET, "/api/messages").body(Body::empty()).unwrap();
    let (response, _accepted) = tokio::join!(passage.oneshot(asked), silent);
    assert_failure(response.unwrap(), 504, "unavailable").await;
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_an_answer_starts_with_the_end_of_the_request() {
    let (give, pieces) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let stream =
        futures_util::stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let (watched, progress) = Progress::of(Body::from_stream(stream));
    let start = tokio::time::Instant::now();
    let sending = async {
        for _ in 0..10 {
            tokio::time::advance(ANSWER_LIMIT / 2).await;
            give.send(Ok("piece".into())).await.unwrap();
        }
        drop(give);
    };
    let (sent, (), culprit) =
        tokio::join!(to_bytes(Body::new(watched), usize::MAX), sending, progress.stalled(ANSWER_LIMIT));
    assert_eq!((sent.unwrap().len(), culprit), (50, Culprit::Upstream));
    assert_eq!(start.elapsed(), ANSWER_LIMIT * 6);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_send_its_body_is_told_so() {
    let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
    let (watched, progress) = Progress::of(Body::from_stream(never));
    let culprit = tokio::select! {
        _ = to_bytes(Body::new(watched), usize::MAX) => panic!("the body ended"),
        culprit = progress.stalled(ANSWER_LIMIT) => culprit,
    };
    assert_eq!(culprit, Culprit::Client);
    assert_failure(ForwardError::Stalled.into_response(), 408, "unavailable").await;
}

#[tokio::test]
async fn one_request_too_many_at_a_time_is_told_when_to_come_back() {
    let mut upstream = Upstream::new("http://127.0.0.1:9").unwrap();
    upstream.under_way = Arc::new(Semaphore::new(0));
    let asked = request(Method::GET, "/api/messages").body(Body::empty()).unwrap();
    let uri = asked.uri().clone();
    let Err(busy) = upstream.ask(&uri, asked).await else { panic!("it was asked") };
    let answer = busy.into_response();
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_failure(answer, 503, "unavailable").await;
}

#[tokio::test]
async fn no_path_leads_elsewhere() {
    let mut servers = JoinSet::new();
    let told = async |uri: Uri, headers: HeaderMap| format!("{} {}", uri, headers["host"].to_str().unwrap());
    let old = serve(&mut servers, Router::new().fallback(told)).await;
    let authority = old.strip_prefix("http://").unwrap();
    for path in [
        "/api/messages/../admin",
        "/api/messages/%2e%2e/admin",
        "/api/messages/.%2E/admin",
        "/api/messages/a%2f..%2f..%2fadmin",
        "/api/messages/..%5cadmin",
        "/api/messages/x/./y",
    ] {
        let response =
            passage_to(&old).oneshot(request(Method::GET, path).body(Body::empty()).unwrap()).await.unwrap();
        assert_failure(response, 400, "invalid").await;
    }
    for (path, seen) in [
        ("http://evil.example/api/messages/x", "/api/messages/x"),
        ("/api/messages/@evil.example:80/x", "/api/messages/@evil.example:80/x"),
        ("/api/messages//evil.example/x", "/api/messages//evil.example/x"),
        ("/api/messages/http://evil.example", "/api/messages/http://evil.example"),
        ("/api/messages/..a/b..?q=../x", "/api/messages/..a/b..?q=../x"),
    ] {
        let response =
            passage_to(&old).oneshot(request(Method::GET, path).body(Body::empty()).unwrap()).await.unwrap();
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        assert_eq!(body, format!("{seen} {authority}"), "{path}");
    }
}

#[test]
fn an_address_that_cannot_be_used_is_refused_at_the_start() {
    for url in ["nonsense", "http://", "/api"] {
        assert!(routes(url).is_err(), "{url}");
    }
}
