//! What a worker is to the consume loop: three steps over a batch, all safe to repeat.
//!
//! `perform` makes the effect of a batch durable; `announce` tells the next stage; `conclude` brings up what
//! nobody waits for. The loop performs one batch at a time, in queue order, announces it while the next one
//! is performed, and concludes whatever has been announced meanwhile in one go. Only then is a message
//! acknowledged, so a crash at any point repeats all of it.

use crate::settle::Outcome;
use async_trait::async_trait;
use eventflow_protocol::TraceContext;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::sync::Arc;
use uuid::Uuid;

/// Something every envelope needs is down. The loop waits and repeats the same step; nothing moves to a retry
/// queue for it.
#[derive(Debug, thiserror::Error)]
#[error("wait for {what}")]
pub struct Unavailable {
    /// Which part, for logs and readiness.
    pub what: &'static str,
    /// What it said.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl Unavailable {
    /// Part `what` said `source`.
    pub fn new(what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self { what, source: Box::new(source) }
    }
}

/// One decoded envelope.
#[derive(Clone, Debug)]
pub struct Item<T> {
    /// Identity of what is carried; the same on every repetition.
    pub id: Uuid,
    /// Handler failures so far.
    pub attempt: u32,
    /// It may have been handled before.
    pub redelivered: bool,
    /// What is asked.
    pub value: T,
    /// Who waits for an answer, for [`crate::port::Broker::reply`].
    pub reply_to: Option<Arc<str>>,
    /// What the envelopes that come of it continue from, if its trace is sampled.
    pub trace: Option<TraceContext>,
}

/// What performing a batch came to.
#[derive(Debug)]
pub struct Performed<E> {
    /// One outcome per item, in order.
    pub outcomes: Vec<Outcome>,
    /// What there is to announce.
    pub effect: E,
}

/// A worker's work on one queue.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// What the queue carries.
    type Value: DeserializeOwned + Clone + Send + Sync + 'static;
    /// What performing leaves to be announced.
    type Effect: Send + Sync + 'static;

    /// Makes the effects of `batch` durable. Repeating it must come to the same.
    async fn perform(&self, batch: &[Item<Self::Value>]) -> Result<Performed<Self::Effect>, Unavailable>;

    /// Tells the next stage. Repeating it must do no harm: whoever hears it recognises ids.
    async fn announce(&self, effect: &Self::Effect) -> Result<(), Unavailable>;

    /// Finishes what announced batches left and no client waits for, for all of them together. Repeating it
    /// must come to the same.
    async fn conclude(&self, _announced: &[Arc<Self::Effect>]) -> Result<(), Unavailable> {
        Ok(())
    }
}
