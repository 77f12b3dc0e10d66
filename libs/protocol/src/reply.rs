//! How commands ended: one type from the worker that carried a command out to the ingress that answers its
//! client.
//!
//! A worker makes a [`CommandResult`] of the store's answer and sends it back in a [`ReplyFrame`], one frame
//! of results for one frame of commands. The ingress turns the result into what its client reads. Results
//! travel at most once: an ingress that gets none tells its client "queued", and the command is carried out
//! all the same.

use crate::change::Effect;
use crate::codec::{self, CodecError};
use crate::document::{Message, Thread};
use crate::drafts::Draft;
use crate::erasure::Erasure;
use crate::frame::FRAME_MAX_BYTES;
use crate::inbox::{Notification, Preferences};
use crate::reports::Report;
use crate::scheduled::ScheduledMessage;
use crate::sends::BulkSend;
use crate::{CommandId, ErrorCode, ThreadId, Timestamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CommandResult {
    /// The message is stored.
    Message {
        /// The message as it was stored.
        message: Box<Message>,
        /// An earlier attempt, or another command under the same key, had stored it before.
        deduplicated: bool,
    },
    /// The thread exists.
    Thread {
        /// The thread as it was stored.
        thread: Box<Thread>,
        /// This command created it; `false` if it existed before.
        created: bool,
    },
    /// The message was changed.
    Changed {
        /// The message as it is now.
        message: Box<Message>,
        /// What happened to it, by this command or an earlier one to the same end.
        effect: Effect,
    },
    /// The cursor is where the command wanted it, or further.
    Cursor {
        /// The `seq` up to which the thread is read (or delivered).
        up_to: u64,
        /// Messages that are left to read.
        unread_count: u64,
    },
    /// The block is as the command wants it, or as a later one wanted it.
    Block {
        /// Since when it holds; `None` if it does not.
        blocked_at: Option<Timestamp>,
        /// The threads that are away for who blocks while it holds.
        threads: Vec<ThreadId>,
    },
    /// The draft is as the command wants it, or a later one is stored.
    Draft {
        /// The draft as it is stored.
        draft: Box<Draft>,
    },
    /// The message waits for its time, or does no more.
    Scheduled {
        /// The scheduled message as it is now.
        scheduled: Box<ScheduledMessage>,
        /// An earlier attempt, or another command under the same key, had kept it before.
        #[serde(default)]
        deduplicated: bool,
    },
    /// The notification is in the inbox.
    Notification {
        /// The notification as it was stored.
        notification: Box<Notification>,
        /// An earlier attempt, or another command under the same key, had stored it before.
        #[serde(default)]
        deduplicated: bool,
    },
    /// The preferences are as the command wants them, or later ones are stored.
    Preferences {
        /// The preferences as they are stored.
        preferences: Box<Preferences>,
    },
    /// The command changed so many notifications.
    Count {
        /// How many.
        count: u64,
    },
    /// The send is kept, or stopped.
    Send {
        /// The send as it is now.
        send: Box<BulkSend>,
        /// An earlier attempt, or another command under the same key, had stored it before.
        deduplicated: bool,
    },
    /// The report is stored, or handled.
    Report {
        /// The report as it is stored.
        report: Box<Report>,
        /// The person had reported the message before.
        deduplicated: bool,
    },
    /// The person is marked as erased, or a step of that is made.
    Erasure {
        /// The erasure as it is now.
        erasure: Box<Erasure>,
        /// It had been asked for before; of a step, that another one was faster.
        deduplicated: bool,
    },
    /// The command was carried out, and there is nothing to show for it.
    Done,
    /// The command was not carried out and never will be.
    Refused {
        /// The reason for programs.
        code: ErrorCode,
        /// The reason for people; no internals.
        error: String,
    },
    /// The broker has the command and a worker will carry it out, but no result came in time: the store is
    /// slow or down.
    ///
    /// Only an ingress says so, about its own wait. No worker sends it, hence it has no form between
    /// processes.
    #[serde(skip)]
    Queued {
        /// The command that is waiting.
        command: CommandId,
    },
}

impl CommandResult {
    /// A refusal with its code and sentence.
    pub fn refused(code: ErrorCode, error: impl Into<String>) -> Self {
        Self::Refused { code, error: error.into() }
    }

    /// The command names something that does not exist, or that its user may not see.
    pub fn not_found(what: &str) -> Self {
        Self::refused(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// The command was valid and could not be carried out; its message is kept for an operator.
    pub fn failed() -> Self {
        Self::refused(ErrorCode::Failed, "the request could not be done")
    }
}

/// The results of the commands of one frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplyFrame {
    /// Results in no particular order, each with the command it belongs to.
    #[serde(rename = "answers")]
    pub results: Vec<(CommandId, CommandResult)>,
}

impl ReplyFrame {
    /// The frame as a broker message's payload.
    pub fn encode(&self) -> Result<Bytes, CodecError> {
        codec::encode(self)
    }

    /// The frame as payloads of at most [`FRAME_MAX_BYTES`], in order; a single larger result goes alone.
    ///
    /// Results carry whole documents, so those of a full frame of commands can be larger together than what a
    /// broker takes.
    pub fn pack(&self) -> Result<Vec<Bytes>, CodecError> {
        let mut payloads = Vec::new();
        pack(&self.results, &mut payloads)?;
        Ok(payloads)
    }

    /// Reads a broker message's payload.
    pub fn decode(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload)
    }
}

/// A [`ReplyFrame`] that borrows some of another frame's results.
#[derive(Serialize)]
struct ReplySlice<'a> {
    #[serde(rename = "answers")]
    results: &'a [(CommandId, CommandResult)],
}

