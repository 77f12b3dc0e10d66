//! The endpoint: every request is admitted by the application, checked, and given to its transport.
//!
//! The checks and the numbers of the errors are those of the reference implementation of Engine.IO v4. An
//! admitted request with an `Origin` gets the CORS headers that let a page of that origin read the answer.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, ORIGIN, RETRY_AFTER,
    SEC_WEBSOCKET_ACCEPT, UPGRADE, VARY,
};
use http::request::Parts;
use http::{Method, StatusCode};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::application::Application;
use crate::codec::engine::decode_payload;
use crate::driver::Driver;
use crate::engine::Engine;
use crate::handshake::Handshake;
use crate::id::Id;
use crate::open::open_packet;
use crate::polling::{self, PostInProgress};
use crate::reason::DisconnectReason;
use crate::shared::{Connection, ServerShared};
use crate::upgrade::{self, Offer, UpgradeInProgress};
use crate::websocket;

/// Retry-After: seconds after which a client that is refused while the server drains may try again.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestError {
    TransportUnknown,
    SessionUnknown,
    BadMethod,
    BadRequest,
    UnsupportedVersion,
    TooLarge,
    Draining,
}

/// The transport that a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TransportKind {
    Polling,
    WebSocket,
}

/// The routes of a server.
pub(crate) fn router<A: Application>(shared: Arc<ServerShared<A>>) -> Router {
    let path = shared.config.path.clone();
    let handler = move |request: Request| serve(Arc::clone(&shared), request);
    Router::new().route(&path, axum::routing::any(handler))
}

async fn serve<A: Application>(shared: Arc<ServerShared<A>>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    if let Err(refusal) = shared.app.admit(&head) {
        shared.stats.refused.increment();
        return (refusal.status, axum::Json(refusal.body)).into_response();
    }
    let origin = head.headers.get(ORIGIN).cloned();
    let mut response = if head.method == Method::OPTIONS {
        preflight()
    } else {
        answer(&shared, &mut head, body).await.unwrap_or_else(|invalid| {
            shared.stats.refused.increment();
            invalid.response()
        })
    };
    if let Some(origin) = origin {
        allow_origin(&mut response, origin);
    }
    response
}

async fn answer<A: Application>(
    shared: &Arc<ServerShared<A>>,
    head: &mut Parts,
    body: Body,
) -> Result<Response, RequestError> {
    let transport = match parameter(head, "transport") {
        Some("polling") => TransportKind::Polling,
        Some("websocket") => TransportKind::WebSocket,
        _ => return Err(RequestError::TransportUnknown),
    };
    let Some(sid) = parameter(head, "sid") else {
        return open(shared, head, transport);
    };
    let id = Id::parse(sid).ok_or(RequestError::SessionUnknown)?;
    let connection = shared.connections.find(&id).ok_or(RequestError::SessionUnknown)?;
    match (transport, &head.method) {
        (TransportKind::WebSocket, &Method::GET) => upgrade(shared, head, connection),
        (TransportKind::Polling, &Method::GET) => poll(&connection).await,
        (TransportKind::Polling, &Method::POST) => post(shared, &connection, body).await,
        _ => Err(RequestError::BadMethod),
    }
}

fn open<A: Application>(
    shared: &Arc<ServerShared<A>>,
    head: &mut Parts,
    transport: TransportKind,
) -> Result<Response, RequestError> {
    if head.method != Method::GET {
        return Err(RequestError::BadMethod);
    }
    if parameter(head, "EIO") != Some("4") {
        return Err(RequestError::UnsupportedVersion);
    }
    if shared.connections.is_draining() {
        return Err(RequestError::Draining);
    }
    match transport {
        TransportKind::Polling => open_polling(shared, head),
        TransportKind::WebSocket => {
            let offer = Offer::read(head).ok_or(RequestError::BadRequest)?;
            let response = switching(&offer);
            shared.tasks.spawn(upgrade::begin(Arc::clone(shared), offer, handshake(head)));
            Ok(response)
        }
    }
}

