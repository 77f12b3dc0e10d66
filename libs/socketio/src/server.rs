//! The server: how it starts, and how it ends.
//!
//! The application mounts [`Server::router`] into its own HTTP server. [`Server::drain`] closes every
//! transport, spread over a time so that the clients do not all come back at once. It never sends a
//! DISCONNECT packet, after which a client would not come back at all.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Accounts;
use crate::application::Application;
use crate::budget::Budget;
use crate::config::Config;
use crate::reason::DisconnectReason;
use crate::sessions::Sessions;
use crate::shared::{Connections, ServerShared};
use crate::stats::Stats;
use crate::{http, reaper};

/// A Socket.IO server. Cloning shares it.
pub struct Server<A: Application>(Arc<ServerShared<A>>);

impl<A: Application> Server<A> {
    /// A server for this application. Call it inside a Tokio runtime, which runs the server's tasks.
    pub fn new(config: Config, app: A) -> Self {
        let stats = Arc::<Stats>::default();
        let shared = Arc::new(ServerShared {
            app,
            namespaces: config.namespaces.iter().map(|namespace| namespace.as_str().into()).collect(),
            accounts: config.recovery.map(|bounds| Accounts::new(Budget::new(bounds, Arc::clone(&stats)))),
            config,
            stats,
            sessions: Sessions::new(),
            connections: Connections::default(),
            tasks: TaskTracker::new(),
            reaper: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        });
        if let Some(accounts) = &shared.accounts {
            shared.reaper.spawn(reaper::run(Arc::clone(&shared), Arc::clone(&accounts.budget)));
        }
        Self(shared)
    }

    /// The routes of the configured path.
    pub fn router(&self) -> axum::Router {
        http::router(Arc::clone(&self.0))
    }

    /// The application.
    pub fn application(&self) -> &A {
        &self.0.app
    }

    /// The server's counters and gauges.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.0.stats
    }

    /// Bytes that sessions keep for recoveries now.
    pub fn kept_bytes(&self) -> usize {
        self.0.accounts.as_ref().map_or(0, |accounts| accounts.budget.used())
    }

    /// Ends the server: refuses new sessions with 503, closes the open ones over `spread` (WebSocket 1012,
    /// polling `1`) after their waiting packets have been sent, and drops the parked ones. Each session has a
    /// slot of the same length and is closed at a random moment of it: the rate is even, and servers that
    /// drain at the same time do not close in step. Returns when the application has been told that every
    /// socket is gone. A second call waits for the same.
    pub async fn drain(&self, spread: Duration) {
        let shared = &self.0;
        let open = shared.connections.drain();
        let slot = spread / u32::try_from(open.len().max(1)).unwrap_or(u32::MAX);
        let start = tokio::time::Instant::now();
        for (index, engine) in (0_u32..).zip(open) {
            tokio::time::sleep_until(start + slot * index + slot.mul_f64(rand::random())).await;
            engine.end(DisconnectReason::Draining);
        }
        shared.tasks.close();
        shared.tasks.wait().await;
        shared.shutdown.cancel();
        shared.reaper.close();
        shared.reaper.wait().await;
    }
}

impl<A: Application> Clone for Server<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
