//! Flood: one user floods a thread, and the sockets of the other members either read everything or never
//! read.

use crate::{
    args::{Common, SlowArgs},
    cast::Cast,
    course::shared,
    error::LoadError,
    member::Shared,
    outbox::Source,
    pacer::{self, Feed},
    socket::Socket,
    target::Target,
    verdict::Verdict,
    wire::{self, Packet},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::{sync::Arc, time::Duration};
use tokio::task::{JoinHandle, JoinSet};

/// Limit of concurrent handshakes.
const HANDSHAKES_AT_ONCE: usize = 16;

/// One thread and its only sender, who reads.
pub struct Flood {
    shared: Arc<Shared>,
    cast: Cast,
    feed: Arc<Feed>,
    rate: f64,
    guests: std::ops::Range<u32>,
}

impl Flood {
    /// Creates a thread of user number `sender` and the `args.slow` users after it. Only the sender is
    /// connected. Users and threads are named after `run`.
    pub async fn set(args: &SlowArgs, run: &str, sender: u32) -> Result<Self, LoadError> {
        let common =
            Common { content_bytes: args.flood_bytes, run_id: Some(run.to_owned()), ..args.common.clone() };
        let (shared, feed) = (shared(&common)?, Arc::new(Feed::paced(0, 1, args.flood_rate)));
        let guests = sender + 1..sender + 1 + args.slow;
        let mut cast =
            Cast::with_guests(Arc::clone(&shared), sender, &guests.clone().collect::<Vec<_>>()).await?;
        cast.connect(None, |_, _| Source::Fed(Arc::clone(&feed))).await?;
        Ok(Self { shared, cast, feed, rate: args.flood_rate, guests })
    }

    /// Connects the other members, with this receive buffer if given.
    pub async fn open(&self, receive_buffer: Option<u32>) -> Result<Vec<Socket>, LoadError> {
        let target = Target { receive_buffer, ..self.shared.target.clone() };
        let open = |user| Socket::open(&target, user, 0, None);
        stream::iter(self.guests.clone().map(open)).buffered(HANDSHAKES_AT_ONCE).try_collect().await
    }

    /// Sends for as long as `window`. Await the returned task after [`Self::end`].
    pub fn start(&self, window: Duration) -> JoinHandle<()> {
        self.shared.stage.begin(Duration::ZERO, window);
        start_pacer(&self.shared, vec![Arc::clone(&self.feed)], self.rate)
    }

    /// Ends the sending.
    pub fn end(&self) {
        self.shared.stage.end_sending();
    }

    /// What the clients of this flood share.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Judges what the sender lost or got twice.
    pub async fn judge(self) -> Result<Verdict, LoadError> {
        self.cast.judge().await
    }
}

/// Offers `rate` messages per second to the feeds until sending ends.
pub fn start_pacer(shared: &Arc<Shared>, feeds: Vec<Arc<Feed>>, rate: f64) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    tokio::task::spawn_blocking(move || pacer::pace(&shared.stage, &feeds, rate))
}

/// Reads and discards everything that arrives on the sockets, until dropped.
pub fn read_all(sockets: Vec<Socket>) -> JoinSet<()> {
    sockets.into_iter().map(read_one).collect()
}

async fn read_one(mut socket: Socket) {
    // Only the server ends a connection here. The sender's ledger shows whether that lost anything.
    while let Ok(frame) = socket.read().await {
        let is_ping = matches!(Packet::parse(&frame), Packet::Ping);
        if is_ping && (socket.feed(wire::PONG.to_owned()).await.is_err() || socket.flush().await.is_err()) {
            return;
        }
    }
}
