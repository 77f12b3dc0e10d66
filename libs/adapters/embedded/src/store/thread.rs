//! Threads and their people: created once and come back to; read alone, as a viewer sees them, and as a
//! person's list.
//!
//! Safe to repeat because a thread's id follows from its people and subject: making it again finds it.

use super::away::{self, IS_AWAY};
use super::{column, history, mentions, unread};
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{ThreadPage, WithCommandId};
use eventflow_protocol::Participants;
use eventflow_protocol::change::{ArchiveThread, remember_wish};
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::document::{PARTICIPANTS_SHOWN_MAX, Thread, ThreadStatus, ThreadView};
use eventflow_protocol::free_form::FreeForm;
use eventflow_protocol::{CommandId, MessageId, ThreadId, UserId};
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};
use std::collections::HashMap;

/// What one person sees of a thread.
struct Seen {
    unread: u64,
    mentions: u64,
    is_archived: bool,
    /// They see messages after this place.
    since: u64,
}

/// Creates a thread, unless it exists. `true` if it was created now.
pub(super) fn create(connection: &Connection, create: &CreateThread) -> Result<(Thread, bool)> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO thread (id, active_at, status, metadata, created_at, updated_at, people, group_doc)
         VALUES (?1, ?2, ?3, ?4, ?2, ?2, ?5, ?6) ON CONFLICT (id) DO NOTHING",
    )?;
    let metadata =
        if create.metadata.is_empty() { None } else { Some(column::pack_object(&create.metadata)?) };
    let active = column::thread_status(ThreadStatus::Active);
    let people = column::integer(create.participants.len() as u64);
    let group = create.group.as_ref().map(column::pack).transpose()?;
    let new = params![create.thread_id.bytes(), create.at.0, active, metadata, people, group];
    let is_new = statement.execute(new)? == 1;
    let is_back = !is_new && come_back(connection, create)?;
    if is_new {
        add_participants(connection, create)?;
    }
    let thread = find(connection, create.thread_id)?.ok_or(Error::QueryReturnedNoRows)?;
    Ok((thread, is_new || is_back))
}

/// Brings the creator back to a thread that they have left, with everything read. `true` unless they are in
/// it, or if it is a group.
fn come_back(connection: &Connection, create: &CreateThread) -> Result<bool> {
    let (id, user) = (create.thread_id.bytes(), create.created_by.as_str());
    let mut statement = connection.prepare_cached(
        "INSERT INTO thread_participant (thread_id, user_id, sent, seen, read_seq, delivered_seq, apart_from)
         SELECT id, ?2, own, last_seq - own, last_seq, last_seq, ?3 FROM thread,
             (SELECT COUNT(*) AS own FROM message WHERE thread_id = ?1 AND sender_id = ?2)
         WHERE id = ?1 AND group_doc IS NULL
         ON CONFLICT (thread_id, user_id) DO NOTHING",
    )?;
    let apart_from = away::apart_from(connection, create, &create.created_by)?;
    if includes(connection, create.thread_id, &create.created_by)?
        || statement.execute(params![id, user, apart_from.as_ref().map(UserId::as_str)])? == 0
    {
        return Ok(false);
    }
    connection.prepare_cached("UPDATE thread SET people = people + 1 WHERE id = ?1")?.execute([id])?;
    Ok(true)
}

fn add_participants(connection: &Connection, create: &CreateThread) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO thread_participant (thread_id, user_id, apart_from) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for user in &create.participants {
        let apart_from = away::apart_from(connection, create, user)?;
        let apart_from = apart_from.as_ref().map(UserId::as_str);
        statement.execute(params![create.thread_id.bytes(), user.as_str(), apart_from])?;
    }
    Ok(())
}

/// One thread with everybody in it.
pub(super) fn find(connection: &Connection, id: ThreadId) -> Result<Option<Thread>> {
    find_first(connection, id, usize::MAX)
}

