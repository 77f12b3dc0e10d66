//! The events a client may send, their names, and how their outcome is counted.

use crate::refusal::Refusal;
use crate::ws::sockets::event_budgets::EventKind;
use eventflow_metrics::{EventOutcome, Label};
use eventflow_protocol::ErrorCode;

/// A client event by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventName {
    /// `auth`: who I am.
    Auth,
    /// `message:send`: a new message.
    Send,
    /// `thread:join`: I am looking at this thread.
    Join,
    /// `thread:leave`: I am not looking at it any more.
    Leave,
    /// `message:edit`: a new text for my message.
    Edit,
    /// `message:delete`: take my message back.
    Delete,
    /// `reaction:send`: an emoji for a message, or no more.
    React,
    /// `message:pin`: pin a message to its thread.
    Pin,
    /// `message:unpin`: unpin it.
    Unpin,
    /// `message:read`: I have read up to this message.
    Read,
    /// `thread:read`: I have read all of the thread.
    ReadThread,
    /// `thread:unread`: I want messages to be unread again.
    UnreadThread,
    /// `draft:save`: what I have begun to write.
    SaveDraft,
    /// `presence:update`: how I want to be seen.
    PresenceUpdate,
    /// `presence:sync`: how these people are.
    PresenceSync,
    /// `sync`: what I have missed.
    Sync,
    /// `typing:start`: sent for each key a person presses, so it costs no message and needs no answer.
    TypingStart,
    /// `typing:stop`: no more keys.
    TypingStop,
    /// Anything else.
    Unknown,
}

impl EventName {
    /// Reads a name.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "auth" => Self::Auth,
            "message:send" => Self::Send,
            "thread:join" => Self::Join,
            "thread:leave" => Self::Leave,
            "message:edit" => Self::Edit,
            "message:delete" => Self::Delete,
            "reaction:send" => Self::React,
            "message:pin" => Self::Pin,
            "message:unpin" => Self::Unpin,
            "message:read" => Self::Read,
            "thread:read" => Self::ReadThread,
            "thread:unread" => Self::UnreadThread,
            "draft:save" => Self::SaveDraft,
            "presence:update" => Self::PresenceUpdate,
            "presence:sync" => Self::PresenceSync,
            "sync" => Self::Sync,
            "typing:start" => Self::TypingStart,
            "typing:stop" => Self::TypingStop,
            _ => Self::Unknown,
        }
    }

    /// The event's name, which is also its label value; never what the client wrote.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Send => "message:send",
            Self::Join => "thread:join",
            Self::Leave => "thread:leave",
            Self::Edit => "message:edit",
            Self::Delete => "message:delete",
            Self::React => "reaction:send",
            Self::Pin => "message:pin",
            Self::Unpin => "message:unpin",
            Self::Read => "message:read",
            Self::ReadThread => "thread:read",
            Self::UnreadThread => "thread:unread",
            Self::SaveDraft => "draft:save",
            Self::PresenceUpdate => "presence:update",
            Self::PresenceSync => "presence:sync",
            Self::Sync => "sync",
            Self::TypingStart => "typing:start",
            Self::TypingStop => "typing:stop",
            Self::Unknown => "unknown",
        }
    }

    /// The kind by which the event is counted.
    pub(super) fn kind(self) -> EventKind {
        match self {
            Self::Auth
            | Self::Send
            | Self::Join
            | Self::Leave
            | Self::Edit
            | Self::Delete
            | Self::React
            | Self::Pin
            | Self::Unpin
            | Self::Read
            | Self::ReadThread
            | Self::UnreadThread
            | Self::SaveDraft
            | Self::PresenceUpdate
            | Self::PresenceSync
            | Self::Sync => EventKind::Known,
            Self::TypingStart | Self::TypingStop => EventKind::Typing,
            Self::Unknown => EventKind::Unknown,
        }
    }
}

impl Label for EventName {
    const ALL: &'static [Self] = &[
        Self::Auth,
        Self::Send,
        Self::Join,
        Self::Leave,
        Self::Edit,
        Self::Delete,
        Self::React,
        Self::Pin,
        Self::Unpin,
        Self::Read,
        Self::ReadThread,
        Self::UnreadThread,
        Self::SaveDraft,
        Self::PresenceUpdate,
        Self::PresenceSync,
        Self::Sync,
        Self::TypingStart,
        Self::TypingStop,
        Self::Unknown,
    ];

    fn as_str(self) -> &'static str {
        self.name()
    }
}

/// How a refused event is counted.
pub(super) fn outcome_of(refusal: &Refusal) -> EventOutcome {
    if refusal.code == ErrorCode::RateLimited { EventOutcome::Limited } else { EventOutcome::Refused }
}
