//! What a worker answers to the ingress that waits for it: one frame of answers for one frame of commands.
//!
//! Answers are a courtesy: they travel at most once. An ingress that gets none says "queued"; the command is done all the same.

use crate::codec::{self, CodecError};
use crate::document::{Message, Thread};
use crate::frame::FRAME_MAX_BYTES;
use crate::inbox::Notification;
use crate::{CommandId, ErrorCode};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// Stored.
    Message {
        /// As stored.
        message: Box<Message>,
        /// It had been stored before: by an earlier attempt, or under the same key.
        deduplicated: bool,
    },
    /// Created, or found.
    Thread {
        /// As stored.
        thread: Box<Thread>,
        /// False if it existed.
        created: bool,
    },
    /// Changed.
    Changed {
        /// As it is now.
        message: Box<Message>,
        /// What happened to it, now or before.
        effect: crate::change::Effect,
    },
    /// Advanced, or there already.
    Cursor {
        /// Where the cursor is.
        up_to: u64,
        /// What is left to read.
        unread_count: u64,
    },
    /// In the inbox.
    Notification {
        /// As stored.
        notification: Box<Notification>,
        /// It had been stored before: by an earlier attempt, or under the same key.
        #[serde(default)]
        deduplicated: bool,
    },
    /// So many were changed.
    Count {
        /// How many.
        count: u64,
    },
    /// Done; there is nothing to show.
    Done,
    /// Not done, and not going to be.
    Refused {
        /// For programs.
        code: ErrorCode,
        /// For people.
        error: String,
    },
}

/// The answers to the commands of one frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplyFrame {
    /// In no particular order.
    pub answers: Vec<(CommandId, Answer)>,
}

impl ReplyFrame {
    /// As a broker message's payload.
    pub fn encode(&self) -> Result<Bytes, CodecError> {
        codec::encode(self)
    }

    /// As payloads of at most [`FRAME_MAX_BYTES`], in order; a single larger answer goes alone.
    ///
    /// Answers carry whole documents, so those to a full frame of commands can be larger together than what a broker takes.
    pub fn pack(&self) -> Result<Vec<Bytes>, CodecError> {
        let mut payloads = Vec::new();
        pack(&self.answers, &mut payloads)?;
        Ok(payloads)
    }

    /// Reads a broker message's payload.
    pub fn decode(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload)
    }
}

/// A [`ReplyFrame`] of some of the answers.
#[derive(Serialize)]
struct Part<'a> {
    answers: &'a [(CommandId, Answer)],
}

/// Halves what is too large until it fits: how large answers are shows when they are encoded, and nearly all frames fit as they are.
fn pack(answers: &[(CommandId, Answer)], payloads: &mut Vec<Bytes>) -> Result<(), CodecError> {
    if answers.is_empty() {
        return Ok(());
    }
    let payload = codec::encode(&Part { answers })?;
    if payload.len() <= FRAME_MAX_BYTES || answers.len() == 1 {
        payloads.push(payload);
        return Ok(());
    }
    let (first, second) = answers.split_at(answers.len() / 2);
    pack(first, payloads)?;
    pack(second, payloads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FRAME_MAX_BYTES;
    use proptest::prelude::*;

    fn refusal(bytes: usize) -> (CommandId, Answer) {
        (CommandId::new(), Answer::Refused { code: ErrorCode::Failed, error: "x".repeat(bytes) })
    }

    proptest! {
        #[test]
        fn answers_are_cut_into_payloads_that_a_broker_takes(sizes in proptest::collection::vec(0..60_000_usize, 0..40)) {
            let frame = ReplyFrame { answers: sizes.into_iter().map(refusal).collect() };
            let payloads = frame.pack().unwrap();
            prop_assert!(payloads.iter().all(|payload| payload.len() <= FRAME_MAX_BYTES));
            let answers = payloads.iter().flat_map(|payload| ReplyFrame::decode(payload).unwrap().answers);
            prop_assert_eq!(answers.collect::<Vec<_>>(), frame.answers);
        }
    }

    #[test]
    fn small_answers_travel_together_and_a_large_one_alone() {
        let small = || (0..200).map(|_| refusal(10));
        let together = ReplyFrame { answers: small().collect() };
        assert_eq!(together.pack().unwrap(), [together.encode().unwrap()]);
        let large =
            ReplyFrame { answers: small().chain([refusal(FRAME_MAX_BYTES)]).chain(small()).collect() };
        let sizes: Vec<usize> = large
            .pack()
            .unwrap()
            .iter()
            .map(|payload| ReplyFrame::decode(payload).unwrap().answers.len())
            .collect();
        assert!(sizes.contains(&1) && sizes.iter().sum::<usize>() == 401, "{sizes:?}");
        assert_eq!(ReplyFrame::default().pack().unwrap(), [] as [Bytes; 0]);
    }
}
