//! Replies to a publisher, by RabbitMQ's direct reply-to.
//!
//! The consumer must be on the channel that publishes the requests, and takes replies without acknowledging
//! them. It hands them on without waiting: it drops replies that the receiver does not take in time, since
//! whoever asked has a timeout anyway.

use crate::headers::REPLY_QUEUE;
use crate::observer::Observer;
use crate::reject::unavailable;
use bytes::Bytes;
use eventflow_bus::port::BrokerError;
use futures_util::StreamExt;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Where replies go, and how.
pub(crate) struct Forward {
    pub(crate) to: mpsc::Sender<Bytes>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) tasks: TaskTracker,
}

/// A consumer of replies. It hands replies on until it is dropped.
pub(crate) struct ReplyConsumer {
    _stop: DropGuard,
}

impl Forward {
    /// Starts handing on what arrives on `channel`.
    pub(crate) async fn start(&self, channel: &Channel) -> Result<ReplyConsumer, BrokerError> {
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consuming = channel.basic_consume(REPLY_QUEUE.into(), "".into(), options, FieldTable::default());
        let consumer = consuming.await.map_err(unavailable)?;
        let stop = CancellationToken::new();
        let task = hand_on(consumer, self.to.clone(), Arc::clone(&self.observer));
        let stopped = stop.clone();
        self.tasks.spawn(async move { stopped.run_until_cancelled(task).await });
        Ok(ReplyConsumer { _stop: stop.drop_guard() })
    }
}

async fn hand_on(mut consumer: Consumer, to: mpsc::Sender<Bytes>, observer: Arc<dyn Observer>) {
    while let Some(Ok(delivery)) = consumer.next().await {
        if to.try_send(Bytes::from(delivery.data)).is_err() {
            observer.reply_dropped();
        }
    }
}
