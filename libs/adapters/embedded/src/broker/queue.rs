//! One queue in memory: its first messages, its consumers, and what they hold.
//!
//! The table has every message of a durable queue. Memory has the first of them (the window, bounded) and
//! counts the rest. Messages enter in commit order, leave in slot order, and return to their place. Suspects:
//! a message suspected to kill its consumer (`SUSPECT_DELIVERIES`) is handed out only while no other message
//! of its queue is, and the delivery is counted before. So a crash counts against it alone. The queue of a
//! gateway lives in memory only: gateway and broker are one process, so neither survives the other.

use super::message::{BrokerMessage, QueuedMessage, Slot};
use super::window::Window;
use eventflow_bus::port::{DeliveryTag, Depth, Incoming};
use eventflow_bus::topology::QueueKind;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A queue of the broker.
pub(super) struct Queue {
    /// The name of the queue.
    pub(super) name: String,
    /// The kind, which decides how the queue behaves.
    pub(super) kind: QueueKind,
    /// The number of the queue in the table. `0` for a gateway's queue, which is not in the table.
    pub(super) number: i64,
    end: AtomicI64,
    state: Mutex<QueueState>,
}

struct QueueState {
    window: Window,
    bytes: u64,
    consumers: Vec<QueueConsumer>,
    consumers_ever: u64,
    in_flight: usize,
    suspect_in_flight: bool,
    closed: bool,
    unused_since: Instant,
}

struct QueueConsumer {
    id: u64,
    prefetch: usize,
    tags: u64,
    holds: BTreeMap<DeliveryTag, QueuedMessage>,
    wake: Arc<Notify>,
}

/// What the queue has for a consumer that asks for its next message.
pub(super) enum NextMessage {
    /// This message.
    Message(Box<Incoming>),
    /// Nothing now. The queue wakes the consumer when that changes.
    Nothing,
    /// The table has more, after the first slot and up to the second. Read those messages and call
    /// [`Queue::fill`].
    OnDisk(Slot, Slot),
    /// A suspect is next. Write this count of deliveries into the table and call [`Queue::counted_ahead`].
    Suspect(Slot, u32),
    /// The queue is gone, or the broker is closed.
    Closed,
}

impl Queue {
    /// A queue whose newest message is at `end`, with `messages` of `bytes` in the table.
    pub(super) fn new(
        (name, kind, number): (String, QueueKind, i64),
        end: Slot,
        messages: u64,
        bytes: u64,
    ) -> Self {
        let state = QueueState {
            window: Window::new(Slot::start(number), end, messages),
            bytes,
            consumers: Vec::new(),
            consumers_ever: 0,
            in_flight: 0,
            suspect_in_flight: false,
            closed: false,
            unused_since: Instant::now(),
        };
        Self { name, kind, number, end: AtomicI64::new(end.0), state: Mutex::new(state) }
    }

    /// Takes the next free slot. For durable queues only the writer thread calls this, so slots ascend in the
    /// order of the commits.
    pub(super) fn next_slot(&self) -> Slot {
        Slot(self.end.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Adds a message that has just been committed.
    pub(super) fn committed(&self, slot: Slot, message: BrokerMessage) {
        let mut state = self.state.lock();
        state.bytes += message.bytes();
        let entry = QueuedMessage::new(slot, message);
        if state.consumers.is_empty() {
            state.window.skip(slot);
        } else {
            state.window.append(entry);
        }
        self.wake(&state);
    }

    /// Counts a message that has just been committed and is not in memory.
    pub(super) fn committed_on_disk(&self, slot: Slot, bytes: u64) {
        let mut state = self.state.lock();
        state.bytes += bytes;
        state.window.skip(slot);
        self.wake(&state);
    }

    /// Adds a message that lives in memory only. `false` if the queue would exceed `max_bytes`.
    pub(super) fn offer(&self, message: BrokerMessage, max_bytes: u64) -> bool {
        let mut state = self.state.lock();
        if state.bytes + message.bytes() > max_bytes {
            return false;
        }
        state.bytes += message.bytes();
        let slot = self.next_slot();
        state.window.push(QueuedMessage::new(slot, message));
        self.wake(&state);
        true
    }

    /// Takes note that a message left this queue of the ladder for the queue it came from.
    pub(super) fn left(&self, bytes: u64) {
        let mut state = self.state.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        state.window.forget_one();
    }

    /// Bytes of payload that are queued or handed out.
    pub(super) fn bytes(&self) -> u64 {
        self.state.lock().bytes
    }

    /// How full the queue is. Messages for which an active consumer has room count as held by it, as with a
    /// broker that pushes.
    pub(super) fn depth(&self) -> Depth {
        let state = self.state.lock();
        let active = state.consumers.iter().take(self.active_max());
        let room = active.fold(0_usize, |sum, consumer| sum.saturating_add(consumer.room()));
        Depth {
            ready: state.window.len().saturating_sub(room as u64),
            consumers: state.consumers.len() as u64,
            oldest: None,
        }
    }

    /// Whether no consumer has been there for this long.
    pub(super) fn is_unused_for(&self, time: Duration) -> bool {
        let state = self.state.lock();
        state.consumers.is_empty() && state.unused_since.elapsed() >= time
    }

    /// Starts the time without a consumer over, because the gateway has declared its queue again.
    pub(super) fn renew(&self) {
        self.state.lock().unused_since = Instant::now();
    }

    /// Ends every subscription, now and later.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        for consumer in &state.consumers {
            consumer.wake.notify_one();
        }
    }

