//! From the gateway's queue to the sockets: each event once, to those of its audience who are here.
//!
//! The packet is encoded once and shared by all sockets; the messages of a batch are written to the gateway's journal before any is
//! emitted. Safe to repeat because the ids of recent events are remembered once they are emitted: a redelivery (the fan-out worker
//! crashed before its acknowledgement, or ours was lost) comes within seconds and is dropped.
//! If the store cannot say who is in a thread, the batch waits; nothing is dropped for that.

use crate::ws::application::Shared;
use crate::ws::member::Here;
use crate::ws::typing_heard;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::settle::Outcome;
use eventflow_ports::journal::Entry;
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::event::{Audience, Delivery, Participants};
use eventflow_protocol::presence::Presence;
use eventflow_protocol::{EventId, ThreadId, Timestamp, UserId};
use eventflow_socketio::{EmitOutcome as Sent, Packet};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// Event ids remembered: 6 s of the system's peak of about 10,000 events/s, 50 times as long on an ordinary day; 3 MB.
const RECENT_MAX: usize = 65_536;

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
    /// Whether the event is new.
    fn is_new(&self, id: EventId) -> bool {
        !self.known.contains(&id)
    }

    /// From now on the event is not new.
    fn add(&mut self, id: EventId) {
        if !self.known.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// A delivery that is new here, encoded.
struct Ready<'a> {
    delivery: &'a Delivery,
    hearers: Hearers<'a>,
    packets: Vec<Packet>,
}

