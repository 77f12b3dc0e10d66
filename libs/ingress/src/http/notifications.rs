//! The routes about one's own notifications: list, count, mark read, delete.
//!
//! Somebody else's notification is answered like one that does not exist. Repeating a mark or a deletion
//! changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::after_clocks::after_clocks;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use crate::http::page_bytes;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_ports::NotificationPage;
use eventflow_protocol::client::answers::{CountAnswer, NotificationsAnswer, UnreadCountAnswer};
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::command::Command;
use eventflow_protocol::inbox::{ChangeNotifications, NotificationChange};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{NotificationId, UserId};
use std::sync::Arc;

/// `GET /notifications?limit&cursor&skip&unread`: newest first.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<NotificationsAnswer> {
    let page = NotificationPage {
        after: query.cursor()?,
        unread_only: query.flag("unread")?,
        skip: query.skip()?,
        limit: query.limit()?,
    };
    let mut found = edge.inbox.notifications_of(&caller.user, page).await?;
    let limit = page_bytes::cut(&mut found, page.limit);
    let unread_count = edge.inbox.unread_notifications(&caller.user).await?;
    let next_cursor = query::last_of_full(&found, limit)
        .map(|notification| query::cursor_after(notification.created_at, notification.id));
    let notifications = found.into_iter().map(|notification| Sorted(WithId(notification))).collect();
    Ok(RouteAnswer::Ok(NotificationsAnswer { next_cursor, notifications, success: Success, unread_count }))
}

/// `GET /notifications/unread-count`.
pub(crate) async fn unread_count(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
) -> RouteResult<UnreadCountAnswer> {
    let unread_count = edge.inbox.unread_notifications(&caller.user).await?;
    Ok(RouteAnswer::Ok(UnreadCountAnswer { success: Success, unread_count }))
}

/// `POST /notifications/{id}/read`.
pub(crate) async fn read(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<NotificationId>,
) -> RouteResult<CountAnswer> {
    change_one(&edge, caller.user, id, NotificationChange::Read).await
}

/// `DELETE /notifications/{id}`.
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<NotificationId>,
) -> RouteResult<CountAnswer> {
    change_one(&edge, caller.user, id, NotificationChange::Delete).await
}

/// `POST /notifications/read-all`: marks those that there are by now, also those that a clock accepted which
/// was ahead: the mark is later than the newest of them.
pub(crate) async fn read_all(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
) -> RouteResult<CountAnswer> {
    let newest = NotificationPage { unread_only: true, after: None, skip: 0, limit: 1 };
    let newest = edge.inbox.notifications_of(&caller.user, newest).await?;
    let newest = newest.first().map(|notification| notification.created_at);
    let (user_id, at) = (caller.user, after_clocks(newest, edge.clock.now()));
    let change = NotificationChange::Read;
    carry_out(&edge, ChangeNotifications { user_id, notification_id: None, change, at }).await
}

async fn change_one(
    edge: &Edge,
    user: UserId,
    id: NotificationId,
    what: NotificationChange,
) -> RouteResult<CountAnswer> {
    if edge.inbox.notification(&user, id).await?.is_none() {
        return Err(Refusal::not_found("notification"));
    }
    let (notification_id, at) = (Some(id), edge.clock.now());
    carry_out(edge, ChangeNotifications { user_id: user, notification_id, change: what, at }).await
}

async fn carry_out(edge: &Edge, change: ChangeNotifications) -> RouteResult<CountAnswer> {
    match edge.commands.send_command(&Command::ChangeNotifications(change)).await?.result().await? {
        CommandResult::Count { count } => Ok(RouteAnswer::Ok(CountAnswer { count, success: Success })),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}
