//! A confirmed publisher on a channel of its own.
//!
//! The publisher opens the channel when it first needs it, with the consumer for replies on it. It opens a
//! new one when the connection was replaced, when the broker closed the channel, or when a confirm did not
//! come: nobody waits any more for what is still in flight there.
//! Safe to repeat because every stage drops what it has seen before.

use crate::config::PAYLOAD_MAX_BYTES;
use crate::confirm::{self, Fate};
use crate::link::ConnectionLink;
use crate::observer::Observer;
use crate::reject::{is_not_found, late, unavailable};
use crate::replies::{self, ReplyConsumer};
use async_trait::async_trait;
use eventflow_bus::port::{BrokerError, Destination, Outgoing, Publish};
use lapin::Channel;
use lapin::options::ConfirmSelectOptions;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Pipeline: messages in flight on the channel. lapin looks through all of them on each confirm of several,
/// and more gain nothing.
const PIPELINE_MAX: usize = 512;
/// Alarm: how long the publisher still waits for confirms after the broker began to hold publishers back. The
/// broker confirms the messages that it had read before right away, the others only after the alarm.
const BLOCKED_GRACE: Duration = Duration::from_millis(250);

/// See [`eventflow_bus::port::Publish`].
pub(crate) struct AmqpPublisher {
    pub(crate) link: ConnectionLink,
    pub(crate) replies: Option<replies::Forward>,
    pub(crate) publish_timeout: Duration,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) next_id: u64,
    pub(crate) open: Option<PublishChannel>,
}

/// The channel in use, and the connection that it belongs to.
pub(crate) struct PublishChannel {
    channel: Channel,
    generation: u64,
    /// Ends with the channel.
    _replies: Option<ReplyConsumer>,
}

#[async_trait]
impl Publish for AmqpPublisher {
    async fn publish(&mut self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
        let deadline = Instant::now() + self.publish_timeout;
        let mut results = Vec::with_capacity(messages.len());
        for batch in messages.chunks(PIPELINE_MAX) {
            self.publish_batch(batch, deadline, &mut results).await;
        }
        results
    }
}

impl AmqpPublisher {
    async fn publish_batch(
        &mut self,
        batch: &[Outgoing],
        deadline: Instant,
        results: &mut Vec<Result<(), BrokerError>>,
    ) {
        if batch.iter().all(fits) {
            results.extend(self.send(batch, deadline).await);
            return;
        }
        let small: Vec<Outgoing> = batch.iter().filter(|message| fits(message)).cloned().collect();
        let mut sent = self.send(&small, deadline).await.into_iter();
        let mut result =
            |message| if fits(message) { sent.next() } else { Some(Err(confirm::refused(message))) };
        results.extend(batch.iter().filter_map(&mut result));
    }

    /// Publishes messages that fit. The channel is put back only if nothing is left in flight on it. So it is
    /// lost, as it should be, when this future is dropped.
    async fn send(&mut self, messages: &[Outgoing], deadline: Instant) -> Vec<Result<(), BrokerError>> {
        let open = match self.take_open(deadline).await {
            Ok(open) => open,
            Err(error) => return messages.iter().map(|_| Err(same(&error))).collect(),
        };
        let first_id = self.next_id;
        self.next_id += messages.len() as u64;
        let fates = confirm::publish(&open.channel, messages, first_id, self.patience(deadline)).await;
        let settled = !fates.iter().any(|fate| matches!(fate, Fate::Unknown | Fate::Failed(_)));
        if settled && open.channel.status().connected() {
            self.open = Some(open);
        }
        messages.iter().zip(fates).map(|(message, fate)| self.judge(message, fate)).collect()
    }

    /// Resolves when the publisher should stop waiting for confirms.
    async fn patience(&self, deadline: Instant) {
        tokio::select! {
            () = sleep_until(deadline) => {}
            () = async { self.link.until_blocked().await; sleep(BLOCKED_GRACE).await } => {}
        }
    }

    fn judge(&self, message: &Outgoing, fate: Fate) -> Result<(), BrokerError> {
        match fate {
            Fate::Confirmed => Ok(()),
            Fate::Returned => {
                self.observer.returned();
                Err(BrokerError::Unroutable(confirm::name(&message.to)))
            }
            Fate::Refused => Err(confirm::refused(message)),
            Fate::Failed(error) if is_not_found(&error) && !matches!(message.to, Destination::Queue(_)) => {
                Err(BrokerError::Unroutable(confirm::name(&message.to)))
            }
            Fate::Failed(error) => Err(unavailable(error)),
            Fate::Unknown => Err(BrokerError::Blocked),
        }
    }

    /// Takes the channel on the current connection, and opens one if there is none.
    async fn take_open(&mut self, deadline: Instant) -> Result<PublishChannel, BrokerError> {
        let live = self.link.writable()?;
        if let Some(open) = self
            .open
            .take()
            .filter(|open| open.generation == live.generation && open.channel.status().connected())
        {
            return Ok(open);
        }
        let opening = async {
            tokio::select! {
                biased;
                opened = self.open_channel() => opened,
                () = self.link.until_blocked() => Err(BrokerError::Blocked),
            }
        };
        timeout_at(deadline, opening).await.map_err(|_| late("open a channel"))?
    }

    async fn open_channel(&self) -> Result<PublishChannel, BrokerError> {
        let opened = self.link.open().await?;
        opened.channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(unavailable)?;
        let replies = match &self.replies {
            Some(forward) => Some(forward.start(&opened.channel).await?),
            None => None,
        };
        Ok(PublishChannel { channel: opened.channel, generation: opened.generation, _replies: replies })
    }
}

fn fits(message: &Outgoing) -> bool {
    message.payload.len() <= PAYLOAD_MAX_BYTES
}

/// The same answer for each message of a batch.
fn same(error: &BrokerError) -> BrokerError {
    match error {
        BrokerError::Blocked => BrokerError::Blocked,
        BrokerError::Unavailable(source) => unavailable(source.to_string()),
        other => unavailable(other.to_string()),
    }
}
