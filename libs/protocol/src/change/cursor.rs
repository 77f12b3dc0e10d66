//! Cursors: how far a person has come in a thread, and what that does to receipts.
//!
//! An advance only raises a cursor, so repeating or reordering advances changes nothing. A person may mark
//! messages unread, which takes their read cursor back for themselves ([`MarkUnread`]); receipts stay.

use crate::document::{DeliveryReceipt, Message, MessageStatus, ReadReceipt};
use crate::{MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Cursors: how far a person has come in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// Messages up to here were written to one of the person's sockets.
    Delivered,
    /// The person has read up to here. What was read was also delivered.
    Read,
}

/// Command: a person has come further in a thread. It only raises a cursor, so repeating and reordering
/// changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvanceCursor {
    /// The thread.
    pub thread_id: ThreadId,
    /// The person.
    pub user_id: UserId,
    /// Which of the person's cursors rises.
    pub cursor: Cursor,
    /// The `seq` that the cursor rises to. `None` stands for the newest message that was accepted by `at`, so
    /// that later messages stay unread however late, or how often, the command is carried out.
    pub up_to: Option<u64>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// How an advance of a cursor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// Where the cursor was.
    pub from: u64,
    /// The highest place where the cursor ever was before, which is what others know; beyond `from` after the
    /// person has marked messages unread.
    pub told: u64,
    /// Where it is now; equal to `from` if it was there already.
    pub up_to: u64,
    /// How many messages of others lie beyond the read cursor.
    pub unread_count: u64,
    /// The newest messages whose receipts changed, ascending; at most [`RECEIPTED_MAX`].
    pub messages: Vec<Receipted>,
}

/// Command: a person wants messages of others to be unread again, from one message on, for themselves alone.
///
/// Their read cursor goes back to the place before that message. What others know stays: receipts, statuses,
/// and the place in [`PersonCursors::read_seq`]. Advances of the read cursor that an ingress accepted before
/// this command no longer move it, so that a reading which comes again, or late, does not undo the mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkUnread {
    /// The thread.
    pub thread_id: ThreadId,
    /// The person.
    pub user_id: UserId,
    /// The `seq` of the first message that is to be unread; messages that are more than
    /// [`UNREAD_REACH_MAX`] older than the newest one stay read.
    pub from: u64,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// Most messages that a person can mark unread in a thread: a store counts the person's own among them in one
/// step, which takes a few milliseconds.
pub const UNREAD_REACH_MAX: u64 = 10_000;

/// How a [`MarkUnread`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkedUnread {
    /// Whether this command took the cursor back; `false` if it was not beyond that place, or if the command
    /// was carried out before.
    pub is_changed: bool,
    /// Where the read cursor is now: messages of others beyond it are unread.
    pub read_seq: u64,
    /// How many messages of others lie beyond the read cursor.
    pub unread_count: u64,
}

impl MarkUnread {
    /// Where the read cursor of somebody goes who has read up to `read_seq` in a thread with the newest
    /// message at `last_seq`.
    pub fn place(&self, read_seq: u64, last_seq: u64) -> u64 {
        self.from.saturating_sub(1).max(last_seq.saturating_sub(UNREAD_REACH_MAX)).min(read_seq)
    }
}

impl AdvanceCursor {
    /// Whether the person has marked messages unread after the ingress accepted this advance, which then
    /// reads nothing.
    pub fn is_before(&self, marked_unread_at: Option<Timestamp>) -> bool {
        self.cursor == Cursor::Read && marked_unread_at.is_some_and(|marked| self.at <= marked)
    }
}

/// Most messages that an [`Advanced`] names: one page.
pub const RECEIPTED_MAX: usize = 100;
/// Most people in a thread whose messages carry receipts. A list of everybody in every message would grow
/// with the square of a busy thread; larger threads keep cursors and unread counts only.
pub const RECEIPT_PARTICIPANTS_MAX: usize = 100;

/// A message whose receipts changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipted {
    /// The message.
    #[serde(rename = "_id")]
    pub id: MessageId,
    /// The message's place in its thread.
    pub seq: u64,
    /// How far the message has got with all recipients.
    pub status: MessageStatus,
}

/// How far one person has come in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonCursors {
    /// The `seq` up to which messages were written to one of the person's sockets.
    pub delivered_seq: u64,
    /// The `seq` up to which the person has read. It stays when they mark messages unread.
    pub read_seq: u64,
    /// Only the person themselves is told, and only after they have marked messages unread: messages of
    /// others after this `seq` are unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_after: Option<u64>,
    /// The person.
    pub user_id: UserId,
}

impl PersonCursors {
    /// The cursors of everybody as `viewer` may see them: what others have marked unread is theirs alone.
    #[must_use]
    pub fn shown_to(mut cursors: Vec<Self>, viewer: &UserId) -> Vec<Self> {
        for of_another in cursors.iter_mut().filter(|cursors| cursors.user_id != *viewer) {
            of_another.unread_after = None;
        }
        cursors
    }
}

/// Adds to `message` the receipt of a person whose cursor has passed it, and sets its status over all
/// `recipients`.
///
/// Each person has one receipt of a kind. Whoever has read a message has got it, too.
pub fn add_receipt(message: &mut Message, wanted: &AdvanceCursor, recipients: usize) {
    let user_id = &wanted.user_id;
    let at = wanted.at;
    if message.delivered_to.iter().all(|receipt| receipt.user_id != *user_id) {
        message.delivered_to.push(DeliveryReceipt { user_id: user_id.clone(), delivered_at: at });
    }
    if wanted.cursor == Cursor::Read && message.read_by.iter().all(|receipt| receipt.user_id != *user_id) {
        message.read_by.push(ReadReceipt { user_id: user_id.clone(), read_at: at });
    }
    message.status = if message.read_by.len() >= recipients {
        MessageStatus::Read
    } else if message.delivered_to.len() >= recipients {
        MessageStatus::Delivered
    } else {
        MessageStatus::Sent
    };
}
