//! The store port: threads and messages.
//!
//! Every method may be repeated: a redelivered command finds what it did before. A store assigns each message
//! the next `seq` of its thread, without gaps from 1. It keeps that promise with several writers on one
//! thread and through crashes in the middle of a batch. [`crate::store_contract`] checks these promises.

use async_trait::async_trait;
use eventflow_protocol::Participants;
use eventflow_protocol::change::{
    AdvanceCursor, Advanced, ArchiveThread, ChangeGroup, ChangeMessage, Changed, GroupChanged, MarkUnread,
    MarkedUnread, PersonCursors,
};
use eventflow_protocol::command::{CreateThread, LeaveThread, SendMessage};
use eventflow_protocol::document::{Message, Thread, ThreadStatus, ThreadView};
use eventflow_protocol::group::Group;
use eventflow_protocol::wording::Wording;
use eventflow_protocol::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use std::collections::HashMap;

/// Largest page: messages or threads.
pub const PAGE_MAX: u32 = 100;

/// Previews: how many of a thread's newest messages a store looks through for one that was not taken back.
pub const PREVIEW_DEPTH: u64 = 100;

/// Why the store did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is down, or did not answer in time. It may have carried the request out. The request itself
    /// is not to blame, so wait and repeat it.
    #[error("reach the store: {what}")]
    Unavailable {
        /// Operation that was attempted.
        what: &'static str,
        /// Error that the driver gave.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store is up and failed this request for an unknown reason that may pass, for example because an
    /// operator stopped it. Repeat this request a few times, separately from others.
    #[error("the store failed: {what}")]
    Failed {
        /// Operation that was attempted.
        what: &'static str,
        /// Error that the driver gave.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store is up and refuses this request; repeating it does not help.
    #[error("the store refused: {what}")]
    Refused {
        /// Operation that was attempted.
        what: &'static str,
        /// Error that the driver gave.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A message to store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// Id of the command; the message's id follows from it.
    pub command_id: CommandId,
    /// The message as its sender wrote it.
    pub send: SendMessage,
    /// Whether the command may have been handled before, so that the store looks before it writes. This is
    /// only a hint: the answer is right without it.
    pub redelivered: bool,
}

/// Result of storing a [`NewMessage`].
#[derive(Clone, Debug, PartialEq)]
pub enum Appended {
    /// The store has stored the message now, durably.
    Stored(Message),
    /// The message was stored before: by this command, by a command with the same sender, `client_message_id`
    /// and body ([`SendMessage::is_again`]), or as the other half of the same click
    /// ([`eventflow_protocol::pairing`]).
    Duplicate(Message),
    /// The sender has used this `client_message_id` for a message with another thread, content or
    /// attachments, or as a reply to another message.
    KeyReused,
    /// The thread does not exist, or the sender is not in it.
    NotParticipant,
    /// The message was wanted only as a repeat ([`SendMessage::repeat_only`]), and was not stored before.
    NotRepeated,
}

/// Selects a page of a thread's history. At most one of `before` and `after` is set.
///
/// By `seq` a page holds the messages that are nearest to the place by `seq`. By time it holds those that are
/// nearest by time and, among messages of one time, by `seq`: the clocks of gateways may differ, so the two
/// orders may differ too. Whoever continues at the last message of a page in the same order misses none and
/// gets none twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessagePage {
    /// Selects the newest messages before this place.
    pub before: Option<Place>,
    /// Selects the oldest messages after this place.
    pub after: Option<Place>,
    /// The page holds only messages after this `seq`: who was added to a group sees what came then.
    pub since: u64,
    /// Page size, 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// A place in a thread's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A message by its `seq`; the page does not include it.
    Seq(u64),
    /// A time; the page holds messages that were accepted earlier or later, and none of that very time.
    Time(Timestamp),
    /// A message by its time and its `seq`; the page does not include it.
    Moment {
        /// When the message was accepted.
        at: Timestamp,
        /// The message's `seq`, which decides between messages of one time.
        seq: u64,
    },
}

/// Selects a page of what changed in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangePage {
    /// Selects the oldest changes after this change number.
    pub after: u64,
    /// Most messages in the page, 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// Selects a page of a thread's pinned messages; what was pinned last comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinPage {
    /// Cursor: continue after the message with this time of its pin and this `seq`.
    pub after: Option<(Timestamp, u64)>,
    /// The page holds only messages after this `seq`.
    pub since: u64,
    /// Page size, 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// A message that was edited, taken back, reacted to or pinned.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedMessage {
    /// The number of its last change in the page.
    pub change: u64,
    /// The message as it is now.
    pub message: Message,
}

