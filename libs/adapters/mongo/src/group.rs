//! Groups: people come and go, and the group's look and owners change, all in one statement on the thread's
//! document.
//!
//! [`Roster`] says what a change does. A compare-and-set writes it: it names the number of changes that the
//! group had, and `lastSeq`, from where on new people read. Safe to repeat because the last commands are
//! remembered in the same statement.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::blocks::ApartRecord;
use crate::record::by_person::path_of;
use crate::record::counters::SMALL_MAX;
use crate::record::group::RosterRecord;
use crate::record::values::{date, object_id, place};
use crate::store::MongoStore;
use eventflow_ports::{Left, WithCommandId};
use eventflow_protocol::change::{ChangeGroup, GroupChanged, GroupEffect, Roster, RosterStep};
use eventflow_protocol::command::LeaveThread;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

/// Rounds that other writers may win, each by a batch of messages to the group.
const ROUNDS_MAX: u32 = 32;

const CHANGE: &str = "change a group";

/// A step of a roster that is to be written.
struct Step<'a> {
    roster: &'a RosterStep,
    /// Whose block takes the group from those who come in.
    apart: &'a [ApartRecord],
    at: Timestamp,
}

/// What a person leaves behind in a thread that would be wrong when they are added again.
const PERSONAL: [&str; 4] = ["sentBeyond", "toldSeq", "unreadAt", "unreads"];

impl MongoStore {
    /// See [`eventflow_ports::Store::change_group`].
    pub(crate) async fn change_one_group(
        &self,
        change: &WithCommandId<ChangeGroup>,
    ) -> Result<GroupChanged, CallError> {
        let ChangeGroup { thread_id, by, change: wanted, at, .. } = &change.wanted;
        for _ in 0..ROUNDS_MAX {
            self.catch_up([*thread_id]).await?;
            let Some(found) = self.read_roster(*thread_id).await? else { return Ok(GroupChanged::NotFound) };
            let Some(mut roster) = found.roster() else {
                let is_in = found.participants.contains(by);
                return Ok(if is_in { GroupChanged::NotGroup } else { GroupChanged::NotFound });
            };
            let step = match roster.apply(change.command_id, by, *at, wanted) {
                Ok(step) => step,
                Err(refused) => return Ok(refused),
            };
            let apart = self.brought_in(&step.added, by).await?;
            let taken = Step { roster: &step, apart: &apart, at: *at };
            if !step.is_new || self.write_roster(*thread_id, &found, &roster, &taken).await? {
                return self.changed_group(*thread_id, step).await;
            }
        }
        Err(CallError::new(CHANGE, Cause::Contended(ROUNDS_MAX)))
    }

    /// Takes a person out of a group who leaves. `None` if the thread is no group.
    pub(crate) async fn leave_group(
        &self,
        leave: &WithCommandId<LeaveThread>,
    ) -> Result<Option<Left>, CallError> {
        let LeaveThread { thread_id, user_id, at } = &leave.wanted;
        for _ in 0..ROUNDS_MAX {
            let Some(found) = self.read_roster(*thread_id).await? else { return Ok(None) };
            let Some(mut roster) = found.roster() else { return Ok(None) };
            let step = roster.leave(leave.command_id, user_id);
            let taken = Step { roster: &step, apart: &[], at: *at };
            if !step.is_new || self.write_roster(*thread_id, &found, &roster, &taken).await? {
                return Ok(Some(Left {
                    was_in: step.is_new,
                    is_back: roster.people.contains(user_id),
                    participant_count: roster.people.len() as u64,
                    handed_over: (step.is_described || !step.is_new).then_some(roster.group),
                }));
            }
        }
        Err(CallError::new(CHANGE, Cause::Contended(ROUNDS_MAX)))
    }

