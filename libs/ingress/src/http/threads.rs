//! The routes about threads: create or find one, list one's own, show one, archive it, and mark it read.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::caller::Caller;
use crate::http::cursors;
use crate::http::listed_threads::{listed, listed_one};
use crate::http::page_bytes;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_ports::ThreadPage;
use eventflow_protocol::change::{AdvanceCursor, ArchiveThread, Cursor};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{
    ArchiveAnswer, CursorAnswer, QueuedAnswer, ThreadAnswer, ThreadsAnswer,
};
use eventflow_protocol::client::requests::{CreateThreadBody, ReadThreadBody, Seq};
use eventflow_protocol::command::Command;
use eventflow_protocol::document::{Thread, ThreadStatus, ThreadView};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{ThreadId, UserId};
use std::sync::Arc;

/// `POST /threads {participants, metadata?}`: 201 created, 200 found, 202 queued.
pub(crate) async fn create(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    JsonBody(body): JsonBody<CreateThreadBody>,
) -> RouteResult<ThreadAnswer> {
    let create = body.into_command(caller.user.clone(), edge.clock.now())?;
    let thread_id = create.thread_id;
    match edge.commands.create_thread(create).await?.result().await? {
        CommandResult::Thread { thread, created: true } => {
            edge.contacts.forget(&thread.participants);
            Ok(RouteAnswer::Created(answer(&edge, empty(*thread), &caller.user).await))
        }
        CommandResult::Thread { thread, created: false } => {
            let view = edge.store.thread_view(thread_id, &caller.user).await?;
            let view = view.unwrap_or_else(|| empty(*thread));
            Ok(RouteAnswer::Ok(answer(&edge, view, &caller.user).await))
        }
        CommandResult::Queued { command } => {
            Ok(RouteAnswer::Queued(QueuedAnswer::in_thread(command, thread_id)))
        }
        other => Err(unexpected(&other)),
    }
}

/// `GET /threads?status&limit&cursor&skip`: most recently active first.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<ThreadsAnswer> {
    let page = page(&query)?;
    let mut views = edge.store.threads_of(&caller.user, page).await?;
    let limit = page_bytes::cut(&mut views, page.limit);
    let next_cursor = query::last_of_full(&views, limit).map(|view| {
        let active_at = view.thread.last_message_at.unwrap_or(view.thread.created_at);
        query::cursor_after(active_at, view.thread.id)
    });
    let threads = listed(&edge, views, &caller.user).await;
    Ok(RouteAnswer::Ok(ThreadsAnswer { next_cursor, success: Success, threads }))
}

/// `GET /threads/{id}`.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ThreadId>,
) -> RouteResult<ThreadAnswer> {
    let view = edge.store.thread_view(id, &caller.user).await?;
    let view = view.ok_or_else(|| Refusal::not_found("thread"))?;
    Ok(RouteAnswer::Ok(answer(&edge, view, &caller.user).await))
}

/// `DELETE /threads/{id}`: takes the thread out of the caller's list, and out of nobody else's.
pub(crate) async fn archive(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ThreadId>,
) -> RouteResult<ArchiveAnswer> {
    set_status(&edge, id, caller.user, ThreadStatus::Archived).await
}

/// `POST /threads/{id}/unarchive`: puts it back into the caller's list.
pub(crate) async fn unarchive(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ThreadId>,
) -> RouteResult<ArchiveAnswer> {
    set_status(&edge, id, caller.user, ThreadStatus::Active).await
}

/// `POST /threads/{id}/read {seq?}`: marks everything as read, or everything up to a place.
pub(crate) async fn read(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread_id): IdPath<ThreadId>,
    OptionalJsonBody(body): OptionalJsonBody<ReadThreadBody>,
) -> RouteResult<CursorAnswer> {
    edge.commands.require_participant(thread_id, &caller.user).await?;
    let at = edge.clock.now();
    let up_to = match body.seq {
        Some(Seq(seq)) => Some(seq),
        None => edge.commands.everything_in(thread_id).await,
    };
    let advance = AdvanceCursor { thread_id, user_id: caller.user, cursor: Cursor::Read, up_to, at };
    cursors::advance(&edge, advance).await
}

async fn set_status(
    edge: &Edge,
    thread_id: ThreadId,
    user_id: UserId,
    status: ThreadStatus,
) -> RouteResult<ArchiveAnswer> {
    edge.commands.require_participant(thread_id, &user_id).await?;
    let archived = status == ThreadStatus::Archived;
    let command =
        Command::ArchiveThread(ArchiveThread { thread_id, user_id, archived, at: edge.clock.now() });
    match edge.commands.send_command(&command).await?.result().await? {
        CommandResult::Done => Ok(RouteAnswer::Ok(ArchiveAnswer { status, success: Success, thread_id })),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

async fn answer(edge: &Edge, view: ThreadView, viewer: &UserId) -> ThreadAnswer {
    ThreadAnswer { success: Success, thread: listed_one(edge, view, viewer).await }
}

/// A thread in which nothing was said yet.
fn empty(thread: Thread) -> ThreadView {
    ThreadView { thread, unread_count: 0, last_message: None }
}

fn page(query: &Query) -> Result<ThreadPage, Refusal> {
    let status = match query.text("status") {
        None | Some("active") => ThreadStatus::Active,
        Some("archived") => ThreadStatus::Archived,
        Some(_) => return Err(Refusal::invalid("status must be active or archived")),
    };
    Ok(ThreadPage { status, after: query.cursor()?, skip: query.skip()?, limit: query.limit()? })
}
