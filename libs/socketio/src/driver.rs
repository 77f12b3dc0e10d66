//! What drives a connection on either transport: inbound packets, the application's hooks, and time.
//!
//! The transports ([`crate::websocket`], [`crate::polling`]) poll the driver from their task. While a hook is
//! running they read nothing more. That is the back-pressure, and it keeps the events of a client in order.
//! A client that only waits to be accepted is read on by one message, so that its end is noticed: nothing is
//! done for a client that has gone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::time::Sleep;

use crate::application::Application;
use crate::client::{Client, HookWork};
use crate::codec::engine::Inbound;
use crate::config::Protocol;
use crate::engine::Engine;
use crate::handshake::Handshake;
use crate::heartbeat::{Heartbeat, HeartbeatAction};
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::shared::ServerShared;

/// The state of one connection that only its task uses.
pub(crate) struct Driver<A: Application> {
    pub(crate) shared: Arc<ServerShared<A>>,
    pub(crate) engine: Arc<Engine>,
    client: Client<A>,
    work: Option<HookWork<A::State>>,
    /// What came while the client waited to be accepted.
    ahead: Option<Inbound>,
    pub(crate) heartbeat: Heartbeat,
    timer: Pin<Box<Sleep>>,
}

impl<A: Application> Driver<A> {
    pub(crate) fn new(shared: Arc<ServerShared<A>>, engine: Arc<Engine>, handshake: Handshake) -> Self {
        let mut heartbeat = Heartbeat::new(&shared.config);
        heartbeat.set_in(shared.config.protocol == Protocol::EngineEcho);
        Self {
            client: Client::new(Arc::clone(&shared), Arc::clone(&engine), handshake),
            timer: Box::pin(tokio::time::sleep_until(heartbeat.next())),
            shared,
            engine,
            work: None,
            ahead: None,
            heartbeat,
        }
    }

    /// Whether a hook is running.
    pub(crate) fn is_busy(&self) -> bool {
        self.work.is_some()
    }

    /// Whether one more message may be read.
    pub(crate) fn may_read(&self) -> bool {
        match &self.work {
            Some(work) => work.waits_to_join() && self.ahead.is_none(),
            None => true,
        }
    }

    /// Polls the running hook. Ready when it has finished, or when it is not needed any more.
    pub(crate) fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.engine.ending().is_some() && self.abandon_join() {
            return Poll::Ready(());
        }
        let Some(work) = &mut self.work else { return Poll::Pending };
        let worked = std::task::ready!(work.hook.poll_unpin(cx));
        self.work = None;
        self.client.worked(worked);
        if self.shared.config.protocol == Protocol::SocketIo {
            self.heartbeat.set_in(self.client.is_in());
        }
        if let Some(packet) = self.ahead.take()
            && self.engine.ending().is_none()
        {
            self.take(packet);
        }
        Poll::Ready(())
    }

    /// Does what is due. Ready when something was due; `true` if that ends the connection.
    pub(crate) fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let next = self.heartbeat.next();
        if self.timer.deadline() != next {
            self.timer.as_mut().reset(next);
        }
        std::task::ready!(self.timer.poll_unpin(cx));
        let due = self.heartbeat.due(self.is_busy());
        match due {
            HeartbeatAction::Ping => {
                self.client.prune();
                self.engine.expect_pong(self.heartbeat.pong_due());
                self.engine.push(Packet::control("2"));
            }
            HeartbeatAction::Nothing => {}
            HeartbeatAction::End(reason) => self.engine.end(reason),
        }
        Poll::Ready(matches!(due, HeartbeatAction::End(_)))
    }

    /// Handles a packet. Must not be called while nothing may be read.
    pub(crate) fn packet(&mut self, packet: Inbound) {
        self.shared.stats.packets_in.increment();
        match packet {
            Inbound::Message(_) | Inbound::Binary(_) if self.is_busy() => self.ahead = Some(packet),
            _ => self.take(packet),
        }
    }

    fn take(&mut self, packet: Inbound) {
        match packet {
            Inbound::Pong => {
                if let Some(round_trip) = self.heartbeat.pong() {
                    self.shared.app.answered_ping(round_trip);
                }
                self.engine.expect_pong(None);
            }
            Inbound::Close => self.engine.end_by_client(),
            Inbound::Message(text) => self.message(&text),
            Inbound::Binary(data) => self.binary(data),
            Inbound::Noop | Inbound::Upgrade => {}
            // In version 4 the server pings, never the client.
            Inbound::Ping(_) => self.engine.end(DisconnectReason::ProtocolError),
        }
    }

    /// Ends the connection after its transport: finishes the running hook, which nothing may cut in half
    /// unless the client was not accepted yet, and tells the application.
    pub(crate) async fn finish(&mut self) {
        self.abandon_join();
        if let Some(work) = self.work.take() {
            let worked = work.hook.await;
            self.client.worked(worked);
        }
        let reason = self.engine.ending().unwrap_or(DisconnectReason::TransportClosed);
        tracing::debug!(session = %self.engine.id, reason = reason.as_str(), "connection ended");
        self.client.leave(reason).await;
    }

    /// Drops the hook of a client that was not accepted yet, with its turn and whatever else it has taken.
    /// `false` if there is none.
    fn abandon_join(&mut self) -> bool {
        let waits = self.work.as_ref().is_some_and(HookWork::waits_to_join);
        if waits {
            self.work = None;
        }
        waits
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

    fn set_work(&mut self, outcome: Result<Option<HookWork<A::State>>, DisconnectReason>) {
        match outcome {
            Ok(work) => self.work = work,
            Err(reason) => self.engine.end(reason),
        }
    }
}
