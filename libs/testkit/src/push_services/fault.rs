//! The ways in which a push service fails.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use futures_util::stream::repeat;
use serde_json::json;

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An answer with this status and nothing else.
    Status(u16),
    /// An answer with this status and this code of FCM.
    Code(u16, &'static str),
    /// Too many: an answer with this status, and how many seconds to wait.
    RetryAfter(u16, u64),
    /// No answer, ever.
    Hang,
    /// The push is taken, and the answer never comes.
    TakenWithoutAnswer,
    /// Success, with a body that is no JSON.
    Unreadable,
    /// This status, with a body that never ends.
    Endless(u16),
    /// A redirect to this address.
    Redirect(String),
}

impl Fault {
    pub(super) async fn into_response(self) -> Response {
        match self {
            Self::Status(status) => code(status).into_response(),
            Self::Code(status, name) => {
                let detail = json!({
                    "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": name,
                });
                let error =
                    json!({"error": {"code": status, "status": name, "message": "m", "details": [detail]}});
                (code(status), error.to_string()).into_response()
            }
            Self::RetryAfter(status, seconds) => {
                (code(status), [(RETRY_AFTER, seconds.to_string())]).into_response()
            }
            Self::Hang | Self::TakenWithoutAnswer => std::future::pending().await,
            Self::Unreadable => (StatusCode::OK, "<html>not what you expect").into_response(),
            Self::Endless(status) => {
                let chunk = Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 1_024]));
                (code(status), Body::from_stream(repeat(chunk))).into_response()
            }
            Self::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, to)]).into_response(),
        }
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
