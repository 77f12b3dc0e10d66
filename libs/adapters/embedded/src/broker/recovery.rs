//! After a process that was killed: counts the deliveries that ended with it.
//!
//! Who held what is not on the disk, only how many messages of a queue the consumers may have held, so the first that many
//! count one delivery more. That alone parks nothing: from `SUSPECT_DELIVERIES` on, a message is handed out by itself, counted
//! in the table before it is, and acknowledged durably. So the one that kills its process reaches `DELIVERY_LIMIT` and is
//! parked here at the next start, while its neighbours, suspected for a while, are done one by one.

use super::settling::DELIVERY_LIMIT_REASON;
use super::table::{self, StoredQueue};
use eventflow_bus::topology::{DELIVERY_LIMIT, QueueKind, SUSPECT_DELIVERIES, dead};
use rusqlite::{Result, Transaction};

/// Most messages of a queue that are looked at: what a consumer of this system holds. A killer behind them gets among them,
/// since those before it are done one by one.
const HELD_MAX: u32 = 64;

/// Takes note that the broker is open; after an unclean stop, counts. Answers the queues as they are then.
pub(super) fn start(tx: &Transaction<'_>) -> Result<Vec<StoredQueue>> {
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
            park(tx, queue, parking.number)?;
        }
    }
    table::queues(tx)
}

/// Those that were held together: suspects are held alone and were counted before.
fn count(tx: &Transaction<'_>, queue: &StoredQueue) -> Result<()> {
    let held = table::head(tx, queue.number, queue.held.min(HELD_MAX))?;
    for (slot, deliveries) in held.into_iter().take_while(|(_, deliveries)| *deliveries < SUSPECT_DELIVERIES)
    {
        table::put_count(tx, slot, deliveries + 1)?;
    }
    Ok(())
}

fn park(tx: &Transaction<'_>, queue: &StoredQueue, parking: i64) -> Result<()> {
    for (slot, deliveries) in table::head(tx, queue.number, HELD_MAX)? {
        if deliveries >= DELIVERY_LIMIT {
            let to = table::after_last(tx, parking)?;
            tracing::warn!(queue = queue.spec.name, "parked a message at its delivery limit");
            table::park(tx, slot, to, (DELIVERY_LIMIT_REASON, &queue.spec.name))?;
        }
    }
    Ok(())
}