/// One thread with at most so many of its people.
fn find_first(connection: &Connection, id: ThreadId, most: usize) -> Result<Option<Thread>> {
    let mut statement = connection.prepare_cached("SELECT * FROM thread WHERE id = ?1")?;
    let Some(mut thread) = statement.query_row([id.bytes()], read).optional()? else { return Ok(None) };
    thread.participants = participants(connection, id, most)?;
    Ok(Some(thread))
}

/// One thread as `viewer` sees it. None if they are not in it, or if it is away for them.
pub(super) fn view(connection: &Connection, id: ThreadId, viewer: &UserId) -> Result<Option<ThreadView>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT thread.last_seq - sent - seen AS unread, read_seq, archived, since_seq FROM thread_participant JOIN thread ON thread.id = thread_id
         WHERE thread_id = ?1 AND user_id = ?2 AND NOT {IS_AWAY}"
    ))?;
    let seen = |row: &Row<'_>| {
        let place = column::read_integer(row, "read_seq")?;
        let taken_back = unread::taken_back_beyond(connection, id, viewer, place)?;
        let unread = column::read_integer(row, "unread")?.saturating_sub(taken_back);
        let mentions = mentions::beyond(connection, id, viewer, place)?;
        let is_archived = row.get("archived")?;
        Ok(Seen { unread, mentions, is_archived, since: column::read_integer(row, "since_seq")? })
    };
    let seen = statement.query_row(params![id.bytes(), viewer.as_str()], seen).optional()?;
    let Some(Seen { unread, mentions, is_archived, since }) = seen else { return Ok(None) };
    let Some(mut thread) = find_first(connection, id, PARTICIPANTS_SHOWN_MAX)? else { return Ok(None) };
    if is_archived && thread.status == ThreadStatus::Active {
        thread.status = ThreadStatus::Archived;
    }
    let last_message = history::preview(connection, id, since, thread.last_seq)?;
    Ok(Some(ThreadView { thread, unread_count: unread, unread_mentions: mentions, last_message }))
}

/// Archives a thread for one person, or brings it back. None if they are not in it.
pub(super) fn archive(
    connection: &Connection,
    archive: &WithCommandId<ArchiveThread>,
) -> Result<Option<ThreadView>> {
    let wanted = &archive.wanted;
    let Some(mut done) = archives(connection, wanted)? else { return Ok(None) };
    if remember_wish(&mut done, archive.command_id) {
        let mut statement = connection
            .prepare_cached("UPDATE thread_participant SET archived = ?3, archives = ?4 WHERE thread_id = ?1 AND user_id = ?2")?;
        let done = column::pack(&done)?;
        statement.execute(params![
            wanted.thread_id.bytes(),
            wanted.user_id.as_str(),
            wanted.archived,
            done
        ])?;
    }
    view(connection, wanted.thread_id, &wanted.user_id)
}

/// The last commands of this kind; nothing for who is not in the thread.
fn archives(connection: &Connection, wanted: &ArchiveThread) -> Result<Option<Vec<CommandId>>> {
    let mut statement = connection
        .prepare_cached("SELECT archives FROM thread_participant WHERE thread_id = ?1 AND user_id = ?2")?;
    let archives = |row: &Row<'_>| column::unpack(row, "archives");
    statement.query_row(params![wanted.thread_id.bytes(), wanted.user_id.as_str()], archives).optional()
}

/// A page of `viewer`'s threads, most recently active first, later ids first among equals.
///
/// An active thread (0) that the viewer has put away is an archived one (1) to them. Looks at all threads of
/// the viewer to order them: a message would otherwise have to move a row for each participant.
pub(super) fn page(connection: &Connection, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT thread.id FROM thread_participant JOIN thread ON thread.id = thread_id
         WHERE user_id = ?1 AND CASE WHEN status = 0 THEN archived ELSE status END = ?2 AND (?3 IS NULL OR (active_at, thread.id) < (?3, ?4)) AND NOT {IS_AWAY}
         ORDER BY active_at DESC, thread.id DESC LIMIT ?5 OFFSET ?6"
    ))?;
    let (after_at, after_id) = page.after.map(|(at, id)| (at.0, id.bytes())).unzip();
    let status = column::thread_status(page.status);
    let limit = page.limit.clamp(1, PAGE_MAX);
    let ids = statement
        .query_map(params![viewer.as_str(), status, after_at, after_id, limit, page.skip], |row| {
            row.get(0)
        })?;
    let ids: Vec<ThreadId> = ids.map(|bytes| bytes.map(ThreadId::from_bytes)).collect::<Result<_>>()?;
    ids.into_iter().filter_map(|id| view(connection, id, viewer).transpose()).collect()
}

