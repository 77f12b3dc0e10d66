//! Sockets: a client's events in, commands out; events from the gateway's queue in, packets to sockets out.
//!
//! Read in this order: [`application`] (the life of a socket), [`events`], [`send`], [`changing`], [`reading`], [`typing`],
//! [`looking`], [`presence`] and [`sync`] (what a client asks), [`deliver`], [`hub`], [`watch`] and [`sight`] (what it hears), [`journal`] and [`resume`]
//! (how it goes on elsewhere), [`roster`], [`beat`], [`receipts`] and [`upkeep`] (what goes on beside).

mod answer;
mod application;
mod asking;
mod beat;
mod caps;
mod changing;
mod connect;
mod deliver;
mod ending;
mod event;
mod events;
mod hub;
mod journal;
mod looking;
mod member;
mod presence;
mod reading;
mod receipts;
mod resume;
mod roster;
mod send;
mod sight;
mod signals;
mod sync;
mod typing;
mod typing_heard;
mod upkeep;
mod watch;

pub use deliver::Deliveries;
pub use signals::Signals;
pub use upkeep::Upkeep;

use crate::edge::Edge;
use crate::parts::IngressParts;
use crate::settings::SetupError;
use application::{AUTHENTICATION_TIMEOUT, Shared, SocketApp};
use caps::Caps;
use eventflow_bus::topology::{Queue, gateway};
use eventflow_protocol::GatewayId;
use eventflow_protocol::event::Delivery;
use eventflow_socketio::{Config, Encoder, Server};
use hub::Hub;
use journal::Writing;
use parking_lot::Mutex;
use receipts::Receipts;
use resume::{AT_ONCE, Joining, Pasts};
use sight::Sight;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use typing_heard::TypingHeard;
use watch::Watch;

/// The socket gateway of a process. Cheap to clone: clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    id: GatewayId,
    server: Server<SocketApp>,
    shared: Arc<Shared>,
    deliveries: Arc<Deliveries>,
    restart: Arc<Notify>,
}

impl Gateway {
    /// A gateway with this id and these Socket.IO settings, and the upkeep that has to run beside it. Needs a tokio runtime.
    pub fn new(
        parts: &IngressParts,
        signals: Signals,
        id: GatewayId,
        config: Config,
    ) -> Result<(Self, Upkeep), SetupError> {
        Self::with_deadline(parts, signals, id, config, AUTHENTICATION_TIMEOUT)
    }

    fn with_deadline(
        parts: &IngressParts,
        signals: Signals,
        id: GatewayId,
        config: Config,
        authentication_timeout: Duration,
    ) -> Result<(Self, Upkeep), SetupError> {
        let (hub, clock) = (Arc::new(Hub::new()), Arc::clone(&parts.clock));
        let caps = Caps::new(&parts.config, parts.metrics.edge.clone());
        let (roster, roster_task) = roster::roster(Arc::clone(&hub), Arc::clone(&parts.registry), id.clone());
        let (beat, beat_task) = beat::beat(Arc::clone(&hub), Arc::clone(&clock), signals.clone());
        let (typing, typing_task) = typing::typing(clock, signals.clone());
        let (encoder, generation) = (Encoder::new(), Arc::default());
        let shared = Arc::new(Shared {
            edge: Edge::new(parts)?,
            caps,
            membership: parts.membership.clone(),
            hub,
            roster,
            beat,
            watch: Watch::new(),
            sight: Sight::default(),
            typing,
            typing_heard: TypingHeard::default(),
            receipts: Receipts::default(),
            journal: Writing::new(
                Arc::clone(&parts.journal),
                id.clone(),
                Arc::clone(&parts.clock),
                Arc::clone(&generation),
            ),
            emitted: Mutex::new(encoder.offset()),
            pasts: Pasts::new(Arc::clone(&parts.journal)),
            resumes: Semaphore::new(AT_ONCE),
            joining: Joining::default(),
            encoder,
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            generation,
            is_open: false.into(),
            authentication_timeout,
        });
        let deliveries = Arc::new(Deliveries::new(Arc::clone(&shared), parts.config.alone_since));
        let server = Server::new(config, SocketApp(Arc::clone(&shared)));
        let restart = Arc::new(Notify::new());
        let upkeep = Upkeep {
            server: server.clone(),
            shared: Arc::clone(&shared),
            roster: roster_task,
            beat: beat_task,
            typing: typing_task,
            signals,
            id: id.clone(),
            restart: Arc::clone(&restart),
        };
        Ok((Self { id, server, shared, deliveries, restart }, upkeep))
    }

    /// Routes of the Socket.IO endpoint.
    pub fn router(&self) -> axum::Router {
        self.server.router()
    }

    /// The queue that [`Gateway::deliveries`] handles.
    pub fn queue(&self) -> Queue<Delivery> {
        gateway(&self.id)
    }

    /// The handler of the gateway's queue.
    pub fn deliveries(&self) -> Arc<Deliveries> {
        Arc::clone(&self.deliveries)
    }

    /// The gateway's queue was made. Before that nobody is let in, since nothing could reach them. Made again, something addressed to the
    /// sockets here is lost: no session is continued as if nothing had been missed. All transports are closed, spread over 10 s; clients
    /// come back to fresh sessions.
    pub fn queue_made(&self) {
        if !self.shared.is_open.swap(true, SeqCst) {
            return;
        }
        self.shared.start_generation();
        self.restart.notify_one();
    }

    /// Transports open now, of both kinds.
    pub fn open_sockets(&self) -> u64 {
        let stats = self.server.stats();
        stats.websocket_open.get() + stats.polling_open.get()
    }

    /// Lets nobody in any more and closes every transport, spread over `spread`, without a DISCONNECT packet, so that clients
    /// come back elsewhere. Returns when all are gone and every answer that was waited for is settled.
    pub async fn drain(&self, spread: Duration) {
        self.server.drain(spread).await;
        self.shared.shutdown.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests;
