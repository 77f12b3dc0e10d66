//! Refusal: what every check of the ingress answers when a request may not go on.
//!
//! A refusal carries a code for programs and a sentence for people that names the field or the rule. Causes
//! from below (a driver's words, a host name) never get in: they are logged where the refusal is made.

use eventflow_ports::{PresenceError, StoreError};
use eventflow_protocol::client::InvalidRequest;
use eventflow_protocol::{ErrorBody, ErrorCode};
use std::borrow::Cow;
use std::time::Duration;

/// What a client is told that asks for presence while the presence store is away.
const PRESENCE_AWAY: &str = "the presence store does not answer, so nobody's presence is known for the moment; changes are still told";
/// What a client is told that asks for presence in a system whose processes share no presence store.
const NO_SHARED_PRESENCE: &str = "this system has several processes and no presence store that they share, so presence cannot be asked for; changes are told to sockets that have a thread open";

/// Why a request was refused, as the client is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// A code for programs.
    pub code: ErrorCode,
    /// A sentence for people, without internals.
    pub error: Cow<'static, str>,
    /// The wait that is known for this refusal; see [`Refusal::retry_after`].
    wait: Option<Duration>,
}

/// Retry: when a client may try again if nobody knows better. Reconnects to the broker and the store take
/// about that long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Refusal {
    /// A refusal with its code and sentence.
    pub fn new(code: ErrorCode, error: impl Into<Cow<'static, str>>) -> Self {
        Self { code, error: error.into(), wait: None }
    }

    /// The client is over a budget, which has room again after `wait`.
    pub fn rate_limited(error: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        Self { wait: Some(wait), ..Self::new(ErrorCode::RateLimited, error) }
    }

    /// There is no room now, and there will be after `wait`; another process may have room.
    pub fn busy(error: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        Self { wait: Some(wait), ..Self::new(ErrorCode::Unavailable, error) }
    }

    /// Somebody else has what the request needs, for so long at most.
    pub fn locked(error: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        Self { wait: Some(wait), ..Self::new(ErrorCode::Locked, error) }
    }

    /// A field is missing, of the wrong type or out of its bounds.
    pub fn invalid(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Invalid, error)
    }

    /// There is no such thing, or none that this user may see: strangers get the same words.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// The request carries no credential.
    pub fn unauthenticated() -> Self {
        Self::new(ErrorCode::Unauthenticated, "authentication is required")
    }

    /// The request carries a credential where none is read.
    pub fn token_in_url() -> Self {
        let error = "a token in the URL is not read, because URLs get into logs; send it in the header \
            Authorization (Bearer and the token), or on a socket as auth.token";
        Self::new(ErrorCode::Unauthenticated, error)
    }

    /// A part of the system that the request needs is down.
    pub fn unavailable() -> Self {
        Self::new(ErrorCode::Unavailable, "the service is unavailable for the moment, please try again")
    }

    /// When the same request may succeed; `None` if it has to be changed first.
    pub fn retry_after(&self) -> Option<Duration> {
        self.code.is_retryable().then(|| self.wait.unwrap_or(RETRY_AFTER))
    }

    /// The refusal as the client sees it.
    pub fn body(&self) -> ErrorBody {
        ErrorBody::new(self.code, self.error.clone()).retry_after(self.retry_after())
    }
}

impl From<InvalidRequest> for Refusal {
    fn from(invalid: InvalidRequest) -> Self {
        Self::invalid(invalid.message)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a read of the store failed");
        match error {
            StoreError::Unavailable { .. } | StoreError::Failed { .. } => Self::unavailable(),
            StoreError::Refused { .. } => Self::new(ErrorCode::Failed, "the request could not be done"),
        }
    }
}

impl From<PresenceError> for Refusal {
    /// A store that answers no more comes back; one that the system does not have never does.
    fn from(error: PresenceError) -> Self {
        if error.is_not_shared() {
            tracing::debug!(error = &error as &dyn std::error::Error, "presence cannot be asked for");
            return Self::new(ErrorCode::Unavailable, NO_SHARED_PRESENCE);
        }
        tracing::error!(error = &error as &dyn std::error::Error, "a read of the presence store failed");
        Self::new(ErrorCode::Unavailable, PRESENCE_AWAY)
    }
}
