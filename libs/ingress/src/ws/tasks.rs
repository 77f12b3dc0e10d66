//! What runs beside the sockets: reports to the registry, the sweeper and the status page, receipts and
//! typing on their way, sockets ended whose credential ended, numbers shown, and all sessions cut when
//! something addressed to them was lost.
//!
//! The tasks run beside the server until shutdown. Each round is safe to repeat: it acts on what it finds.

use crate::ws::lifecycle::Lifecycle;
use crate::ws::presence::heartbeat::HeartbeatTask;
use crate::ws::presence::reconcile::Reconciliation;
use crate::ws::resume::journal::ALIVE_EVERY;
use crate::ws::rooms::Rooms;
use crate::ws::sockets::handle::SocketHandle;
use crate::ws::typing::TypingTask;
use crate::ws::typing::expiry::TypingExpiry;
use crate::ws::upstream::registry_sync::RegistrySyncTask;
use eventflow_metrics::{
    Direction, ForgottenReason, IntCounter, RecoveryOutcome, RefusalReason, SocketMetrics, SocketTransport,
};
use eventflow_ports::presence::{GatewayStats, REPORT_EVERY};
use eventflow_ports::ticks;
use eventflow_protocol::GatewayId;
use eventflow_socketio::{Count, Server, Stats};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often expired credentials are looked for. With the leeway, a socket outlives its token by at most 70
/// s.
const EXPIRY_EVERY: Duration = Duration::from_secs(10);
/// How often the server's own numbers are copied to the metrics; a scrape every few seconds sees them fresh
/// enough.
const NUMBERS_EVERY: Duration = Duration::from_secs(1);
/// Over how long all sockets are closed when their sessions cannot go on: as long as an orderly drain.
const RESTART_SPREAD: Duration = Duration::from_secs(10);
/// How long a report may take.
const REPORT_TIMEOUT: Duration = Duration::from_secs(2);

/// The tasks of a gateway. Run it once, beside the HTTP server.
pub struct GatewayTasks {
    pub(crate) server: Server<Lifecycle>,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) registry: RegistrySyncTask<SocketHandle>,
    pub(crate) heartbeat: HeartbeatTask,
    pub(crate) typing: TypingTask,
    pub(crate) typing_expiry: Arc<TypingExpiry>,
    pub(crate) reconciliation: Reconciliation,
    pub(crate) id: GatewayId,
    pub(crate) restart: Arc<Notify>,
}

impl GatewayTasks {
    /// Runs until `shutdown`, which comes after the sockets are drained; then the registry and the sweeper
    /// are told that nobody is here.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { server, rooms, registry, heartbeat, typing, typing_expiry, reconciliation, id, restart } =
            self;
        let rounds = async {
            tokio::select! {
                () = end_expired(&rooms) => {}
                () = copy_numbers(&server, &rooms) => {}
                () = restart_sessions(&rooms, &restart) => {}
                () = typing.run() => {}
                () = keep_journal_alive(&rooms) => {}
                () = reconciliation.run() => {}
                () = typing_expiry.run() => {}
                () = rooms.receipts.run() => {}
                () = rooms.shedding.run() => {}
                () = report(&server, &rooms, &id) => {}
                () = shutdown.cancelled() => {}
            }
        };
        tokio::join!(registry.run(shutdown.clone()), heartbeat.run(shutdown.clone()), rounds);
        // If this fails, the figures of this gateway are forgotten a little later.
        let _ = timeout(REPORT_TIMEOUT, rooms.edge.presence.retire(id.as_str())).await;
    }
}

async fn end_expired(rooms: &Rooms) {
    let mut ticks = ticks(EXPIRY_EVERY);
    loop {
        ticks.tick().await;
        rooms.connection.expiry.end_expired();
    }
}

async fn restart_sessions(rooms: &Rooms, restart: &Notify) {
    loop {
        restart.notified().await;
        // Clients that come from now on need a journal, even if nothing is emitted for a while.
        rooms.resume.journal.write_alive().await;
        let sockets = rooms.sockets.hub.sockets();
        let pause = RESTART_SPREAD / u32::try_from(sockets.len().max(1)).unwrap_or(u32::MAX);
        for SocketHandle(socket) in sockets {
            socket.close_transport("restart");
            sleep(pause).await;
        }
    }
}

