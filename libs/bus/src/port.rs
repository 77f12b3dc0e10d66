//! The broker port: what the system needs from a message broker, and no more.
//!
//! An adapter owns its connections and reconnects by itself. While it has no connection, a caller gets
//! [`BrokerError::Unavailable`] at once and never hangs. Publishing is confirmed and subscriptions are
//! acknowledged. Replies are best effort. [`crate::contract`] checks every promise made here.

use crate::topology::{Delay, Topology};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_protocol::codec::CodecError;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::{GatewayId, TraceContext};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The error that caused a [`BrokerError`], kept for the log.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the broker did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The adapter has no connection, or the connection broke before the answer came. Then the broker may or
    /// may not have the message.
    #[error("reach the broker")]
    Unavailable(#[source] Source),
    /// The broker accepts no messages for now (memory or disk alarm), or its confirm did not come in time.
    #[error("publish while the broker holds publishers back")]
    Blocked,
    /// The queue does not exist. If it was a gateway's queue, that gateway is gone.
    #[error("publish to {0}: there is no such queue")]
    Unroutable(String),
    /// The broker rejected the message because the queue is full.
    #[error("publish to {0}: the broker refused it")]
    Refused(String),
    /// The subscription ended because the queue was deleted, the broker cancelled the consumer, or the
    /// connection was lost. The broker delivers the unacknowledged messages again to the next subscription,
    /// so subscribe again.
    #[error("consume {queue}: the subscription was lost")]
    Lost {
        /// Name of the queue that was consumed.
        queue: String,
        /// Error that the broker or the connection gave, if any.
        #[source]
        source: Option<Source>,
    },
    /// A queue or exchange at the broker contradicts [`Topology`]; an operator must decide.
    #[error("declare {queue}")]
    Mismatch {
        /// Name of the queue or exchange.
        queue: String,
        /// Error that the broker gave.
        #[source]
        source: Source,
    },
}

/// Where the broker routes a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The queue with this name.
    Queue(String),
    /// A rung of the retry ladder; after the delay the message returns to `queue`.
    Retry {
        /// Time that the message waits.
        delay: Delay,
        /// Name of the queue to which the message returns.
        queue: String,
    },
    /// The queue of every live gateway.
    AllGateways,
}

/// Metadata beside the payload, which operators can read without decoding the payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Attempt: the number of handler failures so far. The envelope keeps this count itself, because a broker
    /// counts deliveries and not failures.
    pub attempt: u32,
    /// Reason: why the message was retried, parked or split.
    pub reason: Option<String>,
    /// Origin: the work queue that the message belongs to, once it is in a retry or dead-letter queue.
    pub origin: Option<String>,
}

impl Headers {
    /// Whether a handler may have worked on the message already. The consume loop gives a reason to
    /// everything that it publishes again; to the broker such a message is a new one, so its own mark of a
    /// redelivery is gone.
    pub fn is_published_again(&self) -> bool {
        self.reason.is_some()
    }
}

/// Where the answer to a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyTo {
    /// To the `replies` channel of the publisher that sends the message.
    Me,
    /// To the publisher that asked first. A worker passes this address on when it retries the message.
    Address(String),
}

/// A message to publish: durable, mandatory and confirmed.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Queue, retry rung or broadcast that the message is for.
    pub to: Destination,
    /// An encoded frame.
    pub payload: Bytes,
    /// Metadata for operators and for the consume loop.
    pub headers: Headers,
    /// Address for the answer; `None` if nobody waits for one.
    pub reply_to: Option<ReplyTo>,
    /// Trace context: the `traceparent` header, for tools that inspect messages. Consumers do not read it,
    /// because each envelope has a trace context of its own.
    pub trace: Option<TraceContext>,
}

impl Outgoing {
    /// Builds a message for a queue, with empty headers and without a reply address.
    pub fn to_queue(queue: impl Into<String>, payload: Bytes) -> Self {
        Self::new(Destination::Queue(queue.into()), payload)
    }

    /// Builds a message that carries `frame` and its trace context, with empty headers and without a reply
    /// address.
    pub fn of_frame(to: Destination, frame: &Frame) -> Result<Self, CodecError> {
        Ok(Self { trace: frame.trace(), ..Self::new(to, frame.encode()?) })
    }

    /// Builds the messages that carry these envelopes to one place, in order and as few as their size allows.
    pub fn of_envelopes(to: &Destination, envelopes: impl IntoIterator<Item = Envelope>) -> Vec<Self> {
        let frames = Frame::pack(envelopes);
        let message = |frame| Self::of_frame(to.clone(), frame).expect("envelopes of bytes always encode");
        frames.iter().map(message).collect()
    }

    fn new(to: Destination, payload: Bytes) -> Self {
        Self { to, payload, headers: Headers::default(), reply_to: None, trace: None }
    }
}

/// Identifies a delivery within its subscription; later deliveries have larger tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryTag(pub u64);

