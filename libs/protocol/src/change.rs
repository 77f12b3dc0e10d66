//! Changes: what can happen to a message after it was sent (edit, deletion, reaction, pin, receipt), and to a
//! thread (archiving, a group's people).
//!
//! [`apply`] is the only place that says what a change does to a message. Every store runs it under its own
//! lock or compare-and-set. Repeating a change is safe, because a message remembers the last commands of each
//! kind and person.

mod archive;
mod cursor;
mod group;
mod mark;
mod roster;
mod sign;

pub use archive::{ArchiveThread, WISHES_REMEMBERED, remember_wish};
pub use cursor::{
    AdvanceCursor, Advanced, Cursor, MarkUnread, MarkedUnread, PersonCursors, RECEIPT_PARTICIPANTS_MAX,
    RECEIPTED_MAX, Receipted, UNREAD_REACH_MAX, add_receipt,
};
pub use group::{ChangeGroup, GroupChange, GroupChanged, GroupEffect};
pub use mark::{COMMANDS_REMEMBERED, ChangeMark, mentioned_by};
pub use roster::{DoneChange, Roster, RosterStep};
pub use sign::{shown_as, sign};

use crate::content::{Content, ContentError, Markup, typed};
use crate::document::{Message, Pinned, Reaction};
use crate::fingerprint::{Fingerprint, Said};
use crate::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;

/// Most reactions on one message: a client can still draw them, and one document can grow by them.
pub const REACTIONS_MAX: usize = 1_000;
/// Most different emoji that one person can put on one message.
pub const REACTIONS_PER_PERSON_MAX: usize = 20;
/// Longest emoji in bytes. The longest emoji sequences (flags, families with skin tones) have about 40.
pub const EMOJI_MAX_BYTES: usize = 64;

/// Most pinned messages of a thread: a list that people still look through, and that a store counts in no
/// time.
pub const PINS_MAX: usize = 50;
/// How many reaction marks a message keeps for each person: those of the emoji that are there, and of as many
/// that were taken off last.
pub const REACTION_MARKS_PER_PERSON_MAX: usize = 2 * REACTIONS_PER_PERSON_MAX;
/// How many reaction marks a message keeps for all people together: about 700 KB of a document that may have
/// 16 MB.
pub const REACTION_MARKS_MAX: usize = 2 * REACTIONS_MAX;

/// Command: change a message that exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeMessage {
    /// The message's thread.
    pub thread_id: ThreadId,
    /// The message.
    pub message_id: MessageId,
    /// Who asks for the change: a participant, as the ingress has checked.
    pub by: UserId,
    /// What to do to the message.
    pub change: Change,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl ChangeMessage {
    /// The change with its text in the form in which it is kept. Fails if nothing is left of the text.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        if let Change::Edit { content, .. } = &mut self.change {
            let as_typed = std::mem::take(content);
            *content = as_typed.written(markup);
            if content.is_blank() && !as_typed.is_blank() {
                return Err(ContentError::Empty);
            }
        }
        Ok(self)
    }
}

/// What a command does to a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// Replace the text. Only the sender may.
    Edit {
        /// The new text; empty only for a message with attachments.
        content: Content,
        /// Whom the message mentions from now on, sorted; `None` leaves that as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mentions: Option<Vec<UserId>>,
    },
    /// Take the message back. Only the sender may.
    Delete,
    /// Put an emoji on the message, or take it off.
    React {
        /// The emoji.
        emoji: String,
        /// Whether the emoji is to be there afterwards.
        wish: Wish,
    },
    /// Pin the message to its thread, or unpin it. Every participant may.
    Pin {
        /// Whether the message is to be pinned afterwards.
        is_pinned: bool,
    },
}

/// Whether an emoji is to be there after a reaction.
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

/// How a change ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// The change was made: the message as it is now, and what happened to it.
    Done(Box<Message>, Effect),
    /// This command, or another one to the same end, was carried out before: the message as it is now.
    Before(Box<Message>, Effect),
    /// The change is remembered and left the message as it is: an edit to what it says already. Nobody has
    /// to be told.
    Nothing(Box<Message>, Effect),
    /// The thread has no such message, or the message was taken back.
    NotFound,
    /// Only the sender may make this change.
    NotSender,
    /// The message has [`REACTIONS_MAX`] reactions already, or [`REACTIONS_PER_PERSON_MAX`] of this person.
    TooManyReactions,
    /// The thread has [`PINS_MAX`] pinned messages already.
    TooManyPins,
}

impl Changed {
    /// Whether the change has pinned a message just now.
    pub fn pins(&self) -> bool {
        matches!(self, Self::Done(_, Effect::Pinned))
    }

