//! Receipts: a message that was written to somebody's socket moves their cursor "delivered" in the thread.
//!
//! Of many messages of one thread to one person only the newest counts. So receipts are collected in rounds
//! of about a second and sent in the steps of a round, all of a thread in the same step: people of one thread
//! who have got the same share the work, and senders do not hear everything at once. No client waits for it;
//! what could not be sent goes with the next round, and an overloaded gateway begins none. Repeating is safe
//! because a cursor only rises. While nothing is delivered, nothing runs.

use crate::ws::shedding::Shedding;
use crate::ws::sockets::handle::SocketHandle;
use crate::ws::sockets::hub::Hub;
use crate::ws::upstream::signals::Signals;
use eventflow_bus::publish::Confirmation;
use eventflow_metrics::ShedKind;
use eventflow_ports::Clock;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// The first part of a round, so that a burst after a silence becomes one command.
const COLLECTING: Duration = Duration::from_millis(250);
/// Steps of the rest of a round: with 1,000 busy threads some hundred receipts each, which is a frame or two
/// for each shard.
const STEPS: u32 = 8;
/// Pause before each step.
const STEP_PAUSE: Duration = Duration::from_millis(95);
/// A whole round.
#[cfg(test)]
pub(crate) const ROUND: Duration = COLLECTING.saturating_add(STEP_PAUSE.saturating_mul(STEPS));
/// Receipts waiting in each step while the broker is away. What does not fit is sent with the next message,
/// or by reading.
const WAITING_MAX: usize = 10_240;

/// The receipts of one step: how far threads have got, by person.
type WaitingReceipts = Mutex<HashMap<(ThreadId, UserId), u64>>;

/// A receipt on its way to the broker.
struct SentReceipt {
    advance: AdvanceCursor,
    seq: u64,
    confirmation: Confirmation,
}

/// Collects receipts; [`Receipts::run`] sends them.
pub(crate) struct Receipts {
    steps: Box<[WaitingReceipts]>,
    hasher: RandomState,
    noted: Notify,
    parts: ReceiptParts,
}

/// What receipts need.
pub(crate) struct ReceiptParts {
    pub(crate) hub: Arc<Hub<SocketHandle>>,
    pub(crate) signals: Signals,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shedding: Arc<Shedding>,
}

impl Receipts {
    /// No receipt yet.
    pub(crate) fn new(parts: ReceiptParts) -> Self {
        Self {
            steps: (0..STEPS).map(|_| WaitingReceipts::default()).collect(),
            hasher: RandomState::new(),
            noted: Notify::new(),
            parts,
        }
    }

    /// The message at `seq` was written to a socket of `user`.
    pub(crate) fn note(&self, thread: ThreadId, user: &UserId, seq: u64) {
        // Counted only: it waits, and of those of one thread and person the newest goes.
        self.parts.shedding.sheds(ShedKind::Receipts);
        if note_newest(&mut self.step(thread).lock(), thread, user, seq) {
            self.noted.notify_one();
        }
    }

    /// Sends what was noted, round after round, until it is dropped.
    pub(crate) async fn run(&self) {
        loop {
            self.noted.notified().await;
            sleep(COLLECTING).await;
            self.parts.shedding.until_kept(ShedKind::Receipts).await;
            let mut sent = Vec::new();
            for step in &self.steps {
                sleep(STEP_PAUSE).await;
                self.send(step, &mut sent).await;
            }
            for SentReceipt { advance, seq, confirmation } in sent {
                if confirmation.wait().await.is_err() {
                    self.note(advance.thread_id, &advance.user_id, seq);
                }
            }
        }
    }

    fn step(&self, thread: ThreadId) -> &WaitingReceipts {
        let index = usize::try_from(self.hasher.hash_one(thread) % u64::from(STEPS))
            .expect("less than the number of steps");
        &self.steps[index]
    }

    /// Sends one step; what the broker does not take waits for the next round.
    async fn send(&self, step: &WaitingReceipts, sent: &mut Vec<SentReceipt>) {
        let waiting = std::mem::take(&mut *step.lock());
        for ((thread_id, user_id), seq) in waiting {
            // The line broke before it was sure that the message came through: the receipt waits until the
            // session is back.
            if !self.is_connected(&user_id) {
                self.parts
                    .hub
                    .each(&user_id, |SocketHandle(socket)| socket.state().keep_receipt(thread_id, seq));
                continue;
            }
            let at = self.parts.clock.now();
            let advance =
                AdvanceCursor { thread_id, user_id, cursor: Cursor::Delivered, up_to: Some(seq), at };
            match self.parts.signals.cursor(advance.clone()).await {
                Ok(confirmation) => sent.push(SentReceipt { advance, seq, confirmation }),
                Err(_) => self.note(advance.thread_id, &advance.user_id, seq),
            }
        }
    }

    fn is_connected(&self, user: &UserId) -> bool {
        let mut is_connected = false;
        self.parts.hub.each(user, |SocketHandle(socket)| is_connected |= socket.is_connected());
        is_connected
    }
}

/// Keeps the newest place. `false` if there is no room for one more receipt.
fn note_newest(
    waiting: &mut HashMap<(ThreadId, UserId), u64>,
    thread: ThreadId,
    user: &UserId,
    seq: u64,
) -> bool {
    let is_full = waiting.len() >= WAITING_MAX;
    let key = (thread, user.clone());
    if let Some(newest) = waiting.get_mut(&key) {
        *newest = seq.max(*newest);
        return true;
    }
    if is_full {
        return false;
    }
    waiting.insert(key, seq);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_messages_the_newest_counts() {
        let mut waiting = HashMap::new();
        let thread = ThreadId::from_bytes([1; 12]);
        let ann: UserId = "ann".parse().unwrap();
        for seq in [3, 9, 7] {
            assert!(note_newest(&mut waiting, thread, &ann, seq));
        }
        assert_eq!(waiting, HashMap::from([((thread, ann), 9)]));
    }
}