/// Messages of a thread that changed after a change number.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedMessages {
    /// The messages, ascending by `change`. A message that changed more than once may come on several pages.
    pub messages: Vec<ChangedMessage>,
    /// The change number that the page goes up to: the next page begins after it. Smaller than the number
    /// that was asked for if the thread has never had that one.
    pub up_to: u64,
    /// Whether these are all.
    pub is_complete: bool,
}

/// A change to something that exists, with the id of the command that wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct WithCommandId<T> {
    /// Id of the command, which keeps a repetition from counting twice.
    pub command_id: CommandId,
    /// The change that the command wants.
    pub wanted: T,
}

/// Selects a page of a user's threads; the most recently active come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadPage {
    /// Status of the threads: `Archived` selects those that this user has archived, `Active` the others.
    pub status: ThreadStatus,
    /// Cursor: continue after the thread with this activity time (`lastMessageAt`, else `createdAt`) and id.
    pub after: Option<(Timestamp, ThreadId)>,
    /// Offset: skip this many threads.
    pub skip: u32,
    /// Page size, 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// What taking a person out of a thread came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Whether the person was in the thread until now.
    pub was_in: bool,
    /// How many people are in the thread now.
    pub participant_count: u64,
    /// The person is in the thread again, because they were added after the command was carried out.
    pub is_back: bool,
    /// The group as it is now, if it has other owners since the person has left.
    pub handed_over: Option<Group>,
}

