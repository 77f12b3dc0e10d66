//! Erasures: what an administrator has asked to be forgotten of one person, and how far that has come.
//!
//! An [`Erasure`] is also the mark that its person acts no more: from its beginning on commands of theirs are
//! refused, for ever. It goes through everything of theirs in passes. A gateway sends the command
//! [`EraseStep`] for the next step through the queue of what the step is about, and the persistence stage
//! makes the step and notes where to go on. The second pass begins when no process can have anything in
//! hand that it took for allowed ([`SETTLE`]); what the first one could not meet, it meets. A last look
//! comes a day later ([`LAST_LOOK`]). The methods here are the only place that says how an erasure goes on;
//! every store writes it under a compare-and-set on its revision.

mod found;

pub use found::tells_of;

use crate::command::Subject;
use crate::dead_letters::LetterPlace;
use crate::person::Profile;
use crate::reports::ReportId;
use crate::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// The name of a person who was erased.
pub const ERASED_NAME: &str = "Deleted user";
/// When the credentials of a person who was erased end: 9999-01-01. No token is issued later, so none holds
/// again.
pub const CREDENTIALS_END: Timestamp = Timestamp(253_370_764_800_000);
/// How long after the first pass the second one begins. A stage knows of a mark 2 s after it is stored, and
/// what it had in hand then is written or given up 10 s later.
pub const SETTLE: Duration = Duration::from_secs(15);
/// How long after the end everything is looked at once more: for a process that stood still for hours and
/// then wrote what it had in hand.
pub const LAST_LOOK: Duration = Duration::from_hours(24);
/// How long a pass waits for the bytes of files to be removed before it looks again.
const FILES_WAIT: Duration = Duration::from_secs(5);

/// Sets the hashes of these commands apart from all other hashes of the same bytes.
const COMMAND_LABEL: &[u8] = b"eventflow erasure\0";

/// How far an erasure has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// It is being carried out.
    Running,
    /// Nothing is left of what is erased.
    Done,
}

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ErasedCounts {
    /// People whom the person had blocked.
    pub blocks: u64,
    /// Dead letters that carried something of the person.
    pub dead_letters: u64,
    /// Rows of the delivery log.
    pub deliveries: u64,
    /// Push devices.
    pub devices: u64,
    /// Drafts.
    pub drafts: u64,
    /// Uploaded files.
    pub files: u64,
    /// Groups that the person was taken out of.
    pub groups: u64,
    /// Messages that were taken back.
    pub messages: u64,
    /// Notifications.
    pub notifications: u64,
    /// Reactions.
    pub reactions: u64,
    /// Reports whose words were removed.
    pub reports: u64,
    /// Scheduled messages.
    pub scheduled: u64,
}

impl std::ops::AddAssign for ErasedCounts {
    fn add_assign(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.dead_letters += other.dead_letters;
        self.deliveries += other.deliveries;
        self.devices += other.devices;
        self.drafts += other.drafts;
        self.files += other.files;
        self.groups += other.groups;
        self.messages += other.messages;
        self.notifications += other.notifications;
        self.reactions += other.reactions;
        self.reports += other.reports;
        self.scheduled += other.scheduled;
    }
}

/// Where a pass is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ErasurePlace {
    /// At what belongs to the person alone.
    Own,
    /// At the search for threads, after this one.
    Search {
        /// The last thread that was looked at.
        after: Option<ThreadId>,
    },
    /// At the messages of the first of the threads that were found.
    Thread {
        /// The thread.
        thread_id: ThreadId,
        /// The place of the last message that was looked at.
        after: u64,
        /// Messages of the person are among those that were looked at.
        has_own: bool,
    },
    /// At what the messages of that thread are found by.
    Index {
        /// The thread.
        thread_id: ThreadId,
        /// The first message of the last block that was made again.
        after: u64,
    },
    /// At the reports.
    Reports {
        /// Those that were handled; first come the others.
        is_handled: bool,
        /// The last one that was looked at.
        after: Option<(Timestamp, ReportId)>,
    },
    /// At the dead letters.
    Letters {
        /// The last one that was looked at.
        after: Option<LetterPlace>,
    },
    /// At the uploaded files.
    Files,
}

impl ErasurePlace {
    /// Its word for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Search { .. } | Self::Thread { .. } | Self::Index { .. } => "threads",
            Self::Reports { .. } => "reports",
            Self::Letters { .. } => "dead_letters",
            Self::Files => "files",
        }
    }
}

/// An erasure as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Who is erased.
    pub user_id: UserId,
    /// The administrator who asked for it first.
    pub by: UserId,
    /// Why.
    pub why: String,
    /// When the person was marked, by the clock of the stage that did it: the command may have waited.
    pub marked_at: Timestamp,
    /// How far it has come.
    pub state: ErasureState,
    /// The pass, from 1.
    pub pass: u32,
    /// Where the pass is.
    pub place: ErasurePlace,
    /// Threads that were found and not looked at yet.
    pub found: Vec<ThreadId>,
    /// Where the search for threads goes on; none if it has seen all.
    pub search_on: Option<ThreadId>,
    /// What was erased so far.
    pub counts: ErasedCounts,
    /// When the next step may be made; none if there is none.
    pub due_at: Option<Timestamp>,
    /// When it was done.
    pub ended_at: Option<Timestamp>,
    /// Rises with each change, in the store.
    pub revision: u64,
}

