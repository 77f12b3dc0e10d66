//! From the gateway's queue to the sockets: each event once, to the participants of its thread who are here.
//!
//! The packet is encoded once and shared by all sockets. Safe to repeat because the ids of recent events are remembered: a
//! redelivery (the fan-out worker crashed before its acknowledgement, or ours was lost) comes within seconds and is dropped.
//! If the store cannot say who is in a thread, the batch waits; nothing is dropped for that.

use crate::ws::hub::Hub;
use crate::ws::member::Here;
use async_trait::async_trait;
use eventflow_bus::handler::{Handler, Item, Performed, Unavailable};
use eventflow_bus::settle::Outcome;
use eventflow_metrics::Metrics;
use eventflow_ports::{Clock, Membership};
use eventflow_protocol::event::{Delivery, Participants};
use eventflow_protocol::{EventId, ThreadId, Timestamp};
use eventflow_socketio::Encoder;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Event ids remembered: 6 s of the system's peak of about 10,000 events/s, 50 times as long on an ordinary day; 3 MB.
const RECENT_MAX: usize = 65_536;

/// The handler of one gateway's queue.
pub struct Deliveries {
    pub(crate) hub: Arc<Hub<Here>>,
    pub(crate) membership: Membership,
    pub(crate) encoder: Encoder,
    pub(crate) recent: Mutex<Recent>,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) alone_since: Option<Timestamp>,
}

/// The ids of the last events.
#[derive(Default)]
pub(crate) struct Recent {
    known: HashSet<EventId>,
    order: VecDeque<EventId>,
}

impl Recent {
    /// Whether the event is new; from now on it is not.
    fn claim(&mut self, id: EventId) -> bool {
        if !self.known.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[async_trait]
impl Handler for Deliveries {
    type Value = Delivery;
    type Effect = ();

    async fn perform(&self, batch: &[Item<Delivery>]) -> Result<Performed<()>, Unavailable> {
        for item in batch.iter().filter(|item| item.value.membership_changed) {
            self.membership.forget(item.value.thread_id);
        }
        let threads: Vec<ThreadId> = batch.iter().map(|item| item.value.thread_id).collect();
        let people = self.membership.of_all(&threads).await;
        let people = people.map_err(|error| Unavailable { what: "the store", source: error.into() })?;
        for item in batch {
            self.deliver(&item.value, people.get(&item.value.thread_id));
        }
        Ok(Performed { outcomes: batch.iter().map(|_| Outcome::Done).collect(), effect: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

impl Deliveries {
    fn deliver(&self, delivery: &Delivery, people: Option<&Participants>) {
        if is_history(delivery, self.alone_since) || !self.recent.lock().claim(delivery.event_id) {
            self.metrics.edge.duplicates.inc();
            return;
        }
        let Some(people) = people else {
            tracing::warn!(thread = %delivery.thread_id, event = %delivery.event_id, "an event of a thread that does not exist");
            return;
        };
        match serde_json::from_str::<&RawValue>(&delivery.payload) {
            Ok(payload) => self.emit(delivery, payload, people),
            Err(error) => {
                tracing::error!(event = %delivery.event_id, error = &error as &dyn std::error::Error, "an event is not JSON");
            }
        }
    }

    fn emit(&self, delivery: &Delivery, payload: &RawValue, people: &Participants) {
        let packet = self.encoder.event_raw(&delivery.name, &[payload]);
        let mut queued = 0;
        for user in people.iter() {
            self.hub.each(user, |socket| {
                socket.0.emit(&packet);
                queued += 1;
            });
        }
        self.metrics.edge.deliveries.inc_by(queued);
        if queued > 0 {
            let age_ms = self.clock.now().0.saturating_sub(delivery.accepted_at.0).max(0);
            self.metrics.edge.delivery_seconds.observe(age_ms as f64 / 1_000.0);
        }
    }
}

/// A process that is alone knows who delivered what comes again: it did, before it was killed, or nobody was there. No socket
/// is older than the process, and what was stored before a socket came is in the history it reads.
fn is_history(delivery: &Delivery, alone_since: Option<Timestamp>) -> bool {
    delivery.repeated && alone_since.is_some_and(|since| delivery.accepted_at < since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_may_have_delivered_is_left_to_history_only_where_nobody_else_delivers() {
        let delivery = |repeated, accepted_at| Delivery {
            event_id: EventId(Uuid::now_v7()),
            thread_id: ThreadId::from_bytes([1; 12]),
            name: "message:received".into(),
            payload: "{}".into(),
            accepted_at: Timestamp(accepted_at),
            repeated,
            membership_changed: false,
        };
        let started = Some(Timestamp(100));
        assert!(is_history(&delivery(true, 99), started));
        assert!(!is_history(&delivery(true, 100), started), "accepted by this process");
        assert!(!is_history(&delivery(false, 99), started), "stored by this process, from the queue");
        assert!(!is_history(&delivery(true, 99), None), "other gateways exist");
    }
    use uuid::Uuid;

    #[test]
    fn an_event_is_new_once_and_the_memory_is_bounded() {
        let mut recent = Recent::default();
        let first = EventId(Uuid::now_v7());
        assert!(recent.claim(first));
        assert!(!recent.claim(first));
        for _ in 0..RECENT_MAX {
            assert!(recent.claim(EventId(Uuid::now_v7())));
        }
        assert_eq!((recent.known.len(), recent.order.len()), (RECENT_MAX, RECENT_MAX));
        assert!(recent.claim(first), "the oldest is forgotten");
    }
}
