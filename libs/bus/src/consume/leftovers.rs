//! What must be published before a batch may be acknowledged: envelopes to try again, and envelopes to park.

use super::batch::{Passing, Source, Unreadable};
use super::guard::{Backoff, Guard, Stopping};
use crate::handler::Unavailable;
use crate::port::{Broker, Destination, Headers, Outgoing, Publish, ReplyTo};
use crate::settle::{Outcome, Settlement, settle};
use crate::topology::{self, Delay};
use bytes::Bytes;
use eventflow_metrics::ParkReason;
use eventflow_protocol::codec;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::reshard::{Barrier, BarrierPassed};
use std::sync::Arc;
use tokio::sync::Mutex;

/// When a whole message whose handler failed comes again: such a fault heals with a new version, if at all.
const PUT_OFF: Delay = Delay::TenMinutes;
/// Reason of an envelope that comes from a split frame.
const SPLIT: &str = "the frame was delivered and never finished";

/// An item whose handler is done with it.
pub(super) struct Settled {
    pub(super) source: Source,
    pub(super) reply_to: Option<Arc<str>>,
    pub(super) outcome: Outcome,
}

/// Publishes the leftovers of one queue.
pub(super) struct Leftovers {
    pub(super) guard: Arc<Guard>,
    pub(super) broker: Arc<dyn Broker>,
    pub(super) publisher: Mutex<Box<dyn Publish>>,
}

impl Leftovers {
    /// Publishes what is to be tried again to the retry ladder, and what cannot be handled to the dead-letter
    /// queue.
    pub(super) async fn publish(
        &self,
        settled: Vec<Settled>,
        unreadable: Vec<Unreadable>,
    ) -> Result<(), Stopping> {
        let mut messages: Vec<Outgoing> =
            settled.into_iter().filter_map(|settled| self.message_for(settled)).collect();
        for unreadable in unreadable {
            let Unreadable { payload, attempt, reason } = unreadable;
            messages.push(self.parked(payload, attempt, (ParkReason::Unreadable, reason)));
        }
        self.publish_until_confirmed(messages).await
    }

    /// `None` for an envelope that is done.
    fn message_for(&self, settled: Settled) -> Option<Outgoing> {
        if settled.outcome == Outcome::Done {
            return None;
        }
        let Settled { source, reply_to, outcome } = settled;
        let mut envelope = match source {
            Source::Envelope(envelope) => envelope,
            Source::Message { payload, headers } => return Some(self.put_off(payload, headers, &outcome)),
        };
        let id = envelope.id;
        let trace = envelope.trace;
        let failed_before = envelope.attempt;
        envelope.attempt += 1;
        let attempt = envelope.attempt;
        let payload = payload_of(envelope);
        let queue = self.guard.queue.as_str();
        match settle(outcome, failed_before) {
            Settlement::Ack => None,
            Settlement::Park { kind, reason } => {
                tracing::error!(queue, envelope = %id, attempt, reason, "an envelope is parked");
                Some(Outgoing { trace, ..self.parked(payload, attempt, (kind, reason)) })
            }
            Settlement::Retry { delay, reason } => {
                tracing::warn!(queue, envelope = %id, attempt, reason, ?delay, "an envelope is tried again later");
                self.guard.metrics.retried(delay.label());
                let to = Destination::Retry { delay, queue: queue.to_owned() };
                let reply_to = reply_to.map(|address| ReplyTo::Address(address.as_ref().to_owned()));
                Some(Outgoing { to, payload, headers: self.headers(attempt, reason), reply_to, trace })
            }
        }
    }

    /// A whole message whose handler failed comes again as it is, however often: there is no other place for
    /// it, and nothing may be lost.
    fn put_off(&self, payload: Bytes, headers: Headers, outcome: &Outcome) -> Outgoing {
        let queue = self.guard.queue.as_str();
        tracing::error!(queue, ?outcome, delay = ?PUT_OFF, "a message is tried again later");
        self.guard.metrics.retried(PUT_OFF.label());
        let to = Destination::Retry { delay: PUT_OFF, queue: queue.to_owned() };
        Outgoing { to, headers, ..Outgoing::to_queue(queue, payload) }
    }

