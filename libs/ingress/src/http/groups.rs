//! The routes about the people of a thread, and about a group: list its members, change its name and picture,
//! add and remove people, and say what somebody may do.
//!
//! Whoever is not in the thread gets the words for a thread that does not exist. The worker that makes a
//! change decides whether the caller owns the group. Repeating a change changes nothing; under the key of the
//! first request it does so also if others have changed the group meanwhile.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::blocks;
use crate::http::body::{self, JsonBody};
use crate::http::caller::Caller;
use crate::http::listed_threads::{listed_one, members};
use crate::http::path::{IdPath, MemberPath};
use crate::http::query::{Query, last_of_full};
use crate::http::threads;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_protocol::change::{ChangeGroup, GroupChange};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{MembersAnswer, ThreadAck, ThreadAnswer};
use eventflow_protocol::client::requests::{AddMembersBody, ChangeGroupBody, RoleBody};
use eventflow_protocol::client::values::ClientKey;
use eventflow_protocol::command::Command;
use eventflow_protocol::document::{Thread, ThreadView};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use http::HeaderMap;
use std::sync::Arc;

/// Who changes a group, and under which key.
struct Asked {
    thread_id: ThreadId,
    by: UserId,
    key: Option<String>,
}

impl Asked {
    fn new(thread_id: ThreadId, by: UserId, headers: &HeaderMap) -> Result<Self, Refusal> {
        let key = body::idempotency_key(headers, None, "the key of the body")?;
        Ok(Self { thread_id, by, key: key.map(ClientKey::into_string) })
    }

    fn command(&self, change: GroupChange, at: Timestamp) -> Command {
        let Self { thread_id, by, key } = self;
        let key = key.as_ref().map(|key| ChangeGroup::key_of(*thread_id, by, key));
        Command::ChangeGroup(ChangeGroup { thread_id: *thread_id, by: by.clone(), change, key, at })
    }
}

/// `GET /threads/{id}/members?limit&cursor`: everybody in the thread with their roles, sorted by id.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ThreadId>,
    query: Query,
) -> RouteResult<MembersAnswer> {
    let limit = query.limit()?;
    let after = query.user("cursor")?;
    let people = edge.commands.people_of(id, &caller.user).await?;
    let view = edge.store.thread_view(id, &caller.user).await?;
    let view = view.ok_or_else(|| Refusal::not_found("thread"))?;
    let people = people.stored();
    let page = threads::page_of_people(people, after.as_ref(), limit);
    Ok(RouteAnswer::Ok(MembersAnswer {
        members: members(&edge, page, &view.thread).await,
        next_cursor: last_of_full(page, limit).map(UserId::to_string),
        participant_count: people.len() as u64,
        success: Success,
    }))
}

/// `PATCH /threads/{id} {name?, picture?}`.
pub(crate) async fn describe(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread_id): IdPath<ThreadId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ChangeGroupBody>,
) -> RouteResult<ThreadAnswer> {
    let asked = Asked::new(thread_id, caller.user, &headers)?;
    let change = body.into_change()?;
    edge.commands.require_reader(thread_id, &asked.by).await?;
    changed(&edge, asked, change).await
}

/// `POST /threads/{id}/members {userIds}`.
pub(crate) async fn add(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread_id): IdPath<ThreadId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<AddMembersBody>,
) -> RouteResult<ThreadAnswer> {
    let asked = Asked::new(thread_id, caller.user.clone(), &headers)?;
    let people = body.into_people()?;
    let before = edge.commands.people_of(thread_id, &caller.user).await?;
    let before = before.stored();
    let added: Vec<UserId> = people.iter().filter(|user| !before.contains(user)).cloned().collect();
    blocks::refuse_blocked(&edge, &caller.user, &added).await?;
    let people_max = Some(edge.new_threads.admit_added(&caller, before.len(), &added).await?);
    changed(&edge, asked, GroupChange::Add { people, people_max }).await
}

/// `DELETE /threads/{id}/members/{member}`: removes somebody. Whoever names themselves leaves.
pub(crate) async fn remove(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    MemberPath(thread_id, user): MemberPath,
    headers: HeaderMap,
) -> RouteResult<ThreadAck> {
    if user == caller.user {
        return threads::leave_thread(&edge, thread_id, user).await;
    }
    let asked = Asked::new(thread_id, caller.user, &headers)?;
    edge.commands.require_reader(thread_id, &asked.by).await?;
    let gone = [user.clone()];
    let result = change(&edge, &asked, GroupChange::Remove { user }).await;
    edge.contacts.forget(&gone);
    match result? {
        CommandResult::Done => Ok(RouteAnswer::Ok(ThreadAck { success: Success, thread_id })),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// `PATCH /threads/{id}/members/{member} {role}`.
pub(crate) async fn set_role(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    MemberPath(thread_id, user): MemberPath,
    headers: HeaderMap,
    JsonBody(body): JsonBody<RoleBody>,
) -> RouteResult<ThreadAnswer> {
    let asked = Asked::new(thread_id, caller.user, &headers)?;
    edge.commands.require_reader(thread_id, &asked.by).await?;
    changed(&edge, asked, GroupChange::SetRole { user, role: body.role }).await
}

/// Carries out a change whose answer is the thread as its caller sees it.
async fn changed(edge: &Edge, asked: Asked, wanted: GroupChange) -> RouteResult<ThreadAnswer> {
    match change(edge, &asked, wanted).await? {
        CommandResult::Thread { thread, .. } => {
            edge.contacts.forget(&thread.participants);
            let view = edge.store.thread_view(asked.thread_id, &asked.by).await?;
            let view = view.unwrap_or_else(|| unread_thread(*thread));
            let thread = listed_one(edge, view, &asked.by).await;
            Ok(RouteAnswer::Ok(ThreadAnswer { success: Success, thread }))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

async fn change(edge: &Edge, asked: &Asked, change: GroupChange) -> Result<CommandResult, Refusal> {
    let command = asked.command(change, edge.clock.now());
    let result = edge.commands.send_command(&command).await?.result().await;
    edge.commands.forget_people(asked.thread_id);
    result
}

/// A thread that the caller has left in the moment after they changed it.
fn unread_thread(thread: Thread) -> ThreadView {
    ThreadView { thread, unread_count: 0, unread_mentions: 0, last_message: None }
}
