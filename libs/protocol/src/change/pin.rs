//! Pins: everybody in a thread pins its messages and unpins them. A message is pinned once, whoever did it.

use super::{ChangeMark, ChangeMessage, Changed, Effect, before, done};
use crate::document::{Message, Pinned};
use crate::{CommandId, UserId};

/// Most pinned messages of a thread: a list that people still look through, and that a store counts in no
/// time.
pub const PINS_MAX: usize = 50;

/// Pins the message or unpins it. The store has looked whether the thread has room for one more.
pub(super) fn pin(
    message: &mut Message,
    marks: &mut Vec<ChangeMark>,
    command: CommandId,
    wanted: &ChangeMessage,
    is_pinned: bool,
) -> Changed {
    let effect = |message: &Message| if message.pinned.is_some() { Effect::Pinned } else { Effect::Unpinned };
    let now = effect(message);
    if !remember(marks, &wanted.by, command) {
        return before(message, now);
    }
    // The command is remembered all the same: if it came again after an opposite one, it would undo that.
    if message.pinned.is_some() == is_pinned {
        return Changed::Nothing(Box::new(message.clone()), now);
    }
    message.pinned = is_pinned.then(|| Pinned { pinned_at: wanted.at, user_id: wanted.by.clone() });
    let now = effect(message);
    done(message, wanted.at, now)
}

/// Remembers a command in the mark of all pins; `false` if the mark has it already.
fn remember(marks: &mut Vec<ChangeMark>, user: &UserId, command: CommandId) -> bool {
    let found = marks.iter().position(|mark| mark.is_pin);
    let new = || ChangeMark { user_id: user.clone(), emoji: None, is_pin: true, commands: Vec::new() };
    let mut mark = found.map_or_else(new, |at| marks.remove(at));
    let is_new = !mark.commands.contains(&command);
    if is_new {
        mark.note(command);
        mark.user_id = user.clone();
    }
    // Never the last one, which is that of the reaction in hand.
    marks.insert(0, mark);
    is_new
}

impl Changed {
    /// Whether the change has pinned a message just now.
    pub fn pins(&self) -> bool {
        matches!(self, Self::Done(_, Effect::Pinned))
    }
}
