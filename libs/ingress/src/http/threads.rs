//! The routes about threads: start or find one, list one's own, see one, put it away, and that it was read.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::changes;
use crate::http::refusal_response::RefusalResponse;
use crate::http::request::{JsonBody, OptionalJsonBody, Query, ThreadPath};
use crate::refusal::Refusal;
use crate::{fields, validate};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eventflow_ports::ThreadPage;
use eventflow_protocol::change::{AdvanceCursor, ArchiveThread, Cursor};
use eventflow_protocol::command::Command;
use eventflow_protocol::document::{Identified as _, Message, Thread, ThreadStatus, ThreadView};
use eventflow_protocol::person::{DEFAULT_AVATAR, Participant};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{ThreadId, UserId};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// People of a larger thread who are called by name.
const NAMED_MAX: usize = 3;

/// `POST /threads {participants, metadata?}`: 201 created, 200 found, 202 queued.
pub(crate) async fn create(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    JsonBody(mut body): JsonBody,
) -> Result<Response, RefusalResponse> {
    let create = validate::create_thread(&mut body, caller.user.clone(), edge.clock.now())?;
    let id = create.thread_id;
    match edge.commands.create_thread(create).await?.result().await? {
        CommandResult::Thread { thread, created } => {
            let view = if created { fresh(*thread) } else { found(&edge, *thread, &caller.user).await? };
            let body = json!({ "success": true, "thread": edge.show(&[view], &caller.user).await.pop() });
            Ok(if created { answer::created(body) } else { answer::ok(body) })
        }
        CommandResult::Queued { command } => {
            let body = json!({ "success": true, "status": "queued", "commandId": command, "threadId": id });
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
        other => Err(unexpected(&other).into()),
    }
}

/// `GET /threads?status&limit&cursor&skip`: most recently active first.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> Result<Response, RefusalResponse> {
    let page = page(&query)?;
    let views = edge.store.threads_of(&caller.user, page).await.map_err(Refusal::from)?;
    let is_full = views.len() == usize::try_from(page.limit).unwrap_or(usize::MAX);
    let next = views.last().filter(|_| is_full).map(|view| cursor(&view.thread));
    let threads = edge.show(&views, &caller.user).await;
    Ok(answer::ok(json!({ "success": true, "threads": threads, "nextCursor": next })))
}

/// `GET /threads/{id}`.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    ThreadPath(id): ThreadPath,
) -> Result<Response, RefusalResponse> {
    let view = edge.store.thread_view(id, &caller.user).await.map_err(Refusal::from)?;
    let view = view.ok_or_else(|| Refusal::not_found("thread"))?;
    Ok(answer::ok(json!({ "success": true, "thread": edge.show(&[view], &caller.user).await.pop() })))
}

/// `DELETE /threads/{id}`: away from the caller's list, and nobody else's.
pub(crate) async fn archive(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    ThreadPath(id): ThreadPath,
) -> Result<Response, RefusalResponse> {
    put_away(&edge, id, caller.user, true).await
}

/// `POST /threads/{id}/unarchive`: back into it.
pub(crate) async fn unarchive(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    ThreadPath(id): ThreadPath,
) -> Result<Response, RefusalResponse> {
    put_away(&edge, id, caller.user, false).await
}

/// `POST /threads/{id}/read {seq?}`: everything there is, or up to a place.
pub(crate) async fn read(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    ThreadPath(thread_id): ThreadPath,
    OptionalJsonBody(mut body): OptionalJsonBody,
) -> Result<Response, RefusalResponse> {
    let up_to = fields::take(&mut body, "seq");
    let up_to = up_to
        .map(|seq| seq.as_u64().ok_or_else(|| fields::wrong_type("seq", "a number of a message")))
        .transpose()?;
    edge.commands.require_participant(thread_id, &caller.user).await?;
    let at = edge.clock.now();
    let up_to = match up_to {
        Some(seq) => Some(seq),
        None => edge.commands.everything_in(thread_id).await,
    };
    changes::advance(
        &edge,
        AdvanceCursor { thread_id, user_id: caller.user, cursor: Cursor::Read, up_to, at },
    )
    .await
}

async fn put_away(
    edge: &Edge,
    thread_id: ThreadId,
    user_id: UserId,
    archived: bool,
) -> Result<Response, RefusalResponse> {
    edge.commands.require_participant(thread_id, &user_id).await?;
    let command =
        Command::ArchiveThread(ArchiveThread { thread_id, user_id, archived, at: edge.clock.now() });
    match edge.commands.send_command(&command).await?.result().await? {
        CommandResult::Done => {
            let status = if archived { ThreadStatus::Archived } else { ThreadStatus::Active };
            Ok(answer::ok(json!({ "success": true, "threadId": thread_id, "status": status })))
        }
        CommandResult::Queued { command } => Ok(answer::queued(command)),
        other => Err(unexpected(&other).into()),
    }
}

async fn found(edge: &Edge, thread: Thread, viewer: &UserId) -> Result<ThreadView, Refusal> {
    Ok(edge.store.thread_view(thread.id, viewer).await?.unwrap_or_else(|| fresh(thread)))
}

/// A thread in which nothing was said yet.
fn fresh(thread: Thread) -> ThreadView {
    ThreadView { thread, unread_count: 0, last_message: None }
}

impl Edge {
    /// Threads as the published client draws them: each with a name and a picture, or it draws none of the
    /// list.
    async fn show(&self, views: &[ThreadView], viewer: &UserId) -> Vec<Value> {
        let named: Vec<UserId> =
            views.iter().flat_map(|view| others(&view.thread, viewer).take(NAMED_MAX)).cloned().collect();
        let people = self.people.shown(&named).await;
        let shown = views.iter().map(|view| {
            let mut thread = view.thread.shown();
            thread["unreadCount"] = json!(view.unread_count);
            thread["lastMessage"] = json!(view.last_message.as_ref().map(Message::shown));
            thread["participant"] = participant(&view.thread, viewer, &people);
            thread
        });
        shown.collect()
    }
}

/// Whom the viewer talks to: the other one, or in a larger thread some of them by name, without an id.
fn participant(thread: &Thread, viewer: &UserId, people: &HashMap<UserId, Participant>) -> Value {
    let named: Vec<&Participant> =
        others(thread, viewer).take(NAMED_MAX).filter_map(|user| people.get(user)).collect();
    if let ([other], 2) = (named.as_slice(), thread.participants.len()) {
        return json!(other);
    }
    let more = others(thread, viewer).count() - named.len();
    let called = named.iter().map(|person| person.name.as_str()).collect::<Vec<_>>().join(", ");
    let name = if more == 0 { called } else { format!("{called} + {more}") };
    json!({ "id": null, "name": name, "avatar": DEFAULT_AVATAR })
}

fn others<'a>(thread: &'a Thread, viewer: &'a UserId) -> impl Iterator<Item = &'a UserId> {
    thread.participants.iter().filter(move |user| *user != viewer)
}

fn page(query: &Query) -> Result<ThreadPage, Refusal> {
    let status = match query.text("status") {
        None | Some("active") => ThreadStatus::Active,
        Some("archived") => ThreadStatus::Archived,
        Some(_) => return Err(Refusal::invalid("status must be active or archived")),
    };
    Ok(ThreadPage { status, after: query.cursor()?, skip: query.skip()?, limit: query.limit()? })
}

/// The place after a thread: its activity time in milliseconds and its id.
fn cursor(thread: &Thread) -> String {
    format!("{}.{}", thread.last_message_at.unwrap_or(thread.created_at).0, thread.id)
}
