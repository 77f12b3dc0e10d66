//! Broker messages become a batch for a handler: whole messages in, decoded envelopes out. What cannot be
//! decoded is set aside for the dead-letter queue.

use crate::explain::explain;
use crate::handler::Item;
use crate::port::{DeliveryTag, Headers, Incoming, Subscription};
use bytes::Bytes;
use eventflow_protocol::codec;
use eventflow_protocol::frame::{Envelope, FRAME_MAX_ITEMS, Frame};
use eventflow_protocol::reshard::Barrier;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use uuid::Uuid;

/// Envelopes in one batch: two full frames, the size from which the stores gain nothing more.
pub(super) const BATCH_MAX_ITEMS: usize = 2 * FRAME_MAX_ITEMS;

/// Something that cannot be handled and goes to the dead-letter queue as it came.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) payload: Bytes,
    pub(super) attempt: u32,
    pub(super) reason: String,
}

/// A barrier that came by, with the address of whoever waits for it.
#[derive(Debug)]
pub(super) struct Passing {
    pub(super) barrier: Barrier,
    pub(super) reply_to: String,
}

/// How a message becomes one item by itself ([`crate::handler::BatchHandler::whole`]).
pub(super) type Whole<T> = fn(&Incoming) -> Option<T>;

/// Where an item came from, for retry and dead letter.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// An envelope, as it came.
    Envelope(Envelope),
    /// A whole message, as it came.
    Message {
        /// Its bytes.
        payload: Bytes,
        /// The facts beside them.
        headers: Headers,
    },
}

/// What the loop works on at a time.
pub(super) struct Batch<T> {
    /// In queue order.
    pub(super) items: Vec<Item<T>>,
    /// Where each of `items` came from.
    pub(super) sources: Vec<Source>,
    pub(super) unreadable: Vec<Unreadable>,
    /// Passed on behind everything else of the batch.
    pub(super) barriers: Vec<Passing>,
    /// Whether a frame came from a gateway that does not follow the number of shards.
    pub(super) is_unnumbered: bool,
    /// The messages that are acknowledged when all of this is settled.
    pub(super) tags: Vec<DeliveryTag>,
}

impl<T: DeserializeOwned> Batch<T> {
    /// `first`, and what else is already here.
    pub(super) fn gather(first: Incoming, subscription: &mut dyn Subscription, whole: Whole<T>) -> Self {
        let mut batch = Self {
            items: Vec::new(),
            sources: Vec::new(),
            unreadable: Vec::new(),
            barriers: Vec::new(),
            is_unnumbered: false,
            tags: Vec::new(),
        };
        batch.take(first, whole);
        while batch.items.len() < BATCH_MAX_ITEMS {
            let Some(incoming) = subscription.try_next() else { break };
            batch.take(incoming, whole);
        }
        batch
    }

    fn take(&mut self, incoming: Incoming, whole: Whole<T>) {
        self.tags.push(incoming.tag);
        if let Some(value) = whole(&incoming) {
            return self.take_whole(value, incoming);
        }
        match Frame::decode(&incoming.payload) {
            Ok(frame) => self.open(frame, &incoming),
            Err(error) => self.take_other(incoming, &error),
        }
    }

    /// A message that is no frame: a barrier, or something that nobody can read.
    fn take_other(&mut self, incoming: Incoming, error: &codec::CodecError) {
        match (codec::decode::<Barrier>(&incoming.payload), incoming.reply_to) {
            // What came back with it may be behind it now, so it proves nothing. Whoever waits sends another.
            (Ok(_), _) if incoming.redelivered || incoming.delivery_count > 0 => {}
            (Ok(barrier), Some(reply_to)) => self.barriers.push(Passing { barrier, reply_to }),
            (Ok(_), None) => {}
            (Err(_), _) => {
                let reason = explain(error);
                self.unreadable.push(Unreadable {
                    payload: incoming.payload,
                    attempt: incoming.headers.attempt,
                    reason,
                });
            }
        }
    }

    fn take_whole(&mut self, value: T, incoming: Incoming) {
        let Incoming { payload, headers, redelivered, .. } = incoming;
        let (id, attempt) = (Uuid::nil(), headers.attempt);
        self.items.push(Item { id, attempt, redelivered, value, reply_to: None, trace: None });
        self.sources.push(Source::Message { payload, headers });
    }

    fn open(&mut self, frame: Frame, incoming: &Incoming) {
        let reply_to: Option<Arc<str>> = incoming.reply_to.as_deref().map(Arc::from);
        let redelivered =
            incoming.redelivered || incoming.delivery_count > 0 || incoming.headers.is_published_again();
        // Frames that the consume loop publishes again keep no generation, and have a reason.
        let is_sent_again = incoming.headers.is_published_again();
        self.is_unnumbered |= frame.generation.is_none() && reply_to.is_some() && !is_sent_again;
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
                    self.sources.push(Source::Envelope(envelope));
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
