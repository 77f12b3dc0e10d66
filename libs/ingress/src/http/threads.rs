//! The routes about threads: start or find one, list one's own, see one.

use crate::commands::Done;
use crate::http::caller::{Reader, Writer};
use crate::http::failure::Failure;
use crate::http::request::{Body, Query, ThreadPath};
use crate::parts::Edge;
use crate::refusal::Refusal;
use crate::validate;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eventflow_ports::ThreadPage;
use eventflow_protocol::document::{Thread, ThreadStatus, ThreadView};
use eventflow_protocol::{ErrorCode, ThreadId, Timestamp, UserId};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// The picture of everybody without one of their own.
const AVATAR: &str = "/assets/avatar.svg";
/// Most threads a listing passes over: past it, a cursor is the way.
const SKIP_MAX: u32 = 10_000;

/// A thread as the published client draws it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    view: ThreadView,
    /// The other one, in a thread of two.
    #[serde(skip_serializing_if = "Option::is_none")]
    participant: Option<Profile>,
}

/// How a person is shown. Safe to put into a page as it is: a user id has no markup.
#[derive(Serialize)]
struct Profile {
    id: UserId,
    name: UserId,
    avatar: &'static str,
}

/// `POST /threads {participants, metadata?}`: 201 created, 200 found, 202 queued.
pub(crate) async fn create(
    State(edge): State<Arc<Edge>>,
    Writer(caller): Writer,
    Body(mut body): Body,
) -> Result<Response, Failure> {
    let create = validate::create_thread(&mut body, caller.user.clone(), edge.clock.now())?;
    let id = create.thread_id;
    match edge.commands.create_thread(create).await?.done().await? {
        Done::Thread { thread, created } => {
            let view = if created { fresh(*thread) } else { found(&edge, *thread, &caller.user).await? };
            let status = if created { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, Json(json!({ "success": true, "thread": shown(view, &caller.user) }))).into_response())
        }
        Done::Queued(command) => {
            let body = json!({ "success": true, "status": "queued", "commandId": command, "threadId": id });
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
        Done::Message { .. } => Err(Refusal::new(ErrorCode::Failed, "the thread could not be created").into()),
    }
}

/// `GET /threads?status&limit&cursor&skip`: most recently active first.
pub(crate) async fn list(State(edge): State<Arc<Edge>>, Reader(caller): Reader, query: Query) -> Result<Response, Failure> {
    let page = page(&query)?;
    let views = edge.store.threads_of(&caller.user, page).await.map_err(Refusal::from)?;
    let is_full = views.len() == usize::try_from(page.limit).unwrap_or(usize::MAX);
    let next = views.last().filter(|_| is_full).map(|view| cursor(&view.thread));
    let threads: Vec<Shown> = views.into_iter().map(|view| shown(view, &caller.user)).collect();
    Ok(Json(json!({ "success": true, "threads": threads, "nextCursor": next })).into_response())
}

/// `GET /threads/{id}`.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    Reader(caller): Reader,
    ThreadPath(id): ThreadPath,
) -> Result<Response, Failure> {
    let view = edge.store.thread_view(id, &caller.user).await.map_err(Refusal::from)?;
    let view = view.ok_or_else(|| Refusal::not_found("thread"))?;
    Ok(Json(json!({ "success": true, "thread": shown(view, &caller.user) })).into_response())
}

async fn found(edge: &Edge, thread: Thread, viewer: &UserId) -> Result<ThreadView, Refusal> {
    Ok(edge.store.thread_view(thread.id, viewer).await?.unwrap_or_else(|| fresh(thread)))
}

/// A thread in which nothing was said yet.
fn fresh(thread: Thread) -> ThreadView {
    ThreadView { thread, unread_count: 0, last_message: None }
}

fn shown(view: ThreadView, viewer: &UserId) -> Shown {
    let participant = match view.thread.participants.as_slice() {
        [one, other] => Some(if one == viewer { other } else { one }),
        _ => None,
    };
    let participant = participant.map(|id| Profile { id: id.clone(), name: id.clone(), avatar: AVATAR });
    Shown { view, participant }
}

fn page(query: &Query) -> Result<ThreadPage, Refusal> {
    let status = match query.text("status") {
        None | Some("active") => ThreadStatus::Active,
        Some("archived") => ThreadStatus::Archived,
        Some(_) => return Err(Refusal::invalid("status must be active or archived")),
    };
    let skip = query.number("skip")?.unwrap_or(0);
    if skip > SKIP_MAX {
        return Err(Refusal::invalid(format!("skip must be at most {SKIP_MAX}; continue with a cursor")));
    }
    let after = query.text("cursor").map(|text| parse_cursor(text).ok_or_else(|| Refusal::invalid("cursor is not one of ours")));
    Ok(ThreadPage { status, after: after.transpose()?, skip, limit: query.limit()? })
}

/// The place after a thread: its activity time in milliseconds and its id.
fn cursor(thread: &Thread) -> String {
    format!("{}.{}", thread.last_message_at.unwrap_or(thread.created_at).0, thread.id)
}

fn parse_cursor(text: &str) -> Option<(Timestamp, ThreadId)> {
    let (time, id) = text.split_once('.')?;
    Some((Timestamp(time.parse().ok()?), id.parse().ok()?))
}
