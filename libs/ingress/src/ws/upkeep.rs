//! What has to be done while sockets live: tell the registry, end sockets whose credential ended, show the numbers, and cut
//! all sessions when something addressed to them was lost.
//!
//! Runs beside the server until shutdown. Each round is safe to repeat: it acts on what it finds.

use crate::refusal::Refusal;
use crate::ws::answer::Asker;
use crate::ws::application::{Shared, SocketApp};
use crate::ws::member::Here;
use crate::ws::roster::RosterTask;
use eventflow_protocol::ErrorCode;
use eventflow_socketio::{Count, Server};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// How often expired credentials are looked for. With the leeway, a socket outlives its token by at most 70 s.
const EXPIRY_SWEEP: Duration = Duration::from_secs(10);
/// How often the server's own numbers are copied to the metrics; a scrape every few seconds sees them fresh enough.
const NUMBERS_EVERY: Duration = Duration::from_secs(1);
/// Over how long all sockets are closed when their sessions cannot go on: as long as an orderly drain.
const RESTART_SPREAD: Duration = Duration::from_secs(10);

/// The tasks of a gateway. Run it once, beside the HTTP server.
pub struct Upkeep {
    pub(crate) server: Server<SocketApp>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) roster: RosterTask<Here>,
    pub(crate) restart: Arc<Notify>,
}

impl Upkeep {
    /// Runs until `shutdown`, which comes after the sockets are drained; then the registry is told that nobody is here.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { server, shared, roster, restart } = self;
        let rounds = async {
            tokio::select! {
                () = sweep(&shared) => {}
                () = copy_numbers(&server, &shared) => {}
                () = restart_sessions(&shared, &restart) => {}
                () = shutdown.cancelled() => {}
            }
        };
        tokio::join!(roster.run(shutdown.clone()), rounds);
    }
}

async fn sweep(shared: &Shared) {
    let mut ticks = interval(EXPIRY_SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        end_expired(shared);
    }
}

/// Ends every socket whose credential has ended, with the reason.
pub(crate) fn end_expired(shared: &Shared) {
    for Here(socket) in shared.hub.sockets() {
        if socket.is_connected() && shared.edge.tokens.has_expired(socket.state().expires()) {
            let asker = Asker { socket: socket.clone(), ack: None, encoder: shared.encoder.clone() };
            asker.refuse_auth(&Refusal::new(ErrorCode::TokenExpired, "the token has expired"));
            socket.close_transport("token_expired");
        }
    }
}

async fn restart_sessions(shared: &Shared, restart: &Notify) {
    loop {
        restart.notified().await;
        let sockets = shared.hub.sockets();
        let pause = RESTART_SPREAD / u32::try_from(sockets.len().max(1)).unwrap_or(u32::MAX);
        for Here(socket) in sockets {
            socket.close_transport("restart");
            sleep(pause).await;
        }
    }
}

async fn copy_numbers(server: &Server<SocketApp>, shared: &Shared) {
    let mut ticks = interval(NUMBERS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (edge, stats) = (&shared.edge.metrics.edge, server.stats());
    loop {
        ticks.tick().await;
        edge.sockets.with_label_values(&["websocket"]).set(gauge(stats.websocket_open.get()));
        edge.sockets.with_label_values(&["polling"]).set(gauge(stats.polling_open.get()));
        edge.parked_sessions.set(gauge(stats.parked.get()));
        edge.users.set(gauge(shared.hub.count() as u64));
        let recovered = edge.recoveries.with_label_values(&["recovered"]);
        let fresh = edge.recoveries.with_label_values(&["fresh"]);
        let broken = edge.refused.with_label_values(&["protocol"]);
        edge.slow_clients.inc_by(rise(&stats.slow_clients, edge.slow_clients.get()));
        recovered.inc_by(rise(&stats.recovered, recovered.get()));
        fresh.inc_by(rise(&stats.not_recovered, fresh.get()));
        broken.inc_by(rise(&stats.protocol_errors, broken.get()));
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// By how much a counter that shows `shown` is behind a number that only rises.
fn rise(number: &Count, shown: u64) -> u64 {
    number.get().saturating_sub(shown)
}
