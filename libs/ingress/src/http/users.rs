//! The routes about people, for administrators: write somebody's profile, and end their logins. Repeating
//! either changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::path::IdPath;
use axum::extract::State;
use eventflow_protocol::UserId;
use eventflow_protocol::client::answers::{DoneAnswer, UserAnswer};
use eventflow_protocol::client::requests::{ProfileBody, RevocationBody};
use eventflow_protocol::client::values::LoginId;
use eventflow_protocol::client::{Sorted, Success};
use eventflow_protocol::command::Command;
use eventflow_protocol::person::Revocation;
use eventflow_protocol::reply::CommandResult;
use std::sync::Arc;

/// `PUT /users/{id} {name, avatar?, email?}`: for installations whose host application has no directory of
/// its own.
pub(crate) async fn put(
    State(edge): State<Arc<Edge>>,
    IdPath(user): IdPath<UserId>,
    JsonBody(body): JsonBody<ProfileBody>,
) -> RouteResult<UserAnswer> {
    let profile = body.into_profile(user.clone());
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
    OptionalJsonBody(body): OptionalJsonBody<RevocationBody>,
) -> RouteResult<DoneAnswer> {
    let session = body.session.map(LoginId::into_string);
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
