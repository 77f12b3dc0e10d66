//! The seam to what stores threads and messages.
//!
//! Every method may be repeated: a redelivered command finds what it did before. A store assigns each message
//! the next `seq` of its thread, gapless from 1, and keeps that promise with several writers on one thread
//! and through crashes in the middle of a batch. [`crate::store_contract`] is the executable form.

use async_trait::async_trait;
use eventflow_protocol::Participants;
use eventflow_protocol::change::{AdvanceCursor, Advanced, ArchiveThread, ChangeMessage, Changed};
use eventflow_protocol::command::{CreateThread, SendMessage};
use eventflow_protocol::document::{Message, Thread, ThreadStatus, ThreadView};
use eventflow_protocol::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use std::collections::HashMap;

/// Most messages or threads in one page.
pub const PAGE_MAX: u32 = 100;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is down, or did not answer in time: nobody's fault in particular, and it is unknown what was done.
    /// Wait and repeat.
    #[error("reach the store: {what}")]
    Unavailable {
        /// What was attempted.
        what: &'static str,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is there and did not do this one, for a reason that nobody here knows and that may pass: an
    /// operator stopped it, say. Repeat it a few times, and by itself.
    #[error("the store failed: {what}")]
    Failed {
        /// What was attempted.
        what: &'static str,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is there and refuses this one; repeating does not help.
    #[error("the store refused: {what}")]
    Refused {
        /// What was attempted.
        what: &'static str,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A message to store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// Identity of the command; the message's id follows from it.
    pub command_id: CommandId,
    /// The message as its sender wants it.
    pub send: SendMessage,
    /// The command may have been handled before, so look before writing. Only a hint: the answer is right
    /// without it.
    pub redelivered: bool,
}

/// What storing a [`NewMessage`] came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Appended {
    /// The store keeps it now, durably.
    Stored(Message),
    /// Stored before: by this command, by one with the same sender, `client_message_id` and body
    /// ([`SendMessage::is_again`]), or as the other leg of the same click ([`eventflow_protocol::pairing`]).
    Duplicate(Message),
    /// The sender used this `client_message_id` for a message with another thread, content or attachments.
    KeyReused,
    /// No such thread, or the sender is not in it.
    NotParticipant,
}

/// Which part of a thread's history. At most one of `before` and `after`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessagePage {
    /// Messages before this place; the newest of them.
    pub before: Option<Place>,
    /// Messages after this place; the oldest of them.
    pub after: Option<Place>,
    /// 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// A place in a thread's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A message, itself excluded.
    Seq(u64),
    /// A moment: messages accepted earlier (later) than it. Clocks may differ between gateways, so the page
    /// is still ordered by `seq`.
    Time(Timestamp),
}

/// What a command wants of something that exists, and the command's id.
#[derive(Clone, Debug, PartialEq)]
pub struct WithCommandId<T> {
    /// Identity of the command, which keeps a repetition from counting twice.
    pub command_id: CommandId,
    /// The change that the command wants.
    pub wanted: T,
}

/// Which of a user's threads, most recently active first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadPage {
    /// Only these: `Archived` are those this user has put away, `Active` the others.
    pub status: ThreadStatus,
    /// Continue after a thread with this activity time (`lastMessageAt`, else `createdAt`) and id.
    pub after: Option<(Timestamp, ThreadId)>,
    /// Pass over this many.
    pub skip: u32,
    /// 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// Stores threads and messages.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores messages in the order given; one answer per message, in the same order.
    ///
    /// After `Ok`, each `Stored` and `Duplicate` message is durable (it survives a crash of every process and
    /// machine the store promises to survive). After an error any prefix may have been stored; repeating the
    /// batch is right.
    async fn append_messages(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, StoreError>;

    /// Brings the thread documents up to these stored messages: `last_seq`, last message, unread counts of
    /// the others.
    ///
    /// Each message counts once however often it is passed, in any order. Missing earlier messages are
    /// included.
    async fn touch_threads(&self, messages: &[Message]) -> Result<(), StoreError>;

    /// Creates a thread, or finds the one with this id; `true` if it was created now.
    async fn create_thread(&self, create: &CreateThread) -> Result<(Thread, bool), StoreError>;

    /// Does to messages what [`eventflow_protocol::change::apply`] says, each atomically; one answer per
    /// change, in the same order.
    ///
    /// A change is durable when it is answered. With several writers on one message every change applies to
    /// what the others left.
    async fn change_messages(
        &self,
        changes: &[WithCommandId<ChangeMessage>],
    ) -> Result<Vec<Changed>, StoreError>;

    /// Moves cursors forward; one answer per advance, in the same order. `None`: no such thread, or the user
    /// is not in it.
    ///
    /// A cursor goes up to what is asked or to the newest message, whichever comes first, and never back.
    /// Messages of others between the old and the new place get the user's receipt (in `read_by` and
    /// `delivered_to`, or in `delivered_to` only) and their `status` over all recipients, unless the thread
    /// has more than [`eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX`] people. A `Read` advance moves
    /// the `Delivered` cursor along. The unread count is exact whatever happens at the same time.
    async fn advance(&self, advances: &[AdvanceCursor]) -> Result<Vec<Option<Advanced>>, StoreError>;

    /// Puts a thread away for one person, or brings it back; `None` if they are not in it. A later message of
    /// somebody else brings it back by itself, and a command that was carried out before does not put it away
    /// again ([`eventflow_protocol::change::remember_archive`]).
    async fn archive(&self, archive: &WithCommandId<ArchiveThread>)
    -> Result<Option<ThreadView>, StoreError>;

    /// One message.
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError>;

    /// One thread.
    async fn thread(&self, id: ThreadId) -> Result<Option<Thread>, StoreError>;

    /// One thread as `viewer` sees it; `None` also if they are not in it.
    async fn thread_view(&self, id: ThreadId, viewer: &UserId) -> Result<Option<ThreadView>, StoreError>;

    /// Who is in these threads; unknown threads are absent.
    async fn participants(&self, threads: &[ThreadId])
    -> Result<HashMap<ThreadId, Participants>, StoreError>;

    /// A page of a user's threads, as they see them.
    async fn threads_of(&self, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>, StoreError>;

    /// A page of a thread's messages, ascending by `seq`.
    async fn messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, StoreError>;

    /// Whether the store can be used now.
    async fn ping(&self) -> Result<(), StoreError>;
}