    fn parked(&self, payload: Bytes, attempt: u32, (kind, reason): (ParkReason, String)) -> Outgoing {
        self.guard.metrics.parked(kind);
        let headers = self.headers(attempt, reason);
        Outgoing { headers, ..Outgoing::to_queue(topology::dead(&self.guard.queue), payload) }
    }

    fn headers(&self, attempt: u32, reason: String) -> Headers {
        Headers { attempt, reason: Some(reason), origin: Some(self.guard.queue.clone()) }
    }

    /// Splits a message that may be killing its worker into frames of one envelope, at the end of the same
    /// queue. `false` if there is nothing to split. Their reason tells the handler that they may have been
    /// done: the worker that died may have stored them and not said so.
    pub(super) async fn split(&self, payload: &[u8], reply_to: Option<&str>) -> Result<bool, Stopping> {
        let Ok(frame) = Frame::decode(payload) else { return Ok(false) };
        if frame.items.len() < 2 {
            return Ok(false);
        }
        let queue = self.guard.queue.as_str();
        tracing::warn!(queue, envelopes = frame.items.len(), "a frame that was never finished is split");
        let mut alone = Vec::with_capacity(frame.items.len());
        for envelope in frame.items {
            let trace = envelope.trace;
            let headers = self.headers(envelope.attempt, SPLIT.to_owned());
            let reply_to = reply_to.map(|address| ReplyTo::Address(address.to_owned()));
            let message = Outgoing::to_queue(queue, payload_of(envelope));
            alone.push(Outgoing { headers, reply_to, trace, ..message });
        }
        self.publish_until_confirmed(alone).await?;
        Ok(true)
    }

    /// Passes barriers on, behind everything that was announced so far. One that does not get through is
    /// dropped: whoever waits for it sends another.
    pub(super) async fn pass_on(&self, barriers: Vec<Passing>) {
        for Passing { barrier: Barrier { barrier, mut then }, reply_to } in barriers {
            if then.is_empty() {
                let passed = codec::encode(&BarrierPassed { barrier }).unwrap_or_default();
                self.broker.reply(&reply_to, passed).await;
                continue;
            }
            let queue = then.remove(0);
            let payload = codec::encode(&Barrier { barrier, then }).unwrap_or_default();
            let reply_to = Some(ReplyTo::Address(reply_to));
            let message = Outgoing { reply_to, ..Outgoing::to_queue(queue, payload) };
            let published = self.publisher.lock().await.publish(vec![message]).await;
            for error in published.iter().filter_map(|result| result.as_ref().err()) {
                let queue = self.guard.queue.as_str();
                tracing::warn!(queue, error = error as &dyn std::error::Error, "a barrier is dropped");
            }
        }
    }

    async fn publish_until_confirmed(&self, mut messages: Vec<Outgoing>) -> Result<(), Stopping> {
        let mut backoff = Backoff::new();
        while !messages.is_empty() {
            let results = self.publisher.lock().await.publish(messages.clone()).await;
            let mut first_error = None;
            let mut unconfirmed = Vec::new();
            for (message, result) in messages.into_iter().zip(results) {
                if let Err(error) = result {
                    first_error.get_or_insert(error);
                    unconfirmed.push(message);
                }
            }
            if let Some(error) = first_error {
                self.guard.pause(&Unavailable::new("the broker", error), &mut backoff).await?;
            }
            messages = unconfirmed;
        }
        self.guard.resume();
        Ok(())
    }
}

fn payload_of(envelope: Envelope) -> Bytes {
    Frame::of(envelope).encode().unwrap_or_default()
}
