//! Drafts: what somebody has begun to write in a thread and has not sent, the same on all their devices.
//!
//! A person has one draft in a thread. Every save that changes it gives it the next revision, also one that
//! deletes it, so a device that knows a revision sees whether another one has saved since.
//! [`KeptDraft::save`] is the only place that says how a draft changes; every store runs it under its own
//! lock or compare-and-set.

use crate::content::{Content, Markup};
use crate::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Most drafts of one person that have a text. Few people have begun more than some ten messages; the bound
/// keeps a client that saves into every thread from filling the store.
pub const DRAFTS_MAX: u32 = 200;

/// How many commands a draft remembers. A device saves about once a second and a command comes again within
/// seconds, so few others come in between.
pub const SAVES_REMEMBERED: usize = 32;

/// Command: save a draft. An empty content deletes the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveDraft {
    /// Whose draft it is.
    pub user_id: UserId,
    /// The thread.
    pub thread_id: ThreadId,
    /// What the draft says, already clean.
    pub content: Content,
    /// The message that the draft answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// The revision that the device knows: another one is not overwritten. Without it the save overwrites.
    #[serde(default)]
    pub based_on: Option<u64>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl SaveDraft {
    /// The save in the form in which it is kept. A text of which nothing is left deletes the draft.
    #[must_use]
    pub fn written(mut self, markup: Markup) -> Self {
        self.content = self.content.written(markup);
        if self.content.is_blank() {
            self.content = Content::default();
            self.reply_to = None;
        }
        self
    }
}

/// The draft of one person in one thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Whose draft it is.
    pub user_id: UserId,
    /// The thread.
    pub thread_id: ThreadId,
    /// What the draft says; empty if there is none, or none any more.
    pub content: String,
    /// The message that the draft answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// Counts the changes of the draft, deletions too: 0 before the first.
    pub revision: u64,
    /// When the last change was accepted; `None` before the first. It never goes back.
    pub updated_at: Option<Timestamp>,
}

impl Draft {
    /// The draft of somebody who has never saved one.
    pub fn none(user_id: UserId, thread_id: ThreadId) -> Self {
        Self { user_id, thread_id, content: String::new(), reply_to: None, revision: 0, updated_at: None }
    }

    /// Whether there is a text.
    pub fn is_there(&self) -> bool {
        !self.content.is_empty()
    }

    fn change(&mut self, content: &Content, reply_to: Option<MessageId>, at: Timestamp) {
        content.as_str().clone_into(&mut self.content);
        self.reply_to = reply_to;
        self.revision += 1;
        // Gateways' clocks differ, and the newest draft is to be listed first.
        self.updated_at = self.updated_at.max(Some(at));
    }
}

/// A draft as a store keeps it. A deleted one stays, for its revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDraft {
    /// The draft.
    pub draft: Draft,
    /// The last commands that changed it, ascending; at most [`SAVES_REMEMBERED`].
    pub commands: Vec<CommandId>,
}

/// How a save ended. Each carries the draft as it is stored now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedDraft {
    /// The save has changed the draft now.
    Done(Box<Draft>),
    /// The same command had changed it before.
    Before(Box<Draft>),
    /// The draft says that already, whatever the save was based on.
    Nothing(Box<Draft>),
    /// Another device has saved since; nothing was changed.
    Conflict(Box<Draft>),
    /// The person has [`DRAFTS_MAX`] drafts in other threads.
    TooMany,
}

impl KeptDraft {
    /// What is kept of a draft that nobody has ever saved.
    pub fn none(user: &UserId, thread: ThreadId) -> Self {
        Self { draft: Draft::none(user.clone(), thread), commands: Vec::new() }
    }

    /// Carries a save out. It never answers [`SavedDraft::TooMany`]: the store looks for room where this
    /// begins a draft.
    ///
    /// A command that is older than all remembered ones comes again or comes too late, and must not undo what
    /// came after it: it meets a conflict.
    pub fn save(&mut self, command: CommandId, wanted: &SaveDraft) -> SavedDraft {
        let stored = |draft: &Draft| Box::new(draft.clone());
        let Err(place) = self.commands.binary_search(&command) else {
            return SavedDraft::Before(stored(&self.draft));
        };
        if self.draft.content == wanted.content.as_str() && self.draft.reply_to == wanted.reply_to {
            return SavedDraft::Nothing(stored(&self.draft));
        }
        let is_full = self.commands.len() >= SAVES_REMEMBERED;
        let is_older = wanted.based_on.is_some_and(|revision| revision != self.draft.revision);
        if is_older || (is_full && place == 0) {
            return SavedDraft::Conflict(stored(&self.draft));
        }
        self.commands.insert(place, command);
        if is_full {
            self.commands.remove(0);
        }
        self.draft.change(&wanted.content, wanted.reply_to, wanted.at);
        SavedDraft::Done(stored(&self.draft))
    }

