//! `sync`: everything missed since the places a client knows, out of the store, after any absence.
//!
//! In comes the newest `seq` of each thread that the client has, out come the messages after it, in order. `complete: false` asks for
//! another call from the new place; `gap: true` says that the store cannot fill a place in between, or does not know the message the
//! client says it has. An answer is bounded in messages and bytes, so that it fits into what may wait for one client. Only reads, so it
//! may be repeated.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use crate::validate;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::event::{EventName, Taken};
use crate::ws::events::taken;
use crate::ws::member::Member;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{MessagePage, Place, ThreadPage};
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::document::{Identified, Message, ThreadStatus};
use eventflow_protocol::{ErrorCode, ThreadId, Timestamp, UserId};
use eventflow_socketio::Socket;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Threads one call may name.
pub(crate) const THREADS_MAX: usize = 100;
/// Messages one answer holds.
pub(crate) const MESSAGES_MAX: usize = 500;
/// Bytes of messages, as written, after which an answer is full: with its last message it stays below what may wait for one client (1 MiB).
const BYTES_MAX: usize = 512 * 1024;
/// Pages of threads read for `threadsAfter`: the 1,000 most recently active ones.
const THREAD_PAGES_MAX: usize = 10;

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Synced {
    success: bool,
    threads: Vec<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_threads: Option<Vec<ThreadId>>,
}

/// One thread of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Part {
    #[serde(rename_all = "camelCase")]
    Missed { thread_id: ThreadId, messages: Vec<Box<RawValue>>, complete: bool, gap: bool },
    #[serde(rename_all = "camelCase")]
    Refused { thread_id: String, success: bool, error: String, code: ErrorCode },
}

/// One thread of the question.
struct Wanted {
    thread: String,
    after: u64,
}

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

impl Shared {
    /// Takes `sync {threads: [{threadId, after}], limit?, threadsAfter?}`.
    pub(crate) async fn take_sync(&self, asker: &Asker, body: Result<Object, Refusal>) -> Taken {
        let result = match body {
            Ok(body) => self.sync(&asker.socket, body).await,
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok(synced) if asker.ack.is_some() => asker.ack(&synced),
            Ok(synced) => asker.emit_now("sync", &synced),
            Err(refusal) => {
                asker.refuse(EventName::Sync.label(), &refusal);
                return taken(&refusal);
            }
        }
        Taken::Ok
    }

    async fn sync(&self, socket: &Socket<Member>, mut body: Object) -> Result<Synced, Refusal> {
        let user = socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        let wanted = wanted(&mut body)?;
        let mut room = Room { messages: limit(&mut body)?, bytes: BYTES_MAX };
        let since = threads_after(&mut body)?;
        let mut threads = Vec::with_capacity(wanted.len());
        for Wanted { thread, after } in wanted {
            threads.push(match self.missed(user, &thread, after, &mut room).await {
                Ok(part) => part,
                Err(refusal) if refusal.code == ErrorCode::NotFound => Part::Refused {
                    thread_id: thread,
                    success: false,
                    error: refusal.error.into(),
                    code: refusal.code,
                },
                Err(refusal) => return Err(refusal),
            });
        }
        let new_threads = match since {
            Some(since) => Some(self.threads_since(user, since).await?),
            None => None,
        };
        Ok(Synced { success: true, threads, new_threads })
    }

    async fn missed(
        &self,
        user: &UserId,
        thread: &str,
        after: u64,
        room: &mut Room,
    ) -> Result<Part, Refusal> {
        let thread_id = validate::parse_thread_id(thread)?;
        let people = self.membership.of(thread_id).await?;
        let people = people
            .filter(|people| people.binary_search(user).is_ok())
            .ok_or_else(|| Refusal::not_found("thread"))?;
        let mut missed = Missed { place: after, messages: Vec::new(), gap: false, is_heard: false };
        let complete = self.fill(user, thread_id, &mut missed, room).await?;
        if people.len() <= RECEIPT_PARTICIPANTS_MAX && missed.is_heard {
            self.receipts.note(thread_id, user, missed.place);
        }
        Ok(Part::Missed { thread_id, messages: missed.messages, complete, gap: missed.gap })
    }

