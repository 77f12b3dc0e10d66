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
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, ORIGIN, RETRY_AFTER,
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::request::Parts;
use http::{Method, StatusCode};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::application::Application;
use crate::codec::engine::decode_payload;
use crate::cors::{allow_origin, preflight};
use crate::driver::Driver;
use crate::engine::Engine;
use crate::handshake::{Handshake, RequestRefusal};
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
#[derive(Debug, Clone)]
enum RequestError {
    /// The application refuses it.
    Refused(RequestRefusal),
    TransportUnknown,
    SessionUnknown,
    BadMethod,
    BadRequest,
    UnsupportedVersion,
    TooLarge,
    Encoded,
    Stalled,
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
    let origin = head.headers.get(ORIGIN).cloned();
    let answered = match shared.app.admit(&head).map_err(RequestError::Refused) {
        Ok(()) if head.method == Method::OPTIONS => Ok(preflight(&head.headers)),
        Ok(()) => answer(&shared, &mut head, body).await,
        Err(refusal) => Err(refusal),
    };
    let is_readable = answered.as_ref().err().is_none_or(RequestError::is_readable);
    let mut response = answered.unwrap_or_else(|error| {
        shared.stats.refused.increment();
        error.response()
    });
    if let Some(origin) = origin.filter(|_| is_readable) {
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
    let Some(connection) = Id::parse(sid).and_then(|id| shared.connections.find(&id)) else {
        shared.app.admit_costly(head).map_err(RequestError::Refused)?;
        return Err(shared.unknown_session());
    };
    match (transport, &head.method) {
        (TransportKind::WebSocket, &Method::GET) => {
            shared.app.admit_costly(head).map_err(RequestError::Refused)?;
            upgrade(shared, head, connection)
        }
        (TransportKind::Polling, &Method::GET) => poll(&connection).await,
        (TransportKind::Polling, &Method::POST) => post(shared, &connection, head, body).await,
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
    head: &Parts,
    body: Body,
) -> Result<Response, RequestError> {
    let mut codings = head.headers.get_all(CONTENT_ENCODING).iter();
    if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(RequestError::Encoded);
    }
    let engine = &connection.engine;
    let inbox = connection.inbox.as_ref().filter(|_| engine.is_polling()).ok_or(RequestError::BadRequest)?;
    let _posting = PostInProgress::begin(engine).ok_or(RequestError::BadRequest)?;
    let body = axum::body::to_bytes(body, shared.config.max_payload);
    let body = tokio::time::timeout(shared.config.ping_timeout, body)
        .await
        .map_err(|_| RequestError::Stalled)?
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

impl<A: Application> ServerShared<A> {
    /// What is said of a session that is not here. A proxy that sends a client to the same server each time
    /// sends it here until the port closes, also if it has got a session at another one meanwhile. 503 lets
    /// the proxy try that one.
    fn unknown_session(&self) -> RequestError {
        if self.connections.is_draining() { RequestError::Draining } else { RequestError::SessionUnknown }
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
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
    if let Some(protocol) = offer.protocol.clone() {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

impl RequestError {
    /// Whether a page of the request's origin may read it.
    fn is_readable(&self) -> bool {
        !matches!(self, Self::Refused(refusal) if !refusal.is_readable)
    }

    fn response(self) -> Response {
        let (status, code, message) = match self {
            Self::Refused(refusal) => return refused(refusal),
            Self::TransportUnknown => (StatusCode::BAD_REQUEST, 0, "TransportKind unknown"),
            Self::SessionUnknown => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::BadMethod => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::UnsupportedVersion => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3, "Payload too large"),
            Self::Encoded => (StatusCode::UNSUPPORTED_MEDIA_TYPE, 3, "The body must not be compressed"),
            Self::Stalled => (StatusCode::REQUEST_TIMEOUT, 3, "The body did not arrive in time"),
            Self::Draining => (StatusCode::SERVICE_UNAVAILABLE, 4, "Server is shutting down"),
        };
        let mut response =
            (status, axum::Json(serde_json::json!({ "code": code, "message": message }))).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

/// The application's refusal, in its own words.
fn refused(refusal: RequestRefusal) -> Response {
    let mut response = (refusal.status, axum::Json(refusal.body)).into_response();
    if let Some(wait) = refusal.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}
