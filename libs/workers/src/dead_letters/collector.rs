//! The collector: from a dead-letter queue into the store.
//!
//! In comes whatever is in the queue, message by message as it is; it is acknowledged when the store has it.
//! Safe to repeat because a letter is known by what it carries and the id of its envelope. While the store is
//! down nothing is taken. What the store fails at alone is put off, so that it holds up nobody and is not
//! lost.

use super::parts::DeadLetterParts;
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_bus::dead::letters_in;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Headers, Incoming};
use eventflow_bus::settle::Outcome;
use eventflow_metrics::{DeadLetterMetrics, KeptOutcome, Metrics};
use eventflow_ports::{Kept, StoreError};
use eventflow_protocol::dead_letters::Arrival;
use serde::Deserialize;

/// Takes what is in one dead-letter queue.
pub struct Collector {
    queue: String,
    parts: DeadLetterParts,
    metrics: DeadLetterMetrics,
}

/// A message of a dead-letter queue. It never comes out of an envelope: [`Collector::whole`] makes it.
#[derive(Clone, Debug, Deserialize)]
pub struct DeadMessage {
    #[serde(skip)]
    payload: Bytes,
    #[serde(skip)]
    headers: Headers,
}

impl Collector {
    /// The collector of this dead-letter queue.
    pub fn new(queue: &str, parts: DeadLetterParts, metrics: &Metrics) -> Self {
        Self { queue: queue.to_owned(), parts, metrics: metrics.dead_letters.clone() }
    }

    async fn keep(&self, arrivals: &[Arrival]) -> Result<(), StoreError> {
        for kept in self.parts.letters.keep_letters(arrivals).await? {
            let outcome = match kept {
                Kept::New => KeptOutcome::New,
                Kept::Again => KeptOutcome::Again,
                Kept::Before => KeptOutcome::Before,
            };
            self.metrics.kept.of(outcome).inc();
        }
        Ok(())
    }

    /// Keeps the letters of one message by themselves.
    async fn keep_alone(&self, arrivals: &[Arrival]) -> Result<Outcome, Unavailable> {
        match self.keep(arrivals).await {
            Ok(()) => Ok(Outcome::Done),
            Err(error @ StoreError::Unavailable { .. }) => Err(Unavailable::new("the store", error)),
            Err(error) => Ok(Outcome::retry_for(&error)),
        }
    }
}

#[async_trait]
impl BatchHandler for Collector {
    type Value = DeadMessage;
    type Outbox = ();

    fn whole(message: &Incoming) -> Option<DeadMessage> {
        Some(DeadMessage { payload: message.payload.clone(), headers: message.headers.clone() })
    }

    async fn perform(&self, batch: &[Item<DeadMessage>]) -> Result<Performed<()>, Unavailable> {
        let now = self.parts.clock.now();
        let letters_of = |item: &Item<DeadMessage>| {
            letters_in(&self.queue, (&item.value.payload, &item.value.headers), now)
        };
        let arrivals: Vec<Vec<Arrival>> = batch.iter().map(letters_of).collect();
        let outcomes = match self.keep(&arrivals.concat()).await {
            Ok(()) => vec![Outcome::Done; batch.len()],
            Err(error @ StoreError::Unavailable { .. }) => return Err(Unavailable::new("the store", error)),
            Err(_) => {
                let mut outcomes = Vec::with_capacity(batch.len());
                for letters in &arrivals {
                    outcomes.push(self.keep_alone(letters).await?);
                }
                outcomes
            }
        };
        Ok(Performed { outcomes, outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}
