//! Groups: people come and go, and the group's look and owners change, all in the transaction of one command.
//!
//! [`Roster`] says what a change does. Safe to repeat because the last commands are remembered in the same
//! transaction.

use super::{away, column, thread};
use eventflow_ports::{Left, WithCommandId};
use eventflow_protocol::change::{ChangeGroup, DoneChange, GroupChanged, GroupEffect, Roster, RosterStep};
use eventflow_protocol::command::LeaveThread;
use eventflow_protocol::document::Thread;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use rusqlite::{Connection, Result, params};
use std::collections::HashMap;

/// Changes a group.
pub(super) fn change(connection: &Connection, change: &WithCommandId<ChangeGroup>) -> Result<GroupChanged> {
    let ChangeGroup { thread_id, by, change: wanted, at, .. } = &change.wanted;
    let Some(thread) = thread::find(connection, *thread_id)? else { return Ok(GroupChanged::NotFound) };
    let Some(mut roster) = roster(connection, &thread)? else {
        let is_in = thread.participants.contains(by);
        return Ok(if is_in { GroupChanged::NotGroup } else { GroupChanged::NotFound });
    };
    let step = match roster.apply(change.command_id, by, *at, wanted) {
        Ok(step) => step,
        Err(refused) => return Ok(refused),
    };
    if step.is_new {
        write(connection, &thread, &roster, &step, *at)?;
        keep_apart(connection, *thread_id, &step.added, by)?;
    }
    let thread = thread::find(connection, *thread_id)?.unwrap_or(thread);
    let RosterStep { added, removed, is_described, is_new } = step;
    Ok(GroupChanged::Done(Box::new(GroupEffect { thread, added, removed, is_described, is_new })))
}

/// Takes a person out of a group who leaves. None if the thread is no group.
pub(super) fn leave(connection: &Connection, leave: &WithCommandId<LeaveThread>) -> Result<Option<Left>> {
    let LeaveThread { thread_id, user_id, at } = &leave.wanted;
    let Some(thread) = thread::find(connection, *thread_id)? else { return Ok(None) };
    let Some(mut roster) = roster(connection, &thread)? else { return Ok(None) };
    let step = roster.leave(leave.command_id, user_id);
    if step.is_new {
        write(connection, &thread, &roster, &step, *at)?;
    }
    Ok(Some(Left {
        was_in: step.is_new,
        is_back: roster.people.contains(user_id),
        participant_count: roster.people.len() as u64,
        handed_over: (step.is_described || !step.is_new).then_some(roster.group),
    }))
}

/// The roster of a thread with everybody in it. None if it is no group.
fn roster(connection: &Connection, thread: &Thread) -> Result<Option<Roster>> {
    let Some(group) = thread.group.clone() else { return Ok(None) };
    let joined_at = joined_at(connection, thread.id)?;
    let done = done(connection, thread.id)?;
    Ok(Some(Roster { group, people: thread.participants.clone(), joined_at, done }))
}

fn joined_at(connection: &Connection, thread: ThreadId) -> Result<HashMap<UserId, Timestamp>> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, joined_at FROM thread_participant WHERE thread_id = ?1 AND joined_at IS NOT NULL",
    )?;
    let read = |row: &rusqlite::Row<'_>| Ok((column::user(row, "user_id")?, column::time(row, "joined_at")?));
    statement.query_map([thread.bytes()], read)?.collect()
}

fn done(connection: &Connection, thread: ThreadId) -> Result<Vec<DoneChange>> {
    let mut statement = connection.prepare_cached("SELECT group_done FROM thread WHERE id = ?1")?;
    statement.query_row([thread.bytes()], |row| column::unpack(row, "group_done"))
}

/// Writes what a step leaves behind. `thread` is as it was before.
fn write(
    connection: &Connection,
    thread: &Thread,
    roster: &Roster,
    step: &RosterStep,
    at: Timestamp,
) -> Result<()> {
    let id = thread.id.bytes();
    if let Some(user) = &step.removed {
        take_out(connection, thread.id, user)?;
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO thread_participant (thread_id, user_id, sent, seen, read_seq, delivered_seq, joined_at, since_seq)
         SELECT ?1, ?2, own, ?3 - own, ?3, ?3, ?4, ?5
         FROM (SELECT coalesce((SELECT sent FROM thread_former WHERE thread_id = ?1 AND user_id = ?2), 0) AS own)
         WHERE true ON CONFLICT (thread_id, user_id) DO NOTHING",
    )?;
    let newest = column::integer(thread.last_seq);
    let since = column::integer(roster.seen_from(thread.last_seq));
    for user in &step.added {
        statement.execute(params![id, user.as_str(), newest, at.0, since])?;
    }
    let mut statement = connection.prepare_cached(
        "UPDATE thread SET people = ?2, group_doc = ?3, group_done = ?4, updated_at = max(updated_at, ?5) WHERE id = ?1",
    )?;
    let people = column::integer(roster.people.len() as u64);
    let (group, done) = (column::pack(&roster.group)?, column::pack(&roster.done)?);
    statement.execute(params![id, people, group, done, at.0])?;
    Ok(())
}

/// Notes whose block takes the thread from those who come in, where somebody whom they block brings them.
fn keep_apart(connection: &Connection, thread: ThreadId, added: &[UserId], by: &UserId) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE thread_participant SET apart_from = ?3 WHERE thread_id = ?1 AND user_id = ?2",
    )?;
    for user in added {
        let apart_from = away::brought_in_by(connection, user, by)?;
        statement.execute(params![thread.bytes(), user.as_str(), apart_from.as_ref().map(UserId::as_str)])?;
    }
    Ok(())
}

/// Takes a person out. How many messages they sent is kept for the day when they are added again: nobody
/// counts the history of a long thread for that. That they were there is kept so that what they wrote is
/// found.
pub(super) fn take_out(connection: &Connection, thread: ThreadId, user: &UserId) -> Result<()> {
    let mut keep = connection.prepare_cached(
        "INSERT INTO thread_former (thread_id, user_id, sent)
         SELECT thread_id, user_id, sent FROM thread_participant WHERE thread_id = ?1 AND user_id = ?2
         ON CONFLICT (thread_id, user_id) DO UPDATE SET sent = excluded.sent",
    )?;
    keep.execute(params![thread.bytes(), user.as_str()])?;
    let mut delete =
        connection.prepare_cached("DELETE FROM thread_participant WHERE thread_id = ?1 AND user_id = ?2")?;
    delete.execute(params![thread.bytes(), user.as_str()])?;
    Ok(())
}
