//! Dead letters as documents: kept, changed by compare-and-set, listed and grouped.

use crate::call::{CallError, Cause as Failure};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::indexes::letters_by_cause;
use crate::record::dead_letters::LetterRecord;
use crate::record::values::{count, date, moment};
use crate::store::MongoStore;
use eventflow_ports::dead_letters::GROUPS_MAX;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Kept, LetterCount, LetterGroup, LetterOrder, LetterPage};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{
    Arrival, Cause, DeadLetter, DeadLetterId, LetterChange, LetterFilter, LetterState,
};
use futures_util::TryStreamExt;
use mongodb::bson::{DateTime, Document, deserialize_from_document, doc};
use mongodb::options::Hint;
use serde::Deserialize;

/// Rounds of a change, while others change the same letter: collectors, a replay and an administrator.
const ROUNDS_MAX: u32 = 16;
/// Letters deleted at a time: each may have bodies of 256 KiB.
const FORGOTTEN_AT_ONCE: i64 = 50;

/// A group as the database counts it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupRecord {
    #[serde(rename = "_id")]
    key: GroupKey,
    letters: i64,
    oldest_at: DateTime,
    newest: NewestRecord,
}

#[derive(Deserialize)]
struct NewestRecord {
    at: DateTime,
    reason: String,
}

/// Letters of one queue and cause as the database counts them.
#[derive(Deserialize)]
struct CountRecord {
    #[serde(rename = "_id")]
    key: CountKey,
    letters: i64,
}

#[derive(Deserialize)]
struct CountKey {
    queue: String,
    cause: Cause,
}

#[derive(Deserialize)]
struct GroupKey {
    queue: String,
    cause: Cause,
    kind: Option<String>,
}

impl MongoStore {
    /// Keeps an arrival: makes its letter, or joins it.
    pub(crate) async fn keep_letter(&self, arrival: &Arrival) -> Result<Kept, CallError> {
        for _ in 0..ROUNDS_MAX {
            let Some(record) = self.read_letter(arrival.id).await? else {
                if self.insert_letter(arrival).await? {
                    return Ok(Kept::New);
                }
                continue;
            };
            let revision = record.revision;
            let Some(mut letter) = record.into_letter() else {
                return Err(CallError::new("join a dead letter", Failure::Unreadable));
            };
            let versions = letter.version();
            if !letter.arrive(arrival) {
                return Ok(Kept::Before);
            }
            if letter.version() > versions {
                self.write_body(&letter, &arrival.body).await?;
            }
            if self.replace_letter(&letter, revision).await? {
                return Ok(Kept::Again);
            }
        }
        Err(CallError::new("keep a dead letter", Failure::Contended(ROUNDS_MAX)))
    }

    /// Makes a change. `None` if there is no such letter, or the change does not count.
    pub(crate) async fn change_letter(
        &self,
        id: DeadLetterId,
        change: &LetterChange,
        at: Timestamp,
    ) -> Result<Option<DeadLetter>, CallError> {
        for _ in 0..ROUNDS_MAX {
            let Some(record) = self.read_letter(id).await? else { return Ok(None) };
            let revision = record.revision;
            let Some(mut letter) = record.into_letter() else { return Ok(None) };
            if !letter.change(change, at) {
                return Ok(None);
            }
            if let LetterChange::Edit(edit) = change {
                self.write_body(&letter, &edit.body).await?;
            }
            if self.replace_letter(&letter, revision).await? {
                return Ok(Some(letter));
            }
        }
        Err(CallError::new("change a dead letter", Failure::Contended(ROUNDS_MAX)))
    }

    pub(crate) async fn read_letter(&self, id: DeadLetterId) -> Result<Option<LetterRecord>, CallError> {
        let (collection, filter) = (self.letters.clone(), doc! { "_id": id.to_string() });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        self.calls.run("read a dead letter", READ_LIMIT, find).await
    }

