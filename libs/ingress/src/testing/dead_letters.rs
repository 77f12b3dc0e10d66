//! Dead letters in memory, which nobody replays.

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_ports::{
    AuditPage, DeadLetters, Kept, LetterCount, LetterGroup, LetterOrder, LetterPage, ReplayCounts, StoreError,
};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{
    Arrival, AuditEntry, DeadLetter, DeadLetterId, LetterChange, LetterFilter, LetterPlace, LetterState,
    Replay, ReplayId,
};
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct TestDeadLetters {
    letters: Mutex<BTreeMap<DeadLetterId, (DeadLetter, Vec<Bytes>)>>,
    replays: Mutex<BTreeMap<ReplayId, Replay>>,
    audit: Mutex<Vec<AuditEntry>>,
}

impl TestDeadLetters {
    /// Everything that was recorded, the oldest first.
    pub(crate) fn recorded(&self) -> Vec<AuditEntry> {
        self.audit.lock().clone()
    }

    fn fitting(&self, which: &LetterFilter) -> Vec<DeadLetter> {
        let fits = |letter: &DeadLetter| {
            which.queue.as_ref().is_none_or(|queue| *queue == letter.queue)
                && which.cause.is_none_or(|cause| cause == letter.cause)
                && which.kind.as_ref().is_none_or(|kind| letter.kind.as_ref() == Some(kind))
                && which.state.is_none_or(|state| state == letter.state)
                && which.from.is_none_or(|from| letter.last_at >= from)
                && which.to.is_none_or(|to| letter.last_at < to)
                && which.replay.is_none_or(|replay| letter.replay == Some(replay))
        };
        let letters = self.letters.lock();
        let mut found: Vec<DeadLetter> =
            letters.values().map(|(letter, _)| letter).filter(|letter| fits(letter)).cloned().collect();
        found.sort_by_key(|letter| (letter.last_at, letter.id));
        found
    }
}

#[async_trait]
impl DeadLetters for TestDeadLetters {
    async fn keep_letters(&self, arrivals: &[Arrival]) -> Result<Vec<Kept>, StoreError> {
        let mut letters = self.letters.lock();
        for arrival in arrivals {
            letters.insert(arrival.id, (DeadLetter::new(arrival), vec![arrival.body.clone()]));
        }
        Ok(vec![Kept::New; arrivals.len()])
    }

    async fn dead_letters(
        &self,
        which: &LetterFilter,
        page: LetterPage,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let mut found = self.fitting(which);
        let place = |letter: &DeadLetter| LetterPlace { at: letter.last_at, id: letter.id };
        match page.order {
            LetterOrder::OldestFirst => {
                found.retain(|letter| page.after.is_none_or(|after| place(letter) > after));
            }
            LetterOrder::NewestFirst => {
                found.reverse();
                found.retain(|letter| page.after.is_none_or(|after| place(letter) < after));
            }
        }
        found.truncate(page.limit as usize);
        Ok(found)
    }

    async fn letter_groups(&self, which: &LetterFilter) -> Result<Vec<LetterGroup>, StoreError> {
        let mut groups: Vec<LetterGroup> = Vec::new();
        for letter in self.fitting(which) {
            let DeadLetter { queue, cause, kind, last_at, reason, .. } = letter;
            match groups
                .iter_mut()
                .find(|group| (&group.queue, group.cause, &group.kind) == (&queue, cause, &kind))
            {
                Some(group) => (group.count, group.newest_at) = (group.count + 1, last_at),
                None => groups.push(LetterGroup {
                    queue,
                    cause,
                    kind,
                    count: 1,
                    oldest_at: last_at,
                    newest_at: last_at,
                    reason,
                }),
            }
        }
        groups.sort_by_key(|group| Reverse(group.count));
        Ok(groups)
    }

    async fn letter_counts(&self, _state: LetterState) -> Result<Vec<LetterCount>, StoreError> {
        panic!("the ingress tells no metrics of letters")
    }

    async fn count_letters(&self, which: &LetterFilter) -> Result<u64, StoreError> {
        Ok(self.fitting(which).len() as u64)
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError> {
        Ok(self.letters.lock().get(&id).map(|(letter, _)| letter.clone()))
    }

    async fn letter_body(&self, letter: &DeadLetter, version: u32) -> Result<Option<Bytes>, StoreError> {
        let place = (version as usize).checked_sub(1);
        let letters = self.letters.lock();
        Ok(place.and_then(|place| letters.get(&letter.id)?.1.get(place).cloned()))
    }

    async fn change_letters(
        &self,
        ids: &[DeadLetterId],
        change: &LetterChange,
        at: Timestamp,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let mut letters = self.letters.lock();
        let mut changed = Vec::new();
        for id in ids {
            let Some((letter, bodies)) = letters.get_mut(id) else { continue };
            if letter.change(change, at) {
                if let LetterChange::Edit(edit) = change {
                    bodies.push(edit.body.clone());
                }
                changed.push(letter.clone());
            }
        }
        Ok(changed)
    }

    async fn forget_letters(&self, _before: Timestamp) -> Result<u64, StoreError> {
        panic!("the ingress deletes nothing")
    }

    async fn add_replay(&self, replay: &Replay) -> Result<(), StoreError> {
        self.replays.lock().insert(replay.id, replay.clone());
        Ok(())
    }

    async fn claim_replay(&self, _now: Timestamp, _until: Timestamp) -> Result<Option<Replay>, StoreError> {
        panic!("the ingress carries nothing out")
    }

    async fn advance_replay(
        &self,
        _id: ReplayId,
        _from: Option<LetterPlace>,
        _to: LetterPlace,
        _until: Timestamp,
    ) -> Result<Option<Replay>, StoreError> {
        panic!("the ingress carries nothing out")
    }

    async fn end_replay(&self, _id: ReplayId, _at: Timestamp) -> Result<(), StoreError> {
        panic!("the ingress carries nothing out")
    }

    async fn release_replay(&self, _id: ReplayId, _until: Timestamp) -> Result<(), StoreError> {
        panic!("the ingress carries nothing out")
    }

    async fn replay(&self, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        Ok(self.replays.lock().get(&id).cloned())
    }

    async fn replay_counts(&self, _id: ReplayId) -> Result<ReplayCounts, StoreError> {
        Ok(ReplayCounts::default())
    }

    async fn record_audit(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.audit.lock().extend_from_slice(entries);
        Ok(())
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError> {
        let mut found = self.recorded();
        found.sort_by_key(|entry| Reverse((entry.at, entry.id.clone())));
        found.retain(|entry| page.letter.is_none_or(|letter| entry.letter == Some(letter)));
        found.retain(|entry| page.after.as_ref().is_none_or(|after| (entry.at, entry.id.clone()) < *after));
        found.truncate(page.limit as usize);
        Ok(found)
    }
}
