//! The label values: one enum for each label whose values are known when the system is built.

use crate::label::Label;

/// `reason` of a refused handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The page's origin is not one of the configured ones.
    Origin,
    /// The request broke the Engine.IO or Socket.IO protocol.
    Protocol,
    /// The token is invalid, expired or revoked.
    Credentials,
    /// The user has as many sockets as one user may have.
    SocketsPerUser,
    /// The address has as many sockets as one address may have.
    SocketsPerIp,
    /// More clients wait to be let in than can be let in soon.
    Busy,
}

/// `what` an overloaded gateway does without, in the order in which it gives it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShedKind {
    /// Starts of typing are not told. They end by themselves.
    Typing,
    /// Changes of presence are not told. The next comparison with the store tells them.
    Presence,
    /// Receipts of delivered messages wait. The newest of a thread and person is sent later.
    Receipts,
}

/// `outcome` of a reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// The gateway still had the session.
    Recovered,
    /// The client got a new session.
    Fresh,
}

/// `reason` why sessions forgot events before their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgottenReason {
    /// All sessions of the gateway kept too much.
    Gateway,
    /// The sessions of one user kept too much.
    User,
}

/// `outcome` for a client that presents a session of another gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeOutcome {
    /// The other gateway's journal showed what the client missed.
    Resumed,
    /// The journal of the other gateway did not know the session.
    Unknown,
}

/// `outcome` of a client event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    /// The event did what it asks for.
    Ok,
    /// The event was refused, with a reason.
    Refused,
    /// The socket was past its event budget.
    Limited,
}

/// `outcome` of a command that a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerOutcome {
    /// A worker answered in time.
    Answered,
    /// The broker has the command; no worker answered in time.
    Queued,
    /// The broker did not confirm the command.
    Failed,
}

/// `outcome` of a device's signal at the presence sweeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalOutcome {
    /// The signal was recorded.
    Recorded,
    /// The lease that the signal would renew is over.
    Stale,
}

/// `status` that a person changed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceStatus {
    /// A device of theirs is active.
    Online,
    /// Connected, but not active.
    Away,
    /// No device is connected.
    Offline,
}

/// `outcome` of a send for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentOutcome {
    /// They have the notification.
    Sent,
    /// They do not want such notifications.
    Suppressed,
    /// The store refused it.
    Failed,
}

/// `method` of a REST request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// `HEAD`
    Head,
    /// Any other method: a client may send any word.
    Other,
}

impl Label for RefusalReason {
    const ALL: &'static [Self] = &[
        Self::Origin,
        Self::Protocol,
        Self::Credentials,
        Self::SocketsPerUser,
        Self::SocketsPerIp,
        Self::Busy,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Protocol => "protocol",
            Self::Credentials => "credentials",
            Self::SocketsPerUser => "sockets_per_user",
            Self::SocketsPerIp => "sockets_per_ip",
            Self::Busy => "busy",
        }
    }
}

impl Label for ShedKind {
    const ALL: &'static [Self] = &[Self::Typing, Self::Presence, Self::Receipts];

    fn as_str(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::Presence => "presence",
            Self::Receipts => "receipts",
        }
    }
}

impl Label for RecoveryOutcome {
    const ALL: &'static [Self] = &[Self::Recovered, Self::Fresh];

    fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Fresh => "fresh",
        }
    }
}

impl Label for ForgottenReason {
    const ALL: &'static [Self] = &[Self::Gateway, Self::User];

    fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::User => "user",
        }
    }
}

impl Label for ResumeOutcome {
    const ALL: &'static [Self] = &[Self::Resumed, Self::Unknown];

    fn as_str(self) -> &'static str {
        match self {
            Self::Resumed => "resumed",
            Self::Unknown => "unknown",
        }
    }
}

impl Label for EventOutcome {
    const ALL: &'static [Self] = &[Self::Ok, Self::Refused, Self::Limited];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Limited => "limited",
        }
    }
}

impl Label for AnswerOutcome {
    const ALL: &'static [Self] = &[Self::Answered, Self::Queued, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Queued => "queued",
            Self::Failed => "failed",
        }
    }
}

impl Label for SignalOutcome {
    const ALL: &'static [Self] = &[Self::Recorded, Self::Stale];

    fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Stale => "stale",
        }
    }
}

impl Label for PresenceStatus {
    const ALL: &'static [Self] = &[Self::Online, Self::Away, Self::Offline];

    fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Offline => "offline",
        }
    }
}

impl Label for HttpMethod {
    const ALL: &'static [Self] = &[
        Self::Get,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Options,
        Self::Head,
        Self::Other,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Head => "HEAD",
            Self::Other => "other",
        }
    }
}

impl Label for SentOutcome {
    const ALL: &'static [Self] = &[Self::Sent, Self::Suppressed, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Suppressed => "suppressed",
            Self::Failed => "failed",
        }
    }
}