    /// `false` if somebody else has made it at this moment.
    async fn insert_letter(&self, arrival: &Arrival) -> Result<bool, CallError> {
        let letter = DeadLetter::new(arrival);
        self.write_body(&letter, &arrival.body).await?;
        let (collection, record) = (self.letters.clone(), LetterRecord::new(&letter, 0));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        match self.calls.run("keep a dead letter", WRITE_LIMIT, insert).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_duplicate() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// `false` if somebody else was faster.
    async fn replace_letter(&self, letter: &DeadLetter, revision: i64) -> Result<bool, CallError> {
        let next = LetterRecord::new(letter, revision + 1);
        let (collection, filter) = (self.letters.clone(), doc! { "_id": &next.id, "revision": revision });
        let write = async move { collection.replace_one(filter, next).await };
        Ok(self.calls.run("change a dead letter", WRITE_LIMIT, write).await?.matched_count == 1)
    }

    /// A page of the letters that fit. Documents of somebody else that are no letters are passed over, and
    /// the page is filled with those behind them.
    pub(crate) async fn list_letters(
        &self,
        which: &LetterFilter,
        page: LetterPage,
    ) -> Result<Vec<DeadLetter>, CallError> {
        let limit = page.limit.clamp(1, PAGE_MAX) as usize;
        let mut after = page.after.map(|place| (date(place.at), place.id.to_string()));
        let (mut letters, mut passed_over) = (Vec::with_capacity(limit), 0_usize);
        loop {
            let wanted = limit - letters.len();
            let found = self.letter_documents(which, page.order, after.as_ref(), wanted).await?;
            let is_last = found.len() < wanted;
            after = found.last().and_then(place_of);
            let before = letters.len();
            letters.extend(found.iter().filter_map(letter_of));
            passed_over += found.len() - (letters.len() - before);
            if is_last || letters.len() == limit {
                break;
            }
        }
        if passed_over > 0 {
            tracing::warn!(passed_over, "documents among the dead letters are no letters");
        }
        Ok(letters)
    }

    /// Documents as they are: one that cannot be decoded must not hide the others. Each has a place in the
    /// order, since those without one are left out.
    async fn letter_documents(
        &self,
        which: &LetterFilter,
        order: LetterOrder,
        after: Option<&(DateTime, String)>,
        limit: usize,
    ) -> Result<Vec<Document>, CallError> {
        let (beyond, direction) = match order {
            LetterOrder::NewestFirst => ("$lt", -1),
            LetterOrder::OldestFirst => ("$gt", 1),
        };
        let has_place = doc! { "lastAt": { "$type": "date" }, "_id": { "$type": "string" } };
        let mut filter = vec![fitting(which), has_place];
        if let Some((at, id)) = after {
            filter.push(
                doc! { "$or": [{ "lastAt": { beyond: at } }, { "lastAt": at, "_id": { beyond: id } }] },
            );
        }
        let (collection, limit) =
            (self.letters.clone_with_type::<Document>(), i64::try_from(limit).unwrap_or(i64::MAX));
        let order = doc! { "lastAt": direction, "_id": direction };
        let find = async move {
            let find = collection.find(doc! { "$and": filter }).sort(order).limit(limit);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("list dead letters", READ_LIMIT, find).await
    }

    pub(crate) async fn count_fitting_letters(&self, which: &LetterFilter) -> Result<u64, CallError> {
        let (collection, filter) = (self.letters.clone(), fitting(which));
        let counting = async move { collection.count_documents(filter).max_time(READ_LIMIT).await };
        self.calls.run("count dead letters", READ_LIMIT, counting).await
    }

    pub(crate) async fn group_letters(&self, which: &LetterFilter) -> Result<Vec<LetterGroup>, CallError> {
        let pipeline = [
            doc! { "$match": fitting(which) },
            // Not the letters themselves: a group is of any size. Documents compare field by field.
            doc! { "$group": {
                "_id": { "queue": "$queue", "cause": "$cause", "kind": "$kind" },
                "letters": { "$sum": 1_i64 },
                "oldestAt": { "$min": "$lastAt" },
                "newest": { "$max": { "at": "$lastAt", "id": "$_id", "reason": "$reason" } },
            } },
            doc! { "$sort": { "letters": -1, "_id": 1 } },
            doc! { "$limit": i64::from(GROUPS_MAX) },
        ];
        let collection = self.letters.clone_with_type::<Document>();
        let aggregate = async move {
            let groups = collection.aggregate(pipeline).allow_disk_use(true).max_time(READ_LIMIT).await?;
            groups.try_collect::<Vec<Document>>().await
        };
        let groups = self.calls.run("group dead letters", READ_LIMIT, aggregate).await?;
        let read = |group| deserialize_from_document::<GroupRecord>(group).ok();
        Ok(groups.into_iter().filter_map(read).map(GroupRecord::into_group).collect())
    }

    /// How many letters are in this state, by queue and cause. An index has all that is asked for, so no
    /// letter is read ([`crate::indexes::of_letters`]): every worker asks four times a minute.
    pub(crate) async fn count_letters_by_cause(
        &self,
        state: LetterState,
    ) -> Result<Vec<LetterCount>, CallError> {
        let pipeline = [
            doc! { "$match": { "state": state.name() } },
            doc! { "$group": {
                "_id": { "queue": "$queue", "cause": "$cause" }, "letters": { "$sum": 1_i64 },
            } },
            doc! { "$sort": { "letters": -1, "_id": 1 } },
            doc! { "$limit": i64::from(GROUPS_MAX) },
        ];
        let collection = self.letters.clone_with_type::<Document>();
        let aggregate = async move {
            let counts =
                collection.aggregate(pipeline).hint(Hint::Keys(letters_by_cause())).max_time(READ_LIMIT);
            counts.await?.try_collect::<Vec<Document>>().await
        };
        let counts = self.calls.run("count dead letters", READ_LIMIT, aggregate).await?;
        let read = |count| deserialize_from_document::<CountRecord>(count).ok();
        Ok(counts.into_iter().filter_map(read).map(CountRecord::into_count).collect())
    }

    pub(crate) async fn delete_ended_letters(&self, before: Timestamp) -> Result<u64, CallError> {
        let old = doc! { "endedAt": { "$lt": date(before) } };
        let letters = self.letters.clone_with_type::<Document>();
        let bodies = self.letter_bodies.clone();
        let delete = async move {
            let find = letters.find(old.clone()).projection(doc! { "_id": 1 }).limit(FORGOTTEN_AT_ONCE);
            let found: Vec<Document> = find.await?.try_collect().await?;
            let ids: Vec<&str> = found.iter().filter_map(|letter| letter.get_str("_id").ok()).collect();
            if ids.is_empty() {
                return Ok(0);
            }
            // One that fails again at this moment is no more among the old ones, and keeps its bodies. Those
            // of a letter that is made anew were born later.
            let mut deleted = 0;
            for id in ids {
                let mut one = old.clone();
                one.insert("_id", id);
                if letters.delete_one(one).await?.deleted_count == 1 {
                    bodies.delete_many(doc! { "letter": id, "born": { "$lt": date(before) } }).await?;
                    deleted += 1;
                }
            }
            Ok(deleted)
        };
        self.calls.run("forget dead letters", WRITE_LIMIT, delete).await
    }
}

/// Where a document stands in a list.
fn place_of(document: &Document) -> Option<(DateTime, String)> {
    Some((*document.get_datetime("lastAt").ok()?, document.get_str("_id").ok()?.to_owned()))
}

/// The letter of a document; `None` if somebody else has written one that is none.
fn letter_of(document: &Document) -> Option<DeadLetter> {
    deserialize_from_document::<LetterRecord>(document.clone()).ok()?.into_letter()
}

impl CountRecord {
    fn into_count(self) -> LetterCount {
        LetterCount { queue: self.key.queue, cause: self.key.cause, count: count(self.letters) }
    }
}

impl GroupRecord {
    fn into_group(self) -> LetterGroup {
        let GroupKey { queue, cause, kind } = self.key;
        let (oldest_at, newest_at) = (moment(self.oldest_at), moment(self.newest.at));
        LetterGroup {
            queue,
            cause,
            kind,
            count: count(self.letters),
            oldest_at,
            newest_at,
            reason: self.newest.reason,
        }
    }
}

/// What a filter asks for.
fn fitting(which: &LetterFilter) -> Document {
    let mut filter = Document::new();
    let texts = [
        ("queue", which.queue.clone()),
        ("cause", which.cause.map(|cause| cause.name().to_owned())),
        ("kind", which.kind.clone()),
        ("state", which.state.map(|state| state.name().to_owned())),
        ("replay", which.replay.map(|replay| replay.to_string())),
    ];
    filter.extend(texts.into_iter().filter_map(|(field, text)| Some((field.to_owned(), text?.into()))));
    let times = [("$gte", which.from), ("$lt", which.to)];
    let bounds: Document =
        times.into_iter().filter_map(|(bound, at)| Some((bound.to_owned(), date(at?).into()))).collect();
    if !bounds.is_empty() {
        filter.insert("lastAt", bounds);
    }
    filter
}
