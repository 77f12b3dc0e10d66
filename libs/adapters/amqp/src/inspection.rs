//! Inspection: what an operator asks a RabbitMQ once, on a connection of its own: which version it is,
//! whether this user may do what the system does, and whether every queue is as it must be.
//!
//! It leaves the broker as it was: it declares only what exists already, and an exclusive queue that goes
//! with its channel. No management plugin is needed.

use crate::arguments::{EXCHANGES_OF_PROCESSES, fanout_exchange};
use crate::config::{AmqpConfig, CALL_TIMEOUT};
use crate::declare::{bounded, look, make_exchange, make_queue};
use crate::reject::unavailable;
use crate::supervisor::connect;
use eventflow_bus::port::{BrokerError, Depth};
use eventflow_bus::topology::{MAX_SHARDS, QueueSpec, Topology};
use futures_util::{StreamExt as _, stream};
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::uri::AMQPScheme;
use lapin::{BasicProperties, Channel, Connection, ExchangeKind};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Questions at a time; each has a channel of its own, since a question about what is missing closes it.
const AT_ONCE: usize = 16;

/// How a client of AMQP 0-9-1 begins.
const PROTOCOL: &[u8] = b"AMQP\0\0\x09\x01";
/// Type, channel and size of a frame.
const FRAME_HEADER: usize = 7;
/// Most bytes of the greeting that are read; it has some hundred.
const GREETING_MAX: u32 = 16 * 1024;

/// A connection for questions.
pub struct Inspection {
    connection: Arc<Connection>,
}

/// What became of the question whether a queue is as it must be.
#[derive(Debug)]
pub enum QueueFinding {
    /// It is as it must be.
    Fits(Depth),
    /// It does not exist.
    Missing,
    /// It exists and differs; the broker's words.
    Differs(String),
    /// The broker did not answer; its words.
    Unclear(String),
}

impl Inspection {
    /// Connects once.
    pub async fn open(config: &AmqpConfig) -> Result<Self, BrokerError> {
        let uri = config.uri().map_err(unavailable)?;
        let name = format!("{} inspection", config.connection_name);
        let connection = connect(&uri, config.tls_ca_pem.clone(), name).await.map_err(unavailable)?;
        Ok(Self { connection: Arc::new(connection) })
    }

    /// The version of the server, which it says before anybody logs in. `None` behind TLS, and if it does not
    /// say.
    pub async fn version(config: &AmqpConfig) -> Option<String> {
        let uri = config.uri().ok().filter(|uri| uri.scheme == AMQPScheme::AMQP)?;
        let greeting = timeout(CALL_TIMEOUT, greeting(&uri.authority.host, uri.authority.port)).await;
        version_in(&greeting.ok()?.ok()?)
    }

    /// Whether the broker holds publishers back now (a memory or disk alarm), found by publishing to a queue
    /// of this connection's own; and whether this user may declare, publish and read at all.
    pub async fn try_out(&self) -> Result<(), BrokerError> {
        let channel = self.channel().await?;
        bounded("an exclusive queue", CALL_TIMEOUT, publish_and_get(&channel)).await
    }

    /// Whether a queue is as it must be. Nothing is made: it is declared only after it was found.
    pub async fn queue(&self, queue: &QueueSpec) -> QueueFinding {
        let depth = match self.depth(&queue.name).await {
            Ok(depth) => depth,
            Err(BrokerError::Unroutable(_)) => return QueueFinding::Missing,
            Err(error) => return QueueFinding::Unclear(told(&error)),
        };
        let declared = async {
            let channel = self.channel().await?;
            bounded(&queue.name, CALL_TIMEOUT, make_queue(&channel, queue)).await.map(drop)
        };
        match declared.await {
            Ok(()) => QueueFinding::Fits(depth),
            Err(BrokerError::Mismatch { source, .. }) => QueueFinding::Differs(source.to_string()),
            Err(error) => QueueFinding::Unclear(told(&error)),
        }
    }

