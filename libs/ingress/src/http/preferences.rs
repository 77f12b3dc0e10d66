//! The routes about how somebody wants to be told.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::refusal_response::RefusalResponse;
use crate::http::request::JsonBody;
use crate::refusal::Refusal;
use crate::validate;
use axum::extract::State;
use axum::response::Response;
use eventflow_protocol::command::Command;
use eventflow_protocol::inbox::SetPreferences;
use eventflow_protocol::reply::CommandResult;
use serde_json::json;
use std::sync::Arc;

/// `GET /notifications/preferences`: the defaults if they never said.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
) -> Result<Response, RefusalResponse> {
    let preferences = edge.inbox.preferences(&caller.user).await.map_err(Refusal::from)?;
    Ok(answer::ok(json!({ "success": true, "preferences": preferences })))
}

/// `POST` or `PUT /notifications/preferences {channels?, types?}`: replaces them.
pub(crate) async fn set(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    JsonBody(mut body): JsonBody,
) -> Result<Response, RefusalResponse> {
    let preferences = validate::preferences(&mut body, edge.clock.now())?;
    let shown = json!({ "success": true, "preferences": preferences });
    let command = Command::SetPreferences(SetPreferences { user_id: caller.user, preferences });
    match edge.commands.send_command(&command).await?.result().await? {
        CommandResult::Done => Ok(answer::ok(shown)),
        CommandResult::Queued { command } => Ok(answer::queued(command)),
        other => Err(unexpected(&other).into()),
    }
}
