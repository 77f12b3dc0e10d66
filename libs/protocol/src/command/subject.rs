//! What a command is about, which chooses its shard.

use crate::mail::MailAddress;
use crate::{SendId, ThreadId, UserId};
use std::fmt;

/// What a command is about. One shard carries out everything about one subject, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A conversation.
    Thread(ThreadId),
    /// A person.
    User(UserId),
    /// A mail address.
    Address(MailAddress),
    /// A send to many people.
    Send(SendId),
}

impl Subject {
    /// The bytes that choose the shard.
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Thread(thread) => thread.bytes().to_vec(),
            Self::User(user) => user.as_str().as_bytes().to_vec(),
            Self::Address(address) => address.key().into_bytes(),
            Self::Send(send) => send.bytes().to_vec(),
        }
    }
}

/// As log lines and traces name it: the id alone, and of an address nothing.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(thread) => thread.fmt(f),
            Self::User(user) => user.fmt(f),
            Self::Send(send) => send.fmt(f),
            Self::Address(_) => f.write_str("a mail address"),
        }
    }
}
