//! What became of delivered messages, written lazily: acknowledged, counted once more, or parked.
//!
//! An acknowledgement is answered before it is on the disk. Delivery is at least once anyway, so all a crash costs is that the
//! messages acknowledged in its last milliseconds come again; in return the deletes ride with the next publish instead of
//! paying for an `fsync`. At most one such change waits at the writer; it takes all there is when its turn comes. If it
//! fails, everything returns to the list and is tried again: safe to repeat because it names messages by their slot.

use super::health::HealthSender;
use super::message::{Entry, Slot};
use super::queue::Queue;
use super::table;
use crate::{Database, DatabaseError};
use parking_lot::Mutex;
use std::sync::Arc;

/// Why a message was parked that no handler ever judged; RabbitMQ's word for it.
pub(super) const DELIVERY_LIMIT_REASON: &str = "delivery_limit";

/// The list of what became of messages.
pub(super) struct Settling {
    database: Database,
    health: Arc<HealthSender>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Settled,
    writing: Settled,
    scheduled: bool,
}

#[derive(Default)]
struct Settled {
    acked: Vec<(Slot, bool)>,
    counted: Vec<(Slot, u32)>,
    parked: Vec<Parked>,
}

struct Parked {
    slot: Slot,
    bytes: u64,
    from: Arc<Queue>,
    dead: Arc<Queue>,
}

impl Settling {
    pub(super) fn new(database: Database, health: Arc<HealthSender>) -> Arc<Self> {
        Arc::new(Self { database, health, state: Mutex::default() })
    }

    /// These were acknowledged; `true`: deliveries of it were counted.
    pub(super) fn ack(self: &Arc<Self>, acked: Vec<(Slot, bool)>) {
        self.note(|waiting| waiting.acked.extend(acked));
    }

    /// Acknowledges and waits until that is on the disk.
    pub(super) async fn ack_durably(&self, slots: Vec<Slot>) -> Result<(), DatabaseError> {
        let delete = move |tx: &rusqlite::Transaction<'_>| {
            slots
                .iter()
                .try_for_each(|slot| table::delete(tx, *slot).and_then(|()| table::delete_count(tx, *slot)))
        };
        self.health.observe(self.database.write(delete).await)
    }

    /// A delivery of this one ended without an acknowledgement.
    pub(super) fn count(self: &Arc<Self>, entry: &Entry) {
        self.note(|waiting| waiting.counted.push((entry.slot, entry.deliveries)));
    }

    /// This one reached the delivery limit.
    pub(super) fn park(self: &Arc<Self>, entry: &Entry, from: &Arc<Queue>, dead: &Arc<Queue>) {
        let (from, dead) = (Arc::clone(from), Arc::clone(dead));
        self.note(|waiting| {
            waiting.parked.push(Parked { slot: entry.slot, bytes: entry.message.bytes(), from, dead })
        });
    }

    /// Tries again what failed before, if anything did.
    pub(super) fn retry(self: &Arc<Self>) {
        self.note(|_| ());
    }

    fn note(self: &Arc<Self>, add: impl FnOnce(&mut Settled)) {
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
            // The file is closed: what is not written comes again at the next start.
            self.state.lock().scheduled = false;
        }
    }

    /// On the writer thread. From here on, a new note is a new change.
    fn write(&self, tx: &rusqlite::Transaction<'_>) -> rusqlite::Result<Vec<Announcement>> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.scheduled = false;
        state.writing.append(&mut state.waiting);
        state.writing.write(tx)
    }

    fn written(self: &Arc<Self>, answer: Result<Vec<Announcement>, DatabaseError>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Ok(announcements) = self.health.observe(answer) else {
            // In front of what came meanwhile; tried again with the next note or the ladder's next round. If the transaction
            // failed before this change had its turn, the change is still marked as waiting.
            let mut failed = std::mem::take(&mut state.writing);
            failed.append(&mut state.waiting);
            state.waiting = failed;
            state.scheduled = false;
            return;
        };
        state.writing = Settled::default();
        drop(guard);
        for Announcement { dead, slot, bytes } in announcements {
            tracing::warn!(queue = dead.name, "parked a message at its delivery limit");
            dead.committed_on_disk(slot, bytes);
        }
    }
}

/// A message that is in a dead-letter queue now.
struct Announcement {
    dead: Arc<Queue>,
    slot: Slot,
    bytes: u64,
}

impl Settled {
    fn is_empty(&self) -> bool {
        self.acked.is_empty() && self.counted.is_empty() && self.parked.is_empty()
    }

    fn append(&mut self, other: &mut Self) {
        self.acked.append(&mut other.acked);
        self.counted.append(&mut other.counted);
        self.parked.append(&mut other.parked);
    }

    /// Counts first: an acknowledgement that came later removes the count with the message.
    fn write(&self, tx: &rusqlite::Transaction<'_>) -> rusqlite::Result<Vec<Announcement>> {
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
        for Parked { slot, bytes, from, dead } in &self.parked {
            let to = dead.next_slot();
            if table::park(tx, *slot, to, (DELIVERY_LIMIT_REASON, &from.name))? {
                announcements.push(Announcement { dead: Arc::clone(dead), slot: to, bytes: *bytes });
            }
        }
        Ok(announcements)
    }
}