/// Halves what is too large until it fits. How large results are shows only when they are encoded, and nearly
/// all frames fit as they are.
fn pack(results: &[(CommandId, CommandResult)], payloads: &mut Vec<Bytes>) -> Result<(), CodecError> {
    if results.is_empty() {
        return Ok(());
    }
    let payload = codec::encode(&ReplySlice { results })?;
    if payload.len() <= FRAME_MAX_BYTES || results.len() == 1 {
        payloads.push(payload);
        return Ok(());
    }
    let (first, second) = results.split_at(results.len() / 2);
    pack(first, payloads)?;
    pack(second, payloads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FRAME_MAX_BYTES;
    use proptest::prelude::*;

    fn refusal(bytes: usize) -> (CommandId, CommandResult) {
        (CommandId::new(), CommandResult::refused(ErrorCode::Failed, "x".repeat(bytes)))
    }

    proptest! {
        #[test]
        fn results_are_cut_into_payloads_that_a_broker_takes(sizes in proptest::collection::vec(0..60_000_usize, 0..40)) {
            let frame = ReplyFrame { results: sizes.into_iter().map(refusal).collect() };
            let payloads = frame.pack().unwrap();
            prop_assert!(payloads.iter().all(|payload| payload.len() <= FRAME_MAX_BYTES));
            let results = payloads.iter().flat_map(|payload| ReplyFrame::decode(payload).unwrap().results);
            prop_assert_eq!(results.collect::<Vec<_>>(), frame.results);
        }
    }

    #[test]
    fn small_results_travel_together_and_a_large_one_alone() {
        let small = || (0..200).map(|_| refusal(10));
        let together = ReplyFrame { results: small().collect() };
        assert_eq!(together.pack().unwrap(), [together.encode().unwrap()]);
        let large =
            ReplyFrame { results: small().chain([refusal(FRAME_MAX_BYTES)]).chain(small()).collect() };
        let sizes: Vec<usize> = large
            .pack()
            .unwrap()
            .iter()
            .map(|payload| ReplyFrame::decode(payload).unwrap().results.len())
            .collect();
        assert!(sizes.contains(&1) && sizes.iter().sum::<usize>() == 401, "{sizes:?}");
        assert_eq!(ReplyFrame::default().pack().unwrap(), [] as [Bytes; 0]);
    }

    #[test]
    fn processes_of_other_versions_read_the_same_names_and_no_queued_command() {
        let command = CommandId::new();
        let frame = |result| ReplyFrame { results: vec![(command, result)] };
        let written = serde_json::to_value(frame(CommandResult::Count { count: 2 })).unwrap();
        assert_eq!(written, serde_json::json!({ "answers": [[command, { "kind": "count", "count": 2 }]] }));
        assert!(frame(CommandResult::Queued { command }).encode().is_err());
    }
}
