//! The two answers that are not an error: what was asked for, or that it is queued.

use axum::Json;
use axum::response::{IntoResponse, Response};
use eventflow_protocol::CommandId;
use http::StatusCode;
use serde_json::{Value, json};

/// 200 with this body.
pub(crate) fn ok(body: Value) -> Response {
    Json(body).into_response()
}

/// 201 with this body.
pub(crate) fn created(body: Value) -> Response {
    (StatusCode::CREATED, Json(body)).into_response()
}

/// 202: the broker has the command, and it will be done.
pub(crate) fn queued(command: CommandId) -> Response {
    let body = json!({ "success": true, "status": "queued", "commandId": command });
    (StatusCode::ACCEPTED, Json(body)).into_response()
}
