//! From HTTP to WebSocket: the handshake, and the probe by which a session moves over from polling.
//!
//! RFC 6455 section 4.2; the server never negotiates an extension. Steps of an upgrade: client `2probe`,
//! server `3probe` and a noop for the waiting GET, client `5`. Some clients send the `5` at once, which the
//! reference implementation takes too. Until the `5` the session stays on polling, and a failed upgrade
//! changes nothing. One WebSocket at a time may try.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::application::Application;
use crate::config::Config;
use crate::driver::Driver;
use crate::engine::Engine;
use crate::handshake::Handshake;
use crate::open::open_packet;
use crate::shared::{Connection, ServerShared, SessionInput, WebSocket};
use crate::websocket;

/// Read buffer of a connection. The default of 128 KiB would be allocated for each; client events are a few
/// hundred bytes.
const READ_BUFFER: usize = 1024;
/// Write buffer: frames are gathered up to this size before the operating system gets them, so that a burst
/// is few writes.
const WRITE_BUFFER: usize = 4 * 1024;
/// Between the probe and the noop for a waiting GET, and from one noop to the next: as in the reference
/// implementation. A client that completes the upgrade at once needs no noop.
const RELEASE_EVERY: Duration = Duration::from_millis(100);
/// Before a WebSocket for a session that another one has or takes over is closed.
const REFUSED_AFTER: Duration = Duration::from_millis(100);

/// A request that asks for a WebSocket.
pub(crate) struct Offer {
    on_upgrade: OnUpgrade,
    /// The value of `Sec-WebSocket-Accept`.
    pub(crate) accept: HeaderValue,
    /// The value of `Sec-WebSocket-Protocol`: the first subprotocol that the client offers, if it offers any.
    /// Without one of its offers a browser closes the connection. The name means nothing here.
    pub(crate) protocol: Option<HeaderValue>,
}

impl Offer {
    /// Reads the request; `None` if it is not a valid handshake.
    pub(crate) fn read(head: &mut http::request::Parts) -> Option<Self> {
        let key = head.headers.get(SEC_WEBSOCKET_KEY)?;
        let valid = head.method == http::Method::GET
            && has_token(&head.headers, CONNECTION, "upgrade")
            && has_token(&head.headers, UPGRADE, "websocket")
            && has_token(&head.headers, SEC_WEBSOCKET_VERSION, "13");
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()?;
        let on_upgrade = head.extensions.remove::<OnUpgrade>()?;
        valid.then_some(Self { on_upgrade, accept, protocol: first_protocol(&head.headers) })
    }

    async fn accept(self, config: &Config) -> Option<WebSocket> {
        let upgraded = tokio::time::timeout(config.upgrade_timeout, self.on_upgrade).await.ok()?.ok()?;
        let limits = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(config.max_payload))
            .max_frame_size(Some(config.max_payload));
        Some(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(limits)).await)
    }
}

/// Runs a session that begins as a WebSocket.
pub(crate) async fn begin<A: Application>(shared: Arc<ServerShared<A>>, offer: Offer, handshake: Handshake) {
    let Some(socket) = offer.accept(&shared.config).await else { return };
    let engine = Engine::websocket(shared.bounds(), Arc::clone(&shared.stats));
    let mut driver = Driver::new(Arc::clone(&shared), Arc::clone(&engine), handshake);
    if shared.connections.insert(Connection { engine: Arc::clone(&engine), inbox: None }) {
        shared.stats.handshakes.increment();
        engine.push(open_packet(&shared.config, &engine, "[]"));
    } else {
        engine.end(crate::DisconnectReason::Draining);
    }
    websocket::run(&mut driver, socket).await;
}

/// Moves a session over from polling, or leaves it there.
pub(crate) async fn take_over<A: Application>(
    shared: Arc<ServerShared<A>>,
    offer: Offer,
    connection: Connection,
    under_way: UpgradeInProgress,
) {
    let Some(inbox) = connection.inbox else { return };
    let engine = connection.engine;
    let Some(mut socket) = offer.accept(&shared.config).await else { return };
    let negotiation = tokio::time::timeout(shared.config.upgrade_timeout, negotiate(&mut socket, &engine));
    if negotiation.await != Ok(Some(())) {
        drop(under_way);
        return websocket::close(socket, crate::DisconnectReason::ProtocolError).await;
    }
    if engine.complete_upgrade() {
        shared.stats.upgrades.increment();
        // If the session's task is gone, so is the session. The error drops the socket.
        let _ = inbox.send(SessionInput::Upgrade(Box::new(socket))).await;
    }
}

/// Waits for the client's word that it goes on here; `None` if it says something else.
async fn negotiate(socket: &mut WebSocket, engine: &Engine) -> Option<()> {
    let mut said = next_text(socket).await?;
    if said.as_str() == "2probe" {
        socket.send(Message::Text(Utf8Bytes::from_static("3probe"))).await.ok()?;
        said = releasing_polls(engine, next_text(socket)).await?;
    }
    (said.as_str() == "5").then_some(())
}

/// Lets go of waiting GETs until `done`: a client that has probed completes the upgrade between two of them.
async fn releasing_polls<T>(engine: &Engine, done: impl Future<Output = T>) -> T {
    let mut done = std::pin::pin!(done);
    loop {
        match tokio::time::timeout(RELEASE_EVERY, &mut done).await {
            Ok(value) => return value,
            Err(_) => engine.release_poll(),
        }
    }
}

/// Closes the WebSocket of a session that cannot be upgraded, or is being upgraded.
pub(crate) async fn refuse<A: Application>(shared: Arc<ServerShared<A>>, offer: Offer) {
    if let Some(socket) = offer.accept(&shared.config).await {
        // What the client has sent before on the WebSocket that came first is handled first.
        tokio::time::sleep(REFUSED_AFTER).await;
        websocket::close(socket, crate::DisconnectReason::ProtocolError).await;
    }
}

/// An upgrade under way. Dropping it goes back to polling, unless the upgrade is complete.
pub(crate) struct UpgradeInProgress(Arc<Engine>);

impl UpgradeInProgress {
    /// `None` if the session is not on polling, or if another upgrade is under way.
    pub(crate) fn begin(engine: &Arc<Engine>) -> Option<Self> {
        engine.begin_upgrade().then(|| Self(Arc::clone(engine)))
    }
}

impl Drop for UpgradeInProgress {
    fn drop(&mut self) {
        self.0.abandon_upgrade();
    }
}

/// The next text; `None` if something else comes, or nothing more.
async fn next_text(socket: &mut WebSocket) -> Option<Utf8Bytes> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return Some(text),
            Message::Ping(_) | Message::Pong(_) => {}
            _ => return None,
        }
    }
}

/// The first name in `Sec-WebSocket-Protocol` (RFC 6455, section 4.2.2).
fn first_protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = headers.get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let first = offered.split(',').map(str::trim).find(|name| !name.is_empty())?;
    HeaderValue::from_str(first).ok()
}

fn has_token(headers: &HeaderMap, name: http::header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}
