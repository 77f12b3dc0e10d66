//! What has to be done while sockets live: tell the registry, the sweeper and the status page who is here, send receipts and typing
//! on their way, end sockets whose credential ended, show the numbers, and cut all sessions when something addressed to them was lost.
//!
//! Runs beside the server until shutdown. Each round is safe to repeat: it acts on what it finds.

use crate::ws::application::{Shared, SocketApp};
use crate::ws::beat::BeatTask;
use crate::ws::journal::SIGN_EVERY;
use crate::ws::member::Here;
use crate::ws::roster::RosterTask;
use crate::ws::sight::look_again;
use crate::ws::signals::Signals;
use crate::ws::typing::TypingTask;
use crate::ws::typing_heard::end_unheard;
use eventflow_metrics::{RecoveryOutcome, RefusalReason, SocketTransport};
use eventflow_ports::presence::GatewayStats;
use eventflow_ports::ticks;
use eventflow_protocol::GatewayId;
use eventflow_socketio::{Count, Server};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often expired credentials are looked for. With the leeway, a socket outlives its token by at most 70 s.
const EXPIRY_SWEEP: Duration = Duration::from_secs(10);
/// How often the server's own numbers are copied to the metrics; a scrape every few seconds sees them fresh enough.
const NUMBERS_EVERY: Duration = Duration::from_secs(1);
/// Over how long all sockets are closed when their sessions cannot go on: as long as an orderly drain.
const RESTART_SPREAD: Duration = Duration::from_secs(10);

/// How often the gateway says of itself how much is going on; an entry is forgotten after 75 s.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// How long that may take.
const REPORT_TIMEOUT: Duration = Duration::from_secs(2);

/// The tasks of a gateway. Run it once, beside the HTTP server.
pub struct Upkeep {
    pub(crate) server: Server<SocketApp>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) roster: RosterTask<Here>,
    pub(crate) beat: BeatTask,
    pub(crate) typing: TypingTask,
    pub(crate) signals: Signals,
    pub(crate) id: GatewayId,
    pub(crate) restart: Arc<Notify>,
}

impl Upkeep {
    /// Runs until `shutdown`, which comes after the sockets are drained; then the registry and the sweeper are told that nobody is here.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { server, shared, roster, beat, typing, signals, id, restart } = self;
        let rounds = async {
            tokio::select! {
                () = sweep(&shared) => {}
                () = copy_numbers(&server, &shared) => {}
                () = restart_sessions(&shared, &restart) => {}
                () = typing.run() => {}
                () = sign(&shared) => {}
                () = look_again(&shared) => {}
                () = end_unheard(&shared) => {}
                () = shared.receipts.run(&shared.hub, &signals, &*shared.edge.clock) => {}
                () = report(&server, &shared, &id) => {}
                () = shutdown.cancelled() => {}
            }
        };
        tokio::join!(roster.run(shutdown.clone()), beat.run(shutdown.clone()), rounds);
    }
}

async fn sweep(shared: &Shared) {
    let mut ticks = ticks(EXPIRY_SWEEP);
    loop {
        ticks.tick().await;
        shared.end_expired();
    }
}

async fn restart_sessions(shared: &Shared, restart: &Notify) {
    loop {
        restart.notified().await;
        // Clients that come from now on need a journal, even if nothing is emitted for a while.
        shared.journal.sign().await;
        let sockets = shared.hub.sockets();
        let pause = RESTART_SPREAD / u32::try_from(sockets.len().max(1)).unwrap_or(u32::MAX);
        for Here(socket) in sockets {
            socket.close_transport("restart");
            sleep(pause).await;
        }
    }
}

async fn copy_numbers(server: &Server<SocketApp>, shared: &Shared) {
    let mut ticks = ticks(NUMBERS_EVERY);
    let (edge, stats) = (&shared.edge.metrics.edge, server.stats());
    loop {
        ticks.tick().await;
        edge.sockets.of(SocketTransport::Websocket).set(gauge(stats.websocket_open.get()));
        edge.sockets.of(SocketTransport::Polling).set(gauge(stats.polling_open.get()));
        edge.parked_sessions.set(gauge(stats.parked.get()));
        edge.users.set(gauge(shared.hub.count() as u64));
        let recovered = edge.recoveries.of(RecoveryOutcome::Recovered);
        let fresh = edge.recoveries.of(RecoveryOutcome::Fresh);
        let broken = edge.refused.of(RefusalReason::Protocol);
        edge.slow_clients.inc_by(rise(&stats.slow_clients, edge.slow_clients.get()));
        recovered.inc_by(rise(&stats.recovered, recovered.get()));
        fresh.inc_by(rise(&stats.not_recovered, fresh.get()));
        broken.inc_by(rise(&stats.protocol_errors, broken.get()));
    }
}

/// Writes into the journal that the gateway is there: from the start on, so that a client of a gateway that never delivered anything can be
/// caught up with too.
async fn sign(shared: &Shared) {
    let mut ticks = ticks(SIGN_EVERY);
    loop {
        ticks.tick().await;
        shared.journal.sign().await;
    }
}

async fn report(server: &Server<SocketApp>, shared: &Shared, id: &GatewayId) {
    let mut ticks = ticks(REPORT_EVERY);
    loop {
        ticks.tick().await;
        let stats = stats(server, shared);
        match timeout(REPORT_TIMEOUT, shared.edge.presence.report(id.as_str(), &stats)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the gateway's numbers are not told"
            ),
            Err(_) => tracing::debug!("the gateway's numbers are not told in time"),
        }
    }
}

/// How much is going on here.
pub(crate) fn stats(server: &Server<SocketApp>, shared: &Shared) -> GatewayStats {
    let open = server.stats();
    GatewayStats {
        connected_clients: open.websocket_open.get() + open.polling_open.get(),
        online_users: shared.hub.count_with(|Here(socket)| socket.is_connected()) as u64,
        typing_users: shared.typing.typists.count(Instant::now()),
        rooms: shared.watch.rooms(),
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// By how much a counter that shows `shown` is behind a number that only rises.
fn rise(number: &Count, shown: u64) -> u64 {
    number.get().saturating_sub(shown)
}
