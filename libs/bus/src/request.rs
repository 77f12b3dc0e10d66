//! Request and reply: a command goes out over a lane, and its [`CommandResult`] comes back over the broker.
//!
//! Input: a command from an ingress. Output: its result, or the answer that it is queued. Results travel at
//! most once. A worker carries the command out even when its result is lost, so "queued" is a promise.

use crate::lanes::{LaneParts, ShardLanes};
use crate::port::Broker;
use crate::publish::{Confirmation, PublishError};
use crate::reshard::gate::ShardGate;
use crate::topology::{CURSORS, PERSIST};
use crate::trace::{self, TRACE_ID};
use bytes::Bytes;
use eventflow_metrics::{AnswerOutcome, Metrics};
use eventflow_protocol::codec::{self, CodecError};
use eventflow_protocol::command::Command;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::reply::{CommandResult, ReplyFrame};
use eventflow_protocol::{CommandId, TraceContext};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::field::Empty;
use tracing::{Span, debug_span};

/// Answer patience: how long an ingress waits for a result before it answers "queued". Long enough for a slow
/// store, short enough for a person.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(3);
/// Reply buffer: reply frames that may wait to be read. Usually there is one per shard and frame in flight.
/// More arrive only after a stall, and then replies may be dropped.
const REPLY_BUFFER: usize = 1_024;

/// Callers that wait for the results of their commands.
type Callers = Mutex<HashMap<CommandId, oneshot::Sender<CommandResult>>>;

/// Sends commands to the persistence workers and returns their results. A process has one.
#[derive(Clone)]
pub struct Requests {
    persist: ShardLanes,
    cursors: ShardLanes,
    callers: Arc<Callers>,
    metrics: Metrics,
}

impl Requests {
    /// Makes the lanes to every shard, behind `gate`. Their tasks run on `tracker` until every clone of this
    /// value is dropped.
    pub fn open(
        broker: &Arc<dyn Broker>,
        gate: &ShardGate,
        metrics: &Metrics,
        tracker: &TaskTracker,
    ) -> Self {
        let callers = Arc::<Callers>::default();
        let (replies, frames) = mpsc::channel(REPLY_BUFFER);
        tracker.spawn(read_replies(frames, Arc::clone(&callers)));
        let parts = LaneParts {
            broker: Arc::clone(broker),
            replies: Some(replies),
            metrics: metrics.clone(),
            tracker: tracker.clone(),
        };
        Self {
            persist: ShardLanes::new(&PERSIST, gate.clone(), parts.clone()),
            cursors: ShardLanes::new(&CURSORS, gate.clone(), parts),
            callers,
            metrics: metrics.clone(),
        }
    }

    /// Sends a command. The lane publishes the commands for one thread in the order of the calls.
    ///
    /// Returns when the command has its place in that order. [`PendingCommand::result`] waits for the result.
    pub async fn send(&self, id: CommandId, command: &Command) -> Result<PendingCommand, PublishError> {
        let span = debug_span!(
            "command",
            kind = command.kind(),
            command = %id,
            subject = %command.subject(),
            { TRACE_ID } = Empty
        );
        trace::name(&span);
        let envelope = envelope(id, command, trace::context_of(&span)).map_err(|error| {
            tracing::error!(command = %id, error = &error as &dyn std::error::Error, "a command cannot be encoded");
            PublishError::Refused
        })?;
        let (answered, result) = oneshot::channel();
        // Register the caller first: the result can arrive before `Lane::send` returns.
        lock(&self.callers).insert(id, answered);
        let entry = CallerEntry { id, callers: Arc::clone(&self.callers) };
        // The wait for a change of the number of shards counts as a part of the wait for the answer.
        let started = Instant::now();
        let confirmation = self.lanes(command).send(&command.subject(), envelope).await?;
        Ok(PendingCommand { span, confirmation, result, started, metrics: self.metrics.clone(), entry })
    }

    fn lanes(&self, command: &Command) -> &ShardLanes {
        if command.moves_a_cursor() { &self.cursors } else { &self.persist }
    }
}

/// A command on its way, together with the caller's wait for its result.
pub struct PendingCommand {
    /// Ends when the result is there, or when nobody waits for it any more.
    span: Span,
    confirmation: Confirmation,
    result: oneshot::Receiver<CommandResult>,
    started: Instant,
    metrics: Metrics,
    entry: CallerEntry,
}

impl PendingCommand {
    /// Waits for the result, for at most [`ANSWER_PATIENCE`] after sending.
    ///
    /// Returns [`CommandResult::Queued`] if the broker has confirmed the command and no result came by then.
    /// Fails if the broker has not confirmed it by then, because nobody knows whether the broker has the
    /// command.
    pub async fn result(self) -> Result<CommandResult, PublishError> {
        let started = self.started;
        let metrics = self.metrics.clone();
        let result = self.wait().await;
        metrics.edge.answer_seconds.of(outcome_of(&result)).observe(started.elapsed().as_secs_f64());
        result
    }

    async fn wait(self) -> Result<CommandResult, PublishError> {
        let Self { confirmation, mut result, started, entry, span: _span, .. } = self;
        let confirm = confirmation.wait();
        tokio::pin!(confirm);
        let until = started + ANSWER_PATIENCE;
        // The result can arrive before the confirm. Either one proves that the broker has the command.
        tokio::select! {
            biased;
            Ok(result) = &mut result => return Ok(result),
            confirmed = timeout_at(until, &mut confirm) => confirmed.unwrap_or(Err(PublishError::Unavailable))?,
        }
        match timeout_at(until, result).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) | Err(_) => Ok(CommandResult::Queued { command: entry.id }),
        }
    }
}

/// The metric's label value for the end of a caller's wait.
fn outcome_of(result: &Result<CommandResult, PublishError>) -> AnswerOutcome {
    match result {
        Ok(CommandResult::Queued { .. }) => AnswerOutcome::Queued,
        Ok(_) => AnswerOutcome::Answered,
        Err(_) => AnswerOutcome::Failed,
    }
}

/// A caller's entry in the table of waiting callers. Dropping it removes the entry, however the wait ends.
struct CallerEntry {
    id: CommandId,
    callers: Arc<Callers>,
}

impl Drop for CallerEntry {
    fn drop(&mut self) {
        lock(&self.callers).remove(&self.id);
    }
}

fn envelope(id: CommandId, command: &Command, trace: Option<TraceContext>) -> Result<Envelope, CodecError> {
    Ok(Envelope { id: id.0, attempt: 0, body: codec::encode(command)?, trace })
}

fn lock(callers: &Callers) -> MutexGuard<'_, HashMap<CommandId, oneshot::Sender<CommandResult>>> {
    callers.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn read_replies(mut frames: mpsc::Receiver<Bytes>, callers: Arc<Callers>) {
    while let Some(payload) = frames.recv().await {
        match ReplyFrame::decode(&payload) {
            Ok(frame) => hand_out(frame, &callers),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a reply cannot be read"),
        }
    }
}

fn hand_out(frame: ReplyFrame, callers: &Callers) {
    let mut callers = lock(callers);
    for (id, result) in frame.results {
        if let Some(caller) = callers.remove(&id) {
            // A caller that gave up at this moment has answered "queued", and that is true.
            let _ = caller.send(result);
        }
    }
}

#[cfg(test)]
mod tests;