/// Stores threads and messages.
///
/// A thread of two people that is no group is away for whoever has blocked the other one ([`crate::Blocks`]),
/// also after the other one has left it. Any thread is away for whom somebody brought into it, by starting it
/// or by adding them, whom they had blocked by then and still block. A thread that is away for somebody is no
/// participants', list's, search's or view's of theirs: [`Store::participants`], [`Store::seen_from`],
/// [`Store::threads_of`], [`Store::thread_view`] and [`crate::SearchIndex`] answer as if they had left it.
/// Everything else goes by who is stored. Once the block has ended the thread is there as if nothing had
/// been.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores messages in the given order. Returns one answer per message, in the same order.
    ///
    /// After `Ok`, each `Stored` and `Duplicate` message is durable: it survives a crash of every process and
    /// machine that the store promises to survive. After an error, any prefix of the batch may have been
    /// stored. It is safe to repeat the batch.
    async fn append_messages(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, StoreError>;

    /// Updates the thread documents for these stored messages: `last_seq`, the last message, and the unread
    /// counts of the other participants.
    ///
    /// Each message counts once, however often and in whatever order it is passed. The call also counts
    /// earlier messages that were not counted yet.
    async fn touch_threads(&self, messages: &[Message]) -> Result<(), StoreError>;

    /// Creates a thread, or finds the one with this id. The flag is `true` if the thread was created now, or
    /// if the creator had left it and came back now. Then nothing of it is unread for them. Nobody comes back
    /// to a group: the thread that is found then has participants of whom the creator is none.
    async fn create_thread(&self, create: &CreateThread) -> Result<(Thread, bool), StoreError>;

    /// Applies changes to messages as [`eventflow_protocol::change::apply`] defines, each one atomically.
    /// Returns one answer per change, in the same order.
    ///
    /// A change is durable when its answer comes. With several writers on one message, each change applies to
    /// the result of the others. A message that is taken back no longer counts as unread. Before the answer
    /// of a change the store also gives the message the next change number of its thread
    /// ([`Store::changes`]). The write that edits a message also keeps the wording that it replaces
    /// ([`Store::wordings`]).
    ///
    /// A thread has at most [`eventflow_protocol::change::PINS_MAX`] pinned messages. The store looks for
    /// room before it pins; several processes that pin in one thread at the same moment may go beyond the
    /// bound by their number.
    async fn change_messages(
        &self,
        changes: &[WithCommandId<ChangeMessage>],
    ) -> Result<Vec<Changed>, StoreError>;

    /// Moves cursors forward. Returns one answer per advance, in the same order. `None`: the thread does not
    /// exist, or the user is not in it.
    ///
    /// A cursor moves to the requested message or to the newest one, whichever comes first, and is never
    /// moved back by an advance. Messages of others between the old and the new place get the user's receipt
    /// (in `read_by` and `delivered_to`, or in `delivered_to` only). They also get their `status` over all
    /// recipients, unless the thread has more than [`eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX`]
    /// people. A `Read` advance moves the `Delivered` cursor along. The unread count stays exact under
    /// concurrent changes.
    ///
    /// The work follows from how far the cursors move, not from the length of the threads. A store does it in
    /// steps that let other calls pass. Each step is whole: after an error a repetition goes on from the last
    /// one that was done.
    async fn advance(&self, advances: &[AdvanceCursor]) -> Result<Vec<Option<Advanced>>, StoreError>;

    /// Takes a person's read cursor back to the place before a message; `None` if they are not in the thread.
    /// Messages of others from there on are unread again for that person, and nothing changes for anybody
    /// else. An advance that was accepted before no longer moves the cursor
    /// ([`AdvanceCursor::is_before`]). A repeated command changes nothing
    /// ([`eventflow_protocol::change::remember_wish`]).
    async fn mark_unread(&self, mark: &WithCommandId<MarkUnread>)
    -> Result<Option<MarkedUnread>, StoreError>;

    /// Reads who of the others has not read `message`, with the unread count of each; nobody if the thread
    /// has more than [`eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX`] people. The counts include
    /// every message that is stored.
    async fn unread_of_others(&self, message: &Message) -> Result<Vec<(UserId, u64)>, StoreError>;

    /// Archives a thread for one person, or brings it back; `None` if they are not in it. A later message of
    /// somebody else brings the thread back by itself. A repeated command does not archive the thread again
    /// ([`eventflow_protocol::change::remember_wish`]).
    async fn archive(&self, archive: &WithCommandId<ArchiveThread>)
    -> Result<Option<ThreadView>, StoreError>;

    /// Takes a person out of a thread; `None` if the thread does not exist. From then on it is to them as if
    /// it did not exist. Repeating it changes nothing. Of a group the last owner who leaves hands over
    /// ([`eventflow_protocol::change::Roster::leave`]).
    async fn leave(&self, leave: &WithCommandId<LeaveThread>) -> Result<Option<Left>, StoreError>;

    /// Changes a group as [`eventflow_protocol::change::Roster`] defines, atomically and all or nothing. A
    /// repeated command changes nothing.
    ///
    /// Nothing is unread for who was added. They see messages after the newest one of that moment, or all if
    /// the group says so ([`Participants::seen_from`]); their unread count never goes back before that. Who
    /// was removed is a stranger from then on, as who has left.
    async fn change_group(&self, change: &WithCommandId<ChangeGroup>) -> Result<GroupChanged, StoreError>;

    /// The place after which this person sees messages of this thread ([`Participants::seen_from`]); `None`
    /// if they are not in it now, or if there is no such thread. Costs the same in a thread of any size.
    async fn seen_from(&self, thread: ThreadId, user: &UserId) -> Result<Option<u64>, StoreError>;

    /// Whether this person is in this thread now; `false` too if there is no such thread.
    async fn is_participant(&self, thread: ThreadId, user: &UserId) -> Result<bool, StoreError> {
        Ok(self.seen_from(thread, user).await?.is_some())
    }

    /// Reads one message; `None` if it does not exist.
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError>;

    /// Reads up to [`PAGE_MAX`] messages, in any order; those that do not exist are absent.
    async fn messages_by_id(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError>;

    /// Reads what a message said before its edits, oldest first: the last
    /// [`eventflow_protocol::wording::WORDINGS_MAX`] wordings that edits replaced. Nothing of a message that
    /// was taken back, that was never edited, or that does not exist.
    async fn wordings(&self, id: MessageId) -> Result<Vec<Wording>, StoreError>;

    /// Reads whom an edit by this command mentioned who was not mentioned before it, without the sender. It
    /// is nobody if the message does not remember the command, which it does as long as it recognises it
    /// ([`eventflow_protocol::change::COMMANDS_REMEMBERED`]).
    async fn mentioned_by(&self, message: MessageId, command: CommandId) -> Result<Vec<UserId>, StoreError>;

    /// Reads one thread with everybody in it; `None` if it does not exist.
    async fn thread(&self, id: ThreadId) -> Result<Option<Thread>, StoreError>;

    /// Reads one thread as `viewer` sees it, with the first of its people ([`Thread::shown`]); `None` also if
    /// they are not in it. Its last message is the newest one of the last [`PREVIEW_DEPTH`] that was not
    /// taken back, else the newest one; none before the place from which the viewer sees the thread.
    async fn thread_view(&self, id: ThreadId, viewer: &UserId) -> Result<Option<ThreadView>, StoreError>;

    /// Reads the participants of these threads, with the places from which they see them, and for whom a
    /// thread is away ([`Participants::away_for`]); unknown threads are absent.
    async fn participants(&self, threads: &[ThreadId])
    -> Result<HashMap<ThreadId, Participants>, StoreError>;

    /// Reads a page of a user's threads, as the user sees them, each with the first of its people.
    async fn threads_of(&self, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>, StoreError>;

    /// Reads a page of a thread's messages, ascending by `seq`. The work is in proportion to the page,
    /// however long the thread is.
    async fn messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, StoreError>;

    /// Finds the smallest `seq` among the messages of a thread that were accepted after `at`. The work is in
    /// proportion to the number of those messages.
    async fn first_seq_after(&self, thread: ThreadId, at: Timestamp) -> Result<Option<u64>, StoreError>;

    /// Reads the newest change number of a thread: 0 before the first change. Whoever reads messages after
    /// this call, and later asks for the changes after the number, misses no change.
    async fn newest_change(&self, thread: ThreadId) -> Result<u64, StoreError>;

    /// Reads a page of what changed in a thread.
    ///
    /// Change numbers only rise, and they become visible in their order: also with several writers no change
    /// ever shows behind a number that was read. A repeated command may give its message another number, so a
    /// message may come again without having changed. Receipts are no changes; [`Store::cursors`] tells them.
    async fn changes(&self, thread: ThreadId, page: ChangePage) -> Result<ChangedMessages, StoreError>;

    /// Reads a page of the messages that are pinned to a thread. The work is in proportion to the page.
    async fn pins(&self, thread: ThreadId, page: PinPage) -> Result<Vec<Message>, StoreError>;

    /// Reads how far everybody has come in a thread, as others know it; people who have received nothing may
    /// be absent. It also says what each has marked unread, which nobody else may see
    /// ([`PersonCursors::shown_to`]).
    async fn cursors(&self, thread: ThreadId) -> Result<Vec<PersonCursors>, StoreError>;

    /// Forgets what it remembers of threads, because another process may have changed them meanwhile.
    fn forget_threads(&self) {}

    /// Checks whether the store can be used now.
    async fn ping(&self) -> Result<(), StoreError>;
}
