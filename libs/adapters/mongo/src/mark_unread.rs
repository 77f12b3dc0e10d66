//! Marking messages unread: a person's read cursor goes back, for themselves alone.
//!
//! `toldSeq` keeps the highest place where the cursor was, which is what others know; `unreadAt` says when,
//! so that advances which were accepted before read nothing ([`crate::cursors`]). One compare-and-set writes
//! the cursor and what follows from it. It names everything that it follows from: `lastSeq`, the cursor, and
//! in small threads `takenBackTimes`. A miss means that somebody else was first, or that the command was
//! carried out before: `unreads` keeps the last commands of each person, so a repeated command changes
//! nothing.

use crate::advances::{between, stored};
use crate::archive::{only_news, remembered};
use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::cursors::PERSONAL;
use crate::record::by_person::path_of;
use crate::record::counters::Counters;
use crate::record::values::{object_id, place};
use crate::store::MongoStore;
use crate::taken_back::OthersRange;
use eventflow_ports::WithCommandId;
use eventflow_protocol::change::{Cursor, MarkUnread, MarkedUnread};
use eventflow_protocol::{ThreadId, UserId};
use mongodb::bson::{Bson, Document, doc};

/// Rounds that other writers may win, each by a message, by a reading, or by taking a message back.
const ROUNDS_MAX: u32 = 64;

const MARK: &str = "mark as unread";

/// What a mark leaves behind.
struct Left {
    read: u64,
    sent_beyond: u64,
    unread: u64,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::mark_unread`].
    pub(crate) async fn mark_thread_unread(
        &self,
        mark: &WithCommandId<MarkUnread>,
    ) -> Result<Option<MarkedUnread>, CallError> {
        let MarkUnread { thread_id: thread, user_id: user, .. } = &mark.wanted;
        self.catch_up([*thread]).await?;
        let known = self.known([*thread]).await?;
        let Some(known) = known.get(thread).filter(|known| known.includes(user)) else { return Ok(None) };
        for _ in 0..ROUNDS_MAX {
            let Some(counters) = self.counters_of(*thread, user).await? else { return Ok(None) };
            let from = counters.cursor(user, Cursor::Read);
            let to = mark.wanted.place(from, counters.last()).max(counters.since(user).min(from));
            let left = self.left_behind(&mark.wanted, &counters, to).await?;
            if self.go_back(mark, &counters, &left, known.is_small()).await? {
                let (read_seq, unread_count) = (left.read, left.unread);
                return Ok(Some(MarkedUnread { is_changed: to < from, read_seq, unread_count }));
            }
            if self.is_remembered(mark).await? {
                let left = self.left_behind(&mark.wanted, &counters, from).await?;
                return Ok(Some(MarkedUnread {
                    is_changed: false,
                    read_seq: from,
                    unread_count: left.unread,
                }));
            }
        }
        Err(CallError::new(MARK, Cause::Contended(ROUNDS_MAX)))
    }

    /// What is left to read with the cursor at `to`, which is not beyond where it is. Counts the person's own
    /// messages that it goes back over.
    async fn left_behind(
        &self,
        wanted: &MarkUnread,
        counters: &Counters,
        to: u64,
    ) -> Result<Left, CallError> {
        let (thread, user) = (wanted.thread_id, &wanted.user_id);
        let mut own = between(thread, to, counters.cursor(user, Cursor::Read));
        own.insert("senderId", user.as_str());
        let sent_beyond = counters.sent_beyond(user) + self.count_messages(own).await?;
        let taken_back = self.count_taken_back(vec![OthersRange::of_taken_back(counters, user, to)]).await?;
        let taken_back = taken_back.first().copied().unwrap_or(0);
        let unread =
            counters.last().saturating_sub(to).saturating_sub(sent_beyond).saturating_sub(taken_back);
        Ok(Left { read: to, sent_beyond, unread })
    }

    /// `false` if somebody has changed the counters, or if the command is remembered.
    async fn go_back(
        &self,
        mark: &WithCommandId<MarkUnread>,
        counters: &Counters,
        left: &Left,
        is_small: bool,
    ) -> Result<bool, CallError> {
        let user = &mark.wanted.user_id;
        let of = |field| path_of(field, user);
        let done = of("unreads");
        let mut filter = doc! {
            "_id": object_id(mark.wanted.thread_id), "participants": user.as_str(), "lastSeq": counters.last_seq,
            of("readSeq"): stored(&counters.read_seq, user),
        };
        only_news(&mut filter, &done, mark.command_id);
        let mut set = doc! { of("readSeq"): place(left.read) };
        let mut gone = Document::new();
        if left.sent_beyond > 0 {
            set.insert(of("sentBeyond"), place(left.sent_beyond));
        } else {
            gone.insert(of("sentBeyond"), "");
        }
        if is_small {
            filter.insert("takenBackTimes", counters.taken_back_times);
            set.insert(of("unreadCount"), place(left.unread));
        }
        let told = place(counters.told(user, Cursor::Read));
        let mut update = doc! {
            "$set": set,
            "$max": { of("toldSeq"): told, of("unreadAt"): mark.wanted.at.0 },
            "$push": remembered(&done, mark.command_id),
        };
        if !gone.is_empty() {
            update.insert("$unset", gone);
        }
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await };
        Ok(self.calls.run(MARK, WRITE_LIMIT, write).await?.matched_count == 1)
    }

    /// Whether the command was carried out, or is out of date.
    async fn is_remembered(&self, mark: &WithCommandId<MarkUnread>) -> Result<bool, CallError> {
        let mut news = doc! { "_id": object_id(mark.wanted.thread_id) };
        only_news(&mut news, &path_of("unreads", &mark.wanted.user_id), mark.command_id);
        let collection = self.threads.clone_with_type::<Document>();
        let find =
            async move { collection.find_one(news).projection(doc! { "_id": 1 }).max_time(READ_LIMIT).await };
        Ok(self.calls.run("read marks", READ_LIMIT, find).await?.is_none())
    }

    /// The counters of one person who is in the thread.
    async fn counters_of(&self, thread: ThreadId, user: &UserId) -> Result<Option<Counters>, CallError> {
        let mut fields = doc! { "lastSeq": 1, "takenBackSeq": 1, "takenBackTimes": 1 };
        fields.extend(PERSONAL.map(|field| (path_of(field, user), Bson::Int32(1))));
        let filter = doc! { "_id": object_id(thread), "participants": user.as_str() };
        let collection = self.threads.clone_with_type::<Counters>();
        let find = async move { collection.find_one(filter).projection(fields).max_time(READ_LIMIT).await };
        self.calls.run("read cursors", READ_LIMIT, find).await
    }
}
