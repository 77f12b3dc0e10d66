//! Replies: what a message answers, and the beginning of that as a client shows it above the reply.
//!
//! A message keeps the id alone. The quote is read from the message itself whenever somebody asks, so it says
//! what that says now: what was edited is quoted as it is, and of what was taken back nothing is quoted.

use crate::{MessageId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest content of a quote, in characters: two or three lines above a reply. Clients that show more have
/// the message, or read it.
pub const QUOTE_MAX_CHARS: usize = 200;

/// Why a reply is refused. A message of another thread is refused like one that does not exist.
pub const NO_SUCH_MESSAGE: &str = "replyTo names no message of this thread";

/// What a message answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplyTo {
    /// The message that this one answers, of the same thread.
    pub message_id: MessageId,
    /// The beginning of that message. Histories and `sync` always have it; an event, or the answer to a send,
    /// may lack it, and then a client shows what it knows under the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
}

/// The beginning of a message that another one answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// The message's place in the thread.
    pub seq: u64,
    /// Who wrote the message.
    pub sender_id: UserId,
    /// The first 200 characters of what the message says, without a `<` at the cut; empty if it has only
    /// files, or was taken back.
    pub content: String,
    /// The name of the message's first file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// When the message was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl ReplyTo {
    /// A reply to the message with this id, without the quote.
    pub fn to(message_id: MessageId) -> Self {
        Self { message_id, quote: None }
    }
}
