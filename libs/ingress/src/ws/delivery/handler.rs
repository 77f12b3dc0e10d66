//! The handler of the gateway's queue.
//!
//! A packet is encoded once and shared by all sockets; the messages of a batch are written to the gateway's
//! journal before any of them is emitted. Safe to repeat because the ids of recent events are remembered once
//! they are emitted: a redelivery (the fan-out worker crashed before its acknowledgement, or ours was lost)
//! comes within seconds and is dropped. If the store cannot say who is in a thread, the batch waits; nothing
//! is dropped for that.

use crate::ws::connection::expiry::Expiry;
use crate::ws::delivery::recent::{RecentEvents, is_history};
use crate::ws::delivery::recipients::{Recipients, ThreadPackets};
use crate::ws::presence::Presence;
use crate::ws::resume::Resume;
use crate::ws::shedding::Shedding;
use crate::ws::sockets::Sockets;
use crate::ws::sockets::handle::SocketHandle;
use crate::ws::typing::Typing;
use crate::ws::typing::expiry::TypingExpiry;
use crate::ws::upstream::receipts::Receipts;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::settle::Outcome;
use eventflow_metrics::{EdgeMetrics, QueueMetrics, ShedKind};
use eventflow_ports::journal::Entry;
use eventflow_ports::{Apart, Clock, Membership, StoreError};
use eventflow_protocol::Participants;
use eventflow_protocol::blocks::BlockLists;
use eventflow_protocol::client::events::{ServerEvent as _, TypingUpdate};
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::presence::Presence as PersonPresence;
use eventflow_protocol::{EventId, ThreadId, Timestamp, UserId};
use eventflow_socketio::Packet;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The handler of one gateway's queue.
pub struct Deliveries {
    pub(super) membership: Membership,
    pub(super) apart: Apart,
    pub(super) recipients: Recipients,
    sockets: Sockets,
    presence: Arc<Presence>,
    typing: Arc<Typing>,
    typing_expiry: Arc<TypingExpiry>,
    resume: Arc<Resume>,
    expiry: Arc<Expiry>,
    shedding: Arc<Shedding>,
    metrics: EdgeMetrics,
    queue: QueueMetrics,
    clock: Arc<dyn Clock>,
    alone_since: Option<Timestamp>,
    recent: Mutex<RecentEvents>,
}

/// The rooms and ports that delivering needs.
pub(crate) struct DeliveryParts {
    pub(crate) membership: Membership,
    pub(crate) apart: Apart,
    pub(crate) sockets: Sockets,
    pub(crate) receipts: Arc<Receipts>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) typing: Arc<Typing>,
    pub(crate) typing_expiry: Arc<TypingExpiry>,
    pub(crate) resume: Arc<Resume>,
    pub(crate) expiry: Arc<Expiry>,
    pub(crate) shedding: Arc<Shedding>,
    pub(crate) metrics: EdgeMetrics,
    /// The series of the gateway's own queue.
    pub(crate) queue: QueueMetrics,
    pub(crate) clock: Arc<dyn Clock>,
    /// Since when this process runs, if it is the only one.
    pub(crate) alone_since: Option<Timestamp>,
}

/// A delivery that is new here, encoded.
struct EncodedDelivery<'a> {
    delivery: &'a GatewayEvent,
    audience: LocalAudience<'a>,
    packets: Vec<Packet>,
    /// For who may not see the message at this place, which the delivery quotes.
    unquoted: Option<(u64, Packet)>,
    /// For those who may not see all of its receipts.
    without_receipts: HashMap<UserId, Packet>,
}