    async fn changed_group(&self, thread: ThreadId, step: RosterStep) -> Result<GroupChanged, CallError> {
        // Threads are never removed.
        let Some(thread) = self.read_thread(thread).await? else { return Ok(GroupChanged::NotFound) };
        let RosterStep { added, removed, is_described, is_new } = step;
        Ok(GroupChanged::Done(Box::new(GroupEffect { thread, added, removed, is_described, is_new })))
    }

    async fn read_roster(&self, thread: ThreadId) -> Result<Option<RosterRecord>, CallError> {
        let collection = self.threads.clone_with_type::<RosterRecord>();
        let filter = doc! { "_id": object_id(thread) };
        let find = async move {
            collection.find_one(filter).projection(RosterRecord::fields()).max_time(READ_LIMIT).await
        };
        self.calls.run("read a group", READ_LIMIT, find).await
    }

    /// `false` if the group has changed since it was read, or has new messages that people who come in would
    /// find unread.
    async fn write_roster(
        &self,
        thread: ThreadId,
        found: &RosterRecord,
        roster: &Roster,
        taken: &Step<'_>,
    ) -> Result<bool, CallError> {
        let mut filter = doc! { "_id": object_id(thread), "groupRevision": found.group_revision };
        if !taken.roster.added.is_empty() {
            filter.insert("lastSeq", found.last_seq);
        }
        let update = update(found, roster, taken)?;
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await };
        let written = self.calls.run(CHANGE, WRITE_LIMIT, write).await;
        // Also after an error: the statement may have been carried out.
        self.forget([thread]);
        Ok(written?.matched_count == 1)
    }
}

fn update(
    found: &RosterRecord,
    roster: &Roster,
    &Step { roster: step, apart, at }: &Step<'_>,
) -> Result<Document, CallError> {
    let group = serialize_to_bson(&roster.group).map_err(|error| CallError::driver(CHANGE, error.into()))?;
    let done: Vec<String> = roster.done.iter().copied().map(String::from).collect();
    let mut set = doc! { "group": group, "groupDone": done };
    let mut gone = Document::new();
    for user in &step.added {
        come_in(&mut set, &mut gone, user, found, roster, at);
    }
    if !step.added.is_empty() && roster.people.len() > SMALL_MAX {
        gone.insert("activityAt", "");
        gone.insert("unreadCount", "");
    }
    let mut update = doc! {
        "$set": set, "$inc": { "groupRevision": 1_i64 }, "$max": { "updatedAt": date(at) },
    };
    if let Some(user) = &step.removed {
        gone.insert(path_of("joinedAt", user), "");
        gone.insert(path_of("sinceSeq", user), "");
        let name = user.as_str();
        update.insert("$pull", doc! { "participants": name, "archivedBy": name, "apart": { "user": name } });
    } else if !step.added.is_empty() {
        let added: Vec<Bson> = step.added.iter().map(|user| user.as_str().into()).collect();
        let mut push = doc! { "participants": { "$each": added, "$sort": 1 } };
        if !apart.is_empty() {
            push.insert(
                "apart",
                doc! { "$each": apart.iter().map(ApartRecord::to_bson).collect::<Vec<_>>() },
            );
        }
        update.insert("$push", push);
    }
    if !gone.is_empty() {
        update.insert("$unset", gone);
    }
    Ok(update)
}

/// What the document says of a person who comes in: they have read everything.
fn come_in(
    set: &mut Document,
    gone: &mut Document,
    user: &UserId,
    found: &RosterRecord,
    roster: &Roster,
    at: Timestamp,
) {
    for field in PERSONAL {
        gone.insert(path_of(field, user), "");
    }
    set.insert(path_of("readSeq", user), found.last_seq);
    set.insert(path_of("deliveredSeq", user), found.last_seq);
    set.insert(path_of("joinedAt", user), at.0);
    match roster.seen_from(found.last()) {
        0 => gone.insert(path_of("sinceSeq", user), ""),
        since => set.insert(path_of("sinceSeq", user), place(since)),
    };
    if roster.people.len() <= SMALL_MAX {
        set.insert(path_of("unreadCount", user), 0_i64);
    }
}
