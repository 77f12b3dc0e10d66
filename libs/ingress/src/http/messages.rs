//! The routes about a thread's messages: its history, and sending one.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{self, JsonBody};
use crate::http::caller::Caller;
use crate::http::history_cursor::{ForeignCursor, HistoryCursor, HistoryPage};
use crate::http::page_bytes::{self, PageRoom};
use crate::http::path::IdPath;
use crate::http::query::Query;
use crate::http::scheduled;
use crate::refusal::Refusal;
use crate::seen_receipts;
use crate::twin;
use axum::extract::State;
use eventflow_ports::{ChangePage, ChangedMessages, MessagePage, quotes};
use eventflow_protocol::change::{PersonCursors, RECEIPT_PARTICIPANTS_MAX};
use eventflow_protocol::client::answers::{HistoryAnswer, MessageAnswer, ScheduledAnswer};
use eventflow_protocol::client::requests::SendMessageBody;
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::document::Message;
use eventflow_protocol::pairing::Leg;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{Participants, ThreadId, UserId};
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// `GET /{threadId}?before&after&beforeTime&afterTime&changesAfter&cursor&limit`: ascending by `seq`; without
/// a place the newest.
pub(crate) async fn history(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
    query: Query,
) -> RouteResult<HistoryAnswer> {
    let page = page(&query)?;
    let people = edge.commands.people_of(thread, &caller.user).await?;
    let since = people.seen_from(&caller.user).unwrap_or(0);
    Ok(RouteAnswer::Ok(match page {
        HistoryPage::Messages(page) => {
            messages(&edge, thread, MessagePage { since, ..page }, &caller.user).await?
        }
        HistoryPage::Changes(page) => changes(&edge, thread, page, &people, &caller.user).await?,
    }))
}

/// A page by `seq` or time. The change number is read first, so that no change is missed after it.
async fn messages(
    edge: &Edge,
    thread: ThreadId,
    page: MessagePage,
    viewer: &UserId,
) -> Result<HistoryAnswer, Refusal> {
    let last_change = edge.store.newest_change(thread).await?;
    let (mut messages, limit) = page_bytes::read_messages(&*edge.store, thread, page).await?;
    quotes::quote_since(&*edge.store, messages.iter_mut().collect(), page.since).await?;
    seen_receipts::hide(&edge.apart, viewer, messages.iter_mut().collect()).await?;
    let page = MessagePage { limit, ..page };
    let next_cursor = HistoryCursor::behind(&page, &messages).map(|cursor| cursor.to_string());
    let messages = shown(messages);
    Ok(HistoryAnswer { cursors: None, gap: None, last_change, messages, next_cursor, success: Success })
}

/// A page of what changed. The cursors are read last, so that they are as new as the messages.
async fn changes(
    edge: &Edge,
    thread: ThreadId,
    page: ChangePage,
    people: &Participants,
    viewer: &UserId,
) -> Result<HistoryAnswer, Refusal> {
    let since = people.seen_from(viewer).unwrap_or(0);
    let mut changed = edge.store.changes(thread, page).await?;
    changed.messages.retain(|changed| changed.message.seq > since);
    cut(&mut changed);
    let found = changed.messages.iter_mut().map(|changed| &mut changed.message);
    quotes::quote_since(&*edge.store, found.collect(), since).await?;
    let found = changed.messages.iter_mut().map(|changed| &mut changed.message);
    seen_receipts::hide(&edge.apart, viewer, found.collect()).await?;
    let cursors = if people.stored().len() <= RECEIPT_PARTICIPANTS_MAX {
        Some(edge.store.cursors(thread).await?)
    } else {
        None
    };
    let cursors = match cursors.map(|cursors| PersonCursors::shown_to(cursors, viewer)) {
        Some(cursors) => Some(seen_receipts::hide_cursors(&edge.apart, viewer, people, cursors).await?),
        None => None,
    };
    let next = (!changed.is_complete).then(|| HistoryCursor::Changes(changed.up_to).to_string());
    Ok(HistoryAnswer {
        cursors,
        gap: Some(changed.up_to < page.after),
        last_change: changed.up_to,
        messages: shown(changed.messages.into_iter().map(|changed| changed.message)),
        next_cursor: next,
        success: Success,
    })
}

/// Keeps the changes that fit into a page, and goes up to the last of them only.
fn cut(changed: &mut ChangedMessages) {
    let mut room = PageRoom::new();
    let kept = changed.messages.iter().take_while(|one| room.take(&one.message)).count();
    if kept < changed.messages.len() {
        changed.messages.truncate(kept);
        changed.is_complete = false;
        changed.up_to = changed.messages.last().map_or(changed.up_to, |last| last.change);
    }
}

fn shown(messages: impl IntoIterator<Item = Message>) -> Vec<Sorted<WithId<Message>>> {
    messages.into_iter().map(|message| Sorted(WithId(message))).collect()
}

/// What `POST /{threadId}` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum SentAnswer {
    /// The message that is stored.
    Stored(Box<MessageAnswer>),
    /// The message that waits for its time.
    Scheduled(ScheduledAnswer),
}

/// `POST /{threadId} {content, attachments?, mentions?, clientMessageId?, sendAt?}`: 201 stored or
/// kept for later, 200 before, 202 queued.
pub(crate) async fn send(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
    headers: HeaderMap,
    JsonBody(mut body): JsonBody<SendMessageBody>,
) -> RouteResult<SentAnswer> {
    let key = body.client_message_id.take();
    body.client_message_id = body::idempotency_key(&headers, key, "clientMessageId")?;
    let send_at = body.send_at;
    let mut message = body.into_command(thread, caller.user, edge.clock.now());
    if let Some(send_at) = send_at {
        return Ok(scheduled::add(&edge, message, send_at).await?.map(SentAnswer::Scheduled));
    }
    twin::recognise_by_content(&mut message, Leg::Rest, caller.session, None);
    match edge.commands.send_message(message).await?.result().await? {
        CommandResult::Message { message, deduplicated } => {
            let answer = MessageAnswer { deduplicated, message: Sorted(WithId(*message)), success: Success };
            let answer = SentAnswer::Stored(Box::new(answer));
            Ok(if deduplicated { RouteAnswer::Ok(answer) } else { RouteAnswer::Created(answer) })
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// The page that the query names in one of four ways, or the newest one.
fn page(query: &Query) -> Result<HistoryPage, Refusal> {
    let limit = query.limit()?;
    let before = query.place("before", "beforeTime")?.map(HistoryCursor::Before);
    let after = query.place("after", "afterTime")?.map(HistoryCursor::After);
    let changes = query.number("changesAfter")?.map(HistoryCursor::Changes);
    let cursor = query.text("cursor").map(str::parse).transpose();
    let cursor = cursor.map_err(|ForeignCursor| Refusal::invalid("cursor is not one of ours"))?;
    let mut named = [before, after, changes, cursor].into_iter().flatten();
    match (named.next(), named.next()) {
        (None, _) => Ok(HistoryPage::Messages(MessagePage { limit, ..MessagePage::default() })),
        (Some(only), None) => Ok(only.page(limit)),
        (Some(_), Some(_)) => {
            Err(Refusal::invalid("before, after, changesAfter and cursor exclude each other"))
        }
    }
}
