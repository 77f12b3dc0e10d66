//! Marks: the last commands that changed a message, kept with it, so that a change which comes again is
//! recognised.

use crate::mentions::AddedMentions;
use crate::{CommandId, UserId};
use serde::{Deserialize, Serialize};

/// How many commands a message remembers for each person and kind of change. A repetition comes within
/// seconds, so few other commands of the same kind come before it.
pub const COMMANDS_REMEMBERED: usize = 8;

/// The last commands of one person that changed a message in one way. A store keeps the marks with the
/// message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeMark {
    /// The person.
    pub user_id: UserId,
    /// The emoji's [`sign()`](super::sign()); `None` for an edit and for pins.
    #[serde(default)]
    pub emoji: Option<String>,
    /// Whether the commands pinned the message or unpinned it. Everybody's are in one mark, which names who
    /// was last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_pin: bool,
    /// The commands, oldest first; at most [`COMMANDS_REMEMBERED`].
    pub commands: Vec<CommandId>,
    /// Whom those of the commands mentioned that were edits and mentioned somebody anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<AddedMentions>,
}

impl ChangeMark {
    /// Adds a command, and forgets the oldest one beyond the bound.
    pub(super) fn note(&mut self, command: CommandId) {
        self.commands.push(command);
        if self.commands.len() > COMMANDS_REMEMBERED {
            let oldest = self.commands.remove(0);
            self.mentions.retain(|added| added.command != oldest);
        }
    }
}

/// Notes whom an edit that was remembered just now mentions anew.
pub(super) fn note_mentions(marks: &mut [ChangeMark], command: CommandId, user_ids: Vec<UserId>) {
    let mark = marks.iter_mut().find(|mark| is_edit(mark) && mark.commands.contains(&command));
    if let Some(mark) = mark.filter(|_| !user_ids.is_empty()) {
        mark.mentions.push(AddedMentions { command, user_ids });
    }
}

/// Whom the edit by this command mentioned who was not mentioned before it; nobody if the command is not
/// remembered.
pub fn mentioned_by(marks: &[ChangeMark], command: CommandId) -> Vec<UserId> {
    let mut added = marks.iter().flat_map(|mark| &mark.mentions);
    added.find(|added| added.command == command).map(|added| added.user_ids.clone()).unwrap_or_default()
}

fn is_edit(mark: &ChangeMark) -> bool {
    mark.emoji.is_none() && !mark.is_pin
}

/// Remembers a command in the mark of all pins; `false` if the mark has it already.
pub(super) fn remember_pin(marks: &mut Vec<ChangeMark>, user: &UserId, command: CommandId) -> bool {
    let found = marks.iter().position(|mark| mark.is_pin);
    let new = || ChangeMark {
        user_id: user.clone(),
        emoji: None,
        is_pin: true,
        commands: Vec::new(),
        mentions: Vec::new(),
    };
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
