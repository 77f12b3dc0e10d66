//! What drives a connection whatever its transport: packets in, work for the application, time.
//!
//! The transports ([`crate::websocket`], [`crate::polling`]) poll this from their task. While work is under way they
//! read nothing more, which is the back-pressure and keeps the events of a client in order.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::time::Sleep;

use crate::application::{Application, Handshake};
use crate::client::{Client, Work};
use crate::codec::engine::Inbound;
use crate::config::Protocol;
use crate::engine::Engine;
use crate::heartbeat::{Due, Heartbeat};
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::server::Shared;

/// One connection's task-side state.
pub(crate) struct Driver<A: Application> {
    pub(crate) shared: Arc<Shared<A>>,
    pub(crate) engine: Arc<Engine>,
    client: Client<A>,
    work: Option<Work<A::State>>,
    pub(crate) heartbeat: Heartbeat,
    timer: Pin<Box<Sleep>>,
}

impl<A: Application> Driver<A> {
    pub(crate) fn new(shared: Arc<Shared<A>>, engine: Arc<Engine>, handshake: Handshake) -> Self {
        let mut heartbeat = Heartbeat::new(&shared.config);
        heartbeat.set_in(shared.config.protocol == Protocol::EngineEcho);
        Self {
            client: Client::new(Arc::clone(&shared), Arc::clone(&engine), handshake),
            timer: Box::pin(tokio::time::sleep_until(heartbeat.next())),
            shared,
            engine,
            work: None,
            heartbeat,
        }
    }

    /// Whether the application is at work, so that nothing may be read.
    pub(crate) fn is_busy(&self) -> bool {
        self.work.is_some()
    }

    /// Goes on with the work under way; ready when some was finished.
    pub(crate) fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let worked = std::task::ready!(work.poll_unpin(cx));
        self.work = None;
        self.client.worked(worked);
        if self.shared.config.protocol == Protocol::SocketIo {
            self.heartbeat.set_in(self.client.is_in());
        }
        Poll::Ready(())
    }

    /// Looks at the clock; ready when something was due, `true` if that is the end.
    pub(crate) fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let next = self.heartbeat.next();
        if self.timer.deadline() != next {
            self.timer.as_mut().reset(next);
        }
        std::task::ready!(self.timer.poll_unpin(cx));
        let due = self.heartbeat.due(self.is_busy());
        match due {
            Due::Ping => {
                self.client.prune();
                self.engine.expect_pong(self.heartbeat.pong_due());
                self.engine.push(Packet::control("2"));
            }
            Due::Nothing => {}
            Due::End(reason) => self.engine.end(reason),
        }
        Poll::Ready(matches!(due, Due::End(_)))
    }

    /// Takes a packet; must not be called while busy.
    pub(crate) fn packet(&mut self, packet: Inbound) {
        self.shared.stats.packets_in.increment();
        match packet {
            Inbound::Pong => {
                self.heartbeat.pong();
                self.engine.expect_pong(None);
            }
            Inbound::Close => self.engine.end_by_client(),
            Inbound::Message(text) => self.message(&text),
            Inbound::Binary(data) => self.binary(data),
            Inbound::Noop | Inbound::Upgrade => {}
            // Heartbeats go the other way.
            Inbound::Ping(_) => self.engine.end(DisconnectReason::ProtocolError),
        }
    }

    /// The transport is gone: finishes the work under way, which nothing may cut in half, and tells the application.
    pub(crate) async fn finish(&mut self) {
        if let Some(work) = self.work.take() {
            let worked = work.await;
            self.client.worked(worked);
        }
        let reason = self.engine.ending().unwrap_or(DisconnectReason::TransportClosed);
        tracing::debug!(session = %self.engine.id, reason = reason.as_str(), "connection ended");
        self.client.leave(reason).await;
    }

    fn message(&mut self, text: &str) {
        if self.shared.config.protocol == Protocol::EngineEcho {
            self.engine.push(Packet::control(format!("4{text}")));
            return;
        }
        let outcome = self.client.text(text);
        self.set_work(outcome);
    }

    fn binary(&mut self, data: Bytes) {
        if self.shared.config.protocol == Protocol::EngineEcho {
            self.engine.push(Packet::new("".into(), vec![data], None));
            return;
        }
        let outcome = self.client.binary(data);
        self.set_work(outcome);
    }

    fn set_work(&mut self, outcome: Result<Option<Work<A::State>>, DisconnectReason>) {
        match outcome {
            Ok(work) => self.work = work,
            Err(reason) => self.engine.end(reason),
        }
    }
}
