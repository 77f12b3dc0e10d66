//! Cursors: how far a person has come in a thread, and what that does to receipts.
//!
//! A cursor only rises, so repeating or reordering commands changes nothing.

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

/// Command: a person has come further in a thread. A cursor only rises, so repeating and reordering changes
/// nothing.
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
    /// Where it is now; equal to `from` if it was there already.
    pub up_to: u64,
    /// How many messages of others lie beyond the read cursor.
    pub unread_count: u64,
    /// The newest messages whose receipts changed, ascending; at most [`RECEIPTED_MAX`].
    pub messages: Vec<Receipted>,
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
    /// The `seq` up to which the person has read.
    pub read_seq: u64,
    /// The person.
    pub user_id: UserId,
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