    /// Whether the message or its marks are other than before.
    pub fn is_to_store(&self) -> bool {
        match self {
            Self::Done(..) | Self::Nothing(..) => true,
            Self::Before(..)
            | Self::NotFound
            | Self::NotSender
            | Self::TooManyReactions
            | Self::TooManyPins => false,
        }
    }
}

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Its sender replaced its text.
    Edited,
    /// Its sender took it back.
    Deleted,
    /// Somebody put an emoji on it.
    Reacted,
    /// Somebody took an emoji off.
    Unreacted,
    /// Somebody pinned it to its thread.
    Pinned,
    /// Somebody unpinned it.
    Unpinned,
}

/// Makes the change `wanted` to `message`, whose marks are `marks`.
///
/// After [`Changed::Done`] and [`Changed::Nothing`] the caller stores `message` and `marks`. After anything
/// else neither has changed.
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
        Change::Pin { is_pinned } => pin(message, marks, command, wanted, *is_pinned),
        _ if message.sender_id != wanted.by => Changed::NotSender,
        Change::Delete => delete(message, marks, wanted.at),
        Change::Edit { content, mentions } => {
            edit(message, marks, command, wanted, NewWording { content, mentions: mentions.as_deref() })
        }
    }
}

fn delete(message: &mut Message, marks: &mut Vec<ChangeMark>, at: Timestamp) -> Changed {
    message.content.clear();
    message.attachments.clear();
    message.mentions.clear();
    message.reactions.clear();
    message.pinned = None;
    marks.clear();
    message.deleted_at = Some(at);
    done(message, at, Effect::Deleted)
}

/// What an edit makes of a message.
#[derive(Clone, Copy)]
struct NewWording<'a> {
    content: &'a Content,
    /// `None` leaves the mentions as they are.
    mentions: Option<&'a [UserId]>,
}

/// Those of these people whom the message does not mention yet, without its sender.
fn newly_mentioned(message: &Message, mentions: &[UserId]) -> Vec<UserId> {
    let is_new = |user: &&UserId| **user != message.sender_id && !message.mentions.contains(user);
    mentions.iter().filter(is_new).cloned().collect()
}

fn edit(
    message: &mut Message,
    marks: &mut Vec<ChangeMark>,
    command: CommandId,
    wanted: &ChangeMessage,
    wording: NewWording<'_>,
) -> Changed {
    if !remember(marks, &wanted.by, None, command) {
        return before(message, Effect::Edited);
    }
    let mentions = wording.mentions.unwrap_or(&message.mentions);
    // The command is remembered all the same: if it came again after another edit, it would undo that.
    if typed(wording.content.as_str()) == typed(&message.content) && mentions == message.mentions {
        return Changed::Nothing(Box::new(message.clone()), Effect::Edited);
    }
    mark::note_mentions(marks, command, newly_mentioned(message, mentions));
    message.mentions = mentions.to_vec();
    wording.content.as_str().clone_into(&mut message.content);
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
    let wanted_sign = sign(emoji);
    let is_theirs =
        |reaction: &Reaction| reaction.user_id == wanted.by && sign(&reaction.emoji) == wanted_sign;
    let is_there = message.reactions.iter().any(is_theirs);
    let add = match wish {
        Wish::Toggle => !is_there,
        Wish::Add => true,
        Wish::Remove => false,
    };
    let own = message.reactions.iter().filter(|reaction| reaction.user_id == wanted.by).count();
    let is_full = message.reactions.len() >= REACTIONS_MAX || own >= REACTIONS_PER_PERSON_MAX;
    let known =
        |mark: &ChangeMark| is_of(mark, &wanted.by, Some(&wanted_sign)) && mark.commands.contains(&command);
    if marks.iter().any(known) || add == is_there {
        return before(message, if is_there { Effect::Reacted } else { Effect::Unreacted });
    }
    if add && is_full {
        return Changed::TooManyReactions;
    }
    remember(marks, &wanted.by, Some(&wanted_sign), command);
    if add {
        // One sign is shown in one spelling: the one that came first.
        message.reactions.push(Reaction {
            emoji: shown_as(message, emoji).to_owned(),
            user_id: wanted.by.clone(),
            created_at: wanted.at,
        });
    } else {
        message.reactions.retain(|reaction| !is_theirs(reaction));
    }
    forget_oldest(marks, &message.reactions, &wanted.by);
    done(message, wanted.at, if add { Effect::Reacted } else { Effect::Unreacted })
}