/// Who is in these threads; unknown threads are absent.
pub(super) fn participants_of(
    connection: &Connection,
    threads: &[ThreadId],
) -> Result<HashMap<ThreadId, Participants>> {
    let mut found = HashMap::with_capacity(threads.len());
    for id in threads {
        let people = participants(connection, *id, usize::MAX)?;
        if !people.is_empty() || exists(connection, *id)? {
            let people = Participants::since(people, since(connection, *id)?);
            found.insert(*id, people.away_for(&away::away(connection, *id)?));
        }
    }
    Ok(found)
}

/// The places after which people see messages who do not see all of a thread.
fn since(connection: &Connection, thread: ThreadId) -> Result<HashMap<UserId, u64>> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, since_seq FROM thread_participant WHERE thread_id = ?1 AND since_seq > 0",
    )?;
    let read = |row: &Row<'_>| Ok((column::user(row, "user_id")?, column::read_integer(row, "since_seq")?));
    statement.query_map([thread.bytes()], read)?.collect()
}

/// The place after which `user` sees messages. None if they are not in the thread, or if it is away for them.
pub(super) fn seen_from(connection: &Connection, thread: ThreadId, user: &UserId) -> Result<Option<u64>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT since_seq FROM thread_participant WHERE thread_id = ?1 AND user_id = ?2 AND NOT {IS_AWAY}"
    ))?;
    let read = |row: &Row<'_>| column::read_integer(row, "since_seq");
    statement.query_row(params![thread.bytes(), user.as_str()], read).optional()
}

/// Whether the thread exists and `user` is in it.
pub(super) fn includes(connection: &Connection, thread: ThreadId, user: &UserId) -> Result<bool> {
    let mut statement = connection
        .prepare_cached("SELECT 1 FROM thread_participant WHERE thread_id = ?1 AND user_id = ?2")?;
    statement.exists(params![thread.bytes(), user.as_str()])
}

fn exists(connection: &Connection, thread: ThreadId) -> Result<bool> {
    connection.prepare_cached("SELECT 1 FROM thread WHERE id = ?1")?.exists([thread.bytes()])
}

/// At most so many people of a thread, sorted as the primary key sorts them: by bytes, like [`UserId`].
fn participants(connection: &Connection, thread: ThreadId, most: usize) -> Result<Vec<UserId>> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id FROM thread_participant WHERE thread_id = ?1 ORDER BY user_id LIMIT ?2",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    statement.query_map(params![thread.bytes(), most], |row| column::user(row, "user_id"))?.collect()
}

/// A row of `SELECT * FROM thread`, still without its participants.
fn read(row: &Row<'_>) -> Result<Thread> {
    let last_message_id = row.get::<_, Option<[u8; 12]>>("last_message_id")?.map(MessageId::from_bytes);
    let active_at = column::time(row, "active_at")?;
    Ok(Thread {
        id: ThreadId::from_bytes(row.get("id")?),
        participants: Vec::new(),
        participant_count: column::read_integer(row, "people")?,
        last_message_id,
        last_message_at: last_message_id.map(|_| active_at),
        last_seq: column::read_integer(row, "last_seq")?,
        status: column::read_thread_status(row)?,
        metadata: column::unpack::<FreeForm>(row, "metadata")?.0,
        group: column::unpack(row, "group_doc")?,
        created_at: column::time(row, "created_at")?,
        updated_at: column::time(row, "updated_at")?,
    })
}
