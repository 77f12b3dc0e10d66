//! "Delivered": what was written to somebody's socket becomes their cursor in the thread.
//!
//! Of many messages of one thread to one person only the newest counts, so they are collected in rounds of about a second, and told in the
//! steps of a round, all of a thread in the same: people of one thread who have got the same share the work, and what senders are then told
//! does not come all at once. No client waits for it; what could not be told is told in the next round. Repeating is safe because a cursor
//! only rises. While nothing is delivered this costs nothing.

use crate::ws::hub::Hub;
use crate::ws::member::Here;
use crate::ws::signals::Signals;
use eventflow_bus::publish::Confirmation;
use eventflow_ports::Clock;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// The first part of a round, so that a burst after a silence becomes one command.
const COLLECTING: Duration = Duration::from_millis(250);
/// Steps of the rest of a round: with 1,000 busy threads some hundred receipts each, which is a frame or two for each shard.
const STEPS: u32 = 8;
/// Pause before each step.
const STEP: Duration = Duration::from_millis(95);
/// A whole round.
#[cfg(test)]
pub(crate) const ROUND: Duration = COLLECTING.saturating_add(STEP.saturating_mul(STEPS));
/// Receipts waiting in each step while the broker is away. What does not fit is told with the next message, or by reading.
const WAITING_MAX: usize = 10_240;

/// How far threads have got, by person.
type Step = Mutex<HashMap<(ThreadId, UserId), u64>>;

/// What is on its way to the broker: the receipt, its place, and when the broker has it.
type Told = (AdvanceCursor, u64, Confirmation);

/// How far threads have got, by person; not told yet.
#[derive(Debug)]
pub(crate) struct Receipts {
    steps: Box<[Step]>,
    hasher: RandomState,
    noted: Notify,
}

impl Default for Receipts {
    fn default() -> Self {
        Self {
            steps: (0..STEPS).map(|_| Step::default()).collect(),
            hasher: RandomState::new(),
            noted: Notify::new(),
        }
    }
}

impl Receipts {
    /// The message at `seq` was written to a socket of `user`.
    pub(crate) fn note(&self, thread: ThreadId, user: &UserId, seq: u64) {
        let mut waiting = self.step(thread).lock();
        let is_full = waiting.len() >= WAITING_MAX;
        let key = (thread, user.clone());
        match waiting.get_mut(&key) {
            Some(newest) => *newest = seq.max(*newest),
            None if is_full => return,
            None => drop(waiting.insert(key, seq)),
        }
        drop(waiting);
        self.noted.notify_one();
    }

    /// Tells of what was noted, round after round.
    pub(crate) async fn run(&self, hub: &Hub<Here>, signals: &Signals, clock: &dyn Clock) {
        loop {
            self.noted.notified().await;
            sleep(COLLECTING).await;
            let mut told = Vec::new();
            for step in &self.steps {
                sleep(STEP).await;
                self.tell(step, hub, signals, clock, &mut told).await;
            }
            for (advance, seq, confirmation) in told {
                if confirmation.wait().await.is_err() {
                    self.note(advance.thread_id, &advance.user_id, seq);
                }
            }
        }
    }

    fn step(&self, thread: ThreadId) -> &Step {
        let index = usize::try_from(self.hasher.hash_one(thread) % u64::from(STEPS))
            .expect("less than the number of steps");
        &self.steps[index]
    }

    /// One step; what the broker does not take waits for the next round.
    async fn tell(
        &self,
        step: &Step,
        hub: &Hub<Here>,
        signals: &Signals,
        clock: &dyn Clock,
        told: &mut Vec<Told>,
    ) {
        let waiting = std::mem::take(&mut *step.lock());
        for ((thread_id, user_id), seq) in waiting {
            // The line broke before it was sure that the message came through: told when the session is back.
            if !is_connected(hub, &user_id) {
                hub.each(&user_id, |Here(socket)| {
                    socket.state().looking(|looking| looking.keep(thread_id, seq))
                });
                continue;
            }
            let (cursor, up_to, at) = (Cursor::Delivered, Some(seq), clock.now());
            let advance = AdvanceCursor { thread_id, user_id, cursor, up_to, at };
            match signals.cursor(advance.clone()).await {
                Ok(confirmation) => told.push((advance, seq, confirmation)),
                Err(_) => self.note(advance.thread_id, &advance.user_id, seq),
            }
        }
    }
}

fn is_connected(hub: &Hub<Here>, user: &UserId) -> bool {
    let mut is_connected = false;
    hub.each(user, |socket| is_connected |= socket.0.is_connected());
    is_connected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_messages_the_newest_counts() {
        let receipts = Receipts::default();
        let (thread, ann): (_, UserId) = (ThreadId::from_bytes([1; 12]), "ann".parse().unwrap());
        for seq in [3, 9, 7] {
            receipts.note(thread, &ann, seq);
        }
        assert_eq!(*receipts.step(thread).lock(), HashMap::from([((thread, ann), 9)]));
    }
}
