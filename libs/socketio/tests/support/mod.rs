//! A server with an application that tells what happens to it, and clients that talk to it without a network.
//!
//! Everything runs on in-memory pipes, so that tests may pause the clock: time passes when nobody has
//! anything to do.

#![allow(dead_code, reason = "each test binary uses its part of it")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use eventflow_socketio::{
    Accepted, Application, ClientEvent, Config, ConnectError, DisconnectReason, Encoder, Handshake, JoinKind,
    Lost, RequestRefusal, Server, Socket,
};
use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::io::DuplexStream;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tower::ServiceExt;

/// Capacity of the pipe between a client and the server, like a small socket buffer.
const PIPE: usize = 64 * 1024;
/// Longer than any deadline a test waits for.
const PATIENCE: Duration = Duration::from_mins(10);

/// What happened to the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Joining(bool),
    Connected(bool),
    Event(String),
    Disconnected(DisconnectReason),
    Expired,
}

pub(crate) struct App {
    pub(crate) encoder: Encoder,
    pub(crate) seen: mpsc::Sender<Seen>,
    pub(crate) sockets: Mutex<Vec<Socket<u32>>>,
    /// What the last fresh client had lost.
    pub(crate) lost: Mutex<Option<Lost>>,
    /// `hold` events wait for it.
    pub(crate) release: Notify,
}

impl Application for App {
    type State = u32;

    fn admit(&self, head: &http::request::Parts) -> Result<(), RequestRefusal> {
        if head.headers.get("origin").is_some_and(|origin| origin == "https://evil.example") {
            return Err(RequestRefusal {
                status: StatusCode::FORBIDDEN,
                body: serde_json::json!({ "message": "origin" }),
                retry_after: None,
                is_readable: false,
            });
        }
        if head.uri.query().is_some_and(|query| query.contains("full")) {
            return Err(too_many());
        }
        Ok(())
    }

    fn admit_costly(&self, head: &http::request::Parts) -> Result<(), RequestRefusal> {
        if head.headers.contains_key("x-spent") { Err(too_many()) } else { Ok(()) }
    }

