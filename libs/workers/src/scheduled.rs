//! Scheduled messages: sending what is due.
//!
//! In comes the passing of time; out go commands to the persistence stage, which stores the message as any
//! other and ends the scheduled one. It runs beside that stage. Safe to repeat because the command's id
//! follows from the scheduled message, so a message that is sent again is found; until it has ended it is
//! taken again, each time later.

use crate::chore::{Failing, delete_old};
use eventflow_bus::port::{Broker, BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::topology::{PERSIST, Topology};
use eventflow_ports::{Clock, Scheduled, StoreError, ticks};
use eventflow_protocol::codec::{self, CodecError};
use eventflow_protocol::command::Command;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::scheduled::{ENDED_KEPT, ScheduledMessage};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the worker looks for messages that are due. A look costs one question to an index.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often ended messages that are old are deleted.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// Why messages were not sent. They are taken again later.
#[derive(Debug, thiserror::Error)]
pub enum ScheduledError {
    /// The store did not do its part.
    #[error("claim scheduled messages")]
    Store(#[from] StoreError),
    /// The broker did not take the commands.
    #[error("publish scheduled messages")]
    Broker(#[from] BrokerError),
    /// A command cannot be encoded.
    #[error("encode a scheduled message")]
    Codec(#[from] CodecError),
}

/// What the worker of scheduled messages needs.
#[derive(Clone)]
pub struct ScheduledParts {
    /// Keeps scheduled messages.
    pub scheduled: Arc<dyn Scheduled>,
    /// Carries commands to the persistence stage.
    pub broker: Arc<dyn Broker>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// The shards of the persistence stage.
    pub topology: Topology,
}

/// The worker of scheduled messages. Any number may run.
pub struct ScheduledWorker {
    parts: ScheduledParts,
    commands: Box<dyn Publish>,
}

impl ScheduledWorker {
    /// Opens the worker.
    pub async fn open(parts: ScheduledParts) -> Result<Self, BrokerError> {
        let commands = parts.broker.publisher(None).await?;
        Ok(Self { parts, commands })
    }

    /// Sends what is due until `shutdown`, and deletes what ended long ago.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let (mut looks, mut cleanings) = (ticks(LOOK_EVERY), ticks(FORGET_EVERY));
        let mut failing = Failing::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = cleanings.tick() => self.forget().await,
                _ = looks.tick() => {
                    let result = self.send_some().await;
                    failing.note(&result, |error| tracing::warn!(error, "scheduled messages wait"));
                    if matches!(result, Ok(true)) {
                        looks.reset_immediately();
                    }
                }
            }
        }
    }

    /// Sends some of what is due now. Returns whether there was anything.
    pub async fn send_some(&mut self) -> Result<bool, ScheduledError> {
        let due = self.parts.scheduled.claim_scheduled(self.parts.clock.now()).await?;
        let mut by_shard: BTreeMap<u16, Vec<Envelope>> = BTreeMap::new();
        for kept in &due {
            let (shard, envelope) = self.envelope(kept)?;
            by_shard.entry(shard).or_default().push(envelope);
        }
        let messages: Vec<Outgoing> = by_shard
            .into_iter()
            .flat_map(|(shard, envelopes)| {
                let to = Destination::Queue(PERSIST.shard(shard).name().to_owned());
                Outgoing::of_envelopes(&to, envelopes)
            })
            .collect();
        if messages.is_empty() {
            return Ok(false);
        }
        self.commands.publish(messages).await.into_iter().collect::<Result<(), BrokerError>>()?;
        for kept in &due {
            tracing::debug!(scheduled = %kept.id, thread = %kept.message.thread_id, "a scheduled message is sent");
        }
        Ok(true)
    }

    fn envelope(&self, kept: &ScheduledMessage) -> Result<(u16, Envelope), CodecError> {
        let command = Command::SendMessage(kept.to_send());
        let shard = self.parts.topology.shard_of(&command.subject());
        let body = codec::encode(&command)?;
        Ok((shard, Envelope { id: kept.command_id().0, attempt: 0, body, trace: None }))
    }

    async fn forget(&self) {
        let before = self.parts.clock.now().minus(ENDED_KEPT);
        delete_old("old scheduled messages", || self.parts.scheduled.forget_scheduled(before)).await;
    }
}
