//! Scheduled messages whose time has come: found in the store, and sent as commands to the queue of their
//! thread, by the same lanes as all commands.
//!
//! Every gateway looks, and sends what is due in order: what is due first, then what was scheduled first. So
//! of two messages of a thread the first one is in the queue before the other, whichever gateways send them
//! and whatever dies. Nothing is claimed, so nothing waits for a claim or a clock: safe to repeat because the
//! stage that stores a message does it once, however many commands ask for it.

use eventflow_bus::publish::PublishError;
use eventflow_bus::request::Requests;
use eventflow_ports::{Clock, DueMessage, Failing, Scheduled, StoreError, ticks};
use eventflow_protocol::command::Command;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::{ScheduledState, SendScheduled};
use eventflow_protocol::{CommandId, ScheduledId, Timestamp};
use futures_util::future::join_all;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often a gateway looks for what is due. A look costs one question to an index.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Messages that are on their way at the same time. The next ones follow when these have their answers, so a
/// backlog of any size puts no more than this before what people send now.
const SENT_AT_ONCE: usize = 100;
/// How long a message is left alone that got no answer: its command is in its queue, and is carried out when
/// the stage gets to it. Each further time without an answer doubles this.
const LEFT_ALONE: Duration = Duration::from_mins(1);
/// The longest time that a message is left alone. A command that kills its worker becomes a dead letter each
/// time: some twenty a day from each gateway do not bury the others.
const LEFT_ALONE_LONGEST: Duration = Duration::from_hours(1);
/// Most messages that are left alone. With more of them something is broken that an alert tells of.
const LEFT_ALONE_MAX: usize = 10_000;

/// Why messages that are due were not sent. They are sent at the next look.
#[derive(Debug, thiserror::Error)]
pub enum DueError {
    /// The store did not say what is due.
    #[error("look for scheduled messages")]
    Store(#[from] StoreError),
    /// The broker did not take the commands.
    #[error("send scheduled messages")]
    Publish(#[from] PublishError),
}

/// Sends what is due. Each gateway process has one.
pub struct DueMessages {
    scheduled: Arc<dyn Scheduled>,
    requests: Requests,
    clock: Arc<dyn Clock>,
    left_alone: HashMap<ScheduledId, LeftAlone>,
}

/// A message whose command got no answer.
#[derive(Clone, Copy)]
struct LeftAlone {
    until: Instant,
    pause: Duration,
}

impl LeftAlone {
    /// For the time behind `before`, or for the first time.
    fn after(before: Option<&Self>, now: Instant) -> Self {
        let pause = before.map_or(LEFT_ALONE, |before| (before.pause * 2).min(LEFT_ALONE_LONGEST));
        Self { until: now + pause, pause }
    }

    fn is_waiting(&self, now: Instant) -> bool {
        self.until > now
    }

    /// Whether its message has ended elsewhere, since nobody has sent it again for as long as it was left
    /// alone.
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.until) > self.pause
    }
}

impl DueMessages {
    /// Over a process's lanes.
    pub fn new(scheduled: Arc<dyn Scheduled>, requests: Requests, clock: Arc<dyn Clock>) -> Self {
        Self { scheduled, requests, clock, left_alone: HashMap::new() }
    }

    /// Sends what is due until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut looks = ticks(LOOK_EVERY);
        let mut failing = Failing::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = looks.tick() => {}
            }
            let sent = self.send_some().await;
            failing.note(&sent, |error| tracing::warn!(error, "scheduled messages wait"));
            if matches!(sent, Ok(true)) {
                looks.reset_immediately();
            }
        }
    }

    /// Sends some of what is due now, and waits for the answers. Returns whether there may be more.
    pub async fn send_some(&mut self) -> Result<bool, DueError> {
        let now = self.clock.now();
        let due = self.next(now).await?;
        let is_full = due.len() == SENT_AT_ONCE;
        let mut sent = Vec::with_capacity(due.len());
        let mut refused = None;
        for DueMessage { id, thread_id } in due {
            let command = Command::SendScheduled(SendScheduled { id, thread_id, at: now });
            // One after the other, so that each has its place behind those before it.
            match self.requests.send(CommandId::new(), &command).await {
                Ok(pending) => sent.push(async move { (id, pending.result().await) }),
                // What follows must not come first.
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        for (id, result) in join_all(sent).await {
            match result {
                Ok(result) => self.note(id, &result),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) => Err(error.into()),
            None => Ok(is_full),
        }
    }

    /// What is due and not left alone.
    async fn next(&mut self, now: Timestamp) -> Result<Vec<DueMessage>, StoreError> {
        let moment = Instant::now();
        self.left_alone.retain(|_, left| !left.is_over(moment));
        let is_waiting =
            |id: &ScheduledId| self.left_alone.get(id).is_some_and(|left| left.is_waiting(moment));
        let limit = u32::try_from(SENT_AT_ONCE + self.left_alone.len()).unwrap_or(u32::MAX);
        let mut due = self.scheduled.due_scheduled(now, limit).await?;
        due.retain(|due| !is_waiting(&due.id));
        due.truncate(SENT_AT_ONCE);
        Ok(due)
    }

    fn note(&mut self, id: ScheduledId, result: &CommandResult) {
        if let CommandResult::Scheduled { scheduled, .. } = result
            && scheduled.state != ScheduledState::Sending
        {
            tracing::debug!(scheduled = %id, state = scheduled.state.name(), "a scheduled message was due");
            self.left_alone.remove(&id);
            return;
        }
        // Its command waits in its queue, that of another gateway is being carried out, or one is parked.
        let before = self.left_alone.get(&id);
        if before.is_some() || self.left_alone.len() < LEFT_ALONE_MAX {
            self.left_alone.insert(id, LeftAlone::after(before, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests;
