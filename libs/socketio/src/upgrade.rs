//! From HTTP to WebSocket: the handshake, and the probe by which a session moves over from polling.
//!
//! RFC 6455 section 4.2; the server never negotiates an extension. Steps of an upgrade: client `2probe`,
//! server `3probe` and a noop for the waiting GET, client `5`. Until the `5` the session stays on polling,
//! and a failed upgrade changes nothing.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
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

/// A request that asks for a WebSocket.
pub(crate) struct Offer {
    on_upgrade: OnUpgrade,
    /// The value of `Sec-WebSocket-Accept`.
    pub(crate) accept: HeaderValue,
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
        valid.then_some(Self { on_upgrade, accept })
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
pub(crate) async fn probe<A: Application>(
    shared: Arc<ServerShared<A>>,
    offer: Offer,
    connection: Connection,
) {
    let Some(inbox) = connection.inbox else { return };
    let engine = connection.engine;
    let probing = async {
        let mut socket = offer.accept(&shared.config).await?;
        expect(&mut socket, "2probe").await?;
        if !engine.begin_upgrade() {
            return None;
        }
        let _probed = Probed { engine: &engine };
        socket.send(Message::Text(Utf8Bytes::from_static("3probe"))).await.ok()?;
        expect(&mut socket, "5").await?;
        engine.complete_upgrade().then_some(socket)
    };
    let Ok(Some(socket)) = tokio::time::timeout(shared.config.upgrade_timeout, probing).await else { return };
    shared.stats.upgrades.increment();
    // If the session's task is gone, so is the session. The error drops the socket.
    let _ = inbox.send(SessionInput::Upgrade(Box::new(socket))).await;
}

/// Closes the WebSocket of a session that cannot be upgraded.
pub(crate) async fn refuse<A: Application>(shared: Arc<ServerShared<A>>, offer: Offer) {
    if let Some(socket) = offer.accept(&shared.config).await {
        websocket::close(socket, crate::DisconnectReason::ProtocolError).await;
    }
}

/// An upgrade under way. Dropping it goes back to polling, unless the upgrade is complete.
struct Probed<'a> {
    engine: &'a Engine,
}

impl Drop for Probed<'_> {
    fn drop(&mut self) {
        self.engine.abandon_upgrade();
    }
}

async fn expect(socket: &mut WebSocket, expected: &str) -> Option<()> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return (text.as_str() == expected).then_some(()),
            Message::Ping(_) | Message::Pong(_) => {}
            _ => return None,
        }
    }
}

fn has_token(headers: &HeaderMap, name: http::header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}
