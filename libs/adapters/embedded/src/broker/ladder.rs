//! The retry ladder: brings messages back to the queue they came from when their delay is over.
//!
//! Each rung is a queue of its own in which all messages wait equally long, so the first is always the next
//! one due. The task sleeps until then. A restart finds the same rows.
//! Safe to repeat because a message moves in one transaction.

use super::message::Slot;
use super::parts::BrokerParts;
use super::queue::Queue;
use super::table;
use crate::DatabaseError;
use eventflow_bus::topology::Delay;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Batch: most messages of a rung that come back in one transaction, so that the retries of a whole outage do
/// not hold up publishers.
const COME_BACK_MAX: u32 = 256;
/// Sleep: the task looks at the clock again after this long, in case it was set.
const SLEEP_MAX: Duration = Duration::from_mins(1);
/// Probe: while writes fail, the task tries one this often. Nothing else would show that the disk has room
/// again.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// A message that came back.
struct Returned {
    rung: Arc<Queue>,
    to: Option<Arc<Queue>>,
    slot: Slot,
    bytes: u64,
}

/// Runs until `stop`.
pub(super) async fn run(shared: Arc<BrokerParts>, stop: CancellationToken) {
    let mut health = shared.health.subscribe();
    loop {
        let wait = wait(&shared);
        if !wait.is_zero() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = shared.alarm.changed.notified() => continue,
                _ = health.changed() => continue,
                () = tokio::time::sleep(wait) => {}
            }
        }
        if stop.is_cancelled() {
            return;
        }
        shared.settling.retry();
        if come_back(&shared).await.is_err() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PROBE_EVERY) => {}
            }
        }
    }
}

/// How long until the next message is due.
fn wait(shared: &BrokerParts) -> Duration {
    let longest = if shared.health.is_up() { SLEEP_MAX } else { PROBE_EVERY };
    let Some(due_ms) = *shared.alarm.next_ms.lock() else { return longest };
    let ms = due_ms.saturating_sub(shared.clock.now().0);
    Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(longest)
}

/// Moves everything that is due, and learns what is due next.
async fn come_back(shared: &Arc<BrokerParts>) -> Result<(), DatabaseError> {
    let moves = Arc::clone(shared);
    let ends = Arc::clone(shared);
    let (tx, rx) = tokio::sync::oneshot::channel();
    let work = move |tx: &rusqlite::Transaction<'_>| move_due(&moves, tx);
    let done = move |answer: Result<(Vec<Returned>, Option<i64>), DatabaseError>| {
        let outcome = ends.health.observe(answer).map(|(returned, next)| announce(&ends, returned, next));
        // The receiver is gone if the ladder has been stopped meanwhile.
        drop(tx.send(outcome));
    };
    shared.database.submit(work, done).await?;
    rx.await.unwrap_or(Err(DatabaseError::Closed))
}

fn move_due(
    shared: &BrokerParts,
    tx: &rusqlite::Transaction<'_>,
) -> rusqlite::Result<(Vec<Returned>, Option<i64>)> {
    let now_ms = shared.clock.now().0;
    let mut returned = Vec::new();
    let mut next = None;
    if !shared.health.is_up() {
        // This write changes nothing. It shows whether writing works again.
        table::mark_clean(tx, false)?;
    }
    for rung in Delay::LADDER.into_iter().filter_map(|delay| shared.catalog.rung(delay)) {
        for due in table::due(tx, rung.number, now_ms, COME_BACK_MAX)? {
            let to = shared.catalog.numbered(due.back_to);
            // A queue of a kind that this version does not know exists only in the table.
            let slot =
                to.as_ref().map_or_else(|| table::after_last(tx, due.back_to), |to| Ok(to.next_slot()))?;
            table::come_back(tx, due.slot, slot, now_ms)?;
            returned.push(Returned { rung: Arc::clone(&rung), to, slot, bytes: due.bytes });
        }
        let first = table::first_due(tx, rung.number)?;
        next = next.into_iter().chain(first).min();
    }
    Ok((returned, next))
}

/// Runs on the writer thread, so that a message that is put on the ladder later sets the alarm later.
fn announce(shared: &BrokerParts, returned: Vec<Returned>, next: Option<i64>) {
    *shared.alarm.next_ms.lock() = next;
    for Returned { rung, to, slot, bytes } in returned {
        rung.left(bytes);
        if let Some(to) = to {
            to.committed_on_disk(slot, bytes);
        }
    }
}