/// What is known of a person who was erased, and how others are shown them.
pub fn nobody(user_id: UserId) -> Profile {
    Profile { id: user_id, name: ERASED_NAME.to_owned(), avatar: None, email: None, role: None }
}

/// Command: mark a person as erased, and begin to erase what is there of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasePerson {
    /// Who is erased.
    pub user_id: UserId,
    /// The administrator.
    pub by: UserId,
    /// Why.
    pub why: String,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// Command: make the next step of an erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseStep {
    /// Who is erased.
    pub user_id: UserId,
    /// The erasure's revision that the step follows on.
    pub revision: u64,
    /// What the step is about: who repeats it, because it was made and not announced, has to know.
    pub place: ErasurePlace,
    /// When a gateway found it due.
    pub at: Timestamp,
}

impl EraseStep {
    /// What it is about. What concerns a thread has its place in that thread's queue: what was accepted
    /// before is stored before.
    pub fn subject(&self) -> Subject {
        match &self.place {
            ErasurePlace::Thread { thread_id, .. } | ErasurePlace::Index { thread_id, .. } => {
                Subject::Thread(*thread_id)
            }
            ErasurePlace::Own
            | ErasurePlace::Search { .. }
            | ErasurePlace::Reports { .. }
            | ErasurePlace::Letters { .. }
            | ErasurePlace::Files => Subject::User(self.user_id.clone()),
        }
    }
}

impl Erasure {
    /// The erasure as it is kept first.
    pub fn new(wanted: &ErasePerson, now: Timestamp) -> Self {
        Self {
            user_id: wanted.user_id.clone(),
            by: wanted.by.clone(),
            why: wanted.why.clone(),
            marked_at: now,
            state: ErasureState::Running,
            pass: 1,
            place: ErasurePlace::Own,
            found: Vec::new(),
            search_on: None,
            counts: ErasedCounts::default(),
            due_at: Some(now),
            ended_at: None,
            revision: 0,
        }
    }

    /// The command of its next step.
    pub fn next_step(&self, at: Timestamp) -> EraseStep {
        EraseStep { user_id: self.user_id.clone(), revision: self.revision, place: self.place.clone(), at }
    }

    /// The search has found these threads, and goes on after `search_on` if it has not seen all.
    pub fn found(&mut self, threads: Vec<ThreadId>, search_on: Option<ThreadId>) {
        self.found = threads;
        self.search_on = search_on;
        self.turn_to_next_thread();
    }

    /// The first of the threads that were found is done.
    pub fn thread_done(&mut self) {
        if !self.found.is_empty() {
            self.found.remove(0);
        }
        self.turn_to_next_thread();
    }

    fn turn_to_next_thread(&mut self) {
        self.place = match (self.found.first(), self.search_on.take()) {
            (Some(thread_id), search_on) => {
                self.search_on = search_on;
                ErasurePlace::Thread { thread_id: *thread_id, after: 0, has_own: false }
            }
            (None, Some(after)) => ErasurePlace::Search { after: Some(after) },
            (None, None) => ErasurePlace::Reports { is_handled: false, after: None },
        };
    }

    /// Files of the person are still there; the pass looks again when the sweeper has had time.
    pub fn wait_for_files(&mut self, now: Timestamp) {
        self.due_at = Some(now.plus(FILES_WAIT));
    }

    /// The pass is over. The first is followed by another, which ends the erasure, and that by a last look.
    pub fn end_pass(&mut self, now: Timestamp) {
        self.place = ErasurePlace::Own;
        self.due_at = match (self.pass, self.state) {
            (1, _) => Some(now.plus(SETTLE)),
            (_, ErasureState::Running) => {
                self.state = ErasureState::Done;
                self.ended_at = Some(now);
                Some(now.plus(LAST_LOOK))
            }
            (_, ErasureState::Done) => None,
        };
        self.pass += 1;
    }

    /// The command under which a step of the erasure changes a message or a thread, always the same:
    /// who repeats the step finds it done. Its time is that of the erasure, so that ids of events keep their
    /// form.
    pub fn command_for(&self, what: &str, message: Option<MessageId>, thread: ThreadId) -> CommandId {
        let mut hash = Sha256::new_with_prefix(COMMAND_LABEL);
        hash.update(self.user_id.as_str());
        hash.update([0]);
        hash.update(what);
        hash.update([0]);
        hash.update(thread.bytes());
        hash.update(message.map(|id| id.bytes()).unwrap_or_default());
        let hash = hash.finalize();
        let mut bytes: [u8; 16] = std::array::from_fn(|i| hash[i]);
        let milliseconds = self.marked_at.0.to_be_bytes();
        bytes[..6].copy_from_slice(&milliseconds[2..]);
        CommandId(Uuid::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests;