    /// Adds a consumer that holds at most `prefetch` messages (0: any number). Gives its id and the signal
    /// that wakes it.
    pub(super) fn join(&self, prefetch: u16) -> (u64, Arc<Notify>) {
        let mut state = self.state.lock();
        state.consumers_ever += 1;
        let (id, wake) = (state.consumers_ever, Arc::new(Notify::new()));
        let prefetch = if prefetch == 0 { usize::MAX } else { prefetch.into() };
        state.consumers.push(QueueConsumer {
            id,
            prefetch,
            tags: 0,
            holds: BTreeMap::new(),
            wake: Arc::clone(&wake),
        });
        (id, wake)
    }

    /// The next message for a consumer.
    pub(super) fn take(&self, id: u64) -> NextMessage {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.closed {
            return NextMessage::Closed;
        }
        let Some(turn) = state.consumers.iter().position(|consumer| consumer.id == id) else {
            return NextMessage::Closed;
        };
        let consumer = &mut state.consumers[turn];
        if turn >= self.active_max() || consumer.room() == 0 {
            return NextMessage::Nothing;
        }
        let Some(first) = state.window.first() else {
            return state
                .window
                .missing()
                .map_or(NextMessage::Nothing, |(from, to)| NextMessage::OnDisk(from, to));
        };
        let suspect = first.is_suspect();
        if state.suspect_in_flight || (suspect && state.in_flight > 0) {
            return NextMessage::Nothing;
        }
        if suspect && !first.counted_ahead {
            return NextMessage::Suspect(first.slot, first.deliveries + 1);
        }
        let Some(entry) = state.window.pop() else { return NextMessage::Nothing };
        state.in_flight += 1;
        state.suspect_in_flight = suspect;
        consumer.tags += 1;
        let tag = DeliveryTag(consumer.tags);
        let incoming = incoming(tag, &entry);
        consumer.holds.insert(tag, entry);
        NextMessage::Message(Box::new(incoming))
    }

    /// Adds the messages read for [`NextMessage::OnDisk`]. `complete` if the table had no more.
    pub(super) fn fill(&self, entries: Vec<QueuedMessage>, to: Slot, complete: bool) {
        let mut state = self.state.lock();
        state.window.fill(entries, to, complete);
        self.wake(&state);
    }

    /// Notes that the table counts the coming delivery of this message, if it is still the next one.
    pub(super) fn counted_ahead(&self, slot: Slot) {
        if let Some(entry) = self.state.lock().window.first_if(slot) {
            entry.counted_ahead = true;
        }
    }

    /// How many messages the consumers may hold together.
    pub(super) fn may_hold(&self) -> usize {
        self.state.lock().consumers.iter().fold(0, |sum, consumer| sum.saturating_add(consumer.prefetch))
    }

    /// The slots of those messages that are suspects. Their acknowledgement must be durable: if a crash
    /// brought them back, it would count against them.
    pub(super) fn suspects(&self, id: u64, tags: &[DeliveryTag]) -> Vec<Slot> {
        let state = self.state.lock();
        if !state.suspect_in_flight {
            return Vec::new();
        }
        let Some(consumer) = state.consumers.iter().find(|consumer| consumer.id == id) else {
            return Vec::new();
        };
        let held = tags.iter().filter_map(|tag| consumer.holds.get(tag));
        held.filter(|entry| entry.is_suspect()).map(|entry| entry.slot).collect()
    }

    /// Forgets acknowledged messages. Gives their slots, and whether the table counts deliveries of them.
    pub(super) fn ack(&self, id: u64, tags: &[DeliveryTag]) -> Vec<(Slot, bool)> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(consumer) = state.consumers.iter_mut().find(|consumer| consumer.id == id) else {
            return Vec::new();
        };
        let done: Vec<QueuedMessage> = tags.iter().filter_map(|tag| consumer.holds.remove(tag)).collect();
        state.in_flight -= done.len();
        state.bytes = state.bytes.saturating_sub(done.iter().map(|entry| entry.message.bytes()).sum());
        state.suspect_in_flight &= state.in_flight > 0;
        self.wake(state);
        done.iter().map(|entry| (entry.slot, entry.deliveries > 0)).collect()
    }

    /// Removes a consumer. Each message that it held returns to its place if `judge` accepts it, and leaves
    /// the queue otherwise.
    pub(super) fn leave(&self, id: u64, mut judge: impl FnMut(&mut QueuedMessage) -> bool) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(turn) = state.consumers.iter().position(|consumer| consumer.id == id) else { return };
        let consumer = state.consumers.remove(turn);
        state.in_flight -= consumer.holds.len();
        state.suspect_in_flight &= state.in_flight > 0;
        state.unused_since = Instant::now();
        for mut entry in consumer.holds.into_values() {
            entry.redelivered = true;
            if judge(&mut entry) {
                state.window.put_back(entry);
            } else {
                state.bytes = state.bytes.saturating_sub(entry.message.bytes());
            }
        }
        self.wake(state);
    }

    fn wake(&self, state: &QueueState) {
        for consumer in state.consumers.iter().take(self.active_max()) {
            consumer.wake.notify_one();
        }
    }

    /// How many consumers get messages, counted from the one that has been there longest.
    fn active_max(&self) -> usize {
        if self.kind == QueueKind::SingleActive { 1 } else { usize::MAX }
    }
}

impl QueueConsumer {
    fn room(&self) -> usize {
        self.prefetch.saturating_sub(self.holds.len())
    }
}

fn incoming(tag: DeliveryTag, entry: &QueuedMessage) -> Incoming {
    let BrokerMessage { payload, headers, reply_to } = entry.message.clone();
    Incoming {
        tag,
        payload,
        redelivered: entry.redelivered,
        delivery_count: entry.deliveries,
        headers,
        reply_to,
    }
}