fn open_polling<A: Application>(
    shared: &Arc<ServerShared<A>>,
    head: &mut Parts,
) -> Result<Response, RequestError> {
    let engine = Engine::polling(shared.bounds(), Arc::clone(&shared.stats));
    // At most one POST and one upgrade are under way at a time.
    let (inbox, mut receiver) = mpsc::channel(2);
    let alive = shared.tasks.token();
    if !shared.connections.insert(Connection { engine: Arc::clone(&engine), inbox: Some(inbox) }) {
        return Err(RequestError::Draining);
    }
    shared.stats.handshakes.increment();
    let open = open_packet(&shared.config, &engine, r#"["websocket"]"#);
    let mut driver = Driver::new(Arc::clone(shared), engine, handshake(head));
    shared.tasks.spawn(async move {
        if let Some(socket) = polling::run(&mut driver, &mut receiver).await {
            // A POST that the upgrade overtook is not taken any more, and learns so.
            drop(receiver);
            websocket::run(&mut driver, *socket).await;
        } else {
            driver.finish().await;
            let most = driver.shared.config.write_timeout;
            polling::linger(&driver.shared.connections, &driver.engine, most).await;
        }
    });
    drop(alive);
    Ok(payload(open.text().to_owned()))
}

fn upgrade<A: Application>(
    shared: &Arc<ServerShared<A>>,
    head: &mut Parts,
    connection: Connection,
) -> Result<Response, RequestError> {
    let offer = Offer::read(head).ok_or(RequestError::BadRequest)?;
    let response = switching(&offer);
    if let Some(under_way) = UpgradeInProgress::begin(&connection.engine) {
        shared.tasks.spawn(upgrade::take_over(Arc::clone(shared), offer, connection, under_way));
    } else {
        // Browsers cannot read the status of a refused handshake, so the client gets a WebSocket that closes.
        shared.stats.refused.increment();
        shared.tasks.spawn(upgrade::refuse(Arc::clone(shared), offer));
    }
    Ok(response)
}

async fn poll(connection: &Connection) -> Result<Response, RequestError> {
    connection.engine.check_pong();
    if !connection.engine.accepts_polls() {
        return Err(RequestError::SessionUnknown);
    }
    polling::get(&connection.engine).await.map(payload).ok_or(RequestError::BadRequest)
}

async fn post<A: Application>(
    shared: &Arc<ServerShared<A>>,
    connection: &Connection,
    body: Body,
) -> Result<Response, RequestError> {
    let engine = &connection.engine;
    let inbox = connection.inbox.as_ref().filter(|_| engine.is_polling()).ok_or(RequestError::BadRequest)?;
    let _posting = PostInProgress::begin(engine).ok_or(RequestError::BadRequest)?;
    let body = axum::body::to_bytes(body, shared.config.max_payload);
    let body = tokio::time::timeout(shared.config.ping_timeout, body)
        .await
        .map_err(|_| RequestError::BadRequest)?
        .map_err(|_| RequestError::TooLarge)?;
    shared.stats.bytes_in.add(body.len() as u64);
    let packets = Utf8Bytes::try_from(body).ok().and_then(|text| decode_payload(&text).ok());
    let Some(packets) = packets else {
        engine.end(DisconnectReason::ProtocolError);
        return Err(RequestError::BadRequest);
    };
    if polling::post(engine, inbox, packets).await {
        Ok(payload("ok".into()))
    } else {
        Err(RequestError::SessionUnknown)
    }
}

fn handshake(head: &mut Parts) -> Handshake {
    Handshake {
        method: head.method.clone(),
        uri: head.uri.clone(),
        headers: std::mem::take(&mut head.headers),
        peer: head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
    }
}

/// A query parameter, not decoded: the protocol's parameters need no decoding.
fn parameter<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    let pairs = head.uri.query()?.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn payload(body: String) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

fn switching(offer: &Offer) -> Response {
    let headers = [
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, offer.accept.clone()),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, authorization")),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn allow_origin(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

impl RequestError {
    fn response(self) -> Response {
        let (status, code, message) = match self {
            Self::TransportUnknown => (StatusCode::BAD_REQUEST, 0, "TransportKind unknown"),
            Self::SessionUnknown => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::BadMethod => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::UnsupportedVersion => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3, "Payload too large"),
            Self::Draining => (StatusCode::SERVICE_UNAVAILABLE, 4, "Server is shutting down"),
        };
        let mut response =
            (status, axum::Json(serde_json::json!({ "code": code, "message": message }))).into_response();
        if self == Self::Draining {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}
