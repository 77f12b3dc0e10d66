//! What can happen to a message after it was sent: edited, taken back, reacted to, received, read; and to a thread: put away.
//!
//! [`apply`] is the only place that says what a change does to a message; every store runs it under its own lock or compare-and-set.
//! Repeating a change is safe because a message remembers the last commands of each kind and person.

use crate::content::Content;
use crate::document::{DeliveryReceipt, Message, MessageStatus, Reaction, ReadReceipt};
use crate::fingerprint::{Fingerprint, fingerprint};
use crate::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Most reactions on one message: what a client can still draw, and what one document may grow by.
pub const REACTIONS_MAX: usize = 1_000;
/// Most different signs one person can put on one message.
pub const REACTIONS_PER_PERSON_MAX: usize = 20;
/// Longest sign in bytes: the longest emoji sequences (flags, families with skin tones) have about 40.
pub const EMOJI_MAX_BYTES: usize = 64;
/// Commands remembered per person and kind of change. A repetition comes within seconds, so after few others of the same kind.
pub const COMMANDS_REMEMBERED: usize = 8;

/// Marks of reactions kept per person: of the signs that are there, and of as many that were taken off last.
pub const REACTION_MARKS_PER_PERSON_MAX: usize = 2 * REACTIONS_PER_PERSON_MAX;
/// Marks of reactions kept per message, all people together: about 700 KB of a document that may have 16 MB.
pub const REACTION_MARKS_MAX: usize = 2 * REACTIONS_MAX;

/// Archive commands remembered per person and thread. One would do if the clocks of all gateways were one; see [`is_news`].
pub const ARCHIVES_REMEMBERED: usize = 4;

/// Change a message that exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeMessage {
    /// Its thread.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
    /// Who wants it; a participant, as the ingress checked.
    pub by: UserId,
    /// What.
    pub change: Change,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// What is to be done to a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// Say it differently; only its sender may.
    Edit {
        /// The new text.
        content: Content,
    },
    /// Take it back; only its sender may.
    Delete,
    /// Put a sign on it, or take it off.
    React {
        /// The sign.
        emoji: String,
        /// Which of both.
        wish: Wish,
    },
}

/// Whether a sign is to be there afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// The emoji is to be there.
    Add,
    /// The emoji is not to be there.
    Remove,
    /// The opposite of before.
    #[default]
    Toggle,
}

/// The last commands of one person that changed a message in one way; kept with the message by its store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeMark {
    /// Whose.
    pub user_id: UserId,
    /// The sign; none for an edit.
    #[serde(default)]
    pub emoji: Option<String>,
    /// Oldest first; at most [`COMMANDS_REMEMBERED`].
    pub commands: Vec<CommandId>,
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// The message as it is now, and what happened to it.
    Done(Box<Message>, Effect),
    /// This command, or one to the same end, was carried out before; the message as it is now.
    Before(Box<Message>, Effect),
    /// No such message in that thread, or it was taken back.
    NotFound,
    /// Only its sender may.
    NotSender,
    /// There are [`REACTIONS_MAX`] or [`REACTIONS_PER_PERSON_MAX`] already.
    TooManyReactions,
}

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Its content is another one.
    Edited,
    /// It was taken back.
    Deleted,
    /// A sign was put on it.
    Reacted,
    /// A sign was taken off.
    Unreacted,
}

/// Does `wanted` to `message`, which is the one it names. `marks` are those of the message.
///
/// With [`Changed::Done`] the caller stores `message` and `marks`; with anything else neither has changed.
pub fn apply(
    message: &mut Message,
    marks: &mut Vec<ChangeMark>,
    command: CommandId,
    wanted: &ChangeMessage,
) -> Changed {
    if message.id != wanted.message_id || message.thread_id != wanted.thread_id {
        return Changed::NotFound;
    }
    let is_deletion = wanted.change == Change::Delete;
    if message.deleted_at.is_some() {
        let is_theirs = message.sender_id == wanted.by;
        return if is_deletion && is_theirs { before(message, Effect::Deleted) } else { Changed::NotFound };
    }
    match &wanted.change {
        Change::React { emoji, wish } => react(message, marks, command, wanted, emoji, *wish),
        _ if message.sender_id != wanted.by => Changed::NotSender,
        Change::Delete => delete(message, marks, wanted.at),
        Change::Edit { content } => edit(message, marks, command, wanted, content),
    }
}

