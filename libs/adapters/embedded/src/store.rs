//! The message store in the data file: the same facts as in the documents that a client sees, in a few
//! tables.
//!
//! One batch is one change of the single writer. So a batch is stored as a whole or not at all, `seq` has no
//! gaps, and two users of one file cannot interleave. Only cursors move in several changes, so that a long
//! way does not hold up the messages of others. Thread, counters and messages change in the same transaction,
//! so nothing is brought up to date later. Safe to repeat because the primary key, the command's id and the
//! sender's key are unique indexes.

mod append;
mod away;
mod blocks;
mod change;
mod changes;
mod column;
mod cursor;
mod dead_letters;
mod directory;
mod drafts;
mod erase_own;
mod erasures;
mod group;
mod history;
mod inbox;
mod kept_mail;
mod leave;
mod mark_unread;
mod mentions;
mod message;
mod names;
mod outbound;
mod outbox;
mod pairing;
mod people;
mod pins;
mod push;
mod reports;
mod scheduled;
mod schema;
mod scrub;
mod search;
mod sends;
mod suppressions;
mod thread;
mod unread;
mod uploads;
mod wording;

use self::cursor::AdvanceWork;
use crate::{Database, DatabaseError};
use async_trait::async_trait;
use eventflow_ports::{
    Appended, ChangePage, ChangedMessages, Left, MessagePage, NewMessage, PinPage, Store, StoreError,
    ThreadPage, WholeStore, WithCommandId,
};
use eventflow_protocol::Participants;
use eventflow_protocol::change::{
    AdvanceCursor, Advanced, ArchiveThread, ChangeGroup, ChangeMessage, Changed, GroupChanged, MarkUnread,
    MarkedUnread, PersonCursors,
};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::document::{Message, Thread, ThreadView};
use eventflow_protocol::wording::Wording;
use eventflow_protocol::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use rusqlite::ErrorCode;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Timeout: longest wait for the disk. A healthy one needs milliseconds; one that hangs must not hang every
/// caller with it.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Readers that may read for searches and for the index at the same time: half of those of the file, so that
/// the short lookups of everybody else always have one.
const SEARCH_READERS: usize = 2;

/// [`Store`], [`eventflow_ports::Inbox`], [`eventflow_ports::Directory`], [`eventflow_ports::Outbound`],
/// [`eventflow_ports::Suppressions`], [`eventflow_ports::Outbox`], [`eventflow_ports::Sends`],
/// [`eventflow_ports::DeadLetters`], [`eventflow_ports::Drafts`], [`eventflow_ports::Scheduled`],
/// [`eventflow_ports::PushDevices`], [`eventflow_ports::SearchIndex`], [`eventflow_ports::Blocks`],
/// [`eventflow_ports::Reports`], [`eventflow_ports::Uploads`] and [`eventflow_ports::Erasures`] in the data
/// file. Cheap to clone: every clone is the same store.
#[derive(Clone)]
pub struct EmbeddedStore {
    database: Database,
    /// Turns of the reads that search makes.
    searching: Arc<Semaphore>,
}

impl EmbeddedStore {
    /// Opens the store in this file, and makes its tables or brings them up to date.
    pub async fn open(database: Database) -> Result<Self, DatabaseError> {
        for (piece, steps) in schema::PIECES {
            database.migrate(piece, steps).await?;
        }
        database.write(|tx| names::index_everybody(tx)).await?;
        Ok(Self { database, searching: Arc::new(Semaphore::new(SEARCH_READERS)) })
    }
}

impl WholeStore for EmbeddedStore {}

