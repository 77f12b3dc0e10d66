//! A subscription: takes messages from memory, reads ahead from the table when memory runs dry, and hands
//! acknowledgements to the list of [`super::settling`].
//!
//! Cancel: each unacknowledged message returns to its place unchanged. Drop (its task panicked or was
//! aborted): each such message counts one failed delivery, and is parked after [`DELIVERY_LIMIT`] of them.

use super::health::broker_error;
use super::message::{QueuedMessage, Slot};
use super::parts::BrokerParts;
use super::queue::{NextMessage, Queue};
use super::table;
use super::window::{WINDOW_BYTES, WINDOW_MESSAGES};
use async_trait::async_trait;
use eventflow_bus::port::{BrokerError, DeliveryTag, Incoming, Source, Subscription};
use eventflow_bus::topology::{DELIVERY_LIMIT, QueueKind, dead};
use std::sync::Arc;
use tokio::sync::Notify;

/// A subscription to one queue.
pub(super) struct EmbeddedSubscription {
    shared: Arc<BrokerParts>,
    queue: Arc<Queue>,
    consumer: u64,
    wake: Arc<Notify>,
}

impl EmbeddedSubscription {
    /// Joins the consumers of a queue, after the file notes how many messages they may hold. After a crash
    /// recovery counts those.
    pub(super) async fn open(
        shared: Arc<BrokerParts>,
        queue: Arc<Queue>,
        prefetch: u16,
    ) -> Result<Self, BrokerError> {
        let (consumer, wake) = queue.join(prefetch);
        let subscription = Self { shared, queue, consumer, wake };
        if matches!(subscription.queue.kind, QueueKind::Work | QueueKind::SingleActive) {
            let number = subscription.queue.number;
            let held = u32::try_from(subscription.queue.may_hold()).unwrap_or(u32::MAX);
            let noted = subscription.shared.database.write(move |tx| table::put_held(tx, number, held)).await;
            subscription.shared.health.observe(noted).map_err(broker_error)?;
        }
        Ok(subscription)
    }

    /// Counts the delivery of a suspect before it happens, since the process may be dead afterwards.
    async fn count_ahead(&self, slot: Slot, deliveries: u32) -> Result<(), BrokerError> {
        let counted = self.shared.database.write(move |tx| table::put_count(tx, slot, deliveries)).await;
        self.shared.health.observe(counted).map_err(|source| self.lost(Some(Box::new(source))))?;
        self.queue.counted_ahead(slot);
        Ok(())
    }

    /// Reads the next messages from the table into memory. Safe to cancel: the next call reads them again.
    async fn read_ahead(&self, from: Slot, to: Slot) -> Result<(), BrokerError> {
        let read = self
            .shared
            .database
            .read(move |table| table::read(table, (from, to), WINDOW_MESSAGES, WINDOW_BYTES));
        let (entries, complete) = read.await.map_err(|source| self.lost(Some(Box::new(source))))?;
        self.queue.fill(entries, to, complete);
        Ok(())
    }

    fn lost(&self, source: Option<Source>) -> BrokerError {
        BrokerError::Lost { queue: self.queue.name.clone(), source }
    }
}

#[async_trait]
impl Subscription for EmbeddedSubscription {
    async fn next(&mut self) -> Result<Incoming, BrokerError> {
        loop {
            match self.queue.take(self.consumer) {
                NextMessage::Message(incoming) => return Ok(*incoming),
                NextMessage::Nothing => self.wake.notified().await,
                NextMessage::OnDisk(from, to) => self.read_ahead(from, to).await?,
                NextMessage::Suspect(slot, deliveries) => self.count_ahead(slot, deliveries).await?,
                NextMessage::Closed => return Err(self.lost(None)),
            }
        }
    }

    fn try_next(&mut self) -> Option<Incoming> {
        match self.queue.take(self.consumer) {
            NextMessage::Message(incoming) => Some(*incoming),
            NextMessage::Nothing
            | NextMessage::OnDisk(..)
            | NextMessage::Suspect(..)
            | NextMessage::Closed => None,
        }
    }

    async fn ack(&mut self, tags: &[DeliveryTag]) -> Result<(), BrokerError> {
        let suspects = self.queue.suspects(self.consumer, tags);
        if !suspects.is_empty() {
            self.shared.settling.ack_durably(suspects).await.map_err(broker_error)?;
        }
        let acked = self.queue.ack(self.consumer, tags);
        if self.queue.kind != QueueKind::Gateway {
            self.shared.settling.ack(acked);
        }
        Ok(())
    }

    async fn cancel(self: Box<Self>) -> Result<(), BrokerError> {
        self.queue.leave(self.consumer, |entry| forgive(&self.shared, entry));
        Ok(())
    }
}

impl Drop for EmbeddedSubscription {
    /// Does nothing after [`Subscription::cancel`], when the consumer has left already.
    fn drop(&mut self) {
        let Self { shared, queue, consumer, .. } = self;
        queue.leave(*consumer, |entry| judge(shared, queue, entry));
    }
}

/// Takes back a delivery that was counted ahead.
fn forgive(shared: &BrokerParts, entry: &mut QueuedMessage) -> bool {
    if entry.counted_ahead {
        entry.counted_ahead = false;
        shared.settling.count(entry);
    }
    true
}

/// Counts a delivery that ended without an acknowledgement. `false` if the message is parked for it.
fn judge(shared: &BrokerParts, queue: &Arc<Queue>, entry: &mut QueuedMessage) -> bool {
    entry.deliveries += 1;
    entry.counted_ahead = false;
    if queue.kind == QueueKind::Gateway {
        return true;
    }
    let limited = matches!(queue.kind, QueueKind::Work | QueueKind::SingleActive);
    if let Some(parking) =
        shared.catalog.get(&dead(&queue.name)).filter(|_| limited && entry.deliveries >= DELIVERY_LIMIT)
    {
        shared.settling.park(entry, queue, &parking);
        return false;
    }
    shared.settling.count(entry);
    true
}
