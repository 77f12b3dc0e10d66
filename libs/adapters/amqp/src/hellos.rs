//! Hellos: what workers tell each other, on a fan-out exchange with an exclusive queue for each listener.
//!
//! They are said on the publishing connection, since a broker alarm stops whatever publishes, and the
//! consuming connection has to go on acknowledging. Nothing is confirmed and nothing is kept.

use crate::config::CALL_TIMEOUT;
use crate::confirm::{PublishAddress, publish_one};
use crate::declare::{bounded, declare_exchange};
use crate::link::{ConnectionLink, OpenedChannel};
use crate::reject::{late, unavailable};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_bus::port::{BrokerError, Hellos};
use eventflow_bus::topology::WORKERS_EXCHANGE;
use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Consumer};
use std::time::Duration;
use tokio::time::timeout;

/// Longest time that saying hello may take. A hello that is late is worth nothing.
const SAY_TIMEOUT: Duration = Duration::from_secs(1);

/// See [`Hellos`].
pub(crate) struct AmqpHellos {
    publishing: ConnectionLink,
    open: Option<OpenedChannel>,
    consumer: Consumer,
    /// The channel of the consumer: the queue goes with it.
    _channel: Channel,
}

impl AmqpHellos {
    /// Makes a queue that lives as long as this value, and listens to it.
    pub(crate) async fn join(
        consuming: &ConnectionLink,
        publishing: &ConnectionLink,
    ) -> Result<Self, BrokerError> {
        let channel = declare_exchange(consuming, WORKERS_EXCHANGE).await?;
        let consumer = bounded(WORKERS_EXCHANGE, CALL_TIMEOUT, listen(&channel)).await?;
        Ok(Self { publishing: publishing.clone(), open: None, consumer, _channel: channel })
    }

    async fn try_say(&mut self, payload: &[u8]) -> Result<(), BrokerError> {
        let generation = self.publishing.writable()?.generation;
        self.open = self
            .open
            .take()
            .filter(|open| open.generation == generation && open.channel.status().connected());
        let opened = match self.open.take() {
            Some(opened) => opened,
            None => self.publishing.open().await?,
        };
        let to = PublishAddress { exchange: WORKERS_EXCHANGE, routing_key: "", mandatory: false };
        let channel = &self.open.insert(opened).channel;
        publish_one(channel, &to, payload, BasicProperties::default()).await.map_err(unavailable)?;
        Ok(())
    }
}

#[async_trait]
impl Hellos for AmqpHellos {
    async fn say(&mut self, payload: Bytes) -> Result<(), BrokerError> {
        timeout(SAY_TIMEOUT, self.try_say(&payload)).await.map_err(|_| late("say hello"))?
    }

    async fn hear(&mut self) -> Result<Bytes, BrokerError> {
        let source = match self.consumer.next().await {
            Some(Ok(delivery)) => return Ok(Bytes::from(delivery.data)),
            Some(Err(error)) => Some(error.into()),
            None => None,
        };
        Err(BrokerError::Lost { queue: WORKERS_EXCHANGE.to_owned(), source })
    }
}

async fn listen(channel: &Channel) -> lapin::Result<Consumer> {
    // An exclusive queue is allowed on 4.3 too, where other queues that do not last are not.
    let options =
        QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?;
    let name = queue.name().clone();
    let bind = QueueBindOptions::default();
    channel.queue_bind(name.clone(), WORKERS_EXCHANGE.into(), "".into(), bind, FieldTable::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    channel.basic_consume(name, "".into(), options, FieldTable::default()).await
}
