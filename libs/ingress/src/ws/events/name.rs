//! The events a client may send, and what the metrics call them.

use eventflow_metrics::Label;

/// A client event by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventName {
    /// `auth`: who I am.
    Auth,
    /// `message:send`.
    Send,
    /// `thread:join`: I am looking at this thread.
    Join,
    /// `thread:leave`: not any more.
    Leave,
    /// `message:edit`.
    Edit,
    /// `message:delete`.
    Delete,
    /// `reaction:send`.
    React,
    /// `message:read`.
    Read,
    /// `thread:read`.
    ReadThread,
    /// `presence:update`: how I want to be seen.
    PresenceUpdate,
    /// `presence:sync`: how others are.
    PresenceSync,
    /// `sync`: what I have missed.
    Sync,
    /// `typing:start`: one for each key a person presses, so it costs nothing and needs no answer.
    TypingStart,
    /// `typing:stop`.
    TypingStop,
    /// Anything else.
    Unknown,
}

impl EventName {
    /// Reads a name.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "auth" => Self::Auth,
            "message:send" => Self::Send,
            "thread:join" => Self::Join,
            "thread:leave" => Self::Leave,
            "message:edit" => Self::Edit,
            "message:delete" => Self::Delete,
            "reaction:send" => Self::React,
            "message:read" => Self::Read,
            "thread:read" => Self::ReadThread,
            "presence:update" => Self::PresenceUpdate,
            "presence:sync" => Self::PresenceSync,
            "sync" => Self::Sync,
            "typing:start" => Self::TypingStart,
            "typing:stop" => Self::TypingStop,
            _ => Self::Unknown,
        }
    }

    /// Its name, which is also the label value; never what the client wrote.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Send => "message:send",
            Self::Join => "thread:join",
            Self::Leave => "thread:leave",
            Self::Edit => "message:edit",
            Self::Delete => "message:delete",
            Self::React => "reaction:send",
            Self::Read => "message:read",
            Self::ReadThread => "thread:read",
            Self::PresenceUpdate => "presence:update",
            Self::PresenceSync => "presence:sync",
            Self::Sync => "sync",
            Self::TypingStart => "typing:start",
            Self::TypingStop => "typing:stop",
            Self::Unknown => "unknown",
        }
    }
}

impl Label for EventName {
    fn as_str(self) -> &'static str {
        self.label()
    }
}

/// How an event was taken.
pub(crate) use eventflow_metrics::EventOutcome as Taken;
