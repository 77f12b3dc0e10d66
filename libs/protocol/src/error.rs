//! Errors as clients get them: a closed set of codes for programs, and a sentence for people.
//!
//! REST answers carry `{success:false, error, code}` with the status of [`ErrorCode::status`];
//! acknowledgements and `message:error` events carry the same object. Codes are stable; sentences are not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Why a request was refused. A client acts on the code. [`ErrorCode::is_retryable`] says whether sending the
/// same request again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request has no credential, or one that does not hold.
    Unauthenticated,
    /// The credential was good and has expired: the client fetches a new one.
    TokenExpired,
    /// The user is known, but not allowed to do this.
    Forbidden,
    /// A write on the strength of a cookie came without the session's `X-CSRF-Token`.
    CsrfFailed,
    /// There is no such thing, or none that this user may see.
    NotFound,
    /// A field is missing, of the wrong type or out of its bounds.
    Invalid,
    /// The same idempotency key was used with another body.
    KeyReused,
    /// It is over: what the request would stop has been done.
    TooLate,
    /// The request is larger than any limit of the protocol.
    TooLarge,
    /// The client has sent more than its budget allows: it waits and sends again.
    RateLimited,
    /// There is no such route or event.
    Unknown,
    /// A part that this needs is down. The request was not accepted, or nobody knows whether it was: the
    /// client sends it again with the same key.
    Unavailable,
    /// The request was accepted but could not be carried out. It is kept for an operator.
    Failed,
}

impl ErrorCode {
    /// The HTTP status that goes with the code.
    pub fn status(self) -> u16 {
        match self {
            Self::Unauthenticated | Self::TokenExpired => 401,
            Self::Forbidden | Self::CsrfFailed => 403,
            Self::NotFound | Self::Unknown => 404,
            Self::Invalid => 400,
            Self::KeyReused => 422,
            Self::TooLate => 409,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Unavailable => 503,
            Self::Failed => 500,
        }
    }

    /// Whether the same request may succeed later without being changed.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable)
    }
}

/// A refusal as the client sees it: `{"success":false,"error":"…","code":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// Always false.
    pub success: bool,
    /// A sentence for people.
    pub error: String,
    /// A code for programs.
    pub code: ErrorCode,
    /// Milliseconds until the same request may succeed; absent if it has to be changed first.
    #[serde(default, rename = "retryAfterMs", skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorBody {
    /// A refusal with its code and sentence.
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self { success: false, error: error.into(), code, retry_after_ms: None }
    }

    /// The same refusal, with the time after which the request may succeed.
    #[must_use]
    pub fn retry_after(self, wait: Option<Duration>) -> Self {
        let in_ms = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        Self { retry_after_ms: wait.map(in_ms), ..self }
    }
}
