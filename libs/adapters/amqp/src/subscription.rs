//! A subscription: one consumer on a channel of its own.
//!
//! Deliveries, tags and acknowledgements belong to that channel, so a late acknowledgement can never reach
//! another connection. The subscription is lost with its channel, when the broker cancels it (the queue was
//! deleted), or when [`crate::liveness`] finds it gone; the broker then delivers the unacknowledged messages
//! again. Dropping it closes the channel, which has the same effect.

use crate::config::CALL_TIMEOUT;
use crate::headers::incoming;
use crate::link::ConnectionLink;
use crate::liveness::{self, QueueLook};
use crate::reject::{about_queue, late};
use crate::starvation::Starvation;
use crate::unsettled::Unsettled;
use async_trait::async_trait;
use eventflow_bus::port::{BrokerError, DeliveryTag, Incoming, Subscription};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
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
    prefetch: usize,
    starvation: Starvation,
    /// The queue at the broker, as [`crate::liveness`] last saw it.
    looks: watch::Receiver<QueueLook>,
    gone: oneshot::Receiver<String>,
    /// Why the subscription is over, once it is.
    over: Option<String>,
    tasks: TaskTracker,
    _stop: DropGuard,
}

/// What subscriptions are made from.
pub(crate) struct Consuming {
    pub(crate) link: ConnectionLink,
    pub(crate) tasks: TaskTracker,
    /// Ends every subscription.
    pub(crate) stop: CancellationToken,
}

/// Starts consuming.
pub(crate) async fn subscribe(
    on: &Consuming,
    queue: &str,
    prefetch: u16,
) -> Result<AmqpSubscription, BrokerError> {
    let channel = on.link.open().await?.channel;
    let consuming = timeout(CALL_TIMEOUT, consume(&channel, queue, prefetch));
    let consumer =
        consuming.await.map_err(|_| late("consume"))?.map_err(|error| about_queue(queue, error))?;
    let stop = on.stop.child_token();
    let (tell, gone) = oneshot::channel();
    let (seen, looks) = watch::channel(QueueLook::default());
    let stopped = stop.clone();
    let asking = liveness::until_lost(channel.clone(), queue.to_owned(), seen);
    on.tasks.spawn(async move {
        if let Some(reason) = stopped.run_until_cancelled(asking).await {
            // The receiver is gone if the subscription ends at the same moment.
            let _ = tell.send(reason);
        }
    });
    Ok(AmqpSubscription {
        queue: queue.to_owned(),
        channel,
        consumer,
        unsettled: Unsettled::default(),
        prefetch: prefetch.into(),
        starvation: Starvation::default(),
        looks,
        gone,
        over: None,
        tasks: on.tasks.clone(),
        _stop: stop.drop_guard(),
    })
}

async fn consume(channel: &Channel, queue: &str, prefetch: u16) -> lapin::Result<Consumer> {
    channel.basic_qos(prefetch, BasicQosOptions { global: false }).await?;
    channel
        .basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
}

#[async_trait]
impl Subscription for AmqpSubscription {
    async fn next(&mut self) -> Result<Incoming, BrokerError> {
        while self.over.is_none() {
            tokio::select! {
                biased;
                delivery = self.consumer.next() => if let Some(incoming) = self.take(delivery) { return Ok(incoming) },
                Ok(()) = self.looks.changed() => self.look(),
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

    async fn ack(&mut self, tags: &[DeliveryTag]) -> Result<(), BrokerError> {
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

    /// Closes the channel, without cancelling the consumer first. To cancel and then give the deliveries back
    /// breaks the order (tried on 3.10): the next consumer of a shard becomes active with the cancel, before
    /// they are back, and deliveries that cross the cancel return ahead of older ones. With the channel, the
    /// queue takes everything back in one step, in order.
    async fn cancel(self: Box<Self>) -> Result<(), BrokerError> {
        let source = match timeout(CALL_TIMEOUT, self.channel.close(REPLY_SUCCESS, "done".into())).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(_) => "close the channel: no answer in time".into(),
        };
        Err(BrokerError::Lost { queue: self.queue.clone(), source: Some(source) })
    }
}

/// Returns the unacknowledged deliveries by closing the channel, in the background. Dropped by themselves,
/// lapin's parts would cancel the consumer before they close the channel, which breaks the order as described
/// at `cancel`.
impl Drop for AmqpSubscription {
    fn drop(&mut self) {
        let (channel, consumer) = (self.channel.clone(), self.consumer.clone());
        if let (true, Ok(runtime)) = (channel.status().connected(), Handle::try_current()) {
            let closing = async move {
                // If closing fails, the connection is gone and the broker knows. Nobody waits for the
                // outcome.
                let _ = timeout(CALL_TIMEOUT, channel.close(REPLY_SUCCESS, "dropped".into())).await;
                drop(consumer);
            };
            self.tasks.spawn_on(closing, &runtime);
        }
    }
}

impl AmqpSubscription {
    fn take(&mut self, delivery: Option<lapin::Result<Delivery>>) -> Option<Incoming> {
        match delivery {
            Some(Ok(delivery)) => {
                let incoming = incoming(delivery);
                self.unsettled.delivered(incoming.tag);
                self.starvation.delivered();
                return Some(incoming);
            }
            Some(Err(error)) => self.over = Some(error.to_string()),
            None => self.over = Some("the broker cancelled the consumer".to_owned()),
        }
        None
    }

    fn look(&mut self) {
        let look = *self.looks.borrow_and_update();
        // A prefetch of 0 means no limit.
        let has_room = self.prefetch == 0 || self.unsettled.len() < self.prefetch;
        if self.starvation.check(look, has_room) {
            self.over = Some("messages are ready and none is delivered".to_owned());
        }
    }

    fn lost(&self) -> BrokerError {
        BrokerError::Lost { queue: self.queue.clone(), source: self.over.clone().map(Into::into) }
    }
}
