//! The broker seam: what the rest of the system needs from a message broker, and no more.
//!
//! An adapter owns connections and reconnects them by itself; a caller sees [`BrokerError::Unavailable`] at
//! once while there is none, never a hang. Publishing is confirmed, subscriptions are acknowledged, replies
//! are a courtesy. [`crate::contract`] is the executable form of every promise here.

use crate::topology::{Delay, Topology};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_protocol::codec::CodecError;
use eventflow_protocol::frame::Frame;
use eventflow_protocol::{GatewayId, TraceContext};
use tokio::sync::{mpsc, watch};

/// A cause from below, kept for the log.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the broker did not do it.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// No connection now, or it broke while the answer was awaited: it is unknown whether the broker has the
    /// message.
    #[error("reach the broker")]
    Unavailable(#[source] Source),
    /// The broker is there and takes no messages for now (memory or disk alarm), or its confirm did not come
    /// in time.
    #[error("publish while the broker holds publishers back")]
    Blocked,
    /// No such queue. For a gateway's queue: that gateway is gone.
    #[error("publish to {0}: there is no such queue")]
    Unroutable(String),
    /// The broker said no: the queue is full.
    #[error("publish to {0}: the broker refused it")]
    Refused(String),
    /// The subscription is gone (queue deleted, consumer cancelled, connection lost); its unacknowledged
    /// deliveries will come again. Subscribe again.
    #[error("consume {queue}: the subscription was lost")]
    Lost {
        /// Which.
        queue: String,
        /// What the broker or the connection said, if anything.
        #[source]
        source: Option<Source>,
    },
    /// What exists at the broker contradicts [`Topology`]; an operator must decide.
    #[error("declare {queue}")]
    Mismatch {
        /// Which.
        queue: String,
        /// What the broker said.
        #[source]
        source: Source,
    },
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A queue by name.
    Queue(String),
    /// The retry ladder, and from there back to `queue`.
    Retry {
        /// How long it waits.
        delay: Delay,
        /// Where it returns to.
        queue: String,
    },
    /// The queue of every live gateway.
    AllGateways,
}

/// Facts that travel beside the payload, readable for operators without decoding it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Handler failures so far (the envelope's own count; brokers count other things).
    pub attempt: u32,
    /// Why it was retried or parked.
    pub reason: Option<String>,
    /// The work queue it belongs to, once it is in a retry or dead-letter queue.
    pub origin: Option<String>,
}

/// Where the answer to a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyTo {
    /// To the `replies` channel this publisher was opened with.
    Me,
    /// To whoever asked first; passed on when a message is retried.
    Address(String),
}

/// A message to publish: durable, mandatory, confirmed.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Where to.
    pub to: Destination,
    /// An encoded frame.
    pub payload: Bytes,
    /// Facts beside it.
    pub headers: Headers,
    /// Who waits for an answer.
    pub reply_to: Option<ReplyTo>,
    /// The `traceparent` header, for tools that look at messages. Consumers do not read it: each envelope has
    /// a context of its own.
    pub trace: Option<TraceContext>,
}

impl Outgoing {
    /// A message for a queue, without headers and without anybody waiting.
    pub fn to_queue(queue: impl Into<String>, payload: Bytes) -> Self {
        Self::new(Destination::Queue(queue.into()), payload)
    }

    /// A message that carries `frame` and its trace context, without headers and without anybody waiting.
    pub fn of_frame(to: Destination, frame: &Frame) -> Result<Self, CodecError> {
        Ok(Self { trace: frame.trace(), ..Self::new(to, frame.encode()?) })
    }

    fn new(to: Destination, payload: Bytes) -> Self {
        Self { to, payload, headers: Headers::default(), reply_to: None, trace: None }
    }
}

/// Identifies a delivery within its subscription; later deliveries have larger tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryTag(pub u64);

/// A message that arrived and awaits its acknowledgement.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// For [`Subscription::ack`] and [`Subscription::requeue`].
    pub tag: DeliveryTag,
    /// An encoded frame, or whatever somebody put into the queue.
    pub payload: Bytes,
    /// It may have been delivered before (to a consumer that died, for example).
    pub redelivered: bool,
    /// Earlier deliveries that ended without an acknowledgement.
    pub delivery_count: u32,
    /// Facts beside it.
    pub headers: Headers,
    /// Where an answer goes, for [`Broker::reply`].
    pub reply_to: Option<String>,
}

/// Whether the broker can be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Connected.
    Up,
    /// Not connected, with the reason in words.
    Down(String),
    /// Connected, but publishing is held back by an alarm, with the broker's reason.
    Blocked(String),
}

/// How full a queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages ready to be delivered (for a retry queue: waiting).
    pub ready: u64,
    /// Live consumers.
    pub consumers: u64,
}

/// A message broker.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Makes every queue of the topology exist. Repeating it changes nothing.
    async fn declare(&self, topology: &Topology) -> Result<(), BrokerError>;

    /// Makes the queue of a gateway exist and bound for [`Destination::AllGateways`]. Repeating it changes
    /// nothing; a gateway repeats it each time it subscribes anew.
    ///
    /// `true` if the queue was there already, with everything sent to it since; `false` if it was made now,
    /// so that a gateway that had one before has missed something.
    async fn declare_gateway(&self, gateway: &GatewayId) -> Result<bool, BrokerError>;

    /// Deletes the queue of a gateway that is leaving in order.
    async fn remove_gateway(&self, gateway: &GatewayId) -> Result<(), BrokerError>;

    /// Opens a publisher for one task. With `replies`, answers to messages sent with [`ReplyTo::Me`] arrive
    /// there; when that channel is full, answers are dropped. The publisher survives reconnects.
    async fn publisher(&self, replies: Option<mpsc::Sender<Bytes>>) -> Result<Box<dyn Publish>, BrokerError>;

    /// Starts consuming with at most `prefetch` unacknowledged messages. On a single-active queue further
    /// subscribers wait.
    async fn subscribe(&self, queue: &str, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError>;

    /// Answers whoever waits at `address`. At most once, unconfirmed; nobody may be there any more.
    async fn reply(&self, address: &str, payload: Bytes);

    /// How full a queue is; [`BrokerError::Unroutable`] if there is none of that name.
    async fn depth(&self, queue: &str) -> Result<Depth, BrokerError>;

    /// The state of the connection, now and as it changes.
    fn health(&self) -> watch::Receiver<Health>;
}

/// A confirmed publisher, used by one task at a time.
#[async_trait]
pub trait Publish: Send {
    /// Publishes in order and waits for all confirms; one result per message, in the same order.
    ///
    /// `Ok` means the broker has taken responsibility: the message survives a crash of broker and publisher.
    /// Answers within a bounded time (seconds) in any case. For [`Destination::AllGateways`], no gateway at
    /// all is `Ok`.
    async fn publish(&mut self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>>;
}

/// A subscription to one queue, used by one task at a time.
#[async_trait]
pub trait Subscription: Send {
    /// The next message, in queue order. Cancel-safe. An error is final: subscribe again.
    async fn next(&mut self) -> Result<Incoming, BrokerError>;

    /// Takes a message that is already here, without waiting.
    fn try_next(&mut self) -> Option<Incoming>;

    /// Done: the broker may forget them.
    async fn ack(&mut self, tags: &[DeliveryTag]) -> Result<(), BrokerError>;

    /// Ends the subscription in order: everything unacknowledged returns to its place in the queue, for the
    /// next subscriber, without counting as a failed delivery where the broker can tell.
    async fn cancel(self: Box<Self>) -> Result<(), BrokerError>;
}
