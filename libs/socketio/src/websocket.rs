//! The WebSocket transport: the task of a connection after its handshake or upgrade.
//!
//! One task reads, writes, runs the application's hooks and keeps time, so that an idle connection costs one
//! small future. Writing coalesces: the task feeds every queued packet, then flushes once. Orderly end: the
//! task reads nothing more, finishes the running hook, and sends the queued packets before the close frame.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{FutureExt as _, Sink, Stream, StreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::application::Application;
use crate::codec::engine::{self, Inbound};
use crate::driver::Driver;
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::shared::WebSocket;

/// How long a closing handshake may take before the connection is dropped.
const CLOSE_LINGER: Duration = Duration::from_secs(2);

/// Drives the connection to its end, including the application's hooks for it.
pub(crate) async fn run<A: Application>(driver: &mut Driver<A>, socket: WebSocket) {
    let mut transport = WebSocketTransport { socket, unflushed: false, rest: Vec::new() };
    driver.shared.stats.websocket_open.increment();
    poll_fn(|cx| transport.poll(driver, cx)).await;
    driver.shared.connections.remove(&driver.engine.id);
    driver.shared.stats.websocket_open.decrement();
    let reason = driver.engine.ending().unwrap_or(DisconnectReason::TransportClosed);
    // Both at the same time: a dead client delays the closing handshake, but must not delay a connection that
    // wants to recover the session.
    Box::pin(async { tokio::join!(driver.finish(), close(transport.socket, reason)) }).await;
}

struct WebSocketTransport {
    socket: WebSocket,
    unflushed: bool,
    /// The attachments of the packet that is being written, the last first.
    rest: Vec<bytes::Bytes>,
}

impl WebSocketTransport {
    /// Ready when the connection is to be closed. The engine knows the reason.
    fn poll<A: Application>(&mut self, driver: &mut Driver<A>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            driver.engine.register(cx.waker());
            let ending = driver.engine.ending();
            if ending.is_some_and(|reason| !reason.flushes()) {
                return Poll::Ready(());
            }
            let written = self.poll_write(driver, cx);
            if driver.engine.ending() != ending || driver.poll_work(cx).is_ready() {
                continue;
            }
            if ending.is_some() {
                if written.is_ready() && !driver.is_busy() {
                    return Poll::Ready(());
                }
                driver.heartbeat.set_closing();
            } else if driver.may_read() && self.poll_read(driver, cx).is_ready() {
                continue;
            }
            let over = std::task::ready!(driver.poll_time(cx));
            if over && ending.is_some() {
                // The time for the orderly end is up.
                return Poll::Ready(());
            }
        }
    }

    /// Feeds the queued packets and flushes. Ready when the operating system has all of them.
    fn poll_write<A: Application>(&mut self, driver: &mut Driver<A>, cx: &mut Context<'_>) -> Poll<()> {
        let outcome = self.poll_feed(driver, cx);
        driver.heartbeat.set_stalled(outcome.is_pending());
        outcome.map(|outcome| {
            if outcome.is_err() {
                driver.engine.end(DisconnectReason::TransportClosed);
            }
        })
    }

    fn poll_feed<A: Application>(
        &mut self,
        driver: &mut Driver<A>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        loop {
            std::task::ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
            driver.heartbeat.set_stalled(false);
            let Some(message) = self.next_message(driver) else { break };
            self.unflushed = true;
            Pin::new(&mut self.socket).start_send(message)?;
        }
        if self.unflushed {
            std::task::ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn next_message<A: Application>(&mut self, driver: &Driver<A>) -> Option<Message> {
        if let Some(attachment) = self.rest.pop() {
            return Some(Message::Binary(attachment));
        }
        let packet: Packet = driver.engine.pop()?;
        driver.shared.stats.packets_out.increment();
        driver.shared.stats.bytes_out.add(packet.len() as u64);
        self.rest = packet.attachments().iter().rev().cloned().collect();
        if packet.text().is_empty() {
            return self.rest.pop().map(Message::Binary);
        }
        Some(Message::Text(packet.frame()))
    }

    /// Reads one message. Ready if there was one, or the end of the stream.
    fn poll_read<A: Application>(&mut self, driver: &mut Driver<A>, cx: &mut Context<'_>) -> Poll<()> {
        let message = std::task::ready!(Pin::new(&mut self.socket).poll_next(cx));
        match message {
            Some(Ok(message)) => receive(driver, message),
            Some(Err(error)) => driver.engine.end(reason_of(&error)),
            None => driver.engine.end(DisconnectReason::TransportClosed),
        }
        Poll::Ready(())
    }
}

fn receive<A: Application>(driver: &mut Driver<A>, message: Message) {
    driver.shared.stats.bytes_in.add(message.len() as u64);
    match message {
        Message::Text(text) => match engine::decode(&text) {
            Ok(packet) => driver.packet(packet),
            Err(_) => driver.engine.end(DisconnectReason::ProtocolError),
        },
        Message::Binary(data) => driver.packet(Inbound::Binary(data)),
        Message::Close(frame) => {
            driver.engine.end(DisconnectReason::of_close_frame(frame.map(|frame| frame.code)));
        }
        // The library answers WebSocket pings.
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
    }
}

fn reason_of(error: &Error) -> DisconnectReason {
    match error {
        Error::Capacity(_) => DisconnectReason::TooLarge,
        // A client that vanishes without a closing handshake is no protocol error worth counting.
        Error::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => DisconnectReason::TransportClosed,
        Error::Protocol(_) | Error::Utf8(_) => DisconnectReason::ProtocolError,
        _ => DisconnectReason::TransportClosed,
    }
}

/// Sends the close frame and waits for the closing handshake, unless the client has stopped reading.
pub(crate) async fn close(mut socket: WebSocket, reason: DisconnectReason) {
    let frame = CloseFrame { code: reason.close_code(), reason: reason.as_str().into() };
    if matches!(reason, DisconnectReason::SlowClient | DisconnectReason::PingTimeout) {
        // The frame is sent only if there is room for it at once.
        let _ = socket.close(Some(frame)).now_or_never();
        return;
    }
    let handshake = async {
        // An error means that the connection is closed already.
        if socket.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
        if reason == DisconnectReason::TooLarge {
            discard(&mut socket).await;
        }
    };
    let _ = tokio::time::timeout(CLOSE_LINGER, handshake).await;
}

/// Reads what the client is still sending, so that it gets to read the close frame: a connection that is
/// closed over unread data is reset.
async fn discard(socket: &mut WebSocket) {
    let mut buffer = [0; 1024];
    while let Ok(1..) = socket.get_mut().read(&mut buffer).await {}
}
