//! Creating and reading threads: one thread, one as a viewer sees it, and the people of threads.
//!
//! Creating is an insert under an id that follows from the people and the subject, so a repetition finds the
//! first thread.

use crate::call::CallError;
use crate::connection::{CONCURRENT, READ_LIMIT, WRITE_LIMIT};
use crate::record::blocks::{ApartRecord, apart_in};
use crate::record::by_person::{ByPerson, path_of};
use crate::record::counters::Counters;
use crate::record::thread::ThreadRecord;
use crate::record::values::{count, object_id};
use crate::store::MongoStore;
use crate::taken_back::OthersRange;
use eventflow_protocol::Participants;
use eventflow_protocol::change::Cursor;
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::document::{Message, PARTICIPANTS_SHOWN_MAX, Thread, ThreadView};
use eventflow_protocol::group::Group;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// The fields that a thread shows; a view reads only the first people. Left out: the counters and
/// `archivedBy`, which hold as many entries as the thread has people.
const SHOWN: [&str; 10] = [
    "participants",
    "lastMessageId",
    "lastMessageAt",
    "lastSeq",
    "status",
    "metadata",
    "group",
    "apart",
    "createdAt",
    "updatedAt",
];

#[derive(Deserialize)]
struct ParticipantsRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    participants: Vec<UserId>,
    #[serde(default, rename = "sinceSeq")]
    since_seq: ByPerson,
    #[serde(default)]
    group: Option<Group>,
    #[serde(default)]
    apart: Option<Vec<ApartRecord>>,
}

impl ParticipantsRecord {
    fn apart(&self) -> Vec<ApartRecord> {
        apart_in(self.apart.clone(), &self.participants, self.group.as_ref())
    }

    /// `away` are the entries whose block holds.
    fn participants(self, away: &HashSet<(UserId, UserId)>) -> Participants {
        let mut hidden = if away.is_empty() { Vec::new() } else { self.apart() };
        hidden.retain(|ApartRecord { user, from }| away.contains(&(user.clone(), from.clone())));
        let hidden: Vec<UserId> = hidden.into_iter().map(|entry| entry.user).collect();
        let since = self.since_seq.iter().map(|(user, place)| (user.clone(), count(*place)));
        Participants::since(self.participants, since.collect()).away_for(&hidden)
    }
}

impl MongoStore {
    /// See [`eventflow_ports::Store::create_thread`].
    pub(crate) async fn create(&self, create: &CreateThread) -> Result<(Thread, bool), CallError> {
        let thread = create.to_thread();
        let apart = self.apart_of_new(create).await?;
        let (collection, record) = (self.threads.clone(), ThreadRecord::new(&thread, apart));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        let exists = match self.calls.run("create a thread", WRITE_LIMIT, insert).await {
            Ok(()) => return Ok((thread, true)),
            Err(error) if error.is_duplicate() => error,
            Err(error) => return Err(error),
        };
        // Threads are never removed, so the one that the insert met is found. If it is not, the error of the
        // insert is the answer.
        let found = self.read_thread(create.thread_id).await?.ok_or(exists)?;
        // To a group nobody comes back by themselves.
        if found.group.is_some() || found.participants.contains(&create.created_by) {
            return Ok((found, false));
        }
        self.come_back(create).await
    }

    /// See [`eventflow_ports::Store::thread`].
    pub(crate) async fn read_thread(&self, id: ThreadId) -> Result<Option<Thread>, CallError> {
        let found = self.find_one(doc! { "_id": object_id(id) }, shown()).await?;
        Ok(found.map(Thread::from))
    }

    /// See [`eventflow_ports::Store::thread_view`].
    pub(crate) async fn read_view(
        &self,
        id: ThreadId,
        viewer: &UserId,
    ) -> Result<Option<ThreadView>, CallError> {
        let filter = doc! { "_id": object_id(id), "participants": viewer.as_str() };
        let mut found = self.find_one(filter, shown_to(viewer)).await?;
        if let Some(record) = &found
            && self.is_away_for(viewer, &record.apart()).await?
        {
            found = None;
        }
        Ok(self.views(found.into_iter().collect(), viewer, None).await?.pop())
    }

