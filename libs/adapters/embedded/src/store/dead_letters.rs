//! Dead letters, replays and the audit log in the data file.
//!
//! Safe to repeat because each change runs in one transaction of the single writer, and [`DeadLetter`] and
//! [`Replay`] say which changes count. Letters are JSON text, which keeps their tagged history as it is; the
//! other columns repeat what is asked for. Bodies are rows of their own, so that lists never read them.

mod audit;
mod json;
mod letters;
mod replays;
pub(super) mod schema;

use super::{EmbeddedStore, in_time};
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

#[async_trait]
impl DeadLetters for EmbeddedStore {
    async fn keep_letters(&self, arrivals: &[Arrival]) -> Result<Vec<Kept>, StoreError> {
        let arrivals = arrivals.to_vec();
        in_time("keep dead letters", self.database.write(move |tx| letters::keep(tx, &arrivals))).await
    }

    async fn dead_letters(
        &self,
        which: &LetterFilter,
        page: LetterPage,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let which = which.clone();
        let read = self.database.read(move |connection| letters::page(connection, &which, page));
        in_time("list dead letters", read).await
    }

    async fn letter_groups(&self, which: &LetterFilter) -> Result<Vec<LetterGroup>, StoreError> {
        let which = which.clone();
        let read = self.database.read(move |connection| letters::groups(connection, &which));
        in_time("group dead letters", read).await
    }

    async fn letter_counts(&self, state: LetterState) -> Result<Vec<LetterCount>, StoreError> {
        let read = self.database.read(move |connection| letters::counts(connection, state));
        in_time("count dead letters", read).await
    }

    async fn count_letters(&self, which: &LetterFilter) -> Result<u64, StoreError> {
        let which = which.clone();
        let read = self.database.read(move |connection| letters::count(connection, &which));
        in_time("count dead letters", read).await
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError> {
        in_time("read a dead letter", self.database.read(move |connection| letters::find(connection, id)))
            .await
    }

    async fn letter_body(&self, letter: &DeadLetter, version: u32) -> Result<Option<Bytes>, StoreError> {
        let id = letter.id;
        let read = self.database.read(move |connection| letters::body(connection, id, version));
        in_time("read the body of a dead letter", read).await
    }

    async fn change_letters(
        &self,
        ids: &[DeadLetterId],
        change: &LetterChange,
        at: Timestamp,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let (ids, change) = (ids.to_vec(), change.clone());
        let write = self.database.write(move |tx| letters::change(tx, &ids, &change, at));
        in_time("change dead letters", write).await
    }

    async fn forget_letters(&self, before: Timestamp) -> Result<u64, StoreError> {
        in_time("forget dead letters", self.database.write(move |tx| letters::forget(tx, before))).await
    }

    async fn add_replay(&self, replay: &Replay) -> Result<(), StoreError> {
        let replay = replay.clone();
        in_time("store a replay", self.database.write(move |tx| replays::add(tx, &replay))).await
    }

    async fn claim_replay(&self, now: Timestamp, until: Timestamp) -> Result<Option<Replay>, StoreError> {
        in_time("claim a replay", self.database.write(move |tx| replays::claim(tx, now, until))).await
    }

    async fn advance_replay(
        &self,
        id: ReplayId,
        from: Option<LetterPlace>,
        to: LetterPlace,
        until: Timestamp,
    ) -> Result<Option<Replay>, StoreError> {
        let change = move |replay: &mut Replay| replay.advance(from, to, until);
        in_time("advance a replay", self.database.write(move |tx| replays::change(tx, id, change))).await
    }

    async fn end_replay(&self, id: ReplayId, at: Timestamp) -> Result<(), StoreError> {
        let change = move |replay: &mut Replay| replay.end(at);
        let write = self.database.write(move |tx| replays::change(tx, id, change).map(drop));
        in_time("end a replay", write).await
    }

    async fn release_replay(&self, id: ReplayId, until: Timestamp) -> Result<(), StoreError> {
        let change = move |replay: &mut Replay| replay.release(until);
        let write = self.database.write(move |tx| replays::change(tx, id, change).map(drop));
        in_time("release a replay", write).await
    }

    async fn replay(&self, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        in_time("read a replay", self.database.read(move |connection| replays::find(connection, id))).await
    }

    async fn replay_counts(&self, id: ReplayId) -> Result<ReplayCounts, StoreError> {
        in_time("count a replay", self.database.read(move |connection| audit::counts(connection, id))).await
    }

    async fn record_audit(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let entries = entries.to_vec();
        in_time("write the audit log", self.database.write(move |tx| audit::add(tx, &entries))).await
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError> {
        let page = page.clone();
        in_time("read the audit log", self.database.read(move |connection| audit::page(connection, &page)))
            .await
    }
}
