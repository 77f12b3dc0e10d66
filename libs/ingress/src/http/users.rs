//! The routes about people, for administrators: what somebody is called, and ending their logins.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::fields;
use crate::http::answer;
use crate::http::refusal_response::RefusalResponse;
use crate::http::request::{JsonBody, OptionalJsonBody, UserPath};
use crate::refusal::Refusal;
use crate::validate;
use axum::extract::State;
use axum::response::Response;
use eventflow_protocol::command::Command;
use eventflow_protocol::person::Revocation;
use eventflow_protocol::reply::CommandResult;
use serde_json::json;
use std::sync::Arc;

/// A login as hexadecimal digits: a SHA-256.
const SESSION_DIGITS: usize = 64;

/// `PUT /users/{id} {name, avatar?, email?}`: for installations whose host application has no directory of
/// its own.
pub(crate) async fn put(
    State(edge): State<Arc<Edge>>,
    UserPath(user): UserPath,
    JsonBody(mut body): JsonBody,
) -> Result<Response, RefusalResponse> {
    let profile = validate::profile(&mut body, user.clone())?;
    let shown = json!({ "success": true, "user": profile });
    match edge.commands.send_command(&Command::PutProfile(profile)).await?.result().await? {
        CommandResult::Done => {
            edge.people.forget(&user);
            Ok(answer::ok(shown))
        }
        CommandResult::Queued { command } => Ok(answer::queued(command)),
        other => Err(unexpected(&other).into()),
    }
}

/// `POST /users/{id}/revoke {session?}`: one login, or every token issued before now.
pub(crate) async fn revoke(
    State(edge): State<Arc<Edge>>,
    UserPath(user): UserPath,
    OptionalJsonBody(mut body): OptionalJsonBody,
) -> Result<Response, RefusalResponse> {
    let session =
        fields::optional_text(&mut body, "session", "session")?.as_deref().map(session).transpose()?;
    let revocation = Revocation { user_id: user.clone(), session, at: edge.clock.now() };
    match edge.commands.send_command(&Command::Revoke(revocation)).await?.result().await? {
        CommandResult::Done => {
            edge.revocations.forget(&user);
            Ok(answer::ok(json!({ "success": true })))
        }
        CommandResult::Queued { command } => Ok(answer::queued(command)),
        other => Err(unexpected(&other).into()),
    }
}

fn session(text: &str) -> Result<String, Refusal> {
    let is_hex = text.len() == SESSION_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Refusal::invalid("session must be 64 hexadecimal digits"))
    }
}