    /// Reads on until everything is there (`true`) or the answer is full.
    async fn fill(
        &self,
        user: &UserId,
        thread: ThreadId,
        missed: &mut Missed,
        room: &mut Room,
    ) -> Result<bool, Refusal> {
        // The message the client has is read too: that it is there shows that nothing is missing before the first new one.
        let mut from = missed.place.saturating_sub(1);
        let mut known = missed.place > 0;
        while !room.is_full() {
            let wanted = u32::try_from(room.messages).unwrap_or(PAGE_MAX).saturating_add(2).min(PAGE_MAX);
            let page = MessagePage { before: None, after: Some(Place::Seq(from)), limit: wanted };
            let page = self.edge.store.messages(thread, page).await?;
            if std::mem::take(&mut known) && page.first().is_none_or(|first| first.seq != missed.place) {
                missed.gap = true;
            }
            let is_last = page.len() < wanted as usize;
            let place = missed.place;
            for message in page.into_iter().filter(|message| message.seq > place) {
                if room.is_full() {
                    return Ok(false);
                }
                room.take(missed.take(&message, user)?);
            }
            if is_last {
                return Ok(true);
            }
            from = missed.place;
        }
        Ok(false)
    }

    /// Threads of the user that were created after `since`, most recently active first.
    async fn threads_since(&self, user: &UserId, since: Timestamp) -> Result<Vec<ThreadId>, Refusal> {
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..THREAD_PAGES_MAX {
            let page = ThreadPage { status: ThreadStatus::Active, after, skip: 0, limit: PAGE_MAX };
            let page = self.edge.store.threads_of(user, page).await?;
            let active_at = |thread: &eventflow_protocol::document::Thread| {
                thread.last_message_at.unwrap_or(thread.created_at)
            };
            after = page.last().map(|view| (active_at(&view.thread), view.thread.id));
            let is_last = page.len() < PAGE_MAX as usize;
            found
                .extend(page.iter().filter(|view| view.thread.created_at > since).map(|view| view.thread.id));
            if is_last || after.is_none_or(|(active_at, _)| active_at <= since) {
                break;
            }
        }
        Ok(found)
    }
}

/// What was found of one thread.
struct Missed {
    place: u64,
    messages: Vec<Box<RawValue>>,
    gap: bool,
    /// Whether any is of somebody else.
    is_heard: bool,
}

impl Missed {
    /// Takes in a message and gives its bytes in the answer.
    fn take(&mut self, message: &Message, user: &UserId) -> Result<usize, Refusal> {
        let raw = raw(message)?;
        let bytes = raw.get().len();
        self.gap |= message.seq != self.place + 1;
        self.place = message.seq;
        self.is_heard |= message.sender_id != *user;
        self.messages.push(raw);
        Ok(bytes)
    }
}

fn wanted(body: &mut Object) -> Result<Vec<Wanted>, Refusal> {
    let items = fields::list(body, "threads", THREADS_MAX)?;
    items.into_iter().enumerate().map(|(index, item)| wanted_thread(item, index)).collect()
}

fn wanted_thread(item: Value, index: usize) -> Result<Wanted, Refusal> {
    let Value::Object(mut item) = item else {
        return Err(fields::wrong_type(&format!("threads[{index}]"), "an object"));
    };
    let thread = fields::text(&mut item, "threadId", &format!("threads[{index}].threadId"))?;
    let after = match fields::take(&mut item, "after") {
        None => 0,
        Some(after) => after
            .as_u64()
            .ok_or_else(|| fields::wrong_type(&format!("threads[{index}].after"), "a whole number"))?,
    };
    Ok(Wanted { thread: thread.chars().take(THREAD_ID_SHOWN).collect(), after })
}

/// As much of what names no thread is given back.
const THREAD_ID_SHOWN: usize = 64;

fn limit(body: &mut Object) -> Result<usize, Refusal> {
    let Some(limit) = fields::take(body, "limit") else { return Ok(MESSAGES_MAX) };
    let limit = limit
        .as_u64()
        .filter(|limit| *limit > 0)
        .ok_or_else(|| fields::wrong_type("limit", "a whole number from 1"))?;
    Ok(usize::try_from(limit).unwrap_or(MESSAGES_MAX).min(MESSAGES_MAX))
}

fn threads_after(body: &mut Object) -> Result<Option<Timestamp>, Refusal> {
    let after = fields::take(body, "threadsAfter").map(serde_json::from_value);
    after
        .transpose()
        .map_err(|_| fields::wrong_type("threadsAfter", "a time such as 2030-01-31T12:00:00.000Z"))
}

fn raw(message: &Message) -> Result<Box<RawValue>, Refusal> {
    let text = message.shown_text().and_then(RawValue::from_string);
    text.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a message cannot be written as JSON");
        Refusal::new(ErrorCode::Failed, "a message could not be read")
    })
}
