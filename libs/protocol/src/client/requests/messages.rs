//! Requests about messages.

use crate::change::{Change, Wish};
use crate::client::given::{Given, Problem};
use crate::client::values::{
    AttachmentReference, ClientKey, Emoji, List, MessageContent, MessageReference, ThreadReference, Unfit,
    UserIds,
};
use crate::command::SendMessage;
use crate::content::ContentError;
use crate::document::{ATTACHMENTS_MAX, Attachment};
use crate::mentions::{MENTIONS_MAX, normalized};
use crate::quote::{NO_SUCH_MESSAGE, ReplyTo};
use crate::{MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// `POST /messages/{threadId}`: say something in a thread.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "SendMessageFields")]
#[schemars(with = "SendMessageFields")]
pub struct SendMessageBody {
    /// What the message says; empty only beside attachments.
    pub content: MessageContent,
    /// References to files.
    pub attachments: List<AttachmentReference, ATTACHMENTS_MAX>,
    /// The id of the message that this one answers.
    pub reply_to: Option<MessageId>,
    /// The people of the thread whom the message mentions, each once.
    pub mentions: Vec<UserId>,
    /// The client's own key: the same key of the same sender is the same message.
    pub client_message_id: Option<ClientKey>,
    /// When the message is to be sent; at once without.
    pub send_at: Option<Timestamp>,
}

/// A text, attachments, or both.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SendMessageBody")]
struct SendMessageFields {
    /// What the message says. A message with attachments needs no text.
    #[serde(default)]
    content: Option<MessageContent>,
    /// References to files.
    #[serde(default)]
    attachments: List<AttachmentReference, ATTACHMENTS_MAX>,
    /// The id of the message that this one answers, of the same thread.
    #[serde(default)]
    reply_to: Option<MessageReference>,
    /// The ids of the people whom the message mentions, of the same thread.
    #[serde(default)]
    mentions: UserIds<MENTIONS_MAX>,
    /// The client's own key: the same key of the same sender is the same message.
    #[serde(default)]
    client_message_id: Option<ClientKey>,
    /// When the message is to be sent: in 10 seconds at the earliest, and in a year at the latest. Without
    /// it, at once.
    #[serde(default)]
    send_at: Option<Timestamp>,
}

impl TryFrom<SendMessageFields> for SendMessageBody {
    type Error = Unfit;

    fn try_from(fields: SendMessageFields) -> Result<Self, Unfit> {
        let SendMessageFields { content, attachments, reply_to, mentions, client_message_id, send_at } =
            fields;
        let answered = |named: MessageReference| named.id().ok_or_else(|| Unfit::sentence(NO_SUCH_MESSAGE));
        let reply_to = reply_to.map(answered).transpose()?;
        let content = match content {
            None if attachments.0.is_empty() => return Err(Unfit::sentence("content is missing")),
            Some(content) if attachments.0.is_empty() && content.0.is_blank() => {
                return Err(Unfit::sentence(ContentError::Empty));
            }
            content => content.unwrap_or_default(),
        };
        let mentions = normalized(mentions.into_ids());
        Ok(Self { content, attachments, reply_to, mentions, client_message_id, send_at })
    }
}

impl SendMessageBody {
    /// The command to store the message. Its sender was checked; `at` is now.
    pub fn into_command(self, thread_id: ThreadId, sender_id: UserId, at: Timestamp) -> SendMessage {
        SendMessage {
            thread_id,
            sender_id,
            content: self.content.0,
            attachments: self.attachments.into_attachments(),
            reply_to: self.reply_to.map(ReplyTo::to),
            repeat_only: false,
            mentions: self.mentions,
            client_message_id: self.client_message_id.map(ClientKey::into_string),
            pairing: None,
            typed: None,
            at,
        }
    }
}

/// `message:send`: say something in a thread.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "SendMessageEventFields")]
#[schemars(with = "SendMessageEventFields")]
pub struct SendMessageEvent {
    /// The thread.
    pub thread_id: ThreadReference,
    /// What a REST request for that thread carries.
    pub body: SendMessageBody,
}

/// A thread, and a text, attachments, or both.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SendMessageEvent")]
struct SendMessageEventFields {
    /// The thread.
    thread_id: ThreadReference,
    /// What the message says. A message with attachments needs no text.
    #[serde(default)]
    content: Option<MessageContent>,
    /// References to files.
    #[serde(default)]
    attachments: List<AttachmentReference, ATTACHMENTS_MAX>,
    /// The id of the message that this one answers, of the same thread.
    #[serde(default)]
    reply_to: Option<MessageReference>,
    /// The ids of the people whom the message mentions, of the same thread.
    #[serde(default)]
    mentions: UserIds<MENTIONS_MAX>,
    /// The client's own key: the same key of the same sender is the same message.
    #[serde(default)]
    client_message_id: Option<ClientKey>,
    /// When the message is to be sent: in 10 seconds at the earliest, and in a year at the latest. Without
    /// it, at once.
    #[serde(default)]
    send_at: Option<Timestamp>,
}

impl TryFrom<SendMessageEventFields> for SendMessageEvent {
    type Error = Unfit;

    fn try_from(fields: SendMessageEventFields) -> Result<Self, Unfit> {
        let SendMessageEventFields {
            thread_id,
            content,
            attachments,
            reply_to,
            mentions,
            client_message_id,
            send_at,
        } = fields;
        let body = SendMessageFields { content, attachments, reply_to, mentions, client_message_id, send_at }
            .try_into()?;
        Ok(Self { thread_id, body })
    }
}

impl List<AttachmentReference, ATTACHMENTS_MAX> {
    /// The attachments as messages carry them.
    pub fn into_attachments(self) -> Vec<Attachment> {
        self.0.into_iter().map(|AttachmentReference(attachment)| attachment).collect()
    }
}

/// `PATCH` or `PUT /messages/{messageId}`: say it differently.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct EditMessageBody {
    /// What the message says from now on; empty only if it has attachments.
    pub content: MessageContent,
    /// The ids of the people whom the message mentions from now on. Without this field it mentions whom it
    /// mentioned before; an empty list takes all mentions out.
    #[serde(default)]
    pub mentions: Option<UserIds<MENTIONS_MAX>>,
}

