//! Replays of dead letters, and the audit log.

use crate::call::{CallError, Cause as Failure};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::indexes::letters_of_replay;
use crate::record::dead_letters::{AuditRecord, ReplayRecord};
use crate::record::values::{count, date};
use crate::store::MongoStore;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{AuditPage, ReplayCounts};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{AuditAction, AuditEntry, Replay, ReplayId};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::Hint;

/// Rounds of a change, while others change the same replay: workers are few.
const ROUNDS_MAX: u32 = 16;
/// Replays that a worker looks at, of which others take some at the same moment.
const LOOKED_AT: i64 = 16;

impl MongoStore {
    pub(crate) async fn insert_replay(&self, replay: &Replay) -> Result<(), CallError> {
        let (collection, record) = (self.letter_replays.clone(), ReplayRecord::new(replay, 0));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        match self.calls.run("store a replay", WRITE_LIMIT, insert).await {
            Err(error) if error.is_duplicate() => Ok(()),
            done => done,
        }
    }

    pub(crate) async fn claim_due_replay(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Replay>, CallError> {
        let (collection, due) = (self.letter_replays.clone(), doc! { "claimableAt": { "$lte": date(now) } });
        let find = async move {
            let find = collection.find(due).sort(doc! { "claimableAt": 1 }).limit(LOOKED_AT);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        for record in self.calls.run("look for replays", READ_LIMIT, find).await? {
            let Some(Replay { id, .. }) = record.into_replay() else { continue };
            if let Some(claimed) = self.change_replay(id, |replay| replay.claim(now, until)).await? {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    /// Makes a change. `None` if there is no such replay, or the change does not count.
    pub(crate) async fn change_replay(
        &self,
        id: ReplayId,
        change: impl Fn(&mut Replay) -> bool + Send + Sync,
    ) -> Result<Option<Replay>, CallError> {
        for _ in 0..ROUNDS_MAX {
            let Some(record) = self.read_replay(id).await? else { return Ok(None) };
            let revision = record.revision;
            let Some(mut replay) = record.into_replay() else { return Ok(None) };
            if !change(&mut replay) {
                return Ok(None);
            }
            let next = ReplayRecord::new(&replay, revision + 1);
            let filter = doc! { "_id": &next.id, "revision": revision };
            let collection = self.letter_replays.clone();
            let write = async move { collection.replace_one(filter, next).await };
            if self.calls.run("change a replay", WRITE_LIMIT, write).await?.matched_count == 1 {
                return Ok(Some(replay));
            }
        }
        Err(CallError::new("change a replay", Failure::Contended(ROUNDS_MAX)))
    }

    pub(crate) async fn read_replay(&self, id: ReplayId) -> Result<Option<ReplayRecord>, CallError> {
        let (collection, filter) = (self.letter_replays.clone(), doc! { "_id": id.to_string() });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        self.calls.run("read a replay", READ_LIMIT, find).await
    }

    /// Each letter once, by its newest entry of this replay; of two of the same time a refusal is the newer
    /// one. An index has all that is asked for: whoever waits for a replay asks twice a second.
    pub(crate) async fn count_replay(&self, id: ReplayId) -> Result<ReplayCounts, CallError> {
        let [sent, refused] = [AuditAction::ReplayLetter, AuditAction::ReplayRefused].map(AuditAction::name);
        let pipeline = [
            doc! { "$match": { "replay": id.to_string(), "action": { "$in": [sent, refused] } } },
            // Documents compare field by field.
            doc! { "$group": {
                "_id": "$letter", "newest": { "$max": { "at": "$at", "action": "$action" } },
            } },
            doc! { "$group": { "_id": "$newest.action", "letters": { "$sum": 1_i64 } } },
        ];
        let collection = self.audit_log.clone_with_type::<Document>();
        let aggregate = async move {
            let counts = collection.aggregate(pipeline).hint(Hint::Keys(letters_of_replay()));
            counts.allow_disk_use(true).max_time(READ_LIMIT).await?.try_collect::<Vec<Document>>().await
        };
        let counts = self.calls.run("count a replay", READ_LIMIT, aggregate).await?;
        let of = |action: &str| {
            let its_own =
                counts.iter().find(|letters| letters.get_str("_id").is_ok_and(|word| word == action));
            its_own.and_then(|letters| letters.get_i64("letters").ok()).map_or(0, count)
        };
        Ok(ReplayCounts { replayed: of(sent), refused: of(refused) })
    }

    /// Adds entries; those whose ids are there already stay as they are.
    pub(crate) async fn insert_audit(&self, entries: &[AuditEntry]) -> Result<(), CallError> {
        if entries.is_empty() {
            return Ok(());
        }
        let records: Vec<AuditRecord> = entries.iter().map(AuditRecord::new).collect();
        let collection = self.audit_log.clone();
        let insert = async move { collection.insert_many(records).ordered(false).await.map(drop) };
        match self.calls.run("write the audit log", WRITE_LIMIT, insert).await {
            Err(error) if error.duplicates().is_some() => Ok(()),
            done => done,
        }
    }

    pub(crate) async fn list_audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, CallError> {
        let mut filter = page.letter.map_or_else(|| doc! {}, |letter| doc! { "letter": letter.to_string() });
        if let Some((at, id)) = &page.after {
            let at = date(*at);
            filter.insert("$or", [doc! { "at": { "$lt": at } }, doc! { "at": at, "_id": { "$lt": id } }]);
        }
        let (collection, limit) = (self.audit_log.clone(), i64::from(page.limit.clamp(1, PAGE_MAX)));
        let find = async move {
            let find = collection.find(filter).sort(doc! { "at": -1, "_id": -1 }).limit(limit);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read the audit log", READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(AuditRecord::into_entry).collect())
    }
}
