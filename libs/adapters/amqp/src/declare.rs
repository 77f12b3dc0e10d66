//! Makes queues, exchanges and bindings exist, and asks about them.
//!
//! Safe to repeat because declaring what exists changes nothing. Declarations run on the consuming
//! connection, so that they work while the broker holds publishers back.
//!
//! A user of the broker may lack the right to configure something, as the users of
//! `rabbitmq/permissions.json` do. Then it is an operator's business (`eventflow topology apply`). It is not
//! asked for either: RabbitMQ 4.3 answers that only to users who have some right to it. Whoever consumes or
//! publishes learns what is missing.

use crate::arguments::{Argument, EXCHANGES_OF_PROCESSES, arguments, fanout_exchange};
use crate::config::{CALL_TIMEOUT, DECLARE_TIMEOUT};
use crate::link::ConnectionLink;
use crate::reject::{about_queue, is_refused, late};
use eventflow_bus::port::{BrokerError, Depth};
use eventflow_bus::topology::QueueSpec;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use std::time::Duration;
use tokio::time::timeout;

/// Declares `queues` with the exchanges that they are bound to, and the exchanges of all processes.
pub(crate) async fn declare(link: &ConnectionLink, queues: &[QueueSpec]) -> Result<(), BrokerError> {
    let mut declarer = Declarer::open(link).await?;
    for exchange in EXCHANGES_OF_PROCESSES {
        if !declarer.exchange(exchange).await? {
            return Ok(());
        }
    }
    for queue in queues {
        if !declarer.queue(queue).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Declares a queue that an operator makes where this user may not.
pub(crate) async fn declare_shared(link: &ConnectionLink, queue: &QueueSpec) -> Result<(), BrokerError> {
    Declarer::open(link).await?.queue(queue).await.map(drop)
}

/// Declares a queue of this process alone. The exchange that it is bound to may be an operator's business.
pub(crate) async fn declare_own(link: &ConnectionLink, queue: &QueueSpec) -> Result<(), BrokerError> {
    if Declarer::open(link).await?.queue(queue).await? {
        return Ok(());
    }
    let refused = "the user may not make this process's own queue";
    Err(BrokerError::Mismatch { queue: queue.name.clone(), source: refused.into() })
}

/// Declares an exchange; returns a channel that is still open.
pub(crate) async fn declare_exchange(link: &ConnectionLink, name: &str) -> Result<Channel, BrokerError> {
    let mut declarer = Declarer::open(link).await?;
    declarer.exchange(name).await?;
    Ok(declarer.channel)
}

/// Declares one thing after the other. The broker closes the channel over each refusal, so nothing more is
/// asked after one than has to be.
struct Declarer<'a> {
    link: &'a ConnectionLink,
    channel: Channel,
}

impl<'a> Declarer<'a> {
    async fn open(link: &'a ConnectionLink) -> Result<Self, BrokerError> {
        Ok(Self { link, channel: link.open().await?.channel })
    }

    /// `false` if the user may not.
    async fn exchange(&mut self, name: &str) -> Result<bool, BrokerError> {
        let making = make_exchange(&self.channel, name);
        self.unless_refused(permitted(name, making).await?).await
    }

    /// `false` if the user may not.
    async fn queue(&mut self, queue: &QueueSpec) -> Result<bool, BrokerError> {
        let name = queue.name.as_str();
        let making = make_queue(&self.channel, queue);
        if !self.unless_refused(permitted(name, making).await?).await? {
            return Ok(false);
        }
        let Some(exchange) = fanout_exchange(queue) else { return Ok(true) };
        self.exchange(exchange).await?;
        let options = QueueBindOptions::default();
        let binding =
            self.channel.queue_bind(name.into(), exchange.into(), "".into(), options, FieldTable::default());
        bounded(name, DECLARE_TIMEOUT, binding).await?;
        Ok(true)
    }

    async fn unless_refused<T>(&mut self, made: Option<T>) -> Result<bool, BrokerError> {
        if made.is_none() {
            self.channel = self.link.open().await?.channel;
        }
        Ok(made.is_some())
    }
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

pub(crate) async fn make_queue(channel: &Channel, queue: &QueueSpec) -> lapin::Result<lapin::Queue> {
    channel
        .queue_declare(queue.name.as_str().into(), QueueDeclareOptions::durable(), field_table(queue))
        .await
}

pub(crate) async fn make_exchange(channel: &Channel, name: &str) -> lapin::Result<()> {
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

/// The answer to a declaration; `None` if the broker's user may not make it.
async fn permitted<T>(
    name: &str,
    declaration: impl Future<Output = lapin::Result<T>>,
) -> Result<Option<T>, BrokerError> {
    match timeout(DECLARE_TIMEOUT, declaration).await.map_err(|_| late("declare"))? {
        Err(error) if is_refused(&error) => Ok(None),
        answer => answer.map(Some).map_err(|error| about_queue(name, error)),
    }
}
