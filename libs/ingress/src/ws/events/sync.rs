//! `sync`: everything missed since the places a client knows, out of the store, after any absence.
//!
//! In comes the newest `seq` of each thread that the client has, out come the messages after it, in order.
//! With the change number that the client has come also the messages that changed since, and how far
//! everybody has read. `complete: false` asks for another call from the new place; `gap: true` says that the
//! store cannot fill a place in between, or does not know the message or the change the client says it has.
//! An answer is bounded in messages and bytes, so that it fits into what may wait for one client. It only
//! reads, so it may be repeated.

use crate::refusal::Refusal;
use crate::seen_receipts;
use crate::thread_list::{ThreadList, standing};
use crate::ws::events::caller::Caller;
use crate::ws::events::reply::Reply;
use crate::ws::events::request::thread_id;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{ChangePage, ChangedMessage, ChangedMessages, MessagePage, Place, quotes};
use eventflow_protocol::change::{PersonCursors, RECEIPT_PARTICIPANTS_MAX};
use eventflow_protocol::client::answers::{RefusedThread, SyncAnswer, SyncedMessages, SyncedThread};
use eventflow_protocol::client::requests::{SyncEvent, SyncPlace};
use eventflow_protocol::client::{Success, Written};
use eventflow_protocol::document::{Message, ThreadStatus};
use eventflow_protocol::{ErrorCode, ThreadId, Timestamp, UserId};
use std::collections::HashSet;

/// Bytes of messages, as written, after which an answer is full: with its last message it stays below what
/// may wait for one client (1 MiB).
const BYTES_MAX: usize = 512 * 1024;
/// Characters given back of a thread id that names no thread.
const THREAD_ID_SHOWN: usize = 64;
/// Bytes of one person's cursors, as written, with a user id of ordinary length.
const CURSORS_BYTES: usize = 100;
/// Pages of threads read for `threadsAfter`: the 1,000 most recently active ones.
const THREAD_PAGES_MAX: usize = 10;

/// What an answer may still hold.
struct Room {
    messages: usize,
    bytes: usize,
}