    /// See [`eventflow_ports::Store::participants`].
    pub(crate) async fn read_participants(
        &self,
        threads: &[ThreadId],
    ) -> Result<HashMap<ThreadId, Participants>, CallError> {
        if threads.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<ObjectId> = threads.iter().copied().map(object_id).collect();
        let collection = self.threads.clone_with_type::<ParticipantsRecord>();
        let find = async move {
            let find = collection
                .find(doc! { "_id": { "$in": ids } })
                .projection(doc! { "participants": 1, "sinceSeq": 1, "group": 1, "apart": 1 });
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read participants", READ_LIMIT, find).await?;
        let apart: Vec<ApartRecord> = found.iter().flat_map(ParticipantsRecord::apart).collect();
        let away = self.away(&apart).await?;
        Ok(found
            .into_iter()
            .map(|people| (ThreadId::from_bytes(people.id.bytes()), people.participants(&away)))
            .collect())
    }

    async fn find_one(
        &self,
        filter: Document,
        projection: Document,
    ) -> Result<Option<ThreadRecord>, CallError> {
        let collection = self.threads.clone();
        let find =
            async move { collection.find_one(filter).projection(projection).max_time(READ_LIMIT).await };
        self.calls.run("read a thread", READ_LIMIT, find).await
    }

    /// The threads as the viewer sees them, each with the message that lists show of it. `blocked` is whom
    /// they block, if that is known already.
    pub(crate) async fn views(
        &self,
        records: Vec<ThreadRecord>,
        viewer: &UserId,
        blocked: Option<Vec<String>>,
    ) -> Result<Vec<ThreadView>, CallError> {
        let counters: Vec<Counters> = records.iter().map(ThreadRecord::counters).collect();
        let mut ranges = Vec::with_capacity(counters.len());
        for counters in &counters {
            let place = counters.cursor(viewer, Cursor::Read);
            ranges.push(OthersRange::of_taken_back(counters, viewer, place));
        }
        let taken_back = self.count_taken_back(ranges).await?;
        let since: Vec<u64> = counters.iter().map(|counters| counters.since(viewer)).collect();
        let threads: Vec<Thread> = records.into_iter().map(|record| record.seen_by(viewer)).collect();
        let mut previews = self.previews(&threads, &since).await?;
        let unread = |(counters, taken_back): (&Counters, u64)| {
            counters.of_others_beyond(viewer).saturating_sub(taken_back)
        };
        let unread: Vec<u64> = counters.iter().zip(taken_back).map(unread).collect();
        // Where nothing is unread, nothing unread mentions anybody.
        let with_unread = counters.iter().zip(&unread).filter(|(_, unread)| **unread > 0);
        let range = |(counters, _): (&Counters, &u64)| {
            (counters.thread(), counters.cursor(viewer, Cursor::Read), counters.last())
        };
        let ranges: Vec<_> = with_unread.map(range).collect();
        let mentions = self.count_mentions(viewer, &ranges, blocked).await?;
        let view = |(thread, unread_count): (Thread, u64)| {
            let last_message = previews.remove(&thread.id);
            let unread_mentions = mentions.get(&thread.id).copied().unwrap_or(0);
            ThreadView { thread, unread_count, unread_mentions, last_message }
        };
        Ok(threads.into_iter().zip(unread).map(view).collect())
    }

    /// The message that lists show of each thread: the newest one. If that was taken back, the newest of the
    /// last ones that was not. Of each thread only messages after a place are shown.
    async fn previews(
        &self,
        threads: &[Thread],
        since: &[u64],
    ) -> Result<HashMap<ThreadId, Message>, CallError> {
        let newest: Vec<MessageId> = threads.iter().filter_map(|thread| thread.last_message_id).collect();
        let newest = self.find_messages(&newest).await?;
        let since: HashMap<ThreadId, u64> =
            threads.iter().map(|thread| thread.id).zip(since.iter().copied()).collect();
        let place = |thread: &ThreadId| since.get(thread).copied().unwrap_or(0);
        let mut previews: HashMap<ThreadId, Message> = newest
            .into_values()
            .filter(|message| message.seq > place(&message.thread_id))
            .map(|message| (message.thread_id, message))
            .collect();
        let gone = previews.values().filter(|message| message.deleted_at.is_some());
        let asked: Vec<_> = gone
            .map(|message| self.newest_left(message.thread_id, place(&message.thread_id), message.seq))
            .collect();
        let left: Vec<Option<Message>> =
            stream::iter(asked).buffer_unordered(CONCURRENT).try_collect().await?;
        previews.extend(left.into_iter().flatten().map(|message| (message.thread_id, message)));
        Ok(previews)
    }
}

fn shown() -> Document {
    SHOWN.into_iter().map(|field| (field.to_owned(), 1.into())).collect()
}

/// The fields that a thread shows to this person.
pub(crate) fn shown_to(viewer: &UserId) -> Document {
    let mut projection = shown();
    for counters in ["readSeq", "sentBeyond", "unreadCount", "sinceSeq"] {
        projection.insert(path_of(counters, viewer), 1);
    }
    projection.insert("takenBackSeq", 1);
    let first = i64::try_from(PARTICIPANTS_SHOWN_MAX).unwrap_or(i64::MAX);
    projection.insert("participants", doc! { "$slice": first });
    projection.insert("participantCount", doc! { "$size": "$participants" });
    projection.insert("archivedBy", doc! { "$elemMatch": { "$eq": viewer.as_str() } });
    projection
}
