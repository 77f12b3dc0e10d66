//! May you, and then: a valid command goes to the broker and its answer comes back. Shared by sockets and REST.
//!
//! In two steps, so that a socket can publish in order without waiting for answers in order: [`Commands`] checks membership
//! and takes a place in the publishing order, [`Sent::done`] waits. Nothing is written here; repeating a command that went
//! unanswered is safe with the same `clientMessageId`.

use crate::refusal::Refusal;
use eventflow_bus::publish::PublishError;
use eventflow_bus::request::{Ending, Pending, Requests};
use eventflow_ports::{Membership, MessagePage, Store};
use eventflow_protocol::change::Effect;
use eventflow_protocol::command::{Command, CreateThread, SendMessage};
use eventflow_protocol::document::{Message, Thread};
use eventflow_protocol::inbox::Notification;
use eventflow_protocol::reply::Answer;
use eventflow_protocol::{CommandId, ErrorCode, MessageId, ThreadId, UserId};
use std::sync::Arc;

/// How a command that was not refused ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// The message is stored.
    Message {
        /// As stored.
        message: Box<Message>,
        /// It had been stored before.
        deduplicated: bool,
    },
    /// The thread exists.
    Thread {
        /// As stored.
        thread: Box<Thread>,
        /// It did not exist before.
        created: bool,
    },
    /// The message was changed.
    Changed {
        /// As it is now.
        message: Box<Message>,
        /// What happened to it, now or before.
        effect: Effect,
    },
    /// The cursor is there.
    Cursor {
        /// Where it is.
        up_to: u64,
        /// What is left to read.
        unread_count: u64,
    },
    /// The notification is in the inbox.
    Notification {
        /// As stored.
        notification: Box<Notification>,
        /// It had been stored before.
        deduplicated: bool,
    },
    /// So many were changed.
    Count(u64),
    /// Done; there is nothing to show.
    Done,
    /// The broker has the command, and it will be done; the store is slow or down.
    Queued(CommandId),
}

/// The way to the workers.
#[derive(Clone)]
pub struct Commands {
    requests: Requests,
    membership: Membership,
    store: Arc<dyn Store>,
}

/// A command that the publishing order has a place for.
pub struct Sent {
    pending: Pending,
    membership: Membership,
}

impl Commands {
    /// Over one process's requests and membership cache.
    pub fn new(requests: Requests, membership: Membership, store: Arc<dyn Store>) -> Self {
        Self { requests, membership, store }
    }

    /// Refuses strangers, with the words for a thread that does not exist.
    pub async fn require_participant(&self, thread: ThreadId, user: &UserId) -> Result<(), Refusal> {
        if self.membership.includes(thread, user).await? { Ok(()) } else { Err(Refusal::not_found("thread")) }
    }

    /// A message that `user` may see; strangers are refused with the words for one that does not exist.
    pub async fn message_for(&self, message: MessageId, user: &UserId) -> Result<Message, Refusal> {
        let unknown = || Refusal::not_found("message");
        let message = self.store.message(message).await?.ok_or_else(unknown)?;
        if self.membership.includes(message.thread_id, user).await? { Ok(message) } else { Err(unknown()) }
    }

    /// The thread of a message that `user` may see.
    pub async fn thread_of(&self, message: MessageId, user: &UserId) -> Result<ThreadId, Refusal> {
        Ok(self.message_for(message, user).await?.thread_id)
    }

    /// Place of the newest message that anybody can have seen by now, so that a command that says "everything" says the same whenever it is
    /// carried out; nothing while the store cannot say, which then decides by the time the command was accepted.
    pub async fn everything_in(&self, thread: ThreadId) -> Option<u64> {
        let newest = MessagePage { before: None, after: None, limit: 1 };
        let found = self.store.messages(thread, newest).await;
        let found = found.inspect_err(|error| {
            tracing::debug!(error = error as &dyn std::error::Error, "no newest message")
        });
        Some(found.ok()?.last().map_or(0, |newest| newest.seq))
    }

    /// Puts a message on its way if its sender is in the thread. Messages of one caller keep the order of the calls.
    pub async fn send_message(&self, send: SendMessage) -> Result<Sent, Refusal> {
        self.require_participant(send.thread_id, &send.sender_id).await?;
        self.send_command(&Command::SendMessage(send)).await
    }

    /// Puts a new thread on its way.
    pub async fn create_thread(&self, create: CreateThread) -> Result<Sent, Refusal> {
        self.send_command(&Command::CreateThread(create)).await
    }

    /// Puts any command on its way. The caller has checked that its user may.
    pub async fn send_command(&self, command: &Command) -> Result<Sent, Refusal> {
        let pending = self.requests.send(CommandId::new(), command).await?;
        Ok(Sent { pending, membership: self.membership.clone() })
    }
}

impl Sent {
    /// Waits for the answer, at most [`eventflow_bus::request::ANSWER_PATIENCE`].
    pub async fn done(self) -> Result<Done, Refusal> {
        match self.pending.ending().await {
            Ending::Answered(Answer::Message { message, deduplicated }) => {
                Ok(Done::Message { message, deduplicated })
            }
            Ending::Answered(Answer::Thread { thread, created }) => {
                self.membership.remember(thread.id, thread.participants.as_slice().into());
                Ok(Done::Thread { thread, created })
            }
            Ending::Answered(Answer::Changed { message, effect }) => Ok(Done::Changed { message, effect }),
            Ending::Answered(Answer::Cursor { up_to, unread_count }) => {
                Ok(Done::Cursor { up_to, unread_count })
            }
            Ending::Answered(Answer::Notification { notification, deduplicated }) => {
                Ok(Done::Notification { notification, deduplicated })
            }
            Ending::Answered(Answer::Count { count }) => Ok(Done::Count(count)),
            Ending::Answered(Answer::Done) => Ok(Done::Done),
            Ending::Answered(Answer::Refused { code, error }) => Err(Refusal::new(code, error)),
            Ending::Queued(command) => Ok(Done::Queued(command)),
            Ending::Failed(error) => Err(error.into()),
        }
    }
}

impl Done {
    /// A worker answered something else than what was asked for.
    pub(crate) fn unexpected(self) -> Refusal {
        tracing::error!(answer = ?std::mem::discriminant(&self), "a worker answered something else than was asked");
        Refusal::new(ErrorCode::Failed, "the request could not be done")
    }
}

impl From<PublishError> for Refusal {
    /// Whatever it was, nothing was accepted, or it is unknown; the next try may succeed.
    fn from(error: PublishError) -> Self {
        tracing::debug!(error = &error as &dyn std::error::Error, "a command was not accepted");
        Self::unavailable()
    }
}
