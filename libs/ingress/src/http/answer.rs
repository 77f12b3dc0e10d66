//! The answer of a route that did not refuse: a body of the client's contract, and whether it was made, found
//! or queued.

use crate::refusal::Refusal;
use axum::Json;
use axum::response::{IntoResponse, Response};
use eventflow_protocol::CommandId;
use eventflow_protocol::client::answers::QueuedAnswer;
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// The result of every handler; the body is one of [`eventflow_protocol::client::answers`].
pub(crate) type RouteResult<Body> = Result<RouteAnswer<Body>, Refusal>;

/// What a route answers when it does not refuse.
#[derive(Debug)]
pub(crate) enum RouteAnswer<Body> {
    /// 200: this is what was asked for; a write changed something, or had been done before.
    Ok(Body),
    /// 201: the write made something new.
    Created(Body),
    /// 202: the broker has the command, and it will be carried out.
    Queued(QueuedAnswer),
}

/// An answer with headers of its own.
#[derive(Debug)]
pub(crate) struct Headed<Answer>(pub(crate) HeaderMap, pub(crate) Answer);

/// An answer that is the bytes of a file.
#[derive(Debug)]
pub(crate) struct Bytes(pub(crate) Response);

impl<Answer: IntoResponse> IntoResponse for Headed<Answer> {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl IntoResponse for Bytes {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<Body> RouteAnswer<Body> {
    /// The answer for a command that the broker has.
    pub(crate) fn queued(command: CommandId) -> Self {
        Self::Queued(QueuedAnswer::of(command))
    }

    /// The same answer with another body.
    pub(crate) fn map<Other>(self, change: impl FnOnce(Body) -> Other) -> RouteAnswer<Other> {
        match self {
            Self::Ok(body) => RouteAnswer::Ok(change(body)),
            Self::Created(body) => RouteAnswer::Created(change(body)),
            Self::Queued(queued) => RouteAnswer::Queued(queued),
        }
    }
}

impl<Body: Serialize> IntoResponse for RouteAnswer<Body> {
    fn into_response(self) -> Response {
        match self {
            Self::Ok(body) => Json(body).into_response(),
            Self::Created(body) => (StatusCode::CREATED, Json(body)).into_response(),
            Self::Queued(queued) => (StatusCode::ACCEPTED, Json(queued)).into_response(),
        }
    }
}