fn delete(message: &mut Message, marks: &mut Vec<ChangeMark>, at: Timestamp) -> Changed {
    message.content.clear();
    message.attachments.clear();
    message.reactions.clear();
    marks.clear();
    message.deleted_at = Some(at);
    done(message, at, Effect::Deleted)
}

fn edit(
    message: &mut Message,
    marks: &mut Vec<ChangeMark>,
    command: CommandId,
    wanted: &ChangeMessage,
    content: &Content,
) -> Changed {
    if !remember(marks, &wanted.by, None, command) {
        return before(message, Effect::Edited);
    }
    content.as_str().clone_into(&mut message.content);
    message.edited_at = Some(wanted.at);
    done(message, wanted.at, Effect::Edited)
}

fn react(
    message: &mut Message,
    marks: &mut Vec<ChangeMark>,
    command: CommandId,
    wanted: &ChangeMessage,
    emoji: &str,
    wish: Wish,
) -> Changed {
    let is_theirs = |reaction: &Reaction| reaction.user_id == wanted.by && reaction.emoji == emoji;
    let is_there = message.reactions.iter().any(is_theirs);
    let add = match wish {
        Wish::Toggle => !is_there,
        Wish::Add => true,
        Wish::Remove => false,
    };
    let own = message.reactions.iter().filter(|reaction| reaction.user_id == wanted.by).count();
    let is_full = message.reactions.len() >= REACTIONS_MAX || own >= REACTIONS_PER_PERSON_MAX;
    let known = |mark: &ChangeMark| is_of(mark, &wanted.by, Some(emoji)) && mark.commands.contains(&command);
    if marks.iter().any(known) || add == is_there {
        return before(message, if is_there { Effect::Reacted } else { Effect::Unreacted });
    }
    if add && is_full {
        return Changed::TooManyReactions;
    }
    remember(marks, &wanted.by, Some(emoji), command);
    if add {
        message.reactions.push(Reaction {
            emoji: emoji.to_owned(),
            user_id: wanted.by.clone(),
            created_at: wanted.at,
        });
    } else {
        message.reactions.retain(|reaction| !is_theirs(reaction));
    }
    forget_oldest(marks, &message.reactions, &wanted.by);
    done(message, wanted.at, if add { Effect::Reacted } else { Effect::Unreacted })
}

/// `false` if the command is remembered already. The mark that was used last is the last one.
fn remember(marks: &mut Vec<ChangeMark>, user: &UserId, emoji: Option<&str>, command: CommandId) -> bool {
    let found = marks.iter().position(|mark| is_of(mark, user, emoji));
    if found.is_some_and(|at| marks[at].commands.contains(&command)) {
        return false;
    }
    let mut mark = found.map_or_else(
        || ChangeMark { user_id: user.clone(), emoji: emoji.map(str::to_owned), commands: Vec::new() },
        |at| marks.remove(at),
    );
    mark.commands.push(command);
    if mark.commands.len() > COMMANDS_REMEMBERED {
        mark.commands.remove(0);
    }
    marks.push(mark);
    true
}

/// Keeps the marks of reactions within their bounds: first of `user`, then of all.
///
/// Those of signs that are there stay, and the last one, which is that of the command in hand. What is forgotten was done so many other
/// clicks ago that no repetition of it can still come.
fn forget_oldest(marks: &mut Vec<ChangeMark>, reactions: &[Reaction], user: &UserId) {
    let all = marks.iter().filter(|mark| mark.emoji.is_some()).count();
    let own = marks.iter().filter(|mark| mark.emoji.is_some() && mark.user_id == *user).count();
    let (mut too_many, mut too_many_own) =
        (all.saturating_sub(REACTION_MARKS_MAX), own.saturating_sub(REACTION_MARKS_PER_PERSON_MAX));
    if too_many == 0 && too_many_own == 0 {
        return;
    }
    let there: HashSet<(&UserId, &str)> =
        reactions.iter().map(|it| (&it.user_id, it.emoji.as_str())).collect();
    let Some(newest) = marks.pop() else { return };
    marks.retain(|mark| {
        let Some(emoji) = mark.emoji.as_deref() else { return true };
        let excess = if mark.user_id == *user { too_many.max(too_many_own) } else { too_many };
        if excess == 0 || there.contains(&(&mark.user_id, emoji)) {
            return true;
        }
        too_many = too_many.saturating_sub(1);
        too_many_own = too_many_own.saturating_sub(usize::from(mark.user_id == *user));
        false
    });
    marks.push(newest);
}

