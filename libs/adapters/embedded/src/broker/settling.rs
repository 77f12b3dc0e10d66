//! Outcomes of deliveries, written lazily: a message is acknowledged, counted once more, or parked.
//!
//! The broker answers an acknowledgement before it is on the disk. Delivery is at least once anyway, so all
//! that a crash costs is that the messages acknowledged in its last milliseconds come again. In return the
//! deletes ride with the next publish instead of paying for an `fsync`. At most one such change waits at the
//! writer; when its turn comes it takes every outcome on the list. If it fails, they return to the list.
//! Safe to repeat because outcomes name messages by their slot.

use super::health::HealthSender;
use super::message::{QueuedMessage, Slot};
use super::queue::Queue;
use super::table;
use crate::{Database, DatabaseError};
use eventflow_ports::Clock;
use parking_lot::Mutex;
use std::sync::Arc;

/// The reason of a parked message that no handler ever judged. RabbitMQ uses the same word.
pub(super) const DELIVERY_LIMIT_REASON: &str = "delivery_limit";

/// The list of outcomes that are not written yet.
pub(super) struct Settling {
    database: Database,
    health: Arc<HealthSender>,
    clock: Arc<dyn Clock>,
    state: Mutex<SettlingState>,
}

#[derive(Default)]
struct SettlingState {
    waiting: Outcomes,
    writing: Outcomes,
    scheduled: bool,
}

#[derive(Default)]
struct Outcomes {
    acked: Vec<(Slot, bool)>,
    counted: Vec<(Slot, u32)>,
    parked: Vec<Parking>,
}

struct Parking {
    slot: Slot,
    bytes: u64,
    from: Arc<Queue>,
    dead: Arc<Queue>,
}

impl Settling {
    pub(super) fn new(database: Database, health: Arc<HealthSender>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { database, health, clock, state: Mutex::default() })
    }

    /// Adds acknowledged messages. `true` if the table counts deliveries of the message.
    pub(super) fn ack(self: &Arc<Self>, acked: Vec<(Slot, bool)>) {
        self.note(|waiting| waiting.acked.extend(acked));
    }

    /// Acknowledges messages and waits until that is on the disk.
    pub(super) async fn ack_durably(&self, slots: Vec<Slot>) -> Result<(), DatabaseError> {
        let delete = move |tx: &rusqlite::Transaction<'_>| {
            slots
                .iter()
                .try_for_each(|slot| table::delete(tx, *slot).and_then(|()| table::delete_count(tx, *slot)))
        };
        self.health.observe(self.database.write(delete).await)
    }

    /// Adds a message whose delivery ended without an acknowledgement.
    pub(super) fn count(self: &Arc<Self>, entry: &QueuedMessage) {
        self.note(|waiting| waiting.counted.push((entry.slot, entry.deliveries)));
    }

    /// Adds a message that has reached the delivery limit.
    pub(super) fn park(self: &Arc<Self>, entry: &QueuedMessage, from: &Arc<Queue>, dead: &Arc<Queue>) {
        let (from, dead) = (Arc::clone(from), Arc::clone(dead));
        self.note(|waiting| {
            waiting.parked.push(Parking { slot: entry.slot, bytes: entry.message.bytes(), from, dead });
        });
    }

    /// Tries failed writes again, if there are any.
    pub(super) fn retry(self: &Arc<Self>) {
        self.note(|_| ());
    }

    fn note(self: &Arc<Self>, add: impl FnOnce(&mut Outcomes)) {
        let mut state = self.state.lock();
        add(&mut state.waiting);
        if state.scheduled || state.waiting.is_empty() {
            return;
        }
        state.scheduled = true;
        drop(state);
        let (runs, ends) = (Arc::clone(self), Arc::clone(self));
        let submitted =
            self.database.submit_lazily(move |tx| runs.write(tx), move |answer| ends.written(answer));
        if submitted.is_err() {
            // The file is closed. Messages whose outcome is not written come again at the next start.
            self.state.lock().scheduled = false;
        }
    }

    /// Runs on the writer thread. Outcomes that are added from here on need a new change.
    fn write(&self, tx: &rusqlite::Transaction<'_>) -> rusqlite::Result<Vec<ParkedMessage>> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.scheduled = false;
        state.writing.append(&mut state.waiting);
        state.writing.write(tx, self.clock.now().0)
    }

    fn written(self: &Arc<Self>, answer: Result<Vec<ParkedMessage>, DatabaseError>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Ok(announcements) = self.health.observe(answer) else {
            // The failed outcomes go in front of those added meanwhile. The next outcome or the ladder's next
            // round tries them again. If the transaction failed before this change had its turn, it is still
            // marked as scheduled.
            let mut failed = std::mem::take(&mut state.writing);
            failed.append(&mut state.waiting);
            state.waiting = failed;
            state.scheduled = false;
            return;
        };
        state.writing = Outcomes::default();
        drop(guard);
        for ParkedMessage { dead, slot, bytes } in announcements {
            tracing::warn!(queue = dead.name, "parked a message at its delivery limit");
            dead.committed_on_disk(slot, bytes);
        }
    }
}

/// A message that is now in a dead-letter queue.
struct ParkedMessage {
    dead: Arc<Queue>,
    slot: Slot,
    bytes: u64,
}

impl Outcomes {
    fn is_empty(&self) -> bool {
        self.acked.is_empty() && self.counted.is_empty() && self.parked.is_empty()
    }

    fn append(&mut self, other: &mut Self) {
        self.acked.append(&mut other.acked);
        self.counted.append(&mut other.counted);
        self.parked.append(&mut other.parked);
    }

    /// Writes the counts first, since a later acknowledgement removes the count with the message.
    fn write(&self, tx: &rusqlite::Transaction<'_>, now_ms: i64) -> rusqlite::Result<Vec<ParkedMessage>> {
        for (slot, deliveries) in &self.counted {
            table::put_count(tx, *slot, *deliveries)?;
        }
        for (slot, counted) in &self.acked {
            table::delete(tx, *slot)?;
            if *counted {
                table::delete_count(tx, *slot)?;
            }
        }
        let mut announcements = Vec::with_capacity(self.parked.len());
        for Parking { slot, bytes, from, dead } in &self.parked {
            let to = dead.next_slot();
            if table::park(tx, *slot, to, (DELIVERY_LIMIT_REASON, &from.name), now_ms)? {
                announcements.push(ParkedMessage { dead: Arc::clone(dead), slot: to, bytes: *bytes });
            }
        }
        Ok(announcements)
    }
}