/// Who hears it.
#[derive(Clone, Copy)]
enum Hearers<'a> {
    Thread(ThreadId, &'a Participants),
    User(&'a UserId),
    Watchers(&'a UserId),
}

#[async_trait]
impl BatchHandler for Deliveries {
    type Value = Delivery;
    type Outbox = ();

    async fn perform(&self, batch: &[Item<Delivery>]) -> Result<Performed<()>, Unavailable> {
        let membership = &self.shared.membership;
        for thread in batch
            .iter()
            .filter(|item| item.value.membership_changed)
            .filter_map(|item| thread_of(&item.value))
        {
            membership.forget(thread);
        }
        let threads: Vec<ThreadId> = batch.iter().filter_map(|item| thread_of(&item.value)).collect();
        let people = membership.of_all(&threads).await;
        let people = people.map_err(|error| Unavailable { what: "the store", source: error.into() })?;
        self.emit(batch, &people).await;
        Ok(Performed { outcomes: batch.iter().map(|_| Outcome::Done).collect(), outbox: () })
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

    /// One batch, from its positions to its packets. No other is under way, so all sockets get packets in the order of positions; and
    /// nobody is named as hearing it who does not.
    async fn emit(&self, batch: &[Item<Delivery>], people: &HashMap<ThreadId, Participants>) {
        let mut caught = self.shared.joining.lock().await;
        let mut known = HashSet::new();
        let ready: Vec<_> =
            batch.iter().filter_map(|item| self.prepare(&item.value, people, &mut known)).collect();
        let entries: Vec<Entry> = ready.iter().filter_map(|ready| self.entry(ready)).collect();
        if !entries.is_empty() {
            let joined = caught.names(|member| self.shared.is_current(member));
            self.shared.journal.write(joined, entries).await;
            caught.join();
        }
        for ready in &ready {
            self.deliver(ready);
            // Only now: what was not emitted, since this was cut short, is new when it comes again.
            self.recent.lock().add(ready.delivery.event_id);
        }
    }

    /// Encodes a delivery that is new here and in its batch. Nothing to do: `None`.
    fn prepare<'a>(
        &self,
        delivery: &'a Delivery,
        people: &'a HashMap<ThreadId, Participants>,
        known: &mut HashSet<EventId>,
    ) -> Option<Ready<'a>> {
        let is_new = self.recent.lock().is_new(delivery.event_id) && known.insert(delivery.event_id);
        if is_history(delivery, self.alone_since) || !is_new {
            self.shared.edge.metrics.edge.duplicates.inc();
            return None;
        }
        if delivery.audience == Audience::Gateways {
            self.act(delivery);
            self.recent.lock().add(delivery.event_id);
            return None;
        }
        let payload = match serde_json::from_str::<&RawValue>(&delivery.payload) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(event = %delivery.event_id, error = &error as &dyn std::error::Error, "an event is not JSON");
                return None;
            }
        };
        let (hearers, packets) = match &delivery.audience {
            Audience::Thread(thread) => {
                let Some(people) = people.get(thread) else {
                    tracing::warn!(%thread, event = %delivery.event_id, "an event of a thread that does not exist");
                    return None;
                };
                if delivery.name == typing_heard::NAME {
                    self.shared.typing_heard.note(payload.get(), Instant::now());
                }
                (Hearers::Thread(*thread, people), vec![self.packet(delivery, &delivery.name, payload)])
            }
            Audience::User(user) => {
                (Hearers::User(user), vec![self.packet(delivery, &delivery.name, payload)])
            }
            Audience::Watchers(user) => (Hearers::Watchers(user), self.presence_packets(user, payload)?),
            Audience::Gateways => return None,
        };
        Some(Ready { delivery, hearers, packets })
    }

    /// What watchers of `user` hear; nothing if nobody here watches them.
    fn presence_packets(&self, user: &UserId, payload: &RawValue) -> Option<Vec<Packet>> {
        if !self.shared.watch.has(user) {
            return None;
        }
        match serde_json::from_str::<Presence>(payload.get()) {
            Ok(person) => {
                self.shared.sight.note(&person);
                Some(self.shared.presence_packets(&person))
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a presence cannot be read");
                None
            }
        }
    }

    /// What the journal says of it: a message that somebody here hears.
    fn entry(&self, ready: &Ready<'_>) -> Option<Entry> {
        let (Hearers::Thread(thread, people), Some(message)) = (&ready.hearers, &ready.delivery.message)
        else {
            return None;
        };
        let position = ready.packets.first()?.offset()?.position();
        let is_heard = people.iter().any(|user| self.shared.hub.has(user));
        is_heard.then_some(Entry { position, thread: *thread, seq: message.seq })
    }

    fn deliver(&self, ready: &Ready<'_>) {
        let queued = match (ready.hearers, &ready.packets[..]) {
            (Hearers::Thread(thread, people), [packet]) => {
                self.to_thread(ready.delivery, thread, people, packet)
            }
            (Hearers::User(user), packets) => self.to_user(user, packets),
            (Hearers::Watchers(user), packets) => self.to_watchers(user, packets),
            (Hearers::Thread(..), _) => 0,
        };
        if let Some(offset) = ready.packets.last().and_then(Packet::offset) {
            *self.shared.emitted.lock() = offset;
        }
        self.observe(ready.delivery, queued);
    }

    /// What gateways do themselves.
    fn act(&self, delivery: &Delivery) {
        if let Some(revocation) = &delivery.revocation {
            self.shared.end_revoked(revocation);
        } else {
            tracing::warn!(event = %delivery.event_id, "an event for gateways that this one does not know");
        }
    }

    fn to_thread(
        &self,
        delivery: &Delivery,
        thread: ThreadId,
        people: &Participants,
        packet: &Packet,
    ) -> u64 {
        let gets_receipts = people.len() <= RECEIPT_PARTICIPANTS_MAX;
        let message = delivery.message.as_ref();
        let mut queued = 0;
        for user in people.iter().filter(|user| delivery.except.as_ref() != Some(user)) {
            let place = message.map(|message| (thread, message.seq));
            let receipt =
                place.filter(|_| gets_receipts && message.is_some_and(|message| message.sender_id != *user));
            queued += self.to_recipient(user, packet, place, receipt);
        }
        queued
    }

    /// To one participant, in the turn of its place if it is a message; with a receipt if it needs one, or later if it is kept for
    /// their return.
    fn to_recipient(
        &self,
        user: &UserId,
        packet: &Packet,
        place: Option<(ThreadId, u64)>,
        receipt: Option<(ThreadId, u64)>,
    ) -> u64 {
        let (mut queued, mut is_written) = (0, false);
        self.each(user, |Here(socket)| {
            let sent = match place {
                Some((thread, seq)) => socket.state().emit_in_turn(thread, seq, || socket.emit(packet)),
                None => Some(socket.emit(packet)),
            };
            match sent {
                Some(Sent::Queued) => is_written = true,
                Some(Sent::Kept) => {
                    if let Some((thread, seq)) = receipt {
                        socket.state().looking(|looking| looking.keep(thread, seq));
                    }
                }
                Some(Sent::Dropped) | None => {}
            }
            queued += u64::from(sent.is_some());
        });
        if let Some((thread, seq)) = receipt.filter(|_| is_written) {
            self.shared.receipts.note(thread, user, seq);
        }
        queued
    }

    fn to_user(&self, user: &UserId, packets: &[Packet]) -> u64 {
        let mut queued = 0;
        self.each(user, |socket| queued += emit_all(socket, packets));
        queued
    }

    /// The sockets of the user that may hear something. One of an older generation may not: something was lost that was addressed to it, and
    /// what it heard now would say that it had that too.
    fn each(&self, user: &UserId, mut act: impl FnMut(&Here)) {
        self.shared.hub.each(user, |socket| {
            if self.shared.is_current(socket.0.state()) {
                act(socket);
            }
        });
    }

    fn to_watchers(&self, user: &UserId, packets: &[Packet]) -> u64 {
        let mut queued = 0;
        self.shared.watch.each(user, |socket| queued += emit_all(socket, packets));
        queued
    }

    fn packet(&self, delivery: &Delivery, name: &str, payload: &RawValue) -> Packet {
        let encoder = &self.shared.encoder;
        if delivery.ephemeral {
            encoder.ephemeral_raw(name, &[payload])
        } else {
            encoder.event_raw(name, &[payload])
        }
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

fn emit_all(Here(socket): &Here, packets: &[Packet]) -> u64 {
    packets.iter().map(|packet| u64::from(socket.emit(packet) != Sent::Dropped)).sum()
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
            let mut delivery =
                Delivery::new(id, audience, "message:received", "{}".into(), Timestamp(accepted_at));
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
        assert!(recent.is_new(first));
        recent.add(first);
        recent.add(first);
        assert!(!recent.is_new(first));
        for _ in 0..RECENT_MAX {
            recent.add(EventId(Uuid::now_v7()));
        }
        assert_eq!((recent.known.len(), recent.order.len()), (RECENT_MAX, RECENT_MAX));
        assert!(recent.is_new(first), "the oldest is forgotten");
    }
}
