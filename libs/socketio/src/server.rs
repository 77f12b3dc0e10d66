//! The server: what all its connections share, and how it ends.
//!
//! [`Server::router`] is mounted into an HTTP server of the application's; [`Server::drain`] closes every transport,
//! spread over a time so that the clients do not all come back at once, and never sends a DISCONNECT packet, after
//! which a client would not come back at all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::application::Application;
use crate::config::{Config, Recovery};
use crate::engine::{Bounds, Engine};
use crate::id::Id;
use crate::polling::Post;
use crate::reason::DisconnectReason;
use crate::sessions::Sessions;
use crate::stats::Stats;
use crate::upgrade::WebSocket;
use crate::{http, reaper};

/// A Socket.IO server. Cloning shares it.
pub struct Server<A: Application>(Arc<Shared<A>>);

/// What all connections of a server share.
pub(crate) struct Shared<A: Application> {
    pub(crate) app: A,
    pub(crate) config: Config,
    pub(crate) namespaces: Vec<Arc<str>>,
    pub(crate) recovery: Option<Arc<Recovery>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) sessions: Sessions<A::State>,
    pub(crate) connections: Connections,
    /// One task per connection and per upgrade under way.
    pub(crate) tasks: TaskTracker,
    /// The reaper, which has to outlive the connections, since the last ones may still leave it something.
    reaper: TaskTracker,
    /// Ends the reaper.
    pub(crate) shutdown: CancellationToken,
}

/// The open Engine.IO sessions.
#[derive(Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<Id, Connection>>,
    draining: AtomicBool,
}

/// How to reach an Engine.IO session.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) engine: Arc<Engine>,
    /// To the task of a session that began on polling.
    pub(crate) inbox: Option<mpsc::Sender<Inbox>>,
}

/// What HTTP requests have for the task of their session.
pub(crate) enum Inbox {
    /// Packets of a POST.
    Post(Post),
    /// The WebSocket to go on with.
    Upgrade(Box<WebSocket>),
}

impl<A: Application> Server<A> {
    /// A server for this application. Has to be called inside a Tokio runtime, which runs its tasks.
    pub fn new(config: Config, app: A) -> Self {
        let shared = Arc::new(Shared {
            app,
            namespaces: config.namespaces.iter().map(|namespace| namespace.as_str().into()).collect(),
            recovery: config.recovery.map(Arc::new),
            config,
            stats: Arc::default(),
            sessions: Sessions::new(),
            connections: Connections::default(),
            tasks: TaskTracker::new(),
            reaper: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        });
        if let Some(recovery) = &shared.recovery {
            shared.reaper.spawn(reaper::run(Arc::clone(&shared), recovery.window));
        }
        Self(shared)
    }

    /// Routes for the configured path.
    pub fn router(&self) -> axum::Router {
        http::router(Arc::clone(&self.0))
    }

    /// The application.
    pub fn application(&self) -> &A {
        &self.0.app
    }

    /// The numbers.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.0.stats
    }

    /// Ends the server: refuses new sessions with 503, closes the open ones evenly over `spread` (WebSocket 1012,
    /// polling `1`) after what waits for them has been sent, and drops the parked ones. Returns when the application
    /// has been told that every socket is gone. Calling it again waits for the same.
    pub async fn drain(&self, spread: Duration) {
        let shared = &self.0;
        let open = shared.connections.drain();
        let pause = spread / u32::try_from(open.len().max(1)).unwrap_or(u32::MAX);
        let start = tokio::time::Instant::now();
        for (index, engine) in (0_u32..).zip(open) {
            tokio::time::sleep_until(start + pause * index).await;
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

impl<A: Application> Shared<A> {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { packets: self.config.max_queued_packets, bytes: self.config.max_queued_bytes }
    }
}

impl Connections {
    /// Makes a session known. `false` if the server is draining: nothing new begins.
    pub(crate) fn insert(&self, connection: Connection) -> bool {
        let mut open = self.open.lock();
        if self.is_draining() {
            return false;
        }
        open.insert(connection.engine.id, connection);
        true
    }

    pub(crate) fn find(&self, id: &Id) -> Option<Connection> {
        self.open.lock().get(id).cloned()
    }

    pub(crate) fn remove(&self, id: &Id) {
        self.open.lock().remove(id);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(SeqCst)
    }

    /// Lets nothing in any more and lists what is open, in an order that has nothing to do with age.
    fn drain(&self) -> Vec<Arc<Engine>> {
        let open = self.open.lock();
        self.draining.store(true, SeqCst);
        open.values().map(|connection| Arc::clone(&connection.engine)).collect()
    }
}