    /// Every queue of the topology with what was found, in its order.
    pub async fn queues(&self, topology: &Topology) -> Vec<(QueueSpec, QueueFinding)> {
        stream::iter(topology.shared())
            .map(|queue| async {
                let finding = self.queue(&queue).await;
                (queue, finding)
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    /// The exchanges that are missing or of another kind, with the broker's words.
    pub async fn wrong_exchanges(&self, topology: &Topology) -> Vec<(String, String)> {
        let queues = topology.queues();
        let names = queues.iter().filter_map(fanout_exchange).chain(EXCHANGES_OF_PROCESSES);
        let mut wrong = Vec::new();
        for name in names.collect::<HashSet<_>>() {
            if let Err(error) = self.exchange(name).await {
                wrong.push((name.to_owned(), told(&error)));
            }
        }
        wrong.sort();
        wrong
    }

    /// Queues that only a topology of another number of shards has, with what is in them.
    pub async fn leftovers(&self, topology: &Topology) -> Vec<(String, Depth)> {
        let ours: HashSet<String> = topology.queues().into_iter().map(|queue| queue.name).collect();
        let others =
            Topology::new(MAX_SHARDS).queues().into_iter().filter(|queue| !ours.contains(&queue.name));
        let found = stream::iter(others).map(|queue| async {
            let depth = self.depth(&queue.name).await.ok();
            depth.map(|depth| (queue.name, depth))
        });
        found.buffered(AT_ONCE).filter_map(async |found| found).collect().await
    }

    /// Asks for a queue without creating it.
    pub async fn depth(&self, queue: &str) -> Result<Depth, BrokerError> {
        let channel = self.channel().await?;
        let found = bounded(queue, CALL_TIMEOUT, look(&channel, queue)).await?;
        Ok(Depth {
            ready: found.message_count().into(),
            consumers: found.consumer_count().into(),
            oldest: None,
        })
    }

    /// Whether consuming a queue works, in the broker's words if it does not. A quorum queue without a leader
    /// looks empty and unconsumed, and answers every consume with an error for ever.
    ///
    /// Ask this of queues that look like that only: a consumer of any other would be given messages.
    pub async fn consuming_fails(&self, queue: &str) -> Result<Option<String>, BrokerError> {
        let channel = self.channel().await?;
        let consuming = async {
            channel.basic_qos(1, BasicQosOptions::default()).await?;
            let options = BasicConsumeOptions::default();
            let consumer =
                channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
            channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await
        };
        match timeout(CALL_TIMEOUT, consuming).await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) => Ok(Some(error.to_string())),
            Err(_) => Ok(Some("no answer in time".to_owned())),
        }
    }

    /// Closes the connection in order.
    pub async fn close(self) {
        // It goes anyway when this value does.
        let _ = timeout(CALL_TIMEOUT, self.connection.close(200, "done".into())).await;
    }

    async fn channel(&self) -> Result<Channel, BrokerError> {
        timeout(CALL_TIMEOUT, self.connection.create_channel())
            .await
            .map_err(|_| unavailable("open a channel: no answer in time"))?
            .map_err(unavailable)
    }

    async fn exchange(&self, name: &str) -> Result<(), BrokerError> {
        let channel = self.channel().await?;
        let passive =
            ExchangeDeclareOptions { passive: true, durable: true, ..ExchangeDeclareOptions::default() };
        let there =
            channel.exchange_declare(name.into(), ExchangeKind::Fanout, passive, FieldTable::default());
        bounded(name, CALL_TIMEOUT, there).await?;
        let channel = self.channel().await?;
        bounded(name, CALL_TIMEOUT, make_exchange(&channel, name)).await
    }
}

/// What the server says first, once the client has named the protocol.
async fn greeting(host: &str, port: u16) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(PROTOCOL).await?;
    let mut frame = [0; FRAME_HEADER];
    stream.read_exact(&mut frame).await?;
    let size = u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]]).min(GREETING_MAX);
    let mut body = vec![0; usize::try_from(size).unwrap_or_default()];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// The field `version` of the server's properties: a length and the name, the type of a long text, its length
/// and the text (AMQP 0-9-1, section 4.2.5.5).
fn version_in(greeting: &[u8]) -> Option<String> {
    const FIELD: &[u8] = b"\x07versionS";
    let at = greeting.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
    let size = u32::from_be_bytes(greeting.get(at..at + 4)?.try_into().ok()?);
    let text = greeting.get(at + 4..)?.get(..usize::try_from(size).ok()?)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

async fn publish_and_get(channel: &Channel) -> lapin::Result<()> {
    let exclusive =
        QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), exclusive, FieldTable::default()).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions::default();
    let name = queue.name().clone();
    let sent =
        channel.basic_publish("".into(), name.clone(), options, b"?", BasicProperties::default()).await?;
    sent.await?;
    channel.basic_get(name, BasicGetOptions { no_ack: true }).await?;
    Ok(())
}

/// An error with its causes.
fn told(error: &BrokerError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_is_found_among_the_properties_of_a_server() {
        let greeting =
            b"\0\x0a\0\x0a\0\x09\0\0\0\x40\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.10.8...";
        assert_eq!(version_in(greeting).as_deref(), Some("3.10.8"));
        for broken in [&b""[..], b"\x07version", b"\x07versionS\0\0\0\xff3"] {
            assert_eq!(version_in(broken), None);
        }
    }
}
