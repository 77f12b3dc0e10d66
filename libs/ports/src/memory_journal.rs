//! In-memory journal, for gateways that share one process, as tests start them. It sits behind one lock and
//! is gone with the process.
//!
//! The store keeps a gateway's parts by number, in order. It deletes a journal to which nothing was added for
//! [`JOURNAL_LIFE`] when any gateway adds its next part.

use crate::journal::{JOURNAL_LIFE, Journal, JournalError, Part};
use async_trait::async_trait;
use eventflow_protocol::GatewayId;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use tokio::time::Instant;

/// A part with a greater number was added before this one, so this one can no longer be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("part {0} was passed over")]
pub struct PassedOver(
    /// The number of the part.
    pub u64,
);

/// A [`Journal`] in memory.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    journals: Mutex<HashMap<GatewayId, KeptJournal>>,
}

#[derive(Debug)]
struct KeptJournal {
    parts: BTreeMap<u64, Part>,
    /// Smallest number that no part has reached yet.
    next: u64,
    until: Instant,
}

impl KeptJournal {
    fn add(&mut self, part: &Part, keep_from: u64) -> Result<(), PassedOver> {
        if part.number < self.next {
            // A number below `next` is a repetition if its part is here; otherwise it was skipped or deleted.
            return if self.parts.contains_key(&part.number) { Ok(()) } else { Err(PassedOver(part.number)) };
        }
        self.parts.insert(part.number, part.clone());
        self.next = part.number.saturating_add(1);
        self.parts = self.parts.split_off(&keep_from);
        Ok(())
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, gateway: &GatewayId, part: &Part, keep_from: u64) -> Result<(), JournalError> {
        let now = Instant::now();
        let mut journals = self.journals.lock();
        journals.retain(|_, kept| now < kept.until);
        let until = now + JOURNAL_LIFE;
        let kept = journals.entry(gateway.clone()).or_insert_with(|| KeptJournal {
            parts: BTreeMap::new(),
            next: 0,
            until,
        });
        kept.until = until;
        kept.add(part, keep_from)
            .map_err(|source| JournalError { what: "append a part", source: Box::new(source) })
    }

    async fn read(&self, gateway: &GatewayId) -> Result<Vec<Part>, JournalError> {
        let journals = self.journals.lock();
        Ok(journals.get(gateway).map(|kept| kept.parts.values().cloned().collect()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal_contract::{check_all, part};

    #[tokio::test]
    async fn the_journal_of_one_process_keeps_every_promise() {
        let journal = MemoryJournal::default();
        check_all(&journal, &journal).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_to_which_nothing_is_added_is_forgotten() {
        let journal = MemoryJournal::default();
        let dead = GatewayId::new();
        let alive = GatewayId::new();
        journal.append(&dead, &part(1, 1), 0).await.unwrap();
        for number in 1..=2 {
            tokio::time::advance(JOURNAL_LIFE / 2).await;
            assert_eq!(journal.read(&dead).await.unwrap().len(), 1, "before part {number}");
            journal.append(&alive, &part(number, 1), 0).await.unwrap();
        }
        assert_eq!(journal.read(&dead).await.unwrap(), []);
        assert_eq!(journal.read(&alive).await.unwrap().len(), 2);
    }
}
