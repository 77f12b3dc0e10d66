//! What a worker is to the consume loop: three steps over a batch, each safe to repeat.
//!
//! `perform` makes the effects of a batch durable. `announce` tells the next stage. `finalize` does what can
//! follow the announcement (thread previews and counters, say); no client waits for it. The loop performs one
//! batch at a time, in queue order, announces it while it performs the next, and finalizes all batches that
//! were announced meanwhile in one call. It acknowledges a message only then, so a crash at any point repeats
//! all three.

use crate::port::Incoming;
use crate::settle::Outcome;
use async_trait::async_trait;
use eventflow_protocol::{Timestamp, TraceContext};
use serde::de::DeserializeOwned;
use std::error::Error;
use std::sync::Arc;
use uuid::Uuid;

/// Something that every envelope needs is down. The loop waits and repeats the same step; no envelope moves
/// to a retry queue for it.
#[derive(Debug, thiserror::Error)]
#[error("wait for {what}")]
pub struct Unavailable {
    /// The part that is down, for logs and readiness.
    pub what: &'static str,
    /// The error that told so.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl Unavailable {
    /// `what` is the part that is down, `source` the error that told so.
    pub fn new(what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self { what, source: Box::new(source) }
    }
}

/// One decoded envelope, as a handler gets it.
#[derive(Clone, Debug)]
pub struct Item<T> {
    /// Identity of the value; the same on every repetition.
    pub id: Uuid,
    /// How often a handler has failed on it so far.
    pub attempt: u32,
    /// It may have been handled before, by this or another process.
    pub redelivered: bool,
    /// The command, event or signal itself.
    pub value: T,
    /// Address of whoever waits for an answer, for [`crate::port::Broker::reply`].
    pub reply_to: Option<Arc<str>>,
    /// What the envelopes that come of it continue from, if its trace is sampled.
    pub trace: Option<TraceContext>,
}

/// What performing a batch came to.
#[derive(Debug)]
pub struct Performed<O> {
    /// One outcome per item, in order.
    pub outcomes: Vec<Outcome>,
    /// What is left to announce.
    pub outbox: O,
}

/// A worker's work on one queue.
#[async_trait]
pub trait BatchHandler: Send + Sync + 'static {
    /// What the queue carries.
    type Value: DeserializeOwned + Clone + Send + Sync + 'static;
    /// What performing a batch leaves to be announced.
    type Outbox: Send + Sync + 'static;

    /// When the system accepted what led to `value`; `None` if nobody can tell.
    fn accepted_at(_value: &Self::Value) -> Option<Timestamp> {
        None
    }

    /// The message itself as the one item of its own, for a queue whose messages are kept as they came.
    /// `None`: the message is a frame, and its envelopes are the items. A message that is an item by itself
    /// is never parked: if its handler crashes it is tried again later.
    fn whole(_message: &Incoming) -> Option<Self::Value> {
        None
    }

    /// Forgets what the handler remembers of what passed here, since another process may know better. Called
    /// when the queue is consumed anew, before anything comes of it: it may have been another's meanwhile.
    /// And called before a barrier goes on: the threads of this queue may go to another one behind it, or
    /// come back from there.
    fn forget(&self) {}

    /// Makes the effects of `batch` durable. Repeating it must come to the same.
    async fn perform(&self, batch: &[Item<Self::Value>]) -> Result<Performed<Self::Outbox>, Unavailable>;

    /// Tells the next stage. Repeating it must do no harm: receivers recognise ids.
    async fn announce(&self, outbox: &Self::Outbox) -> Result<(), Unavailable>;

    /// Does, for several announced batches together, what can follow their announcement and no client waits
    /// for. Repeating it must come to the same.
    async fn finalize(&self, _announced: &[Arc<Self::Outbox>]) -> Result<(), Unavailable> {
        Ok(())
    }
}
