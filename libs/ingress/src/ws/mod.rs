//! The socket gateway: a client's events in, commands out; events from the gateway's queue in, packets to
//! sockets out.
//!
//! One folder for each room, a struct with its own dependencies. [`events`] is what a client asks,
//! [`lifecycle`] the life of a socket and [`tasks`] what runs beside; these three see all [`rooms`].
//! [`delivery`] is what a client hears. Below it, none of them importing one above: [`connection`],
//! [`resume`], [`presence`], [`typing`], [`upstream`] and, on the ground floor, [`sockets`].

mod background;
mod connection;
mod delivery;
pub(crate) mod events;
mod lifecycle;
mod presence;
mod resume;
mod rooms;
mod shedding;
mod sockets;
mod tasks;
mod typing;
mod upstream;

pub use delivery::handler::Deliveries;
pub use tasks::GatewayTasks;
pub use upstream::signals::Signals;
use upstream::signals::UnlistedSignal;

use crate::edge::Edge;
use crate::parts::IngressParts;
use crate::settings::SetupError;
use background::Background;
use connection::Connection;
use connection::credentials::Credentials;
use connection::expiry::Expiry;
use delivery::handler::DeliveryParts;
use eventflow_bus::topology::{Queue, gateway};
use eventflow_protocol::GatewayId;
use eventflow_protocol::event::GatewayEvent;
use eventflow_socketio::{Config, Server};
use lifecycle::{AUTHENTICATION_TIMEOUT, Lifecycle};
use presence::Presence;
use presence::heartbeat::{HeartbeatTask, heartbeat};
use presence::reconcile::Reconciliation;
use presence::statuses::Statuses;
use presence::subscriptions::PresenceSubscriptions;
use resume::Resume;
use resume::catch_up::{CatchUp, READS_MAX};
use resume::handover::Handover;
use resume::journal::JournalWriter;
use resume::journal_index::JournalIndexes;
use rooms::Rooms;
use shedding::Shedding;
use sockets::Sockets;
use sockets::event_budgets::EventBudgets;
use sockets::join_queue::JoinQueue;
use sockets::limits::ConnectionLimits;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;
use typing::expiry::TypingExpiry;
use upstream::receipts::{ReceiptParts, Receipts};
use upstream::registry_sync::registry_sync;

/// The socket gateway of a process. Cheap to clone: clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    id: GatewayId,
    server: Server<Lifecycle>,
    rooms: Arc<Rooms>,
    deliveries: Arc<Deliveries>,
    restart: Arc<Notify>,
}

impl Gateway {
    /// A gateway with this id and these Socket.IO settings, and the tasks that have to run beside it. Needs a
    /// tokio runtime.
    pub fn new(
        parts: &IngressParts,
        signals: Signals,
        id: GatewayId,
        config: Config,
    ) -> Result<(Self, GatewayTasks), SetupError> {
        Self::with_deadline(parts, signals, id, config, AUTHENTICATION_TIMEOUT)
    }

    /// Builds the rooms from the ground floor up.
    fn with_deadline(
        parts: &IngressParts,
        signals: Signals,
        id: GatewayId,
        config: Config,
        authentication_timeout: Duration,
    ) -> Result<(Self, GatewayTasks), SetupError> {
        let edge = Edge::new(parts)?;
        let metrics = &parts.metrics.edge;
        events::export(metrics);
        let clock = &parts.clock;
        let sockets = Sockets::new();
        let background = Background::default();
        let reads = Arc::new(Semaphore::new(READS_MAX));

        let unlisted =
            UnlistedSignal { signals: signals.clone(), gateway: id.clone(), clock: Arc::clone(clock) };
        let (registry, registry_task) = registry_sync(
            Arc::clone(&sockets.hub),
            Arc::clone(&parts.registry),
            id.clone(),
            Arc::new(unlisted),
        );
        let shedding = Arc::new(Shedding::new(parts.config.shed_at, metrics.clone()));
        let receipts = Arc::new(Receipts::new(ReceiptParts {
            hub: Arc::clone(&sockets.hub),
            signals: signals.clone(),
            clock: Arc::clone(clock),
            shedding: Arc::clone(&shedding),
        }));
        let (typing, typing_task) = typing::typing(Arc::clone(clock), signals.clone());
        let people = (parts.membership.clone(), parts.apart.clone());
        let typing_expiry = Arc::new(TypingExpiry::new(people, sockets.clone()));

        let (presence, reconciliation, heartbeat_task) =
            build_presence(parts, &edge, &sockets, signals, Arc::clone(&reads), background.clone());
        let resume =
            Arc::new(build_resume(parts, &id, &sockets, Arc::clone(&receipts), reads, background.clone()));
        let expiry = Arc::new(Expiry::new(&edge, sockets.clone()));
        let connection = Connection::new(
            Credentials::new(edge.clone()),
            Arc::clone(&expiry),
            ConnectionLimits::new(&parts.config, metrics.clone()),
            JoinQueue::new(&parts.config, metrics.clone()),
        );
        let deliveries = Arc::new(Deliveries::new(DeliveryParts {
            membership: parts.membership.clone(),
            apart: parts.apart.clone(),
            sockets: sockets.clone(),
            receipts: Arc::clone(&receipts),
            presence: Arc::clone(&presence),
            typing: Arc::clone(&typing),
            typing_expiry: Arc::clone(&typing_expiry),
            resume: Arc::clone(&resume),
            expiry,
            shedding: Arc::clone(&shedding),
            metrics: metrics.clone(),
            queue: parts.metrics.bus.queue(gateway(&id).name()),
            clock: Arc::clone(clock),
            alone_since: parts.config.alone_since,
        }));
        let rooms = Arc::new(Rooms {
            edge,
            membership: parts.membership.clone(),
            sockets,
            event_budgets: EventBudgets::new(&parts.config),
            connection,
            shedding,
            presence,
            typing,
            resume,
            receipts,
            registry,
            background,
        });
        let server = Server::new(config, Lifecycle { rooms: Arc::clone(&rooms), authentication_timeout });
        let restart = Arc::new(Notify::new());
        let tasks = GatewayTasks {
            server: server.clone(),
            rooms: Arc::clone(&rooms),
            registry: registry_task,
            heartbeat: heartbeat_task,
            typing: typing_task,
            typing_expiry,
            reconciliation,
            id: id.clone(),
            restart: Arc::clone(&restart),
        };
        Ok((Self { id, server, rooms, deliveries, restart }, tasks))
    }