impl Room {
    fn take(&mut self, bytes: usize) {
        self.messages -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn is_full(&self) -> bool {
        self.messages == 0 || self.bytes == 0
    }
}

/// Handles `sync`.
pub(super) async fn sync(caller: Caller<'_>, request: SyncEvent) -> Result<Reply, Refusal> {
    let mut room = Room { messages: request.limit.messages(), bytes: BYTES_MAX };
    let mut threads = Vec::with_capacity(request.threads.0.len());
    for wanted in &request.threads.0 {
        threads.push(sync_thread(caller, wanted, &mut room).await?);
    }
    let new_threads = match request.threads_after {
        Some(since) => Some(threads_since(caller, since).await?),
        None => None,
    };
    Ok(Reply::Synced(Box::new(SyncAnswer { success: Success, threads, new_threads })))
}

/// One thread of the answer. A thread that is not there for the caller is refused alone; any other failure
/// refuses the whole question.
async fn sync_thread(
    caller: Caller<'_>,
    wanted: &SyncPlace,
    room: &mut Room,
) -> Result<SyncedThread, Refusal> {
    match messages_after(caller, wanted, room).await {
        Ok(messages) => Ok(SyncedThread::Messages(messages)),
        Err(refusal) if refusal.code == ErrorCode::NotFound => {
            // What names no thread is given back, but not at any length.
            let thread_id = wanted.thread_id.as_str().chars().take(THREAD_ID_SHOWN).collect();
            Ok(SyncedThread::Refused(RefusedThread { thread_id, error: refusal.body() }))
        }
        Err(refusal) => Err(refusal),
    }
}

/// The changes are read before the messages. So a message that the client does not have yet need not be among
/// the changes: it is read after them, as it is by then.
async fn messages_after(
    caller: Caller<'_>,
    wanted: &SyncPlace,
    room: &mut Room,
) -> Result<SyncedMessages, Refusal> {
    let thread_id = thread_id(&wanted.thread_id)?;
    let people = caller.participants(thread_id).await?;
    let since = people.seen_from(caller.user).unwrap_or(0);
    let changes = changes_after(caller, (thread_id, since), wanted, room).await?;
    // A client that has messages of an earlier time in a group does not get those in between.
    let gap = changes.gap || wanted.after > 0 && wanted.after < since;
    let place = wanted.after.max(since);
    let mut missed = Missed { place, since, messages: Vec::new(), gap, is_heard: false };
    let complete = changes.is_complete && fill(caller, thread_id, &mut missed, room).await?;
    let has_receipts = people.stored().len() <= RECEIPT_PARTICIPANTS_MAX;
    if has_receipts && missed.is_heard {
        caller.rooms.receipts.note(thread_id, caller.user, missed.place);
    }
    let mut cursors = None;
    if complete && has_receipts && wanted.changes_after.is_some() {
        let edge = &caller.rooms.edge;
        let read = edge.store.cursors(thread_id).await?;
        let read = seen_receipts::hide_cursors(&edge.apart, caller.user, &people, read).await?;
        room.bytes = room.bytes.saturating_sub(read.len() * CURSORS_BYTES);
        cursors = Some(PersonCursors::shown_to(read, caller.user));
    }
    let shows_nothing = missed.messages.is_empty() && changes.messages.iter().all(Vec::is_empty);
    if !shows_nothing {
        require_as_before(caller, thread_id, since).await?;
    }
    Ok(SyncedMessages {
        thread_id,
        messages: missed.messages,
        changed: changes.messages,
        cursors,
        last_change: changes.up_to,
        complete,
        gap: missed.gap,
    })
}

/// Refuses a caller who was removed while the thread was read: this process hears of that only after the
/// store knows it, and what was read may be newer. Who was added again meanwhile asks again.
async fn require_as_before(caller: Caller<'_>, thread: ThreadId, since: u64) -> Result<(), Refusal> {
    match caller.rooms.edge.store.seen_from(thread, caller.user).await? {
        None => Err(Refusal::not_found("thread")),
        Some(now) if now == since => Ok(()),
        Some(_) => Err(Refusal::unavailable()),
    }
}

/// What changed of the messages that the client has. A client that does not ask is told the newest change
/// number, to ask with it later.
async fn changes_after(
    caller: Caller<'_>,
    (thread, since): (ThreadId, u64),
    wanted: &SyncPlace,
    room: &mut Room,
) -> Result<Changes, Refusal> {
    let store = &caller.rooms.edge.store;
    let Some(after) = wanted.changes_after else {
        let up_to = store.newest_change(thread).await?;
        return Ok(Changes { messages: None, up_to, is_complete: true, gap: false });
    };
    let mut changes = Changes { messages: Some(Vec::new()), up_to: after, is_complete: false, gap: false };
    while !changes.is_complete && !room.is_full() {
        let limit = u32::try_from(room.messages).unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let mut page = store.changes(thread, ChangePage { after: changes.up_to, limit }).await?;
        page.messages.retain(|changed| changed.message.seq > since);
        let found = page.messages.iter_mut().map(|changed| &mut changed.message);
        quotes::quote_since(&**store, found.collect(), since).await?;
        let found = page.messages.iter_mut().map(|changed| &mut changed.message);
        seen_receipts::hide(&caller.rooms.edge.apart, caller.user, found.collect()).await?;
        changes.gap |= page.up_to < changes.up_to;
        changes.take(page, wanted.after, room)?;
    }
    Ok(changes)
}

impl Changes {
    /// Takes a page as far as there is room. What the client does not have as a message yet takes none.
    fn take(&mut self, page: ChangedMessages, newest: u64, room: &mut Room) -> Result<(), Refusal> {
        for ChangedMessage { change, message } in page.messages {
            if room.is_full() {
                return Ok(());
            }
            if message.seq <= newest {
                let written = write(&message)?;
                room.take(written.as_str().len());
                self.messages.get_or_insert_default().push(written);
            }
            self.up_to = change;
        }
        (self.up_to, self.is_complete) = (page.up_to, page.is_complete);
        Ok(())
    }
}

/// Reads on until everything is there (`true`) or the answer is full.
async fn fill(
    caller: Caller<'_>,
    thread: ThreadId,
    missed: &mut Missed,
    room: &mut Room,
) -> Result<bool, Refusal> {
    // The message the client has is read too: that it is there shows that nothing is missing before the first
    // new one.
    let mut from = missed.place.saturating_sub(1);
    let mut is_known_to_come = missed.place > missed.since;
    while !room.is_full() {
        let wanted = u32::try_from(room.messages).unwrap_or(PAGE_MAX).saturating_add(2).min(PAGE_MAX);
        let since = missed.since;
        let page = MessagePage { before: None, after: Some(Place::Seq(from)), since, limit: wanted };
        let mut page = caller.rooms.edge.store.messages(thread, page).await?;
        let edge = &caller.rooms.edge;
        quotes::quote_since(&*edge.store, page.iter_mut().collect(), since).await?;
        seen_receipts::hide(&edge.apart, caller.user, page.iter_mut().collect()).await?;
        if is_known_to_come && page.first().is_none_or(|first| first.seq != missed.place) {
            missed.gap = true;
        }
        is_known_to_come = false;
        let is_last = page.len() < wanted as usize;
        let place = missed.place;
        for message in page.iter().filter(|message| message.seq > place) {
            if room.is_full() {
                return Ok(false);
            }
            room.take(missed.add(message, caller.user)?);
        }
        if is_last {
            return Ok(true);
        }
        from = missed.place;
    }
    Ok(false)
}

/// Threads of the caller that were created or written to after `since`, most recently active first.
async fn threads_since(caller: Caller<'_>, since: Timestamp) -> Result<Vec<ThreadId>, Refusal> {
    let store = &*caller.rooms.edge.store;
    let list = ThreadList { store, viewer: caller.user, status: ThreadStatus::Active };
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    let mut place = None;
    for _ in 0..THREAD_PAGES_MAX {
        let (page, next) = list.page(place, 0, PAGE_MAX).await?;
        let active = page.iter().filter(|view| standing(view).0 > since).map(|view| view.thread.id);
        found.extend(active.filter(|thread| known.insert(*thread)));
        // Pages come by activity: below this place nothing was active after `since`.
        place = next.filter(|next| next.below.0 > since);
        if place.is_none() {
            break;
        }
    }
    Ok(found)
}

/// What changed in one thread.
struct Changes {
    /// `None` if the client did not ask.
    messages: Option<Vec<Written<Message>>>,
    /// The change number up to which this tells.
    up_to: u64,
    is_complete: bool,
    /// Whether the thread has never had the number that the client asked with.
    gap: bool,
}

/// What was found of one thread.
struct Missed {
    /// The newest message that the client will have.
    place: u64,
    /// The place after which the caller sees messages.
    since: u64,
    messages: Vec<Written<Message>>,
    gap: bool,
    /// Whether any message is of somebody else.
    is_heard: bool,
}

impl Missed {
    /// Adds a message and gives its bytes in the answer.
    fn add(&mut self, message: &Message, user: &UserId) -> Result<usize, Refusal> {
        let written = write(message)?;
        let bytes = written.as_str().len();
        self.gap |= message.seq != self.place + 1;
        self.place = message.seq;
        self.is_heard |= message.sender_id != *user;
        self.messages.push(written);
        Ok(bytes)
    }
}

fn write(message: &Message) -> Result<Written<Message>, Refusal> {
    Written::of(message).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a message cannot be written as JSON");
        Refusal::new(ErrorCode::Failed, "a message could not be read")
    })
}
