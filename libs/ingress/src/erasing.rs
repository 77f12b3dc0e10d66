//! Erasures that are due: found in the store, and driven on by commands to the queues of what their steps are
//! about, by the same lanes as all commands.
//!
//! Every gateway looks, and sends the next step of each. Nothing is claimed: safe to repeat because a step
//! counts only on the revision that it was made for, so of several gateways that ask for it one is first, and
//! whoever dies is followed by the others.

use eventflow_bus::publish::PublishError;
use eventflow_bus::request::Requests;
use eventflow_ports::{Clock, Erasures, Failing, StoreError, ticks};
use eventflow_protocol::command::Command;
use eventflow_protocol::erasure::Erasure;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, UserId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often a gateway looks for erasures that are due. A look costs one question to an index.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Erasures that are driven on at the same time.
const AT_ONCE: u32 = 4;
/// Steps of one erasure before the others have their turn.
const STEPS: u32 = 20;
/// How long a step is left alone that got no answer: its command is in its queue, and is carried out when the
/// stage gets to it. Another gateway's step is seen at once.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// Why erasures were not driven on. They are at the next look.
#[derive(Debug, thiserror::Error)]
pub enum ErasingError {
    /// The store did not say what is due.
    #[error("look for erasures")]
    Store(#[from] StoreError),
    /// The broker did not take the commands.
    #[error("drive erasures on")]
    Publish(#[from] PublishError),
}

/// Drives erasures on. Each gateway process has one.
pub struct Erasing {
    erasures: Arc<dyn Erasures>,
    requests: Requests,
    clock: Arc<dyn Clock>,
    /// Steps without an answer, by the revision that they are for.
    left_alone: HashMap<UserId, (u64, Instant)>,
}

impl Erasing {
    /// Over a process's lanes.
    pub fn new(erasures: Arc<dyn Erasures>, requests: Requests, clock: Arc<dyn Clock>) -> Self {
        Self { erasures, requests, clock, left_alone: HashMap::new() }
    }

    /// Drives on what is due until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut looks = ticks(LOOK_EVERY);
        let mut failing = Failing::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = looks.tick() => {}
            }
            let made = self.make_some().await;
            failing.note(&made, |error| tracing::warn!(error, "erasures wait"));
            if matches!(made, Ok(true)) {
                looks.reset_immediately();
            }
        }
    }

    /// Makes some steps of what is due now. Returns whether there may be more to do at once.
    pub async fn make_some(&mut self) -> Result<bool, ErasingError> {
        let moment = Instant::now();
        self.left_alone.retain(|_, (_, until)| *until > moment);
        let mut has_more = false;
        for erasure in self.erasures.due_erasures(self.clock.now(), AT_ONCE).await? {
            let is_left =
                self.left_alone.get(&erasure.user_id).is_some_and(|(step, _)| *step == erasure.revision);
            if !is_left {
                has_more |= self.steps(erasure).await?;
            }
        }
        Ok(has_more)
    }

    /// Makes some steps of one erasure. Returns whether its next step is due.
    async fn steps(&mut self, mut erasure: Erasure) -> Result<bool, PublishError> {
        for _ in 0..STEPS {
            let now = self.clock.now();
            if erasure.due_at.is_none_or(|due| due > now) {
                return Ok(false);
            }
            let command = Command::EraseStep(erasure.next_step(now));
            match self.requests.send(CommandId::new(), &command).await?.result().await? {
                CommandResult::Erasure { erasure: next, .. } if next.revision > erasure.revision => {
                    erasure = *next;
                }
                // Its command waits in its queue, is tried again later, or is parked.
                _ => {
                    let until = Instant::now() + LEFT_ALONE;
                    self.left_alone.insert(erasure.user_id.clone(), (erasure.revision, until));
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
