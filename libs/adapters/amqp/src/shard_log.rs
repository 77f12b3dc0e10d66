//! The shard log on RabbitMQ: a stream, which keeps its messages when they are read.
//!
//! Readers begin at the first message that is kept. A stream gives more only for acknowledgements; they mean
//! nothing else there.

use crate::broker::AmqpBroker;
use crate::config::CALL_TIMEOUT;
use crate::declare::declare_shared;
use crate::link::ConnectionLink;
use crate::reject::{about_queue, late, unavailable};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_bus::port::{Broker as _, BrokerError, Outgoing};
use eventflow_bus::reshard::log::{Records, ShardLog};
use eventflow_bus::topology::{QueueKind, QueueSpec, SHARD_LOG};
use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer};
use tokio::time::timeout;

/// Records taken ahead. A stream needs a limit.
const PREFETCH: u16 = 500;

struct AmqpRecords {
    consumer: Consumer,
    channel: Channel,
    /// Taken and not acknowledged yet.
    taken: Option<u64>,
}

#[async_trait]
impl ShardLog for AmqpBroker {
    async fn read(&self) -> Result<Box<dyn Records>, BrokerError> {
        let link = self.consuming_link();
        make(link).await?;
        let channel = link.open().await?.channel;
        let reading = timeout(CALL_TIMEOUT, consume(&channel));
        let consumer = reading
            .await
            .map_err(|_| late("read the shard log"))?
            .map_err(|error| about_queue(SHARD_LOG, error))?;
        Ok(Box::new(AmqpRecords { consumer, channel, taken: None }))
    }

    async fn append(&self, record: Bytes) -> Result<(), BrokerError> {
        let mut publisher = self.publisher(None).await?;
        let sent = publisher.publish(vec![Outgoing::to_queue(SHARD_LOG, record)]).await;
        sent.into_iter().next().unwrap_or(Ok(()))
    }
}

/// Makes the log, where this user may. Elsewhere an operator has made it.
async fn make(link: &ConnectionLink) -> Result<(), BrokerError> {
    declare_shared(link, &QueueSpec { name: SHARD_LOG.to_owned(), kind: QueueKind::Log }).await
}

async fn consume(channel: &Channel) -> lapin::Result<Consumer> {
    channel.basic_qos(PREFETCH, BasicQosOptions { global: false }).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-stream-offset".into(), AMQPValue::LongString("first".into()));
    channel.basic_consume(SHARD_LOG.into(), "".into(), BasicConsumeOptions::default(), arguments).await
}

#[async_trait]
impl Records for AmqpRecords {
    async fn next(&mut self) -> Result<Bytes, BrokerError> {
        // What was taken by the call before is acknowledged by this one: a call that is dropped while it
        // waits has taken nothing. If its acknowledgement is lost with it, the next one counts for both.
        if let Some(tag) = self.taken.take() {
            self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await.map_err(unavailable)?;
        }
        let source = match self.consumer.next().await {
            Some(Ok(delivery)) => {
                self.taken = Some(delivery.delivery_tag);
                return Ok(Bytes::from(delivery.data));
            }
            Some(Err(error)) => Some(error.into()),
            None => None,
        };
        Err(BrokerError::Lost { queue: SHARD_LOG.to_owned(), source })
    }
}
