//! The routes about pinned messages: pin one, unpin it, and list those of a thread.
//!
//! Whoever is in the thread may do all three. Repeating a pin or its end changes nothing.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use crate::http::changes;
use crate::http::page_bytes;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::seen_receipts;
use axum::extract::State;
use eventflow_ports::{PinPage, quotes};
use eventflow_protocol::change::Change;
use eventflow_protocol::client::answers::{ChangeAnswer, PinsAnswer};
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::document::Message;
use eventflow_protocol::{MessageId, ThreadId};
use std::sync::Arc;

/// `PUT /{messageId}/pin`.
pub(crate) async fn pin(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<MessageId>,
) -> RouteResult<ChangeAnswer> {
    changes::change(&edge, id, caller.user, Change::Pin { is_pinned: true }).await
}

/// `DELETE /{messageId}/pin`.
pub(crate) async fn unpin(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<MessageId>,
) -> RouteResult<ChangeAnswer> {
    changes::change(&edge, id, caller.user, Change::Pin { is_pinned: false }).await
}

/// `GET /threads/{id}/pins?limit&cursor`: what was pinned last comes first.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
    query: Query,
) -> RouteResult<PinsAnswer> {
    let asked = query.limit()?;
    let after = query.cursor()?;
    let since = edge.commands.require_reader(thread, &caller.user).await?;
    let mut messages = edge.store.pins(thread, PinPage { after, since, limit: asked }).await?;
    let limit = page_bytes::cut(&mut messages, asked);
    quotes::quote_since(&*edge.store, messages.iter_mut().collect(), since).await?;
    seen_receipts::hide(&edge.apart, &caller.user, messages.iter_mut().collect()).await?;
    let next_cursor = query::last_of_full(&messages, limit).and_then(cursor);
    let messages = messages.into_iter().map(|message| Sorted(WithId(message))).collect();
    Ok(RouteAnswer::Ok(PinsAnswer { messages, next_cursor, success: Success }))
}

/// The cursor that continues after this message: the time of its pin and its place.
fn cursor(message: &Message) -> Option<String> {
    let pinned = message.pinned.as_ref()?;
    Some(query::cursor_after(pinned.pinned_at, message.seq))
}
