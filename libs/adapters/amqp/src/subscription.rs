//! A subscription: one consumer on a channel of its own.
//!
//! Deliveries, tags and acknowledgements belong to that channel, so a late acknowledgement can never reach another connection.
//! The subscription is lost with its channel, when the broker cancels it (the queue was deleted), or when
//! [`crate::liveness`] finds it gone; the broker then delivers again what was open. Dropping it closes the channel, which has
//! the same effect.

use crate::config::CALL_TIMEOUT;
use crate::headers::incoming;
use crate::link::Link;
use crate::liveness;
use crate::reject::{about_queue, late};
use crate::unsettled::Unsettled;
use async_trait::async_trait;
use eventflow_bus::port::{BrokerError, Incoming, Subscription, Tag};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// AMQP's reply code of an orderly close.
const REPLY_SUCCESS: u16 = 200;

/// See [`eventflow_bus::port::Subscription`].
pub(crate) struct AmqpSubscription {
    queue: String,
    channel: Channel,
    consumer: Consumer,
    unsettled: Unsettled,
    gone: oneshot::Receiver<String>,
    /// Why it is over, once it is.
    over: Option<String>,
    _stop: DropGuard,
}

/// Starts consuming.
pub(crate) async fn subscribe(link: &Link, tasks: &TaskTracker, queue: &str, prefetch: u16) -> Result<AmqpSubscription, BrokerError> {
    let channel = link.open().await?.channel;
    let consuming = timeout(CALL_TIMEOUT, consume(&channel, queue, prefetch));
    let consumer = consuming.await.map_err(|_| late("consume"))?.map_err(|error| about_queue(queue, error))?;
    let stop = CancellationToken::new();
    let (tell, gone) = oneshot::channel();
    let (stopped, asking) = (stop.clone(), liveness::until_lost(channel.clone(), queue.to_owned()));
    tasks.spawn(async move {
        if let Some(reason) = stopped.run_until_cancelled(asking).await {
            // The subscription may be gone in the same moment; then nobody needs to know.
            let _ = tell.send(reason);
        }
    });
    let (queue, unsettled, stop) = (queue.to_owned(), Unsettled::default(), stop.drop_guard());
    Ok(AmqpSubscription { queue, channel, consumer, unsettled, gone, over: None, _stop: stop })
}

async fn consume(channel: &Channel, queue: &str, prefetch: u16) -> lapin::Result<Consumer> {
    channel.basic_qos(prefetch, BasicQosOptions { global: false }).await?;
    channel.basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await
}

#[async_trait]
impl Subscription for AmqpSubscription {
    async fn next(&mut self) -> Result<Incoming, BrokerError> {
        while self.over.is_none() {
            tokio::select! {
                biased;
                delivery = self.consumer.next() => if let Some(incoming) = self.take(delivery) { return Ok(incoming) },
                reason = &mut self.gone => self.over = Some(reason.unwrap_or_else(|_| "the broker is being closed".to_owned())),
            }
        }
        Err(self.lost())
    }

    fn try_next(&mut self) -> Option<Incoming> {
        if self.over.is_some() {
            return None;
        }
        let delivery = self.consumer.next().now_or_never()?;
        self.take(delivery)
    }

    async fn ack(&mut self, tags: &[Tag]) -> Result<(), BrokerError> {
        for ack in self.unsettled.settle(tags) {
            let acking = self.channel.basic_ack(ack.tag, BasicAckOptions { multiple: ack.multiple });
            let reason = match timeout(CALL_TIMEOUT, acking).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "acknowledge: the connection takes nothing".to_owned(),
            };
            self.over.get_or_insert(reason);
            return Err(self.lost());
        }
        Ok(())
    }

    /// Closes the channel, nothing before that. Cancelling the consumer first and then giving the deliveries back breaks the order
    /// (tried on 3.10): the next consumer of a shard becomes active with the cancel, before they are back, and deliveries that
    /// cross the cancel return ahead of older ones. With the channel, the queue takes back everything in one step, in order.
    async fn cancel(self: Box<Self>) -> Result<(), BrokerError> {
        let source = match timeout(CALL_TIMEOUT, self.channel.close(REPLY_SUCCESS, "done".into())).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(_) => "close the channel: no answer in time".into(),
        };
        Err(BrokerError::Lost { queue: self.queue.clone(), source: Some(source) })
    }
}

impl AmqpSubscription {
    fn take(&mut self, delivery: Option<lapin::Result<Delivery>>) -> Option<Incoming> {
        match delivery {
            Some(Ok(delivery)) => {
                let incoming = incoming(delivery);
                self.unsettled.delivered(incoming.tag);
                return Some(incoming);
            }
            Some(Err(error)) => self.over = Some(error.to_string()),
            None => self.over = Some("the broker cancelled the consumer".to_owned()),
        }
        None
    }

    fn lost(&self) -> BrokerError {
        BrokerError::Lost { queue: self.queue.clone(), source: self.over.clone().map(Into::into) }
    }
}
