//! "Delivered": what was written to somebody's socket becomes their cursor in the thread.
//!
//! Of many messages of one thread to one person only the newest counts, so they are collected for [`ROUND`] and told at once. No
//! client waits for it; what could not be told is told in the next round. Repeating is safe because a cursor only rises. While
//! nothing is delivered this costs nothing.

use crate::ws::hub::Hub;
use crate::ws::member::Here;
use crate::ws::signals::Signals;
use eventflow_ports::Clock;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::command::Command;
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// How long receipts are collected: a conversation's burst becomes one command, and nobody sees a tick sooner than that matters.
pub(crate) const ROUND: Duration = Duration::from_millis(500);
/// Receipts waiting while the broker is away. What does not fit is told with the next message, or by reading.
const WAITING_MAX: usize = 65_536;

/// How far threads have got, by person; not told yet.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    waiting: Mutex<HashMap<(ThreadId, UserId), u64>>,
    noted: Notify,
}

impl Receipts {
    /// The message at `seq` was written to a socket of `user`.
    pub(crate) fn note(&self, thread: ThreadId, user: &UserId, seq: u64) {
        let mut waiting = self.waiting.lock();
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
            sleep(ROUND).await;
            self.tell(hub, signals, clock).await;
        }
    }

    /// One round; what the broker did not take waits for the next.
    async fn tell(&self, hub: &Hub<Here>, signals: &Signals, clock: &dyn Clock) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        let mut told = Vec::new();
        for ((thread_id, user_id), seq) in waiting {
            if !is_connected(hub, &user_id) {
                continue;
            }
            let (cursor, up_to, at) = (Cursor::Delivered, Some(seq), clock.now());
            let advance = AdvanceCursor { thread_id, user_id, cursor, up_to, at };
            match signals.command(&Command::AdvanceCursor(advance.clone())).await {
                Ok(confirmation) => told.push((advance, seq, confirmation)),
                Err(_) => self.note(advance.thread_id, &advance.user_id, seq),
            }
        }
        for (advance, seq, confirmation) in told {
            if confirmation.wait().await.is_err() {
                self.note(advance.thread_id, &advance.user_id, seq);
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
        assert_eq!(*receipts.waiting.lock(), HashMap::from([((thread, ann), 9)]));
    }
}