/// A delivered message that awaits its acknowledgement.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Delivery tag, for [`Subscription::ack`].
    pub tag: DeliveryTag,
    /// An encoded frame. It can be anything else too, because other programs may publish to the queue.
    pub payload: Bytes,
    /// Whether the message may have been delivered before, for example to a consumer that died.
    pub redelivered: bool,
    /// Delivery count: earlier deliveries that ended without an acknowledgement.
    pub delivery_count: u32,
    /// Metadata beside the payload.
    pub headers: Headers,
    /// Address for an answer, for [`Broker::reply`]; `None` if nobody waits for one.
    pub reply_to: Option<String>,
}

/// Health: whether the adapter can use the broker now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// The adapter is connected.
    Up,
    /// The adapter is not connected; the text gives the reason.
    Down(String),
    /// The adapter is connected, but an alarm at the broker holds publishing back; the text gives the
    /// broker's reason.
    Blocked(String),
}

/// Depth of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Number of messages ready for delivery. In a retry queue: the messages that wait.
    pub ready: u64,
    /// Number of live consumers.
    pub consumers: u64,
    /// How long the oldest message has been in the queue, delivered or not. `None` if the queue is empty, and
    /// from brokers that do not tell.
    pub oldest: Option<Duration>,
}

/// A message broker.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Declares every queue of the topology. Safe to repeat because declaring an existing queue changes
    /// nothing.
    async fn declare(&self, topology: &Topology) -> Result<(), BrokerError>;

    /// Declares the queue of a gateway and binds it for [`Destination::AllGateways`]. Repeating it changes
    /// nothing. A gateway repeats it each time it subscribes again.
    ///
    /// Returns `true` if the queue existed, with everything sent to it since. Returns `false` if the queue
    /// was created now, or by an earlier call that failed; a gateway that had one before has then missed
    /// messages.
    async fn declare_gateway(&self, gateway: &GatewayId) -> Result<bool, BrokerError>;

    /// Deletes the queue of a gateway that shuts down in order.
    async fn remove_gateway(&self, gateway: &GatewayId) -> Result<(), BrokerError>;

    /// Opens a publisher for one task. It survives reconnects. With `replies`, the answers to messages sent
    /// with [`ReplyTo::Me`] arrive on that channel. When the channel is full, the adapter drops answers.
    async fn publisher(&self, replies: Option<mpsc::Sender<Bytes>>) -> Result<Box<dyn Publish>, BrokerError>;

    /// Starts to consume a queue. Prefetch: the broker delivers at most `prefetch` unacknowledged messages.
    /// On a single-active queue further subscribers wait until the active one is gone.
    async fn subscribe(&self, queue: &str, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError>;

    /// Sends an answer to `address`, at most once and unconfirmed. An answer to a receiver that is gone is
    /// lost.
    async fn reply(&self, address: &str, payload: Bytes);

    /// Joins those who say hello to each other. Nothing is kept for one who joins later.
    async fn hellos(&self) -> Result<Box<dyn Hellos>, BrokerError>;

    /// Reads how full a queue is. Fails with [`BrokerError::Unroutable`] if no queue has this name.
    async fn depth(&self, queue: &str) -> Result<Depth, BrokerError>;

    /// Returns a watch on the state of the connection.
    fn health(&self) -> watch::Receiver<Health>;
}

/// A confirmed publisher, used by one task at a time.
#[async_trait]
pub trait Publish: Send {
    /// Publishes messages in order and waits for all confirms. Returns one result per message, in the same
    /// order.
    ///
    /// `Ok` means that the broker has taken responsibility: the message survives a crash of the broker and of
    /// the publisher. The call returns within a bounded time (seconds) in any case. For
    /// [`Destination::AllGateways`] the result is `Ok` even if there is no gateway.
    async fn publish(&mut self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>>;
}

/// A subscription to one queue, used by one task at a time.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for the next message, in queue order. Cancel-safe: dropping the future loses no message. An
    /// error is final, so subscribe again.
    async fn next(&mut self) -> Result<Incoming, BrokerError>;

    /// Takes a message that has already arrived, without waiting.
    fn try_next(&mut self) -> Option<Incoming>;

    /// Acknowledges messages, so that the broker may delete them.
    async fn ack(&mut self, tags: &[DeliveryTag]) -> Result<(), BrokerError>;

    /// Ends the subscription in order. Every unacknowledged message returns to its place in the queue, for
    /// the next subscriber. This does not count as a failed delivery where the broker can tell the
    /// difference.
    async fn cancel(self: Box<Self>) -> Result<(), BrokerError>;
}

/// What processes tell each other that nobody has to keep, used by one task at a time. Dropping it leaves.
#[async_trait]
pub trait Hellos: Send {
    /// Tells everybody who has joined, the caller included: at most once, unconfirmed, within a bounded time.
    async fn say(&mut self, payload: Bytes) -> Result<(), BrokerError>;

    /// Waits for the next one. Cancel-safe. An error is final, so join again.
    async fn hear(&mut self) -> Result<Bytes, BrokerError>;
}
