//! What a worker answers to the ingress that waits for it: one frame of answers for one frame of commands.
//!
//! Answers are a courtesy: they travel at most once. An ingress that gets none says "queued"; the command is done all the same.

use crate::codec::{self, CodecError};
use crate::document::{Message, Thread};
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

    /// Reads a broker message's payload.
    pub fn decode(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload)
    }
}
