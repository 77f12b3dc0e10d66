//! The id in a request's path.

use crate::refusal::Refusal;
use axum::extract::{FromRequestParts, Path};
use eventflow_protocol::dead_letters::{DeadLetterId, ReplayId};
use eventflow_protocol::reports::ReportId;
use eventflow_protocol::{
    AttachmentId, MailAddress, MessageId, NotificationId, PushDeviceId, ScheduledId, SendId, ThreadId, UserId,
};
use http::request::Parts;
use std::str::FromStr;

/// The id that the path names. A text that is no id names nothing; see [`PathId::refusal`].
pub(crate) struct IdPath<Id>(pub(crate) Id);

/// An id that a path can name.
pub(crate) trait PathId: FromStr {
    /// The thing that the id names, for the refusal.
    const THING: &'static str;

    /// The refusal of a text that is no id. Ids that the system gives out are not told apart from ids that it
    /// might have given out.
    fn refusal() -> Refusal {
        Refusal::not_found(Self::THING)
    }
}

impl PathId for ThreadId {
    const THING: &'static str = "thread";
}

impl PathId for MessageId {
    const THING: &'static str = "message";
}

impl PathId for NotificationId {
    const THING: &'static str = "notification";
}

impl PathId for AttachmentId {
    const THING: &'static str = "attachment";
}

impl PathId for SendId {
    const THING: &'static str = "send";
}

impl PathId for ScheduledId {
    const THING: &'static str = "scheduled message";
}

impl PathId for DeadLetterId {
    const THING: &'static str = "dead letter";
}

impl PathId for ReplayId {
    const THING: &'static str = "replay";
}

impl PathId for ReportId {
    const THING: &'static str = "report";
}

impl PathId for PushDeviceId {
    const THING: &'static str = "device";
}

impl PathId for MailAddress {
    const THING: &'static str = "address";

    /// Mail servers give out addresses, so a text that is none is a mistake.
    fn refusal() -> Refusal {
        Refusal::invalid("the mail address in the path is malformed")
    }
}

impl PathId for UserId {
    const THING: &'static str = "user";

    /// The host application gives out the ids of its users, so an id that nobody can have is a mistake.
    fn refusal() -> Refusal {
        Refusal::invalid("the user id in the path is malformed")
    }
}

/// The thread and the person that the path names.
pub(crate) struct MemberPath(pub(crate) ThreadId, pub(crate) UserId);

impl<S: Send + Sync> FromRequestParts<S> for MemberPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let segments = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Ok(Path((thread, user))) = segments else { return Err(ThreadId::refusal()) };
        let thread = thread.parse().map_err(|_| ThreadId::refusal())?;
        Ok(Self(thread, user.parse().map_err(|_| UserId::refusal())?))
    }
}

impl<S: Send + Sync, Id: PathId> FromRequestParts<S> for IdPath<Id> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // A segment that cannot be decoded is no id either.
        let segment = Path::<String>::from_request_parts(parts, state).await;
        let id = segment.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(Id::refusal)
    }
}
