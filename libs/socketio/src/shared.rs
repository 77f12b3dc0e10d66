//! What all connections of a server share, and how requests find the session they belong to.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Accounts;
use crate::application::Application;
use crate::codec::engine::Inbound;
use crate::config::Config;
use crate::engine::{Bounds, Engine};
use crate::id::Id;
use crate::sessions::Sessions;
use crate::stats::Stats;

/// A server-side WebSocket.
pub(crate) type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// What all connections of a server share.
pub(crate) struct ServerShared<A: Application> {
    pub(crate) app: A,
    pub(crate) config: Config,
    pub(crate) namespaces: Vec<Arc<str>>,
    /// None if the server offers no recovery.
    pub(crate) accounts: Option<Arc<Accounts>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) sessions: Sessions<A::State>,
    pub(crate) connections: Connections,
    /// One task for each connection and for each upgrade under way.
    pub(crate) tasks: TaskTracker,
    /// The reaper's task. It outlives the connections, since the last ones may still park sessions.
    pub(crate) reaper: TaskTracker,
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
    /// To the task of a session that began on long-polling.
    pub(crate) inbox: Option<mpsc::Sender<SessionInput>>,
}

/// The packets of a POST.
pub(crate) struct Post {
    pub(crate) packets: VecDeque<Inbound>,
    /// Sent when the application has handled all packets, dropped if it never will.
    pub(crate) done: oneshot::Sender<()>,
}

/// What HTTP requests hand to the task of their session.
pub(crate) enum SessionInput {
    /// The packets of a POST.
    Post(Post),
    /// The WebSocket that the session goes on with.
    Upgrade(Box<WebSocket>),
}

impl<A: Application> ServerShared<A> {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { packets: self.config.max_queued_packets, bytes: self.config.max_queued_bytes }
    }
}

impl Connections {
    /// Adds a session. `false` if the server is draining: then no session begins.
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

    /// Lets no session in any more, and lists the open ones in no particular order.
    pub(crate) fn drain(&self) -> Vec<Arc<Engine>> {
        let open = self.open.lock();
        self.draining.store(true, SeqCst);
        open.values().map(|connection| Arc::clone(&connection.engine)).collect()
    }
}