    /// Deletes the draft of somebody who has left the thread; `false` if there is none.
    pub fn clear(&mut self, at: Timestamp) -> bool {
        let is_there = self.draft.is_there();
        if is_there {
            self.draft.change(&Content::default(), None, at);
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::command::{Command, Subject};

    fn save(content: &str, based_on: Option<u64>) -> SaveDraft {
        SaveDraft {
            user_id: "ann".parse().unwrap(),
            thread_id: ThreadId::from_bytes([1; 12]),
            content: Content::parse_optional(content).unwrap(),
            reply_to: None,
            based_on,
            at: Timestamp(5),
        }
    }

    fn fresh() -> KeptDraft {
        let SaveDraft { user_id, thread_id, .. } = save("", None);
        KeptDraft::none(&user_id, thread_id)
    }

    fn revision(saved: &SavedDraft) -> u64 {
        let SavedDraft::Done(draft) = saved else { panic!("not done: {saved:?}") };
        draft.revision
    }

    #[test]
    fn a_save_survives_the_way_to_the_worker_and_is_about_its_person() {
        let command = Command::SaveDraft(save("<b>hi</b>", Some(3)));
        assert_eq!(codec::decode::<Command>(&codec::encode(&command).unwrap()).unwrap(), command);
        assert_eq!(command.subject(), Subject::User("ann".parse().unwrap()));
        assert_eq!((command.kind(), command.at()), ("save_draft", Some(Timestamp(5))));
    }

    #[test]
    fn revisions_count_every_change_and_deletions_too() {
        let mut kept = fresh();
        for (content, expected) in [("a", 1), ("b", 2), ("", 3), ("a", 4)] {
            assert_eq!(revision(&kept.save(CommandId::new(), &save(content, None))), expected, "{content}");
            assert_eq!(kept.draft.is_there(), !content.is_empty());
        }
        assert!(kept.clear(Timestamp(4)) && !kept.clear(Timestamp(9)));
        assert_eq!(
            (kept.draft.revision, kept.draft.updated_at),
            (5, Some(Timestamp(5))),
            "no time goes back"
        );
    }

    #[test]
    fn a_save_based_on_another_revision_meets_the_newer_draft() {
        let mut kept = fresh();
        assert_eq!(revision(&kept.save(CommandId::new(), &save("a", Some(0)))), 1);
        assert_eq!(revision(&kept.save(CommandId::new(), &save("b", Some(1)))), 2);
        let before = kept.clone();
        for based_on in [0, 1, 3] {
            let late = kept.save(CommandId::new(), &save("c", Some(based_on)));
            assert_eq!(late, SavedDraft::Conflict(Box::new(before.draft.clone())), "{based_on}");
        }
        let same = kept.save(CommandId::new(), &save("b", Some(1)));
        assert_eq!(same, SavedDraft::Nothing(Box::new(before.draft.clone())), "its answer was lost");
        assert_eq!(kept, before);
        assert_eq!(revision(&kept.save(CommandId::new(), &save("c", None))), 3, "it overwrites");
    }

    #[test]
    fn commands_that_come_again_undo_nothing_however_many_came_between() {
        let mut kept = fresh();
        let commands: Vec<CommandId> = (0..2 * SAVES_REMEMBERED).map(|_| CommandId::new()).collect();
        for (number, command) in commands.iter().enumerate() {
            kept.save(*command, &save(&number.to_string(), None));
        }
        let before = kept.clone();
        for (number, command) in commands.iter().enumerate() {
            let again = kept.save(*command, &save(&number.to_string(), None));
            assert!(!matches!(again, SavedDraft::Done(_)), "{number}: {again:?}");
        }
        assert_eq!(kept, before);
        assert_eq!(kept.commands.len(), SAVES_REMEMBERED);
    }

    #[test]
    fn a_text_of_which_nothing_is_left_deletes_the_draft_with_its_reply() {
        let reply_to = Some(MessageId::from_bytes([2; 12]));
        let wanted = SaveDraft { reply_to, ..save("<b></b>", None) }.written(Markup::Strip);
        assert_eq!((wanted.content.as_str(), wanted.reply_to), ("", None));
        let kept = SaveDraft { reply_to, ..save("a", None) }.written(Markup::Strip);
        assert_eq!(kept.reply_to, reply_to);
    }
}
