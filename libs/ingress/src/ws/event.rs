//! The events a client may send, and what the metrics call them.

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
    /// `typing:start` and `typing:stop`: one for each key a person presses, so they cost nothing and need no answer.
    Typing,
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
            "typing:start" | "typing:stop" => Self::Typing,
            _ => Self::Unknown,
        }
    }

    /// The label value; never what the client wrote.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Send => "message:send",
            Self::Join => "thread:join",
            Self::Leave => "thread:leave",
            Self::Typing => "typing",
            Self::Unknown => "unknown",
        }
    }
}

/// How an event was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// As asked.
    Ok,
    /// Refused, with a reason.
    Refused,
    /// Past the budget.
    Limited,
}

impl Taken {
    /// The label value.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Limited => "limited",
        }
    }
}
