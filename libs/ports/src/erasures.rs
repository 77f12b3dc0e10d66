//! The erasures port: who is erased, and what is done to documents of theirs that nothing else does.
//!
//! [`Erasure`] says how an erasure goes on; a store writes it under a compare-and-set. Every method may be
//! repeated. [`crate::erasures_contract`] checks these promises.

use crate::search::{Block, Run};
use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::dead_letters::DeadLetterId;
use eventflow_protocol::erasure::{ErasedCounts, Erasure};
use eventflow_protocol::group::Role;
use eventflow_protocol::reports::Report;
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{AttachmentId, MailAddress, MessageId, ThreadId, Timestamp, UserId};

/// Threads that one step of a search looks at, at most: some milliseconds.
pub const THREADS_LOOKED_AT: u32 = 1_000;

/// A person who is marked, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When the erasure was asked for.
    pub at: Timestamp,
    /// The person.
    pub user: UserId,
}

/// Threads that a search has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundThreads {
    /// Threads in which the person is, or was; ascending.
    pub threads: Vec<ThreadId>,
    /// Where the search goes on; none if it has seen all.
    pub next: Option<ThreadId>,
}

/// What a thread keeps of a person beside their messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Whether they are in it now.
    pub is_in: bool,
    /// What they may do in it.
    pub role: Role,
    /// When they were added; none for whoever was there from the beginning.
    pub joined_at: Option<Timestamp>,
    /// Up to which message they have read it.
    pub read_seq: u64,
    /// Up to which message it was delivered.
    pub delivered_seq: u64,
    /// They see messages after this place.
    pub seen_from: u64,
    /// Whether they have put it away.
    pub is_archived: bool,
}

impl Membership {
    /// What is left of somebody who was in a thread.
    pub fn former() -> Self {
        Self {
            is_in: false,
            role: Role::Member,
            joined_at: None,
            read_seq: 0,
            delivered_seq: 0,
            seen_from: 0,
            is_archived: false,
        }
    }
}

/// What was deleted of a person's own documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnErased {
    /// What.
    pub counts: ErasedCounts,
    /// Whether nothing is left; repeat until it is so.
    pub is_complete: bool,
}

/// Keeps erasures, and carries out what belongs to nothing else.
#[async_trait]
pub trait Erasures: Send + Sync + 'static {
    /// Stores an erasure, unless its person has one. Gives the one that is stored, and whether it is this
    /// one. It is durable then.
    async fn begin_erasure(&self, new: &Erasure) -> Result<(Erasure, bool), StoreError>;

    /// Reads the erasure of a person; `None` if there is none.
    async fn erasure(&self, user: &UserId) -> Result<Option<Erasure>, StoreError>;

    /// Writes an erasure over the revision that it was read with, and gives it the next one; `false`, and
    /// nothing is changed, if the store has another revision or none.
    async fn replace_erasure(&self, erasure: &Erasure) -> Result<bool, StoreError>;

    /// Reads up to `limit` erasures whose next step is due, those that are due longest first.
    async fn due_erasures(&self, now: Timestamp, limit: u32) -> Result<Vec<Erasure>, StoreError>;

    /// Reads up to `limit` marks after this one, ascending by time and then by person. Marks are never
    /// removed.
    async fn marks_after(&self, after: &Mark, limit: u32) -> Result<Vec<Mark>, StoreError>;

    /// Finds threads after this one in which the person is or was, whatever they did there. One call looks at
    /// most at [`THREADS_LOOKED_AT`] threads, so a page may have none and still go on.
    async fn threads_with(&self, user: &UserId, after: Option<ThreadId>) -> Result<FoundThreads, StoreError>;

    /// What a thread keeps of a person who is or was in it; `None` if it keeps nothing.
    async fn membership_of(&self, thread: ThreadId, user: &UserId) -> Result<Option<Membership>, StoreError>;

    /// Removes what taking back leaves of those of these messages that this person has sent and that were
    /// taken back: keys, fingerprints, earlier wordings, and the blocks of their edited texts.
    async fn scrub_messages(&self, user: &UserId, messages: &[MessageId]) -> Result<(), StoreError>;

    /// Reads the blocks of a thread after the one that begins with this message, ascending, at most `limit`;
    /// those of edited messages do not count.
    async fn index_blocks(&self, thread: ThreadId, after: u64, limit: u32) -> Result<Vec<Run>, StoreError>;

    /// Gives a block the signature of this one, if it goes as far as this one.
    async fn rewrite_block(&self, block: &Block) -> Result<(), StoreError>;

    /// Deletes what belongs to the person alone: drafts, scheduled messages, notifications, preferences, the
    /// name of their token, windows and the log of mails and pushes, devices and what they show, their blocks
    /// of others, single logins that were ended, and the entry of their `address` on the suppression list;
    /// and everything in the outbox of an installation that sends nothing. A bounded number at a time.
    async fn erase_own(&self, user: &UserId, address: Option<&MailAddress>) -> Result<OwnErased, StoreError>;

    /// Writes a report over the one with its id, if that is handled as this one is; otherwise nothing is
    /// changed.
    async fn rewrite_report(&self, report: &Report) -> Result<(), StoreError>;

    /// Deletes dead letters with their bodies, whatever their state. Gives how many there were.
    async fn delete_letters(&self, letters: &[DeadLetterId]) -> Result<u64, StoreError>;

    /// Reads up to `limit` files of a person after this one, ascending, also those that wait to be removed.
    async fn uploads_of(
        &self,
        owner: &UserId,
        after: Option<AttachmentId>,
        limit: u32,
    ) -> Result<Vec<Upload>, StoreError>;
}