/// Who hears a delivery.
#[derive(Clone, Copy)]
enum LocalAudience<'a> {
    Thread(ThreadId, &'a Participants),
    User(&'a UserId),
    Followers(&'a UserId),
}

#[async_trait]
impl BatchHandler for Deliveries {
    type Value = GatewayEvent;
    type Outbox = ();

    fn accepted_at(delivery: &GatewayEvent) -> Option<Timestamp> {
        Some(delivery.accepted_at)
    }

    async fn perform(&self, batch: &[Item<GatewayEvent>]) -> Result<Performed<()>, Unavailable> {
        let now = self.clock.now();
        self.queue.observe_ages(batch.iter().map(|item| item.value.accepted_at.age_at(now)));
        for item in batch {
            self.forget_changed(&item.value);
        }
        let threads: Vec<ThreadId> = batch.iter().filter_map(|item| thread_of(&item.value)).collect();
        let mut people = self.membership.of_all(&threads).await.map_err(unavailable)?;
        let lists = self.lists_for(batch, &people).await;
        let lists = lists.map_err(unavailable)?;
        for item in batch {
            self.note_departure(&item.value, &mut people, &lists);
            if let Some(pair) = &item.value.block {
                self.presence.block_changed(&self.sockets.hub, pair).await.map_err(unavailable)?;
            }
        }
        self.deliver_batch(batch, &people, &lists).await;
        Ok(Performed { outcomes: batch.iter().map(|_| Outcome::Done).collect(), outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

fn unavailable(error: StoreError) -> Unavailable {
    Unavailable { what: "the store", source: error.into() }
}

pub(super) fn thread_of(delivery: &GatewayEvent) -> Option<ThreadId> {
    match delivery.audience {
        Audience::Thread(thread) => Some(thread),
        Audience::User(_) | Audience::Watchers(_) | Audience::Gateways => None,
    }
}

impl Deliveries {
    /// Nothing was delivered yet.
    pub(crate) fn new(parts: DeliveryParts) -> Self {
        let subscriptions = Arc::clone(&parts.presence.subscriptions);
        Self {
            membership: parts.membership,
            apart: parts.apart,
            recipients: Recipients::new(parts.sockets.clone(), subscriptions, parts.receipts),
            sockets: parts.sockets,
            presence: parts.presence,
            typing: parts.typing,
            typing_expiry: parts.typing_expiry,
            resume: parts.resume,
            expiry: parts.expiry,
            shedding: parts.shedding,
            metrics: parts.metrics,
            queue: parts.queue,
            clock: parts.clock,
            alone_since: parts.alone_since,
            recent: Mutex::default(),
        }
    }

    /// Somebody has left a thread: nobody follows anybody for a membership that is over. Whoever looks at an
    /// event of a thread that everybody has left finds no people, and the one who left still hears of it.
    fn note_departure(
        &self,
        delivery: &GatewayEvent,
        people: &mut HashMap<ThreadId, Participants>,
        lists: &BlockLists,
    ) {
        let (Some(left), Some(thread)) = (&delivery.left, thread_of(delivery)) else { return };
        self.presence.contacts.forget(std::slice::from_ref(left));
        let people = people.entry(thread).or_insert_with(|| Participants::from(Vec::new()));
        for user in people.iter().chain([left]) {
            self.sockets.hub.each(user, |SocketHandle(socket)| {
                self.presence.follow_anew(socket, user, (thread, people), lists);
            });
        }
    }

    /// Delivers one batch. No other batch is under way meanwhile (that is what the handover's lock is for),
    /// so all sockets get packets in the order of their positions, and the journal names nobody as hearing a
    /// message who does not.
    async fn deliver_batch(
        &self,
        batch: &[Item<GatewayEvent>],
        people: &HashMap<ThreadId, Participants>,
        lists: &BlockLists,
    ) {
        let mut caught_up = self.resume.handover.lock().await;
        let mut known = HashSet::new();
        let prepared = batch.iter().filter_map(|item| {
            let mut encoded = self.prepare(&item.value, people, &mut known)?;
            // Before the next one is encoded: packets of a socket are in the order of their positions.
            if let LocalAudience::Thread(_, people) = encoded.audience {
                encoded.without_receipts = self.without_receipts(encoded.delivery, people, lists);
            }
            Some(encoded)
        });
        let encoded: Vec<_> = prepared.collect();
        let entries: Vec<Entry> = encoded.iter().filter_map(|encoded| self.entry(encoded)).collect();
        if !entries.is_empty() {
            let joined = caught_up.names(|session| self.sockets.generation.includes(session));
            self.resume.journal.write(joined, entries).await;
            caught_up.join();
        }
        for encoded in &encoded {
            self.deliver(encoded, lists);
            // Only now: what was not emitted, because this was cut short, is new when it comes again.
            self.recent.lock().add(encoded.delivery.event_id);
        }
    }

    /// Encodes a delivery that is new here and in its batch. `None` if there is nothing to emit.
    fn prepare<'a>(
        &self,
        delivery: &'a GatewayEvent,
        people: &'a HashMap<ThreadId, Participants>,
        known: &mut HashSet<EventId>,
    ) -> Option<EncodedDelivery<'a>> {
        let is_new = self.recent.lock().is_new(delivery.event_id) && known.insert(delivery.event_id);
        if is_history(delivery, self.alone_since) || !is_new {
            self.metrics.duplicates.inc();
            return None;
        }
        if delivery.audience == Audience::Gateways {
            self.act(delivery);
            self.recent.lock().add(delivery.event_id);
            return None;
        }
        if self.is_shed(delivery) {
            return None;
        }
        let payload = match serde_json::from_str::<&RawValue>(&delivery.payload) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(event = %delivery.event_id, error = &error as &dyn std::error::Error, "an event is not JSON");
                return None;
            }
        };
        self.encode(delivery, payload, people)
    }

    /// Whether an overloaded gateway does without a delivery. A stop of typing is always told: without it,
    /// who was shown as typing would go on to be shown.
    fn is_shed(&self, delivery: &GatewayEvent) -> bool {
        if matches!(delivery.audience, Audience::Watchers(_)) {
            return self.shedding.sheds(ShedKind::Presence);
        }
        let is_typing = || {
            let update = serde_json::from_str::<TypingUpdate>(&delivery.payload);
            update.is_ok_and(|update| update.is_typing)
        };
        delivery.name == TypingUpdate::NAME && self.shedding.sheds_if(ShedKind::Typing, is_typing)
    }

    fn encode<'a>(
        &self,
        delivery: &'a GatewayEvent,
        payload: &RawValue,
        people: &'a HashMap<ThreadId, Participants>,
    ) -> Option<EncodedDelivery<'a>> {
        let (audience, packets) = match &delivery.audience {
            Audience::Thread(thread) => {
                let Some(people) = people.get(thread) else {
                    tracing::warn!(%thread, event = %delivery.event_id, "an event of a thread that does not exist");
                    return None;
                };
                (LocalAudience::Thread(*thread, people), vec![self.packet(delivery, payload)])
            }
            Audience::User(user) => (LocalAudience::User(user), vec![self.packet(delivery, payload)]),
            Audience::Watchers(user) => {
                (LocalAudience::Followers(user), self.presence_packets(user, payload)?)
            }
            Audience::Gateways => return None,
        };
        let unquoted = self.unquoted(delivery, audience);
        Some(EncodedDelivery { delivery, audience, packets, unquoted, without_receipts: HashMap::new() })
    }

    /// The delivery without its quote, if somebody in the thread may not see what it quotes.
    fn unquoted(&self, delivery: &GatewayEvent, audience: LocalAudience<'_>) -> Option<(u64, Packet)> {
        let LocalAudience::Thread(_, people) = audience else { return None };
        let unquoted = delivery.unquoted.as_ref().filter(|unquoted| !people.all_see(unquoted.seq))?;
        match serde_json::from_str::<&RawValue>(&unquoted.payload) {
            Ok(payload) => Some((unquoted.seq, self.packet(delivery, payload))),
            Err(error) => {
                tracing::error!(event = %delivery.event_id, error = &error as &dyn std::error::Error, "an event is not JSON");
                None
            }
        }
    }

    /// What followers of `user` hear; `None` if nobody here follows them.
    fn presence_packets(&self, user: &UserId, payload: &RawValue) -> Option<Vec<Packet>> {
        if !self.presence.subscriptions.has(user) {
            return None;
        }
        match serde_json::from_str::<PersonPresence>(payload.get()) {
            Ok(person) => Some(self.presence.statuses.announce(&person)),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a presence cannot be read");
                None
            }
        }
    }

    /// What the journal says of a delivery: a message that somebody here hears.
    fn entry(&self, encoded: &EncodedDelivery<'_>) -> Option<Entry> {
        let LocalAudience::Thread(thread, people) = encoded.audience else { return None };
        let message = encoded.delivery.message.as_ref()?;
        let position = encoded.packets.first()?.offset()?.position();
        let is_heard = people.iter().any(|user| self.recipients.has(user));
        is_heard.then_some(Entry { position, thread, seq: message.seq })
    }

    fn deliver(&self, encoded: &EncodedDelivery<'_>, lists: &BlockLists) {
        let queued = match (encoded.audience, &encoded.packets[..]) {
            (LocalAudience::Thread(thread, people), [packet]) => {
                if encoded.delivery.membership_changed {
                    self.presence.share_a_thread(&self.sockets.hub, people, lists);
                }
                let left = encoded.delivery.left.as_ref().filter(|user| !people.contains(user));
                let to_left = left.map_or(0, |user| self.recipients.write_to_user(user, &encoded.packets));
                let EncodedDelivery { unquoted, without_receipts, .. } = encoded;
                let packets = ThreadPackets { packet, unquoted: unquoted.as_ref(), without_receipts, lists };
                to_left + self.recipients.write_to_thread(encoded.delivery, thread, people, packets)
            }
            (LocalAudience::Thread(..), _) => 0,
            (LocalAudience::User(user), packets) => {
                if let Some(wants_away) = encoded.delivery.wants_away {
                    self.presence.adopt(&self.sockets.hub, user, wants_away);
                }
                self.recipients.write_to_user(user, packets)
            }
            (LocalAudience::Followers(user), packets) => self.recipients.write_to_followers(user, packets),
        };
        let own = encoded.unquoted.as_ref().map(|(_, packet)| packet).or(encoded.packets.last());
        let packets = own.into_iter().chain(encoded.without_receipts.values());
        let last = packets.filter_map(Packet::offset).max_by_key(|offset| offset.position());
        if let Some(offset) = last {
            self.resume.note_emitted(offset);
        }
        self.note_typing(encoded);
        self.observe(encoded.delivery, queued);
    }

    /// Remembers who is shown as typing. Whoever has sent their message has stopped.
    fn note_typing(&self, encoded: &EncodedDelivery<'_>) {
        let LocalAudience::Thread(thread, _) = encoded.audience else { return };
        if encoded.delivery.name == TypingUpdate::NAME {
            self.typing_expiry.note(&encoded.delivery.payload);
        }
        if let Some(message) = &encoded.delivery.message {
            self.typing.sent(thread, &message.sender_id);
            self.typing_expiry.sent(thread, &message.sender_id);
        }
    }

    /// Does what an event asks of the gateways themselves.
    fn act(&self, delivery: &GatewayEvent) {
        if let Some(revocation) = &delivery.revocation {
            self.expiry.end_revoked(revocation);
        } else if let Some(disconnection) = &delivery.disconnection {
            self.expiry.end_disconnected(disconnection);
        } else {
            tracing::warn!(event = %delivery.event_id, "an event for gateways that this one does not know");
        }
    }

    pub(super) fn packet(&self, delivery: &GatewayEvent, payload: &RawValue) -> Packet {
        let encoder = &self.sockets.encoder;
        if delivery.ephemeral {
            encoder.ephemeral_raw(&delivery.name, &[payload])
        } else {
            encoder.event_raw(&delivery.name, &[payload])
        }
    }

    fn observe(&self, delivery: &GatewayEvent, queued: u64) {
        self.metrics.deliveries.inc_by(queued);
        if queued > 0 {
            tracing::debug!(
                event = %delivery.event_id,
                name = delivery.name,
                thread = thread_of(delivery).map(display),
                seq = delivery.message.as_ref().map(|message| message.seq),
                message_id = delivery.message.as_ref().and_then(|message| message.id).map(display),
                sockets = queued,
                "an event was delivered"
            );
            let age = delivery.accepted_at.age_at(self.clock.now());
            self.metrics.delivery_seconds.observe(age.as_secs_f64());
        }
    }
}
