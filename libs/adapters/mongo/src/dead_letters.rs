//! Dead letters, replays and the audit log: the port, method by method.
//!
//! A letter and a replay are one document each with a revision, as a send is ([`crate::sends`]); bodies are
//! documents of their own, in parts, so that lists do not read them and the size of a document does not bound
//! them. A body is written before the letter that speaks of it. Safe to repeat because [`DeadLetter`] and
//! [`Replay`] say which changes count, and bodies and entries have ids that follow from what they are.

use crate::connection::CONCURRENT;
use crate::record::dead_letters::{LetterRecord, ReplayRecord};
use crate::store::MongoStore;
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_ports::{
    AuditPage, DeadLetters, Kept, LetterCount, LetterGroup, LetterPage, ReplayCounts, StoreError,
};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{
    Arrival, AuditEntry, DeadLetter, DeadLetterId, LetterChange, LetterFilter, LetterPlace, LetterState,
    Replay, ReplayId,
};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};

#[async_trait]
impl DeadLetters for MongoStore {
    async fn keep_letters(&self, arrivals: &[Arrival]) -> Result<Vec<Kept>, StoreError> {
        let keeping: Vec<_> = arrivals.iter().map(|arrival| self.keep_letter(arrival)).collect();
        Ok(iter(keeping).buffered(CONCURRENT).try_collect().await?)
    }

    async fn dead_letters(
        &self,
        which: &LetterFilter,
        page: LetterPage,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        Ok(self.list_letters(which, page).await?)
    }

    async fn letter_groups(&self, which: &LetterFilter) -> Result<Vec<LetterGroup>, StoreError> {
        Ok(self.group_letters(which).await?)
    }

    async fn letter_counts(&self, state: LetterState) -> Result<Vec<LetterCount>, StoreError> {
        Ok(self.count_letters_by_cause(state).await?)
    }

    async fn count_letters(&self, which: &LetterFilter) -> Result<u64, StoreError> {
        Ok(self.count_fitting_letters(which).await?)
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError> {
        Ok(self.read_letter(id).await?.and_then(LetterRecord::into_letter))
    }

    async fn letter_body(&self, letter: &DeadLetter, version: u32) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read_body(letter, version).await?)
    }

    async fn change_letters(
        &self,
        ids: &[DeadLetterId],
        change: &LetterChange,
        at: Timestamp,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let changing: Vec<_> = ids.iter().map(|id| self.change_letter(*id, change, at)).collect();
        let changed: Vec<Option<DeadLetter>> = iter(changing).buffered(CONCURRENT).try_collect().await?;
        Ok(changed.into_iter().flatten().collect())
    }

    async fn forget_letters(&self, before: Timestamp) -> Result<u64, StoreError> {
        Ok(self.delete_ended_letters(before).await?)
    }

    async fn add_replay(&self, replay: &Replay) -> Result<(), StoreError> {
        Ok(self.insert_replay(replay).await?)
    }

    async fn claim_replay(&self, now: Timestamp, until: Timestamp) -> Result<Option<Replay>, StoreError> {
        Ok(self.claim_due_replay(now, until).await?)
    }

    async fn advance_replay(
        &self,
        id: ReplayId,
        from: Option<LetterPlace>,
        to: LetterPlace,
        until: Timestamp,
    ) -> Result<Option<Replay>, StoreError> {
        Ok(self.change_replay(id, |replay| replay.advance(from, to, until)).await?)
    }

    async fn end_replay(&self, id: ReplayId, at: Timestamp) -> Result<(), StoreError> {
        Ok(self.change_replay(id, |replay| replay.end(at)).await.map(drop)?)
    }

    async fn release_replay(&self, id: ReplayId, until: Timestamp) -> Result<(), StoreError> {
        Ok(self.change_replay(id, |replay| replay.release(until)).await.map(drop)?)
    }

    async fn replay(&self, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        Ok(self.read_replay(id).await?.and_then(ReplayRecord::into_replay))
    }

    async fn replay_counts(&self, id: ReplayId) -> Result<ReplayCounts, StoreError> {
        Ok(self.count_replay(id).await?)
    }

    async fn record_audit(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        Ok(self.insert_audit(entries).await?)
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.list_audit(page).await?)
    }
}
