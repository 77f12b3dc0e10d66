//! From the gateway's queue to the sockets: each event once, to those of its audience who are here.
//!
//! The packet is encoded once and shared by all sockets. Safe to repeat because the ids of recent events are remembered: a
//! redelivery (the fan-out worker crashed before its acknowledgement, or ours was lost) comes within seconds and is dropped.
//! If the store cannot say who is in a thread, the batch waits; nothing is dropped for that.

use crate::ws::application::Shared;
use crate::ws::member::Here;
use async_trait::async_trait;
use eventflow_bus::handler::{Handler, Item, Performed, Unavailable};
use eventflow_bus::settle::Outcome;
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::event::{Audience, Delivery, Participants};
use eventflow_protocol::{EventId, ThreadId, Timestamp, UserId};
use eventflow_socketio::{Delivery as Sent, Packet};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Event ids remembered: 6 s of the system's peak of about 10,000 events/s, 50 times as long on an ordinary day; 3 MB.
const RECENT_MAX: usize = 65_536;
/// Under both names published clients hear that somebody's presence changed.
const PRESENCE_NAMES: [&str; 2] = ["presence:sync", "presence:update"];

/// The handler of one gateway's queue.
pub struct Deliveries {
    shared: Arc<Shared>,
    recent: Mutex<Recent>,
    alone_since: Option<Timestamp>,
}

/// The ids of the last events.
#[derive(Default)]
struct Recent {
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
        let membership = &self.shared.membership;
        for thread in batch.iter().filter(|item| item.value.membership_changed).filter_map(|item| thread_of(&item.value)) {
            membership.forget(thread);
        }
        let threads: Vec<ThreadId> = batch.iter().filter_map(|item| thread_of(&item.value)).collect();
        let people = membership.of_all(&threads).await;
        let people = people.map_err(|error| Unavailable { what: "the store", source: error.into() })?;
        for item in batch {
            self.deliver(&item.value, &people);
        }
        Ok(Performed { outcomes: batch.iter().map(|_| Outcome::Done).collect(), effect: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

fn thread_of(delivery: &Delivery) -> Option<ThreadId> {
    match delivery.audience {
        Audience::Thread(thread) => Some(thread),
        _ => None,
    }
}

impl Deliveries {
    pub(crate) fn new(shared: Arc<Shared>, alone_since: Option<Timestamp>) -> Self {
        Self { shared, recent: Mutex::default(), alone_since }
    }

    fn deliver(&self, delivery: &Delivery, people: &HashMap<ThreadId, Participants>) {
        if is_history(delivery, self.alone_since) || !self.recent.lock().claim(delivery.event_id) {
            self.shared.edge.metrics.edge.duplicates.inc();
            return;
        }
        if delivery.audience == Audience::Gateways {
            return self.act(delivery);
        }
        let payload = match serde_json::from_str::<&RawValue>(&delivery.payload) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(event = %delivery.event_id, error = &error as &dyn std::error::Error, "an event is not JSON");
                return;
            }
        };
        let queued = match &delivery.audience {
            Audience::Thread(thread) => self.to_thread(delivery, *thread, people.get(thread), payload),
            Audience::User(user) => self.to_user(user, &self.packet(delivery, &delivery.name, payload)),
            Audience::Watchers(user) => self.to_watchers(delivery, user, payload),
            Audience::Gateways => 0,
        };
        self.observe(delivery, queued);
    }

    /// What gateways do themselves.
    fn act(&self, delivery: &Delivery) {
        if let Some(revocation) = &delivery.revocation {
            self.shared.end_revoked(revocation);
        } else {
            tracing::warn!(event = %delivery.event_id, "an event for gateways that this one does not know");
        }
    }

    fn to_thread(&self, delivery: &Delivery, thread: ThreadId, people: Option<&Participants>, payload: &RawValue) -> u64 {
        let Some(people) = people else {
            tracing::warn!(%thread, event = %delivery.event_id, "an event of a thread that does not exist");
            return 0;
        };
        let packet = self.packet(delivery, &delivery.name, payload);
        let gets_receipts = people.len() <= RECEIPT_PARTICIPANTS_MAX;
        let message = delivery.message.as_ref().filter(|_| gets_receipts);
        let mut queued = 0;
        for user in people.iter().filter(|user| delivery.except.as_ref() != Some(user)) {
            let receipt = message.filter(|message| message.sender_id != *user).map(|message| (thread, message.seq));
            queued += self.to_recipient(user, &packet, receipt);
        }
        queued
    }

    /// To one participant; with a receipt if it is a message that needs one, or later if it is kept for their return.
    fn to_recipient(&self, user: &UserId, packet: &Packet, receipt: Option<(ThreadId, u64)>) -> u64 {
        let (mut queued, mut is_written) = (0, false);
        self.shared.hub.each(user, |Here(socket)| {
            match socket.emit(packet) {
                Sent::Queued => is_written = true,
                Sent::Kept => {
                    if let Some((thread, seq)) = receipt {
                        socket.state().looking(|looking| looking.keep(thread, seq));
                    }
                }
                Sent::Dropped => {}
            }
            queued += 1;
        });
        if let Some((thread, seq)) = receipt.filter(|_| is_written) {
            self.shared.receipts.note(thread, user, seq);
        }
        queued
    }

    fn to_user(&self, user: &UserId, packet: &Packet) -> u64 {
        let mut queued = 0;
        self.shared.hub.each(user, |Here(socket)| {
            socket.emit(packet);
            queued += 1;
        });
        queued
    }

    fn to_watchers(&self, delivery: &Delivery, user: &UserId, payload: &RawValue) -> u64 {
        let packets = PRESENCE_NAMES.map(|name| self.packet(delivery, name, payload));
        let mut queued = 0;
        self.shared.watch.each(user, |Here(socket)| {
            for packet in &packets {
                socket.emit(packet);
                queued += 1;
            }
        });
        queued
    }

    fn packet(&self, delivery: &Delivery, name: &str, payload: &RawValue) -> Packet {
        let encoder = &self.shared.encoder;
        if delivery.ephemeral { encoder.ephemeral_raw(name, &[payload]) } else { encoder.event_raw(name, &[payload]) }
    }

    fn observe(&self, delivery: &Delivery, queued: u64) {
        let series = &self.shared.edge.metrics.edge;
        series.deliveries.inc_by(queued);
        if queued > 0 {
            let age_ms = self.shared.edge.clock.now().0.saturating_sub(delivery.accepted_at.0).max(0);
            series.delivery_seconds.observe(age_ms as f64 / 1_000.0);
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
    use uuid::Uuid;

    #[test]
    fn what_a_killed_process_may_have_delivered_is_left_to_history_only_where_nobody_else_delivers() {
        let delivery = |repeated, accepted_at| {
            let audience = Audience::Thread(ThreadId::from_bytes([1; 12]));
            let id = EventId(Uuid::now_v7());
            let mut delivery = Delivery::new(id, audience, "message:received", "{}".into(), Timestamp(accepted_at));
            delivery.repeated = repeated;
            delivery
        };
        let started = Some(Timestamp(100));
        assert!(is_history(&delivery(true, 99), started));
        assert!(!is_history(&delivery(true, 100), started), "accepted by this process");
        assert!(!is_history(&delivery(false, 99), started), "stored by this process, from the queue");
        assert!(!is_history(&delivery(true, 99), None), "other gateways exist");
    }

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