    /// Routes of the Socket.IO endpoint.
    pub fn router(&self) -> axum::Router {
        self.server.router()
    }

    /// The queue that [`Gateway::deliveries`] handles.
    pub fn queue(&self) -> Queue<GatewayEvent> {
        gateway(&self.id)
    }

    /// The handler of the gateway's queue.
    pub fn deliveries(&self) -> Arc<Deliveries> {
        Arc::clone(&self.deliveries)
    }

    /// The gateway's queue was made. Before that nobody is let in, since nothing could reach them. If the
    /// queue is made again, something addressed to the sockets here is lost: no session is continued as if
    /// nothing had been missed. All transports are closed, spread over 10 s; clients come back to fresh
    /// sessions.
    pub fn queue_made(&self) {
        if self.rooms.connection.open() {
            return;
        }
        self.rooms.sockets.generation.start_next();
        self.restart.notify_one();
    }

    /// Transports open now, of both kinds.
    pub fn open_sockets(&self) -> u64 {
        let stats = self.server.stats();
        stats.websocket_open.get() + stats.polling_open.get()
    }

    /// Lets nobody in any more and closes every transport, spread over `spread`, without a DISCONNECT packet,
    /// so that clients come back elsewhere. Whoever still waits to be let in then is sent away too. Returns
    /// when all are gone and every answer that was waited for is settled.
    pub async fn drain(&self, spread: Duration) {
        tokio::join!(self.server.drain(spread), async {
            sleep(spread).await;
            self.rooms.connection.joins.close();
        });
        self.rooms.background.stop();
        self.rooms.background.finish().await;
    }
}

fn build_presence(
    parts: &IngressParts,
    edge: &Edge,
    sockets: &Sockets,
    signals: Signals,
    reads: Arc<Semaphore>,
    background: Background,
) -> (Arc<Presence>, Reconciliation, HeartbeatTask) {
    let clock = &parts.clock;
    let (heartbeat, heartbeat_task) = heartbeat(Arc::clone(&sockets.hub), Arc::clone(clock), signals.clone());
    let presence = Arc::new(Presence {
        heartbeat,
        subscriptions: Arc::new(PresenceSubscriptions::new()),
        statuses: Arc::new(Statuses::new(
            Arc::clone(&parts.presence),
            Arc::clone(clock),
            sockets.encoder.clone(),
        )),
        signals,
        contacts: edge.contacts.clone(),
        membership: parts.membership.clone(),
        apart: parts.apart.clone(),
        clock: Arc::clone(clock),
        background,
        reads,
    });
    let reconciliation = Reconciliation {
        statuses: Arc::clone(&presence.statuses),
        subscriptions: Arc::clone(&presence.subscriptions),
        hub: Arc::clone(&sockets.hub),
    };
    (presence, reconciliation, heartbeat_task)
}

fn build_resume(
    parts: &IngressParts,
    id: &GatewayId,
    sockets: &Sockets,
    receipts: Arc<Receipts>,
    reads: Arc<Semaphore>,
    background: Background,
) -> Resume {
    let journal = Arc::new(JournalWriter::new(
        Arc::clone(&parts.journal),
        id.clone(),
        Arc::clone(&parts.clock),
        sockets.generation.clone(),
    ));
    let handover = Arc::new(Handover::default());
    let catch_up = Arc::new(CatchUp {
        store: Arc::clone(&parts.store),
        membership: parts.membership.clone(),
        apart: parts.apart.clone(),
        sockets: sockets.clone(),
        receipts,
        journal: Arc::clone(&journal),
        handover: Arc::clone(&handover),
        indexes: JournalIndexes::new(Arc::clone(&parts.journal)),
        reads,
        metrics: parts.metrics.edge.clone(),
    });
    Resume::new(journal, handover, catch_up, background, sockets.encoder.offset())
}

#[cfg(test)]
mod tests;
