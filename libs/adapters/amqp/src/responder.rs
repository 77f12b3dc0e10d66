//! Replies to those who wait: sent at most once, without a confirm, and without delaying the work.
//!
//! Replies are queued to one task with one channel. The task drops them when the queue is full or there is no
//! connection: whoever waits has a timeout, and the work itself is done.
//!
//! They have a connection of their own, which is opened for the first one. RabbitMQ 3.10 ends a connection
//! with an internal error that publishes to the reply address of a node that it does not see. Commands that
//! came through this node wait in the queues and are answered; on the connection of the publishers their
//! answers would hold up the events of all others, again and again while the node is away.

use crate::config::{CALL_TIMEOUT, PAYLOAD_MAX_BYTES};
use crate::confirm::{PublishAddress, publish_one, start};
use crate::link::{ConnectionLink, OpenedChannel};
use crate::observer::Observer;
use bytes::Bytes;
use lapin::BasicProperties;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Queue: replies that wait to be written. A full frame of commands is 256, so this is room for the batches
/// of several workers.
const QUEUE: usize = 4_096;
/// Batch: replies that the task puts on the wire before it looks at the queue again.
const BATCH: usize = 256;
/// Patience: how long replies wait for a connection that was lost or is not there yet. A gateway waits for
/// about 3 s, and the reply has come a way already.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(1);

struct PendingReply {
    address: String,
    payload: Bytes,
}

/// Takes replies and queues them to the task.
pub(crate) struct Responder {
    queue: mpsc::Sender<PendingReply>,
    observer: Arc<dyn Observer>,
}

/// The task that writes the replies.
pub(crate) struct ResponderTask {
    queue: mpsc::Receiver<PendingReply>,
    link: ConnectionLink,
    observer: Arc<dyn Observer>,
    open: Option<OpenedChannel>,
}

impl Responder {
    pub(crate) fn new(link: ConnectionLink, observer: Arc<dyn Observer>) -> (Self, ResponderTask) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let task = ResponderTask { queue: receiver, link, observer: Arc::clone(&observer), open: None };
        (Self { queue: sender, observer }, task)
    }

    pub(crate) fn reply(&self, address: &str, payload: Bytes) {
        let is_too_large = payload.len() > PAYLOAD_MAX_BYTES;
        if is_too_large {
            tracing::error!(
                bytes = payload.len(),
                "a reply is larger than what the broker takes, and is dropped"
            );
        }
        if is_too_large || self.queue.try_send(PendingReply { address: address.to_owned(), payload }).is_err()
        {
            self.observer.reply_dropped();
        }
    }
}

impl ResponderTask {
    /// Writes replies until it is told to stop. `connection` keeps the connection, from the first reply on,
    /// and ends by itself when it is told to stop.
    pub(crate) async fn run(self, stop: CancellationToken, connection: impl Future<Output = ()>) {
        let first = Notify::new();
        let connected = async {
            if stop.run_until_cancelled(first.notified()).await.is_some() {
                connection.await;
            }
        };
        tokio::join!(connected, self.write_all(&stop, &first));
    }

    async fn write_all(mut self, stop: &CancellationToken, first: &Notify) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(count @ 1..) = stop.run_until_cancelled(self.queue.recv_many(&mut batch, BATCH)).await
        {
            first.notify_one();
            if !matches!(timeout(CALL_TIMEOUT, self.write(&batch)).await, Ok(true)) {
                self.open = None;
                tracing::debug!(count, "replies were dropped");
                (0..count).for_each(|_| self.observer.reply_dropped());
            }
            batch.clear();
        }
    }

    /// Puts a batch on the wire. `false` if that failed.
    async fn write(&mut self, batch: &[PendingReply]) -> bool {
        let Some(opened) = self.open().await else { return false };
        let mut writes = Vec::with_capacity(batch.len());
        for reply in batch {
            let route = PublishAddress { exchange: "", routing_key: &reply.address, mandatory: false };
            let channel = &opened.channel;
            let write = async move {
                publish_one(channel, &route, &reply.payload, BasicProperties::default()).await.is_ok()
            };
            writes.push(start(Box::pin(write)).await);
        }
        let mut written = true;
        for mut write in writes {
            (&mut write).await;
            written &= std::pin::Pin::new(&mut write).take_output().unwrap_or(false);
        }
        written
    }

    /// The channel on the current connection.
    async fn open(&mut self) -> Option<&OpenedChannel> {
        let _ = timeout(CONNECTION_PATIENCE, self.link.until_up()).await;
        let generation = self.link.writable().ok()?.generation;
        let usable = self
            .open
            .as_ref()
            .is_some_and(|open| open.generation == generation && open.channel.status().connected());
        if !usable {
            self.open = self.link.open().await.ok();
        }
        self.open.as_ref()
    }
}
