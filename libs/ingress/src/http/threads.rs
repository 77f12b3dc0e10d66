//! The routes about threads: create or find one, list one's own, show one and its people, archive it, leave
//! it, and mark it read.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::blocks;
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::caller::Caller;
use crate::http::cursors;
use crate::http::listed_threads::{listed, listed_one};
use crate::http::page_bytes;
use crate::http::path::IdPath;
use crate::http::query::{Query, last_of_full};
use crate::refusal::Refusal;
use crate::thread_list::{ForeignPlace, ListPlace, ThreadList};
use axum::extract::State;
use eventflow_protocol::change::{AdvanceCursor, ArchiveThread, Cursor};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{
    ArchiveAnswer, CursorAnswer, ParticipantsAnswer, QueuedAnswer, ThreadAck, ThreadAnswer, ThreadsAnswer,
};
use eventflow_protocol::client::requests::{CreateThreadBody, ReadThreadBody, Seq, UnreadThreadBody};
use eventflow_protocol::command::{Command, CreateThread, LeaveThread};
use eventflow_protocol::document::{Thread, ThreadStatus, ThreadView};
use eventflow_protocol::person::Participant;
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
    // Whoever is in the thread finds it, whatever they may start. While the store cannot say, it counts as
    // new.
    let is_in = edge.commands.require_reader(create.thread_id, &caller.user).await.is_ok();
    if !is_in {
        blocks::refuse_blocked(&edge, &caller.user, &create.participants).await?;
        edge.new_threads.admit(&caller, &create).await?;
    }
    created(&edge, &caller.user, create).await
}

async fn created(edge: &Edge, caller: &UserId, create: CreateThread) -> RouteResult<ThreadAnswer> {
    let thread_id = create.thread_id;
    match edge.commands.create_thread(create).await?.result().await? {
        CommandResult::Thread { thread, created: true } if thread.last_seq == 0 => {
            edge.contacts.forget(&thread.participants);
            Ok(RouteAnswer::Created(answer(edge, empty(*thread), caller).await))
        }
        // The caller had left the thread and is back.
        CommandResult::Thread { thread, created: true } => {
            edge.contacts.forget(&thread.participants);
            let view = edge.store.thread_view(thread_id, caller).await?.unwrap_or_else(|| empty(*thread));
            Ok(RouteAnswer::Created(answer(edge, view, caller).await))
        }
        CommandResult::Thread { thread, created: false } => {
            let view = edge.store.thread_view(thread_id, caller).await?.unwrap_or_else(|| empty(*thread));
            Ok(RouteAnswer::Ok(answer(edge, view, caller).await))
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
    let list = ThreadList { store: &*edge.store, viewer: &caller.user, status: status(&query)? };
    let (place, skip) = (place(&query)?, query.skip()?);
    let mut limit = query.limit()?;
    let (views, next) = loop {
        let (mut views, next) = list.page(place, skip, limit).await?;
        match page_bytes::cut(&mut views, limit) {
            fits if fits < limit => limit = fits,
            _ => break (views, next),
        }
    };
    let next_cursor = next.map(|place| place.to_string());
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

/// `GET /threads/{id}/participants?limit&cursor`: everybody in the thread, sorted by id.
pub(crate) async fn participants(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ThreadId>,
    query: Query,
) -> RouteResult<ParticipantsAnswer> {
    let limit = query.limit()?;
    let after = query.user("cursor")?;
    let people = edge.commands.people_of(id, &caller.user).await?;
    let people = people.stored();
    let page = page_of_people(people, after.as_ref(), limit);
    let shown = edge.people.shown(page).await;
    let person =
        |user: &UserId| shown.get(user).cloned().unwrap_or_else(|| Participant::unknown(user.clone()));
    Ok(RouteAnswer::Ok(ParticipantsAnswer {
        next_cursor: last_of_full(page, limit).map(UserId::to_string),
        participant_count: people.len() as u64,
        participants: page.iter().map(person).collect(),
        success: Success,
    }))
}

/// The people who follow this one, in the order of their ids.
pub(crate) fn page_of_people<'a>(people: &'a [UserId], after: Option<&UserId>, limit: u32) -> &'a [UserId] {
    let start = after.map_or(0, |after| people.partition_point(|user| user <= after));
    let end = people.len().min(start + limit as usize);
    &people[start..end]
}

/// `POST /threads/{id}/leave`: takes the caller out of the thread. From then on it is to them as if it did
/// not exist.
pub(crate) async fn leave(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread_id): IdPath<ThreadId>,
) -> RouteResult<ThreadAck> {
    leave_thread(&edge, thread_id, caller.user).await
}

/// Takes a person out of a thread who wants to leave it.
pub(crate) async fn leave_thread(
    edge: &Edge,
    thread_id: ThreadId,
    user_id: UserId,
) -> RouteResult<ThreadAck> {
    edge.commands.require_reader(thread_id, &user_id).await?;
    edge.contacts.forget(std::slice::from_ref(&user_id));
    let leave = LeaveThread { thread_id, user_id, at: edge.clock.now() };
    let result = edge.commands.send_command(&Command::LeaveThread(leave)).await?.result().await;
    edge.commands.forget_people(thread_id);
    match result? {
        CommandResult::Done => Ok(RouteAnswer::Ok(ThreadAck { success: Success, thread_id })),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
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
    edge.commands.require_reader(thread_id, &caller.user).await?;
    let at = edge.clock.now();
    let up_to = match body.seq {
        Some(Seq(seq)) => Some(seq),
        None => edge.commands.everything_in(thread_id).await,
    };
    let advance = AdvanceCursor { thread_id, user_id: caller.user, cursor: Cursor::Read, up_to, at };
    cursors::advance(&edge, advance).await
}

/// `POST /threads/{id}/unread {seq?}`: makes messages of others unread again for the caller, from a place on
/// or the newest one.
pub(crate) async fn unread(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread_id): IdPath<ThreadId>,
    OptionalJsonBody(body): OptionalJsonBody<UnreadThreadBody>,
) -> RouteResult<CursorAnswer> {
    let command = edge.commands.mark_unread(thread_id, caller.user, body.seq, edge.clock.now()).await?;
    cursors::move_cursor(&edge, thread_id, &command).await
}

async fn set_status(
    edge: &Edge,
    thread_id: ThreadId,
    user_id: UserId,
    status: ThreadStatus,
) -> RouteResult<ArchiveAnswer> {
    edge.commands.require_reader(thread_id, &user_id).await?;
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
    ThreadView { thread, unread_count: 0, unread_mentions: 0, last_message: None }
}

fn status(query: &Query) -> Result<ThreadStatus, Refusal> {
    match query.text("status") {
        None | Some("active") => Ok(ThreadStatus::Active),
        Some("archived") => Ok(ThreadStatus::Archived),
        Some(_) => Err(Refusal::invalid("status must be active or archived")),
    }
}

fn place(query: &Query) -> Result<Option<ListPlace>, Refusal> {
    let place = query.text("cursor").map(str::parse).transpose();
    place.map_err(|ForeignPlace| Refusal::invalid("cursor is not one of ours"))
}