    async fn connect(
        &self,
        _: &str,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Accepted<u32>, ConnectError> {
        let auth: serde_json::Value =
            auth.map_or(serde_json::Value::Null, |auth| serde_json::from_str(auth.get()).unwrap());
        if auth["deny"] == true {
            let data = RawValue::from_string(r#"{"code":1}"#.into()).unwrap();
            return Err(ConnectError::new("denied").with_data(data));
        }
        assert!(auth["panic"] != true, "asked for");
        assert!(handshake.uri.path().starts_with("/socket.io/"));
        let identity = auth["user"].as_str().map(str::to_owned);
        Ok(Accepted { identity, note: Some("note".into()), state: 7 })
    }

    async fn joining(&self, socket: &Socket<u32>, how: JoinKind<u32>) {
        match how {
            JoinKind::Recovered(state) => self.tell(Seen::Joining(state == 7)).await,
            JoinKind::Fresh(lost) => {
                self.tell(Seen::Joining(false)).await;
                self.lost.lock().clone_from(&lost);
            }
        }
        self.sockets.lock().retain(|known| known.id() != socket.id());
        self.sockets.lock().push(socket.clone());
        if let Some(user) = socket.identity() {
            socket.charge_to(user);
        }
        socket.emit(&self.encoder.event("early", &1).unwrap());
    }

    async fn connected(&self, _: &Socket<u32>, recovered: bool) {
        self.tell(Seen::Connected(recovered)).await;
    }

    async fn event(&self, socket: &Socket<u32>, event: ClientEvent) {
        self.tell(Seen::Event(event.name.clone())).await;
        let args: Vec<&RawValue> = event.args.iter().map(AsRef::as_ref).collect();
        match event.name.as_str() {
            "panic" => panic!("asked for"),
            "hold" => self.release.notified().await,
            "leave" => socket.disconnect(),
            "cut" => socket.close_transport("test"),
            "echo" => drop(socket.emit(&self.encoder.event_raw("echo", &args))),
            _ => {}
        }
        if let Some(id) = event.ack {
            socket.ack_raw(id, &args);
        }
    }

    async fn disconnected(&self, _: &Socket<u32>, reason: DisconnectReason) {
        self.tell(Seen::Disconnected(reason)).await;
    }

    async fn expired(&self, socket: &Socket<u32>) {
        self.sockets.lock().retain(|known| known.id() != socket.id());
        self.tell(Seen::Expired).await;
    }
}

/// A refusal that an admitted origin may read.
fn too_many() -> RequestRefusal {
    RequestRefusal {
        status: StatusCode::TOO_MANY_REQUESTS,
        body: serde_json::json!({ "message": "full" }),
        retry_after: Some(Duration::from_millis(9_001)),
        is_readable: true,
    }
}

impl App {
    async fn tell(&self, seen: Seen) {
        // A test that no longer listens is over.
        let _ = self.seen.send(seen).await;
    }
}

pub(crate) struct Rig {
    pub(crate) server: Server<App>,
    pub(crate) seen: mpsc::Receiver<Seen>,
}

impl Rig {
    pub(crate) fn new(config: Config) -> Self {
        let (sender, seen) = mpsc::channel(4096);
        let app = App {
            encoder: Encoder::new(),
            seen: sender,
            sockets: Mutex::default(),
            lost: Mutex::default(),
            release: Notify::new(),
        };
        Self { server: Server::new(config, app), seen }
    }

    /// The only socket there is.
    pub(crate) fn socket(&self) -> Socket<u32> {
        let sockets = self.server.application().sockets.lock();
        assert_eq!(sockets.len(), 1);
        sockets[0].clone()
    }

    pub(crate) async fn seen(&mut self) -> Seen {
        tokio::time::timeout(PATIENCE, self.seen.recv()).await.unwrap().unwrap()
    }

    /// Waits until this has been seen, whatever comes before it.
    pub(crate) async fn until(&mut self, expected: Seen) {
        while self.seen().await != expected {}
    }

    pub(crate) async fn request(&self, request: Request<Body>) -> (StatusCode, http::HeaderMap, String) {
        let response = self.server.router().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    pub(crate) async fn get(&self, query: &str) -> (StatusCode, String) {
        let request = Request::get(format!("/socket.io/?{query}")).body(Body::empty()).unwrap();
        let (status, _, body) = self.request(request).await;
        (status, body)
    }

    pub(crate) async fn post(&self, query: &str, body: &str) -> (StatusCode, String) {
        let request =
            Request::post(format!("/socket.io/?{query}")).body(Body::from(body.to_owned())).unwrap();
        let (status, _, body) = self.request(request).await;
        (status, body)
    }

    /// Opens a session on polling and gives the query for its requests.
    pub(crate) async fn open_polling(&self) -> String {
        let (status, body) = self.get("EIO=4&transport=polling").await;
        assert_eq!(status, 200, "{body}");
        let open: serde_json::Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
        format!("EIO=4&transport=polling&sid={}", open["sid"].as_str().unwrap())
    }

    pub(crate) async fn websocket(&self, query: &str) -> Client {
        let url = format!("ws://localhost/socket.io/?EIO=4&transport=websocket{query}");
        self.handshake(url.into_client_request().unwrap()).await.unwrap().0
    }

    /// Opens a WebSocket with this request, and gives the answer to it.
    pub(crate) async fn handshake(
        &self,
        request: Request<()>,
    ) -> Result<(Client, http::Response<Option<Vec<u8>>>), Error> {
        let (near, far) = tokio::io::duplex(PIPE);
        let service = TowerToHyperService::new(self.server.router());
        let serving = async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(far), service)
                .with_upgrades();
            let _ = connection.await;
        };
        spawn(serving);
        let (stream, answer) = tokio_tungstenite::client_async(request, near).await?;
        Ok((Client(stream), answer))
    }

    /// A client in `/`, past everything it is sent at first. Gives what the CONNECT answer said.
    pub(crate) async fn joined(&self, auth: &str) -> (Client, serde_json::Value) {
        let mut client = self.websocket("").await;
        assert!(client.text().await.starts_with('0'));
        client.send(&format!("40{auth}")).await;
        let answer = client.text().await;
        let answer = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
        (client, answer)
    }
}

#[allow(clippy::disallowed_methods, reason = "the connections of a test end with its runtime")]
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

pub(crate) struct Client(pub(crate) WebSocketStream<DuplexStream>);

impl Client {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn message(&mut self) -> Option<Message> {
        let message = tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap();
        message.and_then(Result::ok)
    }

    /// The next text.
    pub(crate) async fn text(&mut self) -> String {
        match self.message().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("no text but {other:?}"),
        }
    }

    /// Answers pings until something else comes.
    pub(crate) async fn text_after_pings(&mut self) -> String {
        loop {
            match self.text().await.as_str() {
                "2" => self.send("3").await,
                text => return text.to_owned(),
            }
        }
    }

    /// The close code, whatever comes before; `None` if the connection just ends.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Message::Close(frame) = self.message().await? {
                return frame.map(|frame| frame.code.into());
            }
        }
    }
}

/// A string shared with nobody, of this size.
pub(crate) fn filler(bytes: usize) -> Arc<str> {
    "x".repeat(bytes).into()
}