/// `message:edit`: say it differently.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditMessageEvent {
    /// The message.
    pub message_id: MessageReference,
    /// What the message says from now on; empty only if it has attachments.
    pub content: MessageContent,
    /// The ids of the people whom the message mentions from now on. Without this field it mentions whom it
    /// mentioned before; an empty list takes all mentions out.
    #[serde(default)]
    pub mentions: Option<UserIds<MENTIONS_MAX>>,
}

impl EditMessageBody {
    /// The change that this asks for.
    pub fn into_change(self) -> Change {
        edit(self.content, self.mentions)
    }
}

impl EditMessageEvent {
    /// The change that this asks for.
    pub fn into_change(self) -> Change {
        edit(self.content, self.mentions)
    }
}

fn edit(content: MessageContent, mentions: Option<UserIds<MENTIONS_MAX>>) -> Change {
    Change::Edit { content: content.0, mentions: mentions.map(|ids| normalized(ids.into_ids())) }
}

/// `message:delete`: take a message back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageEvent {
    /// The message.
    pub message_id: MessageReference,
}

/// `POST /messages/{messageId}/reactions`: put an emoji on a message, or take it off.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct ReactionBody {
    /// The emoji.
    pub emoji: Emoji,
    /// Whether the emoji is to be there afterwards. Without it, the other way round from what is there.
    #[serde(default)]
    pub action: Wish,
}

/// `reaction:send`: put an emoji on a message, or take it off.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReactionEvent {
    /// The message.
    pub message_id: MessageReference,
    /// The emoji.
    pub emoji: Emoji,
    /// Whether the emoji is to be there afterwards. Without it, the other way round from what is there.
    #[serde(default)]
    pub action: Wish,
}

/// `message:read`: everything up to a message was read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "ReadMessageFields")]
#[schemars(with = "ReadMessageFields")]
pub enum ReadMessageEvent {
    /// Up to this message.
    Message(MessageReference),
    /// Up to this place in a thread.
    Place {
        /// The thread.
        thread: ThreadReference,
        /// The place.
        seq: u64,
    },
}

/// Either `messageId`, or `threadId` and `seq`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ReadMessageEvent")]
struct ReadMessageFields {
    /// The message.
    #[serde(default)]
    message_id: Option<MessageReference>,
    /// The message's thread; not looked at beside `messageId`.
    #[serde(default)]
    #[schemars(with = "Option<ThreadReference>")]
    thread_id: Option<Value>,
    /// The message's place in its thread; not looked at beside `messageId`.
    #[serde(default)]
    #[schemars(with = "Option<u64>")]
    seq: Option<Value>,
}

impl TryFrom<ReadMessageFields> for ReadMessageEvent {
    type Error = Unfit;

    fn try_from(fields: ReadMessageFields) -> Result<Self, Unfit> {
        if let Some(message) = fields.message_id {
            return Ok(Self::Message(message));
        }
        let thread = fields.thread_id.ok_or_else(|| Unfit::sentence("messageId is missing"))?;
        let seq = fields.seq.ok_or_else(|| Unfit::sentence("seq is missing"))?;
        let seq = seq.as_u64().ok_or_else(|| Unfit::sentence("seq must be a whole number"))?;
        let thread = ThreadReference::deserialize(Given(thread))
            .map_err(|_: Problem| Unfit::sentence("threadId must be a text"))?;
        Ok(Self::Place { thread, seq })
    }
}
