//! The barriers of one attempt: one through each old queue of commands and the queue of its events.
//!
//! A barrier may get lost, so those that are late are sent again, under a new id. Answers to earlier ones of
//! the same round count too: nobody sends between them.

use crate::port::{Broker, BrokerError, Outgoing, Publish, ReplyTo};
use crate::topology::{CURSORS, FANOUT, PERSIST};
use bytes::Bytes;
use eventflow_protocol::codec;
use eventflow_protocol::reshard::{Barrier, BarrierPassed};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

/// Time after which barriers that have not come through are sent again.
const REPEAT_AFTER: Duration = Duration::from_millis(500);
/// Answers that may wait: a few for each queue.
const ANSWERS: usize = 1_024;

/// The barriers on their way.
pub(super) struct Barriers {
    publisher: Box<dyn Publish>,
    answers: mpsc::Receiver<Bytes>,
    /// Which queue each barrier was sent to.
    sent: HashMap<Uuid, String>,
    /// The queues from which no answer has come, with the queue of their events.
    missing: BTreeSet<(String, String)>,
    is_begun: bool,
    sent_at: Instant,
}

impl Barriers {
    pub(super) async fn open(broker: &dyn Broker) -> Result<Self, BrokerError> {
        let (replies, answers) = mpsc::channel(ANSWERS);
        let publisher = broker.publisher(Some(replies)).await?;
        Ok(Self {
            publisher,
            answers,
            sent: HashMap::new(),
            missing: BTreeSet::new(),
            is_begun: false,
            sent_at: Instant::now(),
        })
    }

    /// Answers to what was sent so far prove nothing any more.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
        self.missing.clear();
        self.is_begun = false;
    }

    pub(super) fn are_forgotten(&self) -> bool {
        !self.is_begun
    }

    pub(super) fn are_through(&self) -> bool {
        self.is_begun && self.missing.is_empty()
    }

    /// The queues that have not run empty.
    pub(super) fn missing(&self) -> String {
        self.missing.iter().map(|(queue, _)| queue.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Begins anew with every queue of `shards` shards; how many.
    pub(super) fn begin(&mut self, shards: u16) -> usize {
        self.forget();
        self.is_begun = true;
        for shard in 0..shards {
            let events = FANOUT.shard(shard).name().to_owned();
            for commands in [PERSIST.shard(shard), CURSORS.shard(shard)] {
                self.missing.insert((commands.name().to_owned(), events.clone()));
            }
        }
        self.missing.len()
    }

    /// Sends a barrier to each queue that is missing.
    pub(super) async fn send(&mut self) {
        self.sent_at = Instant::now();
        let mut messages = Vec::with_capacity(self.missing.len());
        for (queue, events) in &self.missing {
            let barrier = Barrier { barrier: Uuid::now_v7(), then: vec![events.clone()] };
            self.sent.insert(barrier.barrier, queue.clone());
            let payload = codec::encode(&barrier).expect("ids and names have a MessagePack form");
            messages
                .push(Outgoing { reply_to: Some(ReplyTo::Me), ..Outgoing::to_queue(queue.clone(), payload) });
        }
        for error in self.publisher.publish(messages).await.iter().filter_map(|sent| sent.as_ref().err()) {
            tracing::warn!(error = error as &dyn std::error::Error, "a barrier was not sent");
        }
    }

    /// Sends again what is late.
    pub(super) async fn repeat_late(&mut self) {
        if self.sent_at.elapsed() >= REPEAT_AFTER {
            self.send().await;
        }
    }

    /// Takes the next answer. Cancel-safe.
    pub(super) async fn hear(&mut self) {
        let Some(answer) = self.answers.recv().await else { return std::future::pending().await };
        let Ok(passed) = codec::decode::<BarrierPassed>(&answer) else { return };
        if let Some(queue) = self.sent.get(&passed.barrier) {
            self.missing.retain(|(missing, _)| missing != queue);
        }
    }
}
