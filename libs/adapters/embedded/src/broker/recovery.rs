//! Recovery after a kill: counts the deliveries that ended with the process.
//!
//! The disk does not say which consumer held which message, only how many messages of a queue the consumers
//! may have held. So that many of its first messages count one delivery more. That alone parks no message:
//! from `SUSPECT_DELIVERIES` on, a message is handed out by itself, its delivery is counted in the table
//! before, and its acknowledgement is durable. So the message that kills its process reaches `DELIVERY_LIMIT`
//! and is parked here at the next start. Its neighbours are suspected for a while and then done one by one.

use super::settling::DELIVERY_LIMIT_REASON;
use super::table::{self, StoredQueue};
use eventflow_bus::topology::{DELIVERY_LIMIT, QueueKind, SUSPECT_DELIVERIES, dead};
use rusqlite::{Result, Transaction};

/// Most messages of a queue that recovery looks at: as many as a consumer of this system holds. A killer
/// behind them gets among them, since those before it are done one by one.
const HELD_MAX: u32 = 64;

/// Notes that the broker is open, and counts deliveries after an unclean stop. Gives the queues as they are
/// afterwards. What is parked is in its dead-letter queue since `now_ms`.
pub(super) fn start(tx: &Transaction<'_>, now_ms: i64) -> Result<Vec<StoredQueue>> {
    let queues = table::queues(tx)?;
    let clean = table::mark_clean(tx, false)?;
    table::clear_held(tx)?;
    table::clear_counts(tx)?;
    if clean {
        return Ok(queues);
    }
    for queue in
        queues.iter().filter(|queue| matches!(queue.spec.kind, QueueKind::Work | QueueKind::SingleActive))
    {
        let parking = dead(&queue.spec.name);
        count(tx, queue)?;
        if let Some(parking) = queues.iter().find(|other| other.spec.name == parking) {
            park(tx, queue, parking.number, now_ms)?;
        }
    }
    table::queues(tx)
}

/// Counts the messages that were held together. A suspect is held alone, and its delivery was counted before.
fn count(tx: &Transaction<'_>, queue: &StoredQueue) -> Result<()> {
    let held = table::head(tx, queue.number, queue.held.min(HELD_MAX))?;
    for (slot, deliveries) in held.into_iter().take_while(|(_, deliveries)| *deliveries < SUSPECT_DELIVERIES)
    {
        table::put_count(tx, slot, deliveries + 1)?;
    }
    Ok(())
}

fn park(tx: &Transaction<'_>, queue: &StoredQueue, parking: i64, now_ms: i64) -> Result<()> {
    for (slot, deliveries) in table::head(tx, queue.number, HELD_MAX)? {
        if deliveries >= DELIVERY_LIMIT {
            let to = table::after_last(tx, parking)?;
            tracing::warn!(queue = queue.spec.name, "parked a message at its delivery limit");
            table::park(tx, slot, to, (DELIVERY_LIMIT_REASON, &queue.spec.name), now_ms)?;
        }
    }
    Ok(())
}
