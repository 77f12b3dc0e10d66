//! The routes about people, for administrators: write somebody's profile, and end their logins. Repeating
//! either changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::fields;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::path::IdPath;
use crate::refusal::Refusal;
use crate::validate;
use axum::extract::State;
use eventflow_protocol::UserId;
use eventflow_protocol::client::answers::{DoneAnswer, UserAnswer};
use eventflow_protocol::client::{Sorted, Success};
use eventflow_protocol::command::Command;
use eventflow_protocol::person::Revocation;
use eventflow_protocol::reply::CommandResult;
use std::sync::Arc;

/// Length of a login in hexadecimal digits: a SHA-256.
const SESSION_DIGITS: usize = 64;

/// `PUT /users/{id} {name, avatar?, email?}`: for installations whose host application has no directory of
/// its own.
pub(crate) async fn put(
    State(edge): State<Arc<Edge>>,
    IdPath(user): IdPath<UserId>,
    JsonBody(mut body): JsonBody,
) -> RouteResult<UserAnswer> {
    let profile = validate::profile(&mut body, user.clone())?;
    let command = Command::PutProfile(profile.clone());
    match edge.commands.send_command(&command).await?.result().await? {
        CommandResult::Done => {
            edge.people.forget(&user);
            Ok(RouteAnswer::Ok(UserAnswer { success: Success, user: Sorted(profile) }))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// `POST /users/{id}/revoke {session?}`: ends one login, or every token issued before now.
pub(crate) async fn revoke(
    State(edge): State<Arc<Edge>>,
    IdPath(user): IdPath<UserId>,
    OptionalJsonBody(mut body): OptionalJsonBody,
) -> RouteResult<DoneAnswer> {
    let session = fields::optional_text(&mut body, "session", "session")?;
    let session = session.as_deref().map(parse_session).transpose()?;
    let revocation = Revocation { user_id: user.clone(), session, at: edge.clock.now() };
    match edge.commands.send_command(&Command::Revoke(revocation)).await?.result().await? {
        CommandResult::Done => {
            edge.revocations.forget(&user);
            Ok(RouteAnswer::Ok(DoneAnswer::default()))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

fn parse_session(text: &str) -> Result<String, Refusal> {
    let is_hex = text.len() == SESSION_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Refusal::invalid("session must be 64 hexadecimal digits"))
    }
}
