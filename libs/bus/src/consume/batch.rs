//! Broker messages become a batch for a handler: whole messages in, decoded envelopes out. What cannot be
//! decoded is set aside for the dead-letter queue.

use crate::explain::explain;
use crate::handler::Item;
use crate::port::{DeliveryTag, Incoming, Subscription};
use bytes::Bytes;
use eventflow_protocol::codec;
use eventflow_protocol::frame::{Envelope, FRAME_MAX_ITEMS, Frame};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Envelopes in one batch: two full frames, the size from which the stores gain nothing more.
pub(super) const BATCH_MAX_ITEMS: usize = 2 * FRAME_MAX_ITEMS;

/// Something that cannot be handled and goes to the dead-letter queue as it came.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) payload: Bytes,
    pub(super) attempt: u32,
    pub(super) reason: String,
}

/// What the loop works on at a time.
pub(super) struct Batch<T> {
    /// In queue order.
    pub(super) items: Vec<Item<T>>,
    /// The envelopes of `items`, as they came, for retry and dead letter.
    pub(super) envelopes: Vec<Envelope>,
    pub(super) unreadable: Vec<Unreadable>,
    /// The messages that are acknowledged when all of this is settled.
    pub(super) tags: Vec<DeliveryTag>,
}

impl<T: DeserializeOwned> Batch<T> {
    /// `first`, and what else is already here.
    pub(super) fn gather(first: Incoming, subscription: &mut dyn Subscription) -> Self {
        let mut batch =
            Self { items: Vec::new(), envelopes: Vec::new(), unreadable: Vec::new(), tags: Vec::new() };
        batch.take(first);
        while batch.items.len() < BATCH_MAX_ITEMS {
            let Some(incoming) = subscription.try_next() else { break };
            batch.take(incoming);
        }
        batch
    }

    fn take(&mut self, incoming: Incoming) {
        self.tags.push(incoming.tag);
        match Frame::decode(&incoming.payload) {
            Ok(frame) => self.open(frame, &incoming),
            Err(error) => {
                let reason = explain(&error);
                self.unreadable.push(Unreadable {
                    payload: incoming.payload,
                    attempt: incoming.headers.attempt,
                    reason,
                });
            }
        }
    }

    fn open(&mut self, frame: Frame, incoming: &Incoming) {
        let reply_to: Option<Arc<str>> = incoming.reply_to.as_deref().map(Arc::from);
        let redelivered =
            incoming.redelivered || incoming.delivery_count > 0 || incoming.headers.is_published_again();
        for envelope in frame.items {
            match codec::decode(&envelope.body) {
                Ok(value) => {
                    let redelivered = redelivered || envelope.attempt > 0;
                    self.items.push(Item {
                        id: envelope.id,
                        attempt: envelope.attempt,
                        redelivered,
                        value,
                        reply_to: reply_to.clone(),
                        trace: envelope.trace,
                    });
                    self.envelopes.push(envelope);
                }
                Err(error) => self.set_aside(envelope, &error),
            }
        }
    }

    fn set_aside(&mut self, envelope: Envelope, error: &codec::CodecError) {
        let attempt = envelope.attempt;
        let payload = Frame::of(envelope).encode().unwrap_or_default();
        self.unreadable.push(Unreadable { payload, attempt, reason: explain(error) });
    }
}
