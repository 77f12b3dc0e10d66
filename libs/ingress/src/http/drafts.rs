//! The routes about drafts: what the caller has begun to write, the same on all their devices.
//!
//! A draft is shown to its owner alone, while they are in the thread. A save may be repeated: the second time
//! the draft says that already.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::page_bytes;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use axum::extract::State;
use eventflow_ports::DraftPage;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{DraftAnswer, DraftsAnswer, ShownDraft};
use eventflow_protocol::client::requests::DraftBody;
use eventflow_protocol::client::values::MessageContent;
use eventflow_protocol::drafts::SaveDraft;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{ThreadId, UserId};
use std::sync::Arc;

/// `GET /messages/drafts?limit&cursor`: those of the caller that have a text; what was saved last comes
/// first.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<DraftsAnswer> {
    let page = DraftPage { after: query.cursor()?, limit: query.limit()? };
    let mut found = edge.drafts.drafts_of(&caller.user, page).await?;
    let limit = page_bytes::cut(&mut found, page.limit);
    let next_cursor = query::last_of_full(&found, limit).and_then(|last| {
        let at = last.updated_at?;
        Some(query::cursor_after(at, last.thread_id))
    });
    let threads: Vec<ThreadId> = found.iter().map(|draft| draft.thread_id).collect();
    let away = edge.commands.away_from(&caller.user, &threads).await?;
    found.retain(|draft| !away.contains(&draft.thread_id));
    let drafts = found.into_iter().map(ShownDraft::from).collect();
    Ok(RouteAnswer::Ok(DraftsAnswer { drafts, next_cursor, success: Success }))
}

/// `GET /messages/threads/{id}/draft`: revision 0 and no content if the caller never saved one.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
) -> RouteResult<DraftAnswer> {
    edge.commands.require_reader(thread, &caller.user).await?;
    let draft = edge.drafts.draft(thread, &caller.user).await?.into();
    Ok(RouteAnswer::Ok(DraftAnswer { draft, success: Success }))
}

/// `PUT /messages/threads/{id}/draft`: an empty content deletes the draft.
pub(crate) async fn save(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
    JsonBody(body): JsonBody<DraftBody>,
) -> RouteResult<DraftAnswer> {
    store(&edge, caller.user, thread, body).await
}

/// `DELETE /messages/threads/{id}/draft`, whatever revision it has.
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
) -> RouteResult<DraftAnswer> {
    let nothing = DraftBody { content: MessageContent::default(), reply_to: None, based_on: None };
    store(&edge, caller.user, thread, nothing).await
}

/// Answers with what is stored.
async fn store(edge: &Edge, user: UserId, thread: ThreadId, body: DraftBody) -> RouteResult<DraftAnswer> {
    let save: SaveDraft = body.into_command(thread, user, edge.clock.now());
    match edge.commands.save_draft(save).await?.result().await? {
        CommandResult::Draft { draft } => {
            Ok(RouteAnswer::Ok(DraftAnswer { draft: ShownDraft::from(*draft), success: Success }))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}
