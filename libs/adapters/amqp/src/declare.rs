//! Makes queues, exchanges and bindings exist, and asks about them.
//!
//! Safe to repeat because declaring what exists changes nothing. Declarations run on the consuming
//! connection, so that they work while the broker holds publishers back.

use crate::arguments::{Argument, arguments, fanout_exchange};
use crate::config::{CALL_TIMEOUT, DECLARE_TIMEOUT};
use crate::link::ConnectionLink;
use crate::reject::{about_queue, late};
use eventflow_bus::port::{BrokerError, Depth};
use eventflow_bus::topology::{GATEWAYS_EXCHANGE, QueueSpec};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use std::time::Duration;
use tokio::time::timeout;

/// Declares all of `queues` with the exchanges that they are bound to.
pub(crate) async fn declare(link: &ConnectionLink, queues: &[QueueSpec]) -> Result<(), BrokerError> {
    let channel = link.open().await?.channel;
    bounded(GATEWAYS_EXCHANGE, DECLARE_TIMEOUT, declare_exchange(&channel, GATEWAYS_EXCHANGE)).await?;
    for queue in queues {
        bounded(&queue.name, DECLARE_TIMEOUT, declare_queue(&channel, queue)).await?;
    }
    Ok(())
}

/// Deletes a queue. A queue that does not exist is no error.
pub(crate) async fn delete(link: &ConnectionLink, queue: &str) -> Result<(), BrokerError> {
    let channel = link.open().await?.channel;
    let deleting = channel.queue_delete(queue.into(), QueueDeleteOptions::default());
    match bounded(queue, CALL_TIMEOUT, deleting).await {
        Ok(_) | Err(BrokerError::Unroutable(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Counts a queue's messages and consumers.
pub(crate) async fn depth(link: &ConnectionLink, queue: &str) -> Result<Depth, BrokerError> {
    let channel = link.open().await?.channel;
    let found = bounded(queue, CALL_TIMEOUT, look(&channel, queue)).await?;
    // AMQP has no question about the age of a message.
    Ok(Depth { ready: found.message_count().into(), consumers: found.consumer_count().into(), oldest: None })
}

/// Asks for a queue without creating it.
pub(crate) async fn look(channel: &Channel, queue: &str) -> lapin::Result<lapin::Queue> {
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable().passive(), FieldTable::default()).await
}

pub(crate) async fn declare_queue(channel: &Channel, queue: &QueueSpec) -> lapin::Result<()> {
    let name = queue.name.as_str();
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), field_table(queue)).await?;
    if let Some(exchange) = fanout_exchange(queue) {
        declare_exchange(channel, exchange).await?;
        let options = QueueBindOptions::default();
        channel.queue_bind(name.into(), exchange.into(), "".into(), options, FieldTable::default()).await?;
    }
    Ok(())
}

pub(crate) async fn declare_exchange(channel: &Channel, name: &str) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(name.into(), ExchangeKind::Fanout, options, FieldTable::default()).await
}

fn field_table(queue: &QueueSpec) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, argument) in arguments(queue) {
        let value = match argument {
            Argument::Text(text) => AMQPValue::LongString(text.into()),
            Argument::Number(number) => AMQPValue::LongLongInt(number),
            Argument::Flag(flag) => AMQPValue::Boolean(flag),
        };
        table.insert(name.into(), value);
    }
    table
}

pub(crate) async fn bounded<T>(
    queue: &str,
    limit: Duration,
    question: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    timeout(limit, question)
        .await
        .map_err(|_| late("ask about a queue"))?
        .map_err(|error| about_queue(queue, error))
}