#[async_trait]
impl Store for EmbeddedStore {
    async fn append_messages(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, StoreError> {
        let batch = batch.to_vec();
        in_time("append messages", self.database.write(move |tx| append::append(tx, batch))).await
    }

    /// Does nothing: [`Store::append_messages`] brought the threads up to date in the transaction that stored
    /// the messages.
    async fn touch_threads(&self, _messages: &[Message]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn create_thread(&self, create: &CreateThread) -> Result<(Thread, bool), StoreError> {
        let create = create.clone();
        in_time("create a thread", self.database.write(move |tx| thread::create(tx, &create))).await
    }

    async fn change_messages(
        &self,
        changes: &[WithCommandId<ChangeMessage>],
    ) -> Result<Vec<Changed>, StoreError> {
        let changes = changes.to_vec();
        in_time("change messages", self.database.write(move |tx| change::change(tx, &changes))).await
    }

    async fn advance(&self, advances: &[AdvanceCursor]) -> Result<Vec<Option<Advanced>>, StoreError> {
        let mut work = AdvanceWork::new(advances.to_vec());
        loop {
            match work.finished() {
                Ok(answers) => return Ok(answers),
                Err(unfinished) => work = unfinished,
            }
            let step = self.database.write(move |tx| cursor::advance_step(tx, work));
            work = in_time("advance cursors", step).await?;
        }
    }

    async fn mark_unread(
        &self,
        mark: &WithCommandId<MarkUnread>,
    ) -> Result<Option<MarkedUnread>, StoreError> {
        let mark = mark.clone();
        in_time("mark as unread", self.database.write(move |tx| mark_unread::mark(tx, &mark))).await
    }

    async fn unread_of_others(&self, message: &Message) -> Result<Vec<(UserId, u64)>, StoreError> {
        let message = message.clone();
        in_time(
            "read unread counts",
            self.database.read(move |connection| unread::of_others(connection, &message)),
        )
        .await
    }

    async fn archive(
        &self,
        archive: &WithCommandId<ArchiveThread>,
    ) -> Result<Option<ThreadView>, StoreError> {
        let archive = archive.clone();
        in_time("archive a thread", self.database.write(move |tx| thread::archive(tx, &archive))).await
    }

    async fn leave(&self, leave: &WithCommandId<LeaveThread>) -> Result<Option<Left>, StoreError> {
        let leave = leave.clone();
        in_time("leave a thread", self.database.write(move |tx| leave::leave(tx, &leave))).await
    }

    async fn change_group(&self, change: &WithCommandId<ChangeGroup>) -> Result<GroupChanged, StoreError> {
        let change = change.clone();
        in_time("change a group", self.database.write(move |tx| group::change(tx, &change))).await
    }

    async fn seen_from(&self, thread: ThreadId, user: &UserId) -> Result<Option<u64>, StoreError> {
        let user = user.clone();
        let read = self.database.read(move |connection| thread::seen_from(connection, thread, &user));
        in_time("read a membership", read).await
    }

    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        in_time("read a message", self.database.read(move |connection| message::by_id(connection, id))).await
    }

    async fn messages_by_id(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        let ids = ids.to_vec();
        in_time("read messages", self.database.read(move |connection| message::by_ids(connection, &ids)))
            .await
    }

    async fn wordings(&self, id: MessageId) -> Result<Vec<Wording>, StoreError> {
        in_time("read wordings", self.database.read(move |connection| wording::of(connection, id))).await
    }

    async fn mentioned_by(&self, message: MessageId, command: CommandId) -> Result<Vec<UserId>, StoreError> {
        in_time(
            "read mentions",
            self.database.read(move |connection| change::mentioned(connection, message, command)),
        )
        .await
    }

    async fn thread(&self, id: ThreadId) -> Result<Option<Thread>, StoreError> {
        in_time("read a thread", self.database.read(move |connection| thread::find(connection, id))).await
    }

    async fn thread_view(&self, id: ThreadId, viewer: &UserId) -> Result<Option<ThreadView>, StoreError> {
        let viewer = viewer.clone();
        in_time("read a thread", self.database.read(move |connection| thread::view(connection, id, &viewer)))
            .await
    }

    async fn participants(
        &self,
        threads: &[ThreadId],
    ) -> Result<HashMap<ThreadId, Participants>, StoreError> {
        let threads = threads.to_vec();
        in_time(
            "read participants",
            self.database.read(move |connection| thread::participants_of(connection, &threads)),
        )
        .await
    }

    async fn threads_of(&self, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>, StoreError> {
        let viewer = viewer.clone();
        in_time("list threads", self.database.read(move |connection| thread::page(connection, &viewer, page)))
            .await
    }

    async fn messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, StoreError> {
        in_time(
            "read messages",
            self.database.read(move |connection| history::page(connection, thread, page)),
        )
        .await
    }

    async fn first_seq_after(&self, thread: ThreadId, at: Timestamp) -> Result<Option<u64>, StoreError> {
        in_time(
            "read messages",
            self.database.read(move |connection| history::first_after(connection, thread, at)),
        )
        .await
    }

    async fn newest_change(&self, thread: ThreadId) -> Result<u64, StoreError> {
        in_time("read changes", self.database.read(move |connection| changes::newest(connection, thread)))
            .await
    }

    async fn changes(&self, thread: ThreadId, page: ChangePage) -> Result<ChangedMessages, StoreError> {
        in_time(
            "read changes",
            self.database.read(move |connection| changes::since(connection, thread, page)),
        )
        .await
    }

    async fn pins(&self, thread: ThreadId, page: PinPage) -> Result<Vec<Message>, StoreError> {
        in_time("read pins", self.database.read(move |connection| pins::page(connection, thread, page))).await
    }

    async fn cursors(&self, thread: ThreadId) -> Result<Vec<PersonCursors>, StoreError> {
        in_time("read cursors", self.database.read(move |connection| changes::cursors(connection, thread)))
            .await
    }

    /// Goes through the writer, so that it fails when the writer is stuck or closed.
    async fn ping(&self) -> Result<(), StoreError> {
        in_time("reach the data file", self.database.write(|_| Ok(()))).await
    }
}

async fn in_time<T>(
    what: &'static str,
    call: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, StoreError> {
    let answer = timeout(CALL_TIMEOUT, call).await;
    answer
        .map_err(|late| StoreError::Unavailable { what, source: Box::new(late) })?
        .map_err(|error| classify(what, error))
}

/// Refuses only what this very request causes. A file that cannot be used now makes its callers wait.
fn classify(what: &'static str, error: DatabaseError) -> StoreError {
    let source = Box::new(error);
    if is_request_at_fault(&source) {
        StoreError::Refused { what, source }
    } else {
        StoreError::Unavailable { what, source }
    }
}

fn is_request_at_fault(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Panicked => true,
        DatabaseError::Sqlite(error) => match error.sqlite_error_code() {
            Some(code) => {
                matches!(code, ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
            }
            // The error is not SQLite's; it comes from turning values into columns and back.
            None => true,
        },
        _ => false,
    }
}
