//! The routes about people: what they are called; and, for administrators, write somebody's profile, and end
//! their logins. Repeating either changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::{Query, user_ids};
use axum::extract::State;
use eventflow_protocol::UserId;
use eventflow_protocol::client::answers::{DoneAnswer, UserAnswer, UsersAnswer};
use eventflow_protocol::client::requests::{ProfileBody, RevocationBody};
use eventflow_protocol::client::values::LoginId;
use eventflow_protocol::client::{Sorted, Success};
use eventflow_protocol::command::Command;
use eventflow_protocol::person::{Participant, Revocation};
use eventflow_protocol::reply::CommandResult;
use std::sync::Arc;

/// `GET /users?userIds=a,b,c`: what people are called, in the order asked. Whoever the caller shares no
/// thread with looks like somebody whom nobody knows; administrators see everybody.
pub(crate) async fn several(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<UsersAnswer> {
    let asked = user_ids(&query)?;
    let visible: Vec<UserId> = if caller.is_admin() {
        asked.clone()
    } else {
        edge.contacts.visible(&caller.user, &asked).await?.into_iter().collect()
    };
    let known = edge.people.shown(&visible).await;
    let shown = |user| known.get(&user).cloned().unwrap_or_else(|| Participant::unknown(user));
    let users = Sorted(asked.into_iter().map(shown).collect());
    Ok(RouteAnswer::Ok(UsersAnswer { success: Success, users }))
}

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
            let user = Sorted(profile.written(edge.markup)?);
            Ok(RouteAnswer::Ok(UserAnswer { success: Success, user }))
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
            edge.names.forget(&user);
            Ok(RouteAnswer::Ok(DoneAnswer::default()))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}