fn is_of(mark: &ChangeMark, user: &UserId, emoji: Option<&str>) -> bool {
    mark.user_id == *user && mark.emoji.as_deref() == emoji
}

fn done(message: &mut Message, at: Timestamp, effect: Effect) -> Changed {
    message.updated_at = message.updated_at.max(at);
    Changed::Done(Box::new(message.clone()), effect)
}

fn before(message: &Message, effect: Effect) -> Changed {
    Changed::Before(Box::new(message.clone()), effect)
}

/// How far somebody has come in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// Written to a socket of theirs.
    Delivered,
    /// Read by them; includes delivered.
    Read,
}

/// Somebody has come further in a thread. A cursor only rises, so repeating and reordering changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvanceCursor {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// Which cursor.
    pub cursor: Cursor,
    /// Up to and including this `seq`; `None`: up to the newest message that was accepted by `at`, so that what comes later stays unread
    /// however late the command is carried out, or again.
    pub up_to: Option<u64>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// What advancing a cursor came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// Where the cursor was.
    pub from: u64,
    /// Where it is now; equal to `from` if it was there already.
    pub up_to: u64,
    /// Messages of others beyond the read cursor.
    pub unread_count: u64,
    /// Newest messages whose receipts changed, ascending; at most [`RECEIPTED_MAX`].
    pub messages: Vec<Receipted>,
}

/// Most messages that an [`Advanced`] names: a page.
pub const RECEIPTED_MAX: usize = 100;
/// In larger threads messages carry no receipts (a list of everybody in every message grows with the square of a busy thread); cursors and
/// unread counts are kept all the same.
pub const RECEIPT_PARTICIPANTS_MAX: usize = 100;

/// A message after somebody's receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipted {
    /// Which.
    #[serde(rename = "_id")]
    pub id: MessageId,
    /// Its place.
    pub seq: u64,
    /// Over all recipients.
    pub status: MessageStatus,
}

/// Adds the receipt of somebody who advanced past `message`, and its status over all `recipients`.
///
/// A person's receipt is there once; who has read a message has got it too.
pub fn add_receipt(message: &mut Message, wanted: &AdvanceCursor, recipients: usize) {
    let (user_id, at) = (&wanted.user_id, wanted.at);
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

/// What a store keeps of a message from its first edit or deletion on, taken before the change: what its sender said under a key.
///
/// Nothing for a message without a key, and for one that was changed already.
pub fn sent_as(message: &Message) -> Option<Fingerprint> {
    let is_as_sent = message.edited_at.is_none() && message.deleted_at.is_none();
    (is_as_sent && message.client_message_id.is_some())
        .then(|| fingerprint(&message.content, &message.attachments))
}

/// Put a thread away, or bring it back: for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveThread {
    /// Which.
    pub thread_id: ThreadId,
    /// For whom.
    pub user_id: UserId,
    /// Away, or back.
    pub archived: bool,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// Remembers in `done` (ascending, of one person and thread) that an archive command is carried out; `false` if it was before.
///
/// Somebody else's message may have brought the thread back since, so that doing it again would not be the same as doing it once. A command
/// that is older than all of [`ARCHIVES_REMEMBERED`] others was done or is out of date: later wishes were carried out.
pub fn is_news(done: &mut Vec<CommandId>, command: CommandId) -> bool {
    let is_full = done.len() >= ARCHIVES_REMEMBERED;
    let Err(at) = done.binary_search(&command) else { return false };
    if is_full && at == 0 {
        return false;
    }
    done.insert(at, command);
    if is_full {
        done.remove(0);
    }
    true
}

#[cfg(test)]
#[path = "change/tests.rs"]
mod tests;
