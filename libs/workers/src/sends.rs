//! Sends: telling many people one thing, in steps that survive a crash.
//!
//! In comes the passing of time; out go notifications in inboxes, events for the fan-out stage, and the
//! progress of the send. It runs beside the persistence stage, the only one that writes documents. A step
//! stores the notifications of some hundred people, publishes their events with confirms, and then moves the
//! send's cursor. Safe to repeat because the id of each notification follows from the send and the person,
//! and a step counts only where it begins at the cursor: after a crash the last step is made again.

mod parts;
mod step;

pub use parts::SendParts;

use eventflow_bus::port::{BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::topology::FANOUT;
use eventflow_metrics::{Metrics, SendMetrics, SentOutcome};
use eventflow_ports::{Failing, StoreError, ticks};
use eventflow_protocol::codec::CodecError;
use eventflow_protocol::command::Subject;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::inbox::Notification;
use eventflow_protocol::sends::{BulkSend, SendCounts, SendState, SendStep};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use parts::ASKED_AT_ONCE;
use std::collections::BTreeMap;
use std::time::Duration;
use step::Sorted;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often the worker looks for a send that is due. A look costs one question to an index.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Time after which another send has its turn, so that a small one does not wait for a large one, however
/// slowly the operator lets sends go. A step takes no longer than this either.
const ROUND_TIME: Duration = Duration::from_secs(1);
/// How long a worker has a send without a step: longer than the slowest step takes, and as long as a send
/// stands still after its worker died.
const CLAIM_LEASE: Duration = Duration::from_secs(30);
/// How long a send waits after a step that failed.
const PAUSE: Duration = Duration::from_secs(5);
/// How often ended sends that are old are deleted.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// Why a step was not made.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The store did not do its part.
    #[error("read or write the people of a send")]
    Store(#[from] StoreError),
    /// The broker did not take the events.
    #[error("publish the events of a send")]
    Broker(#[from] BrokerError),
    /// An event cannot be encoded.
    #[error("encode the events of a send")]
    Codec(#[from] CodecError),
}

/// The worker of sends. Any number may run.
pub struct SendWorker {
    parts: SendParts,
    events: Box<dyn Publish>,
    metrics: SendMetrics,
}

impl SendWorker {
    /// Opens the worker.
    pub async fn open(parts: SendParts, metrics: &Metrics) -> Result<Self, BrokerError> {
        let events = parts.broker.publisher(None).await?;
        Ok(Self { parts, events, metrics: metrics.sends.clone() })
    }

    /// Carries out sends that are due until `shutdown`, and deletes those that ended long ago.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let (mut looks, mut cleanings) = (ticks(LOOK_EVERY), ticks(FORGET_EVERY));
        let mut failing = Failing::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = cleanings.tick() => self.parts.forget().await,
                _ = looks.tick() => {
                    let result = self.take_turn(&shutdown).await;
                    failing.note(&result, |error| tracing::warn!(error, "sends wait: the last step is made again"));
                    if matches!(result, Ok(true)) {
                        looks.reset_immediately();
                    }
                }
            }
        }
    }

    /// Carries out whatever is due now. Between two steps it can be stopped.
    pub async fn work(&mut self, shutdown: &CancellationToken) -> Result<(), SendError> {
        while !shutdown.is_cancelled() && self.take_turn(shutdown).await? {}
        Ok(())
    }

    /// Carries out one round of a send that is due. Returns whether there was one.
    pub async fn take_turn(&mut self, shutdown: &CancellationToken) -> Result<bool, SendError> {
        let now = self.parts.clock.now();
        let Some(send) = self.parts.sends.claim_send(now, now.plus(CLAIM_LEASE)).await? else {
            return Ok(false);
        };
        let id = send.id;
        let outcome = self.round(send, shutdown).await;
        let pause = if outcome.is_err() { PAUSE } else { Duration::ZERO };
        if outcome.is_err() {
            self.metrics.failures.inc();
        }
        self.parts.sends.release_send(id, self.parts.clock.now().plus(pause)).await?;
        outcome.map(|()| true)
    }

    /// Makes some steps of a send.
    async fn round(&mut self, mut send: BulkSend, shutdown: &CancellationToken) -> Result<(), SendError> {
        let step_time = Duration::from_secs(1) * self.parts.step_people() / self.parts.per_second.max(1);
        let end = Instant::now() + ROUND_TIME;
        while Instant::now() < end {
            let next_at = Instant::now() + step_time;
            match self.step(&send).await? {
                Some(advanced) => send = advanced,
                // Another worker has it.
                None => break,
            }
            if send.state.is_final() {
                break;
            }
            tokio::select! {
                () = sleep_until(next_at) => {}
                () = shutdown.cancelled() => break,
            }
        }
        Ok(())
    }

    /// Tells the next people of a send, and moves its cursor. Returns the send as it is then; `None` if
    /// another worker was faster.
    pub async fn step(&mut self, send: &BulkSend) -> Result<Option<BulkSend>, SendError> {
        let people = self.parts.next_people(send).await?;
        let Sorted { wanted, unwanted } = self.parts.sorted(send, &people).await?;
        let asked = wanted.len();
        let stored = self.parts.store(wanted).await?;
        // Whoever is erased is in no number, as if they were not among the people.
        let counts = SendCounts {
            sent: stored.len() as u64,
            suppressed: unwanted.len() as u64,
            failed: (asked - stored.len()) as u64,
        };
        self.parts.log(send, &unwanted).await?;
        self.publish(stored).await?;
        let step = SendStep {
            from: send.cursor.clone(),
            to: people.last().or(send.cursor.as_ref()).cloned(),
            counts,
            is_last: people.len() < self.parts.step_people() as usize,
        };
        let now = self.parts.clock.now();
        let advanced = self.parts.sends.advance_send(send.id, &step, now, now.plus(CLAIM_LEASE)).await?;
        if let Some(advanced) = &advanced {
            self.metrics.people.of(SentOutcome::Sent).inc_by(counts.sent);
            self.metrics.people.of(SentOutcome::Suppressed).inc_by(counts.suppressed);
            self.metrics.people.of(SentOutcome::Failed).inc_by(counts.failed);
            if advanced.state == SendState::Done {
                tracing::info!(send = %send.id, people = advanced.counts.total(), "a send is done");
            }
        }
        Ok(advanced)
    }

    async fn publish(&mut self, stored: Vec<Notification>) -> Result<(), SendError> {
        let inbox = &self.parts.inbox;
        let asked: Vec<_> = stored.iter().map(|one| inbox.unread_notifications(&one.user_id)).collect();
        let counts: Vec<u64> = iter(asked).buffered(ASKED_AT_ONCE).try_collect().await?;
        let mut by_shard: BTreeMap<u16, Vec<Envelope>> = BTreeMap::new();
        for (notification, unread) in stored.into_iter().zip(counts) {
            let shard = self.parts.topology.shard_of(&Subject::User(notification.user_id.clone()));
            let (notification, unread_count) = (Box::new(notification), Some(unread));
            let event = Event::NotificationStored { notification, unread_count };
            by_shard.entry(shard).or_default().push(event.envelope(None)?);
        }
        let messages: Vec<Outgoing> = by_shard
            .into_iter()
            .flat_map(|(shard, envelopes)| {
                let to = Destination::Queue(FANOUT.shard(shard).name().to_owned());
                Outgoing::of_envelopes(&to, envelopes)
            })
            .collect();
        if messages.is_empty() {
            return Ok(());
        }
        self.events.publish(messages).await.into_iter().collect::<Result<(), BrokerError>>()?;
        Ok(())
    }
}