/// Pins the message or unpins it, whoever pinned it. The store looks whether the thread has room for one
/// more.
fn pin(
    message: &mut Message,
    marks: &mut Vec<ChangeMark>,
    command: CommandId,
    wanted: &ChangeMessage,
    is_pinned: bool,
) -> Changed {
    let effect = |is_pinned| if is_pinned { Effect::Pinned } else { Effect::Unpinned };
    let is_there = message.pinned.is_some();
    if !mark::remember_pin(marks, &wanted.by, command) {
        return before(message, effect(is_there));
    }
    // The command is remembered all the same: if it came again after an opposite one, it would undo that.
    if is_there == is_pinned {
        return Changed::Nothing(Box::new(message.clone()), effect(is_there));
    }
    message.pinned = is_pinned.then(|| Pinned { pinned_at: wanted.at, user_id: wanted.by.clone() });
    done(message, wanted.at, effect(is_pinned))
}

/// Remembers a command in the mark of its person and sign; `false` if the mark has it already. The mark that
/// was used last moves to the end.
fn remember(marks: &mut Vec<ChangeMark>, user: &UserId, sign: Option<&str>, command: CommandId) -> bool {
    let found = marks.iter().position(|mark| is_of(mark, user, sign));
    if found.is_some_and(|at| marks[at].commands.contains(&command)) {
        return false;
    }
    let emoji = sign.map(str::to_owned);
    let new = || ChangeMark {
        user_id: user.clone(),
        emoji,
        is_pin: false,
        commands: Vec::new(),
        mentions: Vec::new(),
    };
    let mut mark = found.map_or_else(new, |at| marks.remove(at));
    mark.note(command);
    marks.push(mark);
    true
}

/// Keeps the reaction marks within their bounds: those of `user`, and those of everybody.
///
/// Marks of emoji that are on the message stay, and so does the last mark, which belongs to the command in
/// hand. A forgotten mark belongs to a click so many clicks ago that no repetition of it can still come.
fn forget_oldest(marks: &mut Vec<ChangeMark>, reactions: &[Reaction], user: &UserId) {
    let all = marks.iter().filter(|mark| mark.emoji.is_some()).count();
    let own = marks.iter().filter(|mark| mark.emoji.is_some() && mark.user_id == *user).count();
    let mut too_many = all.saturating_sub(REACTION_MARKS_MAX);
    let mut too_many_own = own.saturating_sub(REACTION_MARKS_PER_PERSON_MAX);
    if too_many == 0 && too_many_own == 0 {
        return;
    }
    let there: HashSet<(&UserId, Cow<'_, str>)> =
        reactions.iter().map(|reaction| (&reaction.user_id, sign(&reaction.emoji))).collect();
    // The mark of the command in hand is set aside, so that it survives even when its emoji has just been
    // taken off.
    let Some(newest) = marks.pop() else { return };
    // `marks` is in order of use, so the first marks that may go are the oldest.
    marks.retain(|mark| {
        // An edit's mark has no emoji and always stays.
        let Some(emoji) = mark.emoji.as_deref() else { return true };
        // A mark of `user` goes for either bound, a mark of somebody else only for the bound of all.
        let excess = if mark.user_id == *user { too_many.max(too_many_own) } else { too_many };
        if excess == 0 || there.contains(&(&mark.user_id, sign(emoji))) {
            return true;
        }
        too_many = too_many.saturating_sub(1);
        too_many_own = too_many_own.saturating_sub(usize::from(mark.user_id == *user));
        false
    });
    marks.push(newest);
}

/// Whether the mark is that of a person and a sign. Older marks name emoji in the spelling in which they
/// came.
fn is_of(mark: &ChangeMark, user: &UserId, wanted: Option<&str>) -> bool {
    !mark.is_pin && mark.user_id == *user && mark.emoji.as_deref().map(sign).as_deref() == wanted
}

fn done(message: &mut Message, at: Timestamp, effect: Effect) -> Changed {
    message.updated_at = message.updated_at.max(at);
    Changed::Done(Box::new(message.clone()), effect)
}

fn before(message: &Message, effect: Effect) -> Changed {
    Changed::Before(Box::new(message.clone()), effect)
}

/// The fingerprint of what a sender said under a key. A store takes it before the first edit or deletion of
/// the message and keeps it.
///
/// Gives `None` for a message without a key, and for a message that was changed before.
pub fn sent_as(message: &Message) -> Option<Fingerprint> {
    (message.is_as_sent() && message.client_message_id.is_some()).then(|| Said::of(message).fingerprint())
}

#[cfg(test)]
#[path = "change/tests.rs"]
mod tests;
