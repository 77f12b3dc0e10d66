//! Asking and being answered: a command goes out with a lane, its answer comes back over the broker.
//!
//! In comes a command from an ingress, out comes how it ended, or that it is queued. Answers travel at most once; without one the
//! command is done all the same, so "queued" is a promise and not a guess.

use crate::port::{Broker, BrokerError};
use crate::publish::{Confirmation, Lane, PublishError};
use crate::topology::{CURSORS, PERSIST, Queue, Topology};
use bytes::Bytes;
use eventflow_metrics::Metrics;
use eventflow_protocol::CommandId;
use eventflow_protocol::codec::{self, CodecError};
use eventflow_protocol::command::Command;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::reply::{Answer, ReplyFrame};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

/// How long an ingress waits for an answer before it says "queued". Long enough for a slow store, short enough for a person.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(3);
/// Reply frames waiting to be read. One per frame in flight and shard; more only after a stall, and then they may be dropped.
const REPLY_BUFFER: usize = 1_024;

/// How asking ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The worker answered.
    Answered(Answer),
    /// The broker has the command and it will be done; no answer came in time.
    Queued(CommandId),
    /// The broker does not have the command, or it is unknown whether it has.
    Failed(PublishError),
}

type Waiting = Arc<Mutex<HashMap<CommandId, oneshot::Sender<Answer>>>>;

/// Sends commands to the persistence workers and brings back their answers. One per process.
#[derive(Clone)]
pub struct Requests {
    persist: Arc<[Lane]>,
    cursors: Arc<[Lane]>,
    topology: Topology,
    waiting: Waiting,
    metrics: Metrics,
}

impl Requests {
    /// Opens the lanes to each shard. Their tasks run on `tracker` until every clone is gone.
    pub async fn open(
        broker: &Arc<dyn Broker>,
        topology: Topology,
        metrics: &Metrics,
        tracker: &TaskTracker,
    ) -> Result<Self, BrokerError> {
        let waiting = Waiting::default();
        let (replies, frames) = mpsc::channel(REPLY_BUFFER);
        tracker.spawn(read_replies(frames, Arc::clone(&waiting)));
        let open = async |queue: Queue<Command>| {
            let series = metrics.bus.queue(queue.name());
            Lane::open(broker, queue.name(), Some(replies.clone()), series, tracker).await
        };
        let (mut persist, mut cursors) = (Vec::new(), Vec::new());
        for shard in 0..topology.shards() {
            persist.push(open(PERSIST.shard(shard)).await?);
            cursors.push(open(CURSORS.shard(shard)).await?);
        }
        Ok(Self {
            persist: persist.into(),
            cursors: cursors.into(),
            topology,
            waiting,
            metrics: metrics.clone(),
        })
    }

    /// Puts a command on its way; calls for one thread are published in the order they are made.
    pub async fn send(&self, id: CommandId, command: &Command) -> Result<Pending, PublishError> {
        let envelope = envelope(id, command).map_err(|error| {
            tracing::error!(command = %id, error = &error as &dyn std::error::Error, "a command cannot be encoded");
            PublishError::Refused
        })?;
        let (answered, answer) = oneshot::channel();
        lock(&self.waiting).insert(id, answered);
        let forget = Forget { id, waiting: Arc::clone(&self.waiting) };
        let confirmation = self.lane(command).send(envelope).await?;
        Ok(Pending {
            id,
            confirmation,
            answer,
            started: Instant::now(),
            metrics: self.metrics.clone(),
            _forget: forget,
        })
    }

    fn lane(&self, command: &Command) -> &Lane {
        let lanes = if matches!(command, Command::AdvanceCursor(_)) { &self.cursors } else { &self.persist };
        &lanes[usize::from(self.topology.shard_of(&command.subject()))]
    }
}

/// A command on its way.
pub struct Pending {
    id: CommandId,
    confirmation: Confirmation,
    answer: oneshot::Receiver<Answer>,
    started: Instant,
    metrics: Metrics,
    _forget: Forget,
}

impl Pending {
    /// Waits for the answer, at most [`ANSWER_PATIENCE`] from sending. Without a confirm by then it is unknown whether the broker has the
    /// command, and it is not "queued".
    pub async fn ending(self) -> Ending {
        let (started, metrics) = (self.started, self.metrics.clone());
        let ending = self.wait().await;
        let outcome = match ending {
            Ending::Answered(_) => "answered",
            Ending::Queued(_) => "queued",
            Ending::Failed(_) => "failed",
        };
        metrics.edge.answer_seconds.with_label_values(&[outcome]).observe(started.elapsed().as_secs_f64());
        ending
    }

    async fn wait(self) -> Ending {
        let Self { id, confirmation, mut answer, started, _forget, .. } = self;
        let confirm = confirmation.wait();
        tokio::pin!(confirm);
        let until = started + ANSWER_PATIENCE;
        // The answer can overtake the confirm; either is enough to know that the broker has the command.
        let confirmed = tokio::select! {
            biased;
            Ok(answer) = &mut answer => return Ending::Answered(answer),
            confirmed = timeout_at(until, &mut confirm) => confirmed.unwrap_or(Err(PublishError::Unavailable)),
        };
        if let Err(error) = confirmed {
            return Ending::Failed(error);
        }
        match timeout_at(until, answer).await {
            Ok(Ok(answer)) => Ending::Answered(answer),
            _ => Ending::Queued(id),
        }
    }
}

/// Takes a command out of the table of those that wait, however its wait ends.
struct Forget {
    id: CommandId,
    waiting: Waiting,
}

impl Drop for Forget {
    fn drop(&mut self) {
        lock(&self.waiting).remove(&self.id);
    }
}

fn envelope(id: CommandId, command: &Command) -> Result<Envelope, CodecError> {
    Ok(Envelope { id: id.0, attempt: 0, body: codec::encode(command)?, trace: None })
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<CommandId, oneshot::Sender<Answer>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn read_replies(mut frames: mpsc::Receiver<Bytes>, waiting: Waiting) {
    while let Some(payload) = frames.recv().await {
        match ReplyFrame::decode(&payload) {
            Ok(frame) => hand_out(frame, &waiting),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a reply cannot be read"),
        }
    }
}

fn hand_out(frame: ReplyFrame, waiting: &Waiting) {
    let mut waiting = lock(waiting);
    for (id, answer) in frame.answers {
        if let Some(caller) = waiting.remove(&id) {
            // A caller that gave up in this moment has said "queued", which is true.
            let _ = caller.send(answer);
        }
    }
}

#[cfg(test)]
mod tests;