async fn copy_numbers(server: &Server<Lifecycle>, rooms: &Rooms) {
    let mut ticks = ticks(NUMBERS_EVERY);
    let edge = &rooms.edge.metrics.edge;
    let stats = server.stats();
    let copied = copied(&rooms.edge.metrics.sockets, stats);
    loop {
        ticks.tick().await;
        for (counter, number) in &copied {
            counter.inc_by(rise(number, counter.get()));
        }
        edge.sockets.of(SocketTransport::Websocket).set(gauge(stats.websocket_open.get()));
        edge.sockets.of(SocketTransport::Polling).set(gauge(stats.polling_open.get()));
        edge.parked_sessions.set(gauge(stats.parked.get()));
        edge.recovery_bytes.set(gauge(server.kept_bytes() as u64));
        edge.users.set(gauge(rooms.sockets.hub.count() as u64));
        let recovered = edge.recoveries.of(RecoveryOutcome::Recovered);
        let fresh = edge.recoveries.of(RecoveryOutcome::Fresh);
        let broken = edge.refused.of(RefusalReason::Protocol);
        edge.slow_clients.inc_by(rise(&stats.slow_clients, edge.slow_clients.get()));
        recovered.inc_by(rise(&stats.recovered, recovered.get()));
        fresh.inc_by(rise(&stats.not_recovered, fresh.get()));
        broken.inc_by(rise(&stats.protocol_errors, broken.get()));
        let [for_all, for_one] = [ForgottenReason::Gateway, ForgottenReason::User]
            .map(|reason| edge.recovery_forgotten.of(reason));
        for_all.inc_by(rise(&stats.forgotten_for_server, for_all.get()));
        for_one.inc_by(rise(&stats.forgotten_for_account, for_one.get()));
    }
}

/// The counters that show a number of the Socket.IO layer as it is.
fn copied<'a>(sockets: &SocketMetrics, stats: &'a Stats) -> [(IntCounter, &'a Count); 10] {
    [
        (sockets.handshakes.clone(), &stats.handshakes),
        (sockets.requests_refused.clone(), &stats.refused),
        (sockets.connect_errors.clone(), &stats.connect_errors),
        (sockets.upgrades.clone(), &stats.upgrades),
        (sockets.packets.of(Direction::In), &stats.packets_in),
        (sockets.packets.of(Direction::Out), &stats.packets_out),
        (sockets.bytes.of(Direction::In), &stats.bytes_in),
        (sockets.bytes.of(Direction::Out), &stats.bytes_out),
        (sockets.ping_timeouts.clone(), &stats.ping_timeouts),
        (sockets.panics.clone(), &stats.panics),
    ]
}

/// Writes into the journal that the gateway is alive: from the start on, so that a client of a gateway that
/// never delivered anything can be caught up too.
async fn keep_journal_alive(rooms: &Rooms) {
    let mut ticks = ticks(ALIVE_EVERY);
    loop {
        ticks.tick().await;
        rooms.resume.journal.write_alive().await;
    }
}

async fn report(server: &Server<Lifecycle>, rooms: &Rooms, id: &GatewayId) {
    let mut ticks = ticks(REPORT_EVERY);
    loop {
        ticks.tick().await;
        let stats = stats(server, rooms);
        match timeout(REPORT_TIMEOUT, rooms.edge.presence.report(id.as_str(), &stats)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the gateway's numbers are not reported"
            ),
            Err(_) => tracing::debug!("the gateway's numbers are not reported in time"),
        }
    }
}

/// How much is going on here.
pub(crate) fn stats(server: &Server<Lifecycle>, rooms: &Rooms) -> GatewayStats {
    let open = server.stats();
    GatewayStats {
        connected_clients: open.websocket_open.get() + open.polling_open.get(),
        typing_users: rooms.typing.count(),
        rooms: rooms.presence.subscriptions.open_threads(),
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// By how much a counter that shows `shown` is behind a number that only rises.
fn rise(number: &Count, shown: u64) -> u64 {
    number.get().saturating_sub(shown)
}
