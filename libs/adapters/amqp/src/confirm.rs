//! Publisher confirms: publishes a batch on one channel, pipelined, and tells for each message what became of
//! it.
//!
//! The publisher writes all messages in order and then awaits the confirms. lapin hands a returned message to
//! whichever confirm completes next. In a batch that can be the confirm of another message, so each message
//! carries a number that identifies it.

use crate::headers;
use eventflow_bus::port::{BrokerError, Destination, Outgoing};
use eventflow_bus::topology::GATEWAYS_EXCHANGE;
use futures_util::FutureExt;
use futures_util::future::{MaybeDone, maybe_done};
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Confirmation};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

type Confirming = Pin<Box<dyn Future<Output = lapin::Result<Confirmation>> + Send>>;

/// What became of one published message.
pub(crate) enum Fate {
    /// The broker has confirmed the message.
    Confirmed,
    /// The broker returned the message, because its queue does not exist.
    Returned,
    /// The broker rejected the message with a `basic.nack`.
    Refused,
    /// The channel or the connection broke before the confirm came.
    Failed(lapin::Error),
    /// No answer came in time.
    Unknown,
}

/// A destination in AMQP terms.
pub(crate) struct PublishAddress<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    pub(crate) mandatory: bool,
}

impl<'a> From<&'a Destination> for PublishAddress<'a> {
    fn from(destination: &'a Destination) -> Self {
        match destination {
            Destination::Queue(queue) => Self { exchange: "", routing_key: queue, mandatory: true },
            // The delay queue keeps the routing key, so the broker can route the message back to its queue.
            Destination::Retry { delay, queue } => {
                Self { exchange: delay.queue(), routing_key: queue, mandatory: true }
            }
            // A broadcast without any gateway is no error, so the broker need not return the message.
            Destination::AllGateways => {
                Self { exchange: GATEWAYS_EXCHANGE, routing_key: "", mandatory: false }
            }
        }
    }
}

/// Publishes all messages, numbered from `first_id`, and awaits their confirms until `give_up` resolves.
pub(crate) async fn publish(
    channel: &Channel,
    messages: &[Outgoing],
    first_id: u64,
    give_up: impl Future<Output = ()>,
) -> Vec<Fate> {
    let mut pending = Vec::with_capacity(messages.len());
    for (message, id) in messages.iter().zip(first_id..) {
        pending.push(start(confirming(channel.clone(), message.clone(), id)).await);
    }
    settle_until(&mut pending, give_up).await;
    fates(pending, first_id)
}

/// Polls a future once. The first poll writes the message to the connection, so polling in order writes in
/// order.
pub(crate) async fn start<F: Future + Unpin>(future: F) -> MaybeDone<F>
where
    F::Output: Unpin,
{
    let mut started = maybe_done(future);
    poll_fn(|cx| {
        let _ = started.poll_unpin(cx);
        Poll::Ready(())
    })
    .await;
    started
}

fn confirming(channel: Channel, message: Outgoing, id: u64) -> Confirming {
    Box::pin(async move {
        let route = PublishAddress::from(&message.to);
        publish_one(&channel, &route, &message.payload, headers::properties(&message, id)).await?.await
    })
}

pub(crate) async fn publish_one(
    channel: &Channel,
    route: &PublishAddress<'_>,
    payload: &[u8],
    properties: BasicProperties,
) -> lapin::Result<lapin::PublisherConfirm> {
    let options = BasicPublishOptions { mandatory: route.mandatory, immediate: false };
    channel.basic_publish(route.exchange.into(), route.routing_key.into(), options, payload, properties).await
}

async fn settle_until(pending: &mut [MaybeDone<Confirming>], give_up: impl Future<Output = ()>) {
    let all = async {
        for confirming in pending {
            confirming.await;
        }
    };
    tokio::select! {
        biased;
        () = all => {}
        () = give_up => {}
    }
}

/// Reads the finished confirms. A returned message arrives before its own confirm, so every return is known
/// once the confirms are finished.
fn fates(pending: Vec<MaybeDone<Confirming>>, first_id: u64) -> Vec<Fate> {
    let mut returned = Vec::new();
    let mut fates: Vec<Fate> =
        pending.into_iter().map(|confirming| fate(confirming, &mut returned)).collect();
    for id in returned {
        let index = usize::try_from(id.wrapping_sub(first_id)).unwrap_or(usize::MAX);
        if let Some(fate) = fates.get_mut(index) {
            *fate = Fate::Returned;
        }
    }
    fates
}

fn fate(mut confirming: MaybeDone<Confirming>, returned: &mut Vec<u64>) -> Fate {
    // Futures behind the one that was awaited last may be finished without having been polled.
    let _ = (&mut confirming).now_or_never();
    let Some(outcome) = Pin::new(&mut confirming).take_output() else { return Fate::Unknown };
    let (fate, message) = match outcome {
        Ok(Confirmation::Ack(message)) => (Fate::Confirmed, message),
        Ok(Confirmation::Nack(message)) => (Fate::Refused, message),
        Ok(Confirmation::NotRequested) => (Fate::Unknown, None),
        Err(error) => (Fate::Failed(error), None),
    };
    returned.extend(message.and_then(|message| headers::id(&message.delivery.properties)));
    fate
}

/// Describes a destination, for error texts.
pub(crate) fn name(destination: &Destination) -> String {
    match destination {
        Destination::Queue(queue) => queue.clone(),
        Destination::Retry { delay, queue } => format!("{queue} through {}", delay.queue()),
        Destination::AllGateways => GATEWAYS_EXCHANGE.to_owned(),
    }
}

/// The error for a message that the broker rejected.
pub(crate) fn refused(message: &Outgoing) -> BrokerError {
    BrokerError::Refused(name(&message.to))
}
