//! Errors as clients get them: a closed set of codes for programs, and a sentence for people.
//!
//! REST answers carry `{success:false, error, code}` with the status of [`ErrorCode::status`];
//! acknowledgements and `message:error` events carry the same object. Codes are stable; sentences are not.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// Why a request was refused. A client acts on the code. `x-statuses` are the HTTP statuses that go with it,
/// `x-send-again` says how the request may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = with_what_to_do)]
pub enum ErrorCode {
    /// There is no credential, or it does not hold.
    Unauthenticated,
    /// The token was good and has ended.
    TokenExpired,
    /// The caller is known and not allowed: a foreign origin, another user's id, a role that is missing.
    Forbidden,
    /// A write with a cookie came without the login's `X-CSRF-Token`.
    CsrfFailed,
    /// There is no such thing, or none that this user may see.
    NotFound,
    /// A field is missing, of the wrong type or out of its bounds; or the body is not JSON, or compressed; or
    /// the request has no `Host`.
    Invalid,
    /// The key belongs to another message, notification or change of a group.
    KeyReused,
    /// What the request would stop is over.
    TooLate,
    /// What the request is based on has changed: read it again and decide.
    Conflict,
    /// The thread was not started as a group, so it has no owners, and its people stay as they are.
    NotGroup,
    /// The person was erased: nothing is done in their name any more, and nothing is kept of them.
    Erased,
    /// The body or the file is too large.
    TooLarge,
    /// The user's files would be more than they may have.
    QuotaExceeded,
    /// The file is of a type that is not taken, or not of the type that the request needs.
    WrongType,
    /// Another request is writing the same upload.
    Locked,
    /// A socket, a user or an address is over its budget, or has too many open sockets.
    RateLimited,
    /// There is no such route, method or event.
    Unknown,
    /// 408: the body did not arrive in time. 503: the broker or the store is down; the request was not
    /// accepted, or the server does not know whether it was.
    Unavailable,
    /// The request was accepted and cannot be carried out; an operator can look at it.
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
            Self::TooLate | Self::Conflict | Self::NotGroup => 409,
            Self::Erased => 410,
            Self::TooLarge | Self::QuotaExceeded => 413,
            Self::WrongType => 415,
            Self::Locked => 423,
            Self::RateLimited => 429,
            Self::Unavailable => 503,
            Self::Failed => 500,
        }
    }

    /// Every HTTP status that the code comes with, that of [`ErrorCode::status`] first.
    pub fn statuses(self) -> Vec<u16> {
        let others = [
            (Self::Invalid, 412),
            (Self::Invalid, 415),
            (Self::Invalid, 416),
            (Self::Unavailable, 408),
            (Self::Unknown, 405),
        ];
        let other = others.into_iter().filter(|(code, _)| *code == self).map(|(_, status)| status);
        std::iter::once(self.status()).chain(other).collect()
    }

    /// How the request may succeed when it is sent again.
    pub fn send_again(self) -> &'static str {
        match self {
            Self::Unauthenticated => "with another credential",
            Self::TokenExpired => "with a new token",
            Self::CsrfFailed => "with the token",
            Self::Invalid | Self::Conflict => "changed",
            Self::KeyReused => "with another key",
            Self::TooLarge => "smaller",
            Self::QuotaExceeded => "after deleting files",
            Self::WrongType => "with another file",
            Self::RateLimited | Self::Locked => "later",
            Self::Unavailable => "later, with the same key",
            Self::Forbidden
            | Self::NotFound
            | Self::Unknown
            | Self::TooLate
            | Self::NotGroup
            | Self::Erased
            | Self::Failed => "no",
        }
    }

    /// Whether the same request may succeed later without being changed.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::Locked)
    }
}

/// Adds to each code of the schema what a client does about it.
fn with_what_to_do(schema: &mut Schema) {
    let codes = schema.ensure_object().get_mut("oneOf").and_then(Value::as_array_mut);
    for described in codes.into_iter().flatten() {
        let code = serde_json::from_value::<ErrorCode>(described["const"].clone());
        if let Ok(code) = code {
            described["x-statuses"] = code.statuses().into();
            described["x-send-again"] = code.send_again().into();
        }
    }
}

/// A refusal as the client sees it: `{"success":false,"error":"…","code":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// Always false.
    #[schemars(extend("const" = false))]
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
